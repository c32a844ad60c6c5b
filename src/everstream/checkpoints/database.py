"""The connection of a `SQLiteCheckpoint`, and every way in which SQLite may fail.

Rule: one statement at a time, each a transaction of its own, under a lock. A connection is opened when a
statement needs it, and never used in another process than the one that opened it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import time
import weakref
from collections.abc import Generator
from typing import NamedTuple

from everstream.core.errors import CheckpointError
from everstream.core.wording import seconds

__all__ = ["Database"]

_TABLE = """\
CREATE TABLE IF NOT EXISTS checkpoints (
    key TEXT PRIMARY KEY,
    last_event_id TEXT NOT NULL,
    updated REAL NOT NULL
)"""

_PAUSE = 0.002
"""Seconds between two tries of a statement that found the file locked."""

_LOCKED = ("is locked", "locking protocol")
_LOCKED_ADVICE = (
    "it is locked for more than {}; it is tried again, but see who has it open (a backup, or a transaction "
    "in the sqlite3 command?), or give a longer busy_timeout="
)
_UNKNOWN_TABLE = "its table `checkpoints` is not ours; give a file of its own"
_DAMAGED = (
    "it is no SQLite database, or damaged; restore it from a copy, or move it away, with its -wal and -shm, "
    "to begin anew"
)
_UNWRITABLE = (
    "it may not be written; give this user the permission to write the file and its folder, and see whether "
    "the file system is read-only"
)
_UNOPENED = (
    "it cannot be opened; see whether this user may read and write the file and its folder, and whether the "
    "process has too many open files"
)
_ADVICE = {
    "disk is full": (
        "no space is left on its disk; make room (the last checkpoint is still there)",
        True,
    ),
    "readonly": (_UNWRITABLE, True),
    "unable to open": (_UNOPENED, True),
    "disk I/O error": (
        "its disk cannot be read or written; see whether it is full, failing or gone",
        True,
    ),
    "not a database": (_DAMAGED, False),
    "malformed": (_DAMAGED, False),
    "no such column": (_UNKNOWN_TABLE, False),
    "has no column": (_UNKNOWN_TABLE, False),
    "no such table": (_UNKNOWN_TABLE, False),
    "a view": (_UNKNOWN_TABLE, False),
    "ON CONFLICT": (_UNKNOWN_TABLE, False),
    "constraint failed": (_UNKNOWN_TABLE, False),
    "closed database": ("it was closed while it was used; it is opened again", True),
    "decode to UTF-8": (
        "a text in it is not UTF-8; correct it with the sqlite3 command, or delete the row",
        False,
    ),
}
"""By what SQLite says, since Python has its error codes only from 3.11 on: what to do, whether to retry."""


class _Opened(NamedTuple):
    """A connection, the process that opened it, and which file this path was then."""

    connection: sqlite3.Connection
    process: int
    identity: tuple[int, int] | None


class Database:
    """One SQLite file, with the table of checkpoints in it.

    Args:
        path: The file, as an absolute path.
        busy_timeout: Seconds to wait for other threads and processes.

    Attributes:
        name: What errors call it.
        lock: Held while the connection is used; a signal handler may take it again.
    """

    def __init__(self, path: str, busy_timeout: float) -> None:
        self.name = f"the SQLite file {path}"
        self.lock = threading.RLock()
        self._path = path
        self._busy_timeout = busy_timeout
        self._opened: _Opened | None = None
        with _forking:
            _databases.add(self)

    def execute(self, statement: str, *parameters: str | float) -> list[tuple[object, ...]]:
        """Executes a statement.

        Returns:
            All rows: a cursor that is not read to its end would keep others from the file.

        Raises:
            CheckpointError: It could not be executed, for whatever reason.
        """
        deadline = time.monotonic() + self._busy_timeout
        with self._told(), self._turn():
            while True:
                rows = self._try(statement, parameters, is_last=time.monotonic() >= deadline)
                if rows is not None:
                    return rows
                # SQLite would wait by itself, but longer and longer between two tries, up to 0.1 s: beside a
                # process that saves without a pause, it would seldom find the gap.
                time.sleep(_PAUSE)

    def close(self) -> None:
        """Closes the connection, if there is one."""
        with self.lock:
            if self._opened is not None and self._opened.process == os.getpid():
                self._keep(None)

    def _keep(self, opened: _Opened | None) -> None:
        """Puts this connection in the place of another, which may be that of a signal handler."""
        replaced, self._opened = self._opened, opened
        if replaced is not None:
            # Closed or not, it is not used again. What may fail is that the log is put into the file.
            with contextlib.suppress(sqlite3.Error):
                replaced.connection.close()

    @contextlib.contextmanager
    def _turn(self) -> Generator[None, None, None]:
        """Takes the lock, or gives up: behind a file that is locked, threads would wait in a long line."""
        with _forking:
            pass  # whoever wants to fork goes first, or threads that save without a pause would not let it
        if not self.lock.acquire(timeout=min(self._busy_timeout, threading.TIMEOUT_MAX)):
            raise sqlite3.OperationalError("database is locked")
        try:
            yield
        finally:
            self.lock.release()

    @contextlib.contextmanager
    def _told(self) -> Generator[None, None, None]:
        """Translates what SQLite raises."""
        try:
            yield
        except sqlite3.Error as error:
            reason, retryable = self._advice(error)
            raise CheckpointError(store=self.name, reason=reason, retryable=retryable) from error

    def _try(
        self, statement: str, parameters: tuple[str | float, ...], *, is_last: bool
    ) -> list[tuple[object, ...]] | None:
        """Returns all rows, or None if the file is locked and this is not the last try."""
        try:
            return self._current().execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            if not _is_locked(error):
                # Whatever is wrong, a connection that is opened anew has the best prospects.
                self.close()
                raise
            if is_last:
                raise
            return None

    def _advice(self, error: sqlite3.Error) -> tuple[str, bool]:
        if _is_locked(error):
            return _LOCKED_ADVICE.format(seconds(self._busy_timeout)), True
        # Not `Path.is_dir`, which may raise an error of its own.
        if not os.path.isdir(os.path.dirname(self._path)):  # noqa: PTH112, PTH120
            return "its folder does not exist; create it, or give another path", False
        if os.path.isdir(self._path):  # noqa: PTH112
            return "it is a folder; give the path of a file", False
        known = (advice for said, advice in _ADVICE.items() if said in str(error))
        return next(known, (f"SQLite says: {error}", isinstance(error, sqlite3.OperationalError)))

    def _current(self) -> sqlite3.Connection:
        """Returns the connection to the file that now has this path."""
        opened = self._opened  # which a signal handler may change
        if opened is not None and opened.process != os.getpid():
            # Python's forks close it before. Another one made a copy of SQLite's memory, which knows of
            # locks that this process does not have: also a new connection would be wrong about them.
            reason = (
                "it was open while this process was forked, by something other than Python; use the store "
                "first after the fork, or close() it before"
            )
            raise CheckpointError(store=self.name, reason=reason)
        if opened is None or opened.identity != self._identify():
            self._keep(None)
            connection = self._open()
            self._keep(_Opened(connection, os.getpid(), self._identify()))
            return connection
        return opened.connection

    def _identify(self) -> tuple[int, int] | None:
        # Not by opening it: to close any descriptor of a file drops all locks of the process on it (POSIX).
        try:
            found = os.stat(self._path)  # noqa: PTH116
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            # Where there can be no such log, SQLite goes on with a rollback journal: slower, and as safe.
            connection.execute("PRAGMA journal_mode = WAL").close()
            # NORMAL would be safe against SIGKILL, but not sync at a commit: a loss of power would then set
            # streams back by minutes. A save each second per stream pays for the sync easily.
            connection.execute("PRAGMA synchronous = FULL").close()
            connection.execute(_TABLE).close()
        except BaseException:
            connection.close()
            raise
        return connection


def _is_locked(error: sqlite3.Error) -> bool:
    return any(said in str(error) for said in _LOCKED)


# SQLite forbids to carry a connection across a fork. To open another one in the child is not enough: SQLite
# believes that the process still has the locks of the inherited one, so that the parent, when it ends, finds
# nobody else there and deletes the log in which the child writes. So all are closed before a fork; those
# that are still needed open again.
_databases: weakref.WeakSet[Database] = weakref.WeakSet()
_forking = threading.RLock()
_held: list[Database] = []


def _before_fork() -> None:
    _forking.acquire()
    for database in list(_databases):
        database.lock.acquire()
        _held.append(database)
        database.close()


def _after_fork() -> None:
    while _held:
        _held.pop().lock.release()
    _forking.release()


if sys.platform != "win32":
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
