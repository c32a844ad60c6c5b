"""A checkpoint store in a SQLite file."""

from __future__ import annotations

import os
import time
import weakref
from typing import TYPE_CHECKING

from everstream.checkpoints.database import Database
from everstream.checkpoints.store import absolute_path, require_text, save_newest
from everstream.core.arguments import require_seconds
from everstream.core.errors import CheckpointError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["SQLiteCheckpoint"]

_LOAD = "SELECT last_event_id FROM checkpoints WHERE key = ?"
_SAVE = """\
INSERT INTO checkpoints (key, last_event_id, updated) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET last_event_id = excluded.last_event_id, updated = excluded.updated"""


class SQLiteCheckpoint:
    """Keeps cursors in a SQLite file: one file for many streams, threads and processes of one machine.

    Durability: on return from `save` the id is synced to the disk; neither SIGKILL nor a loss of power
    takes it back. The file must be on a local disk: SQLite's write-ahead log, which this uses, does not
    work over a network file system.

    Any number of threads and processes may share the file, also processes forked while the store is in
    use. A process opens it at its first use, and keeps it open until `close()`. Beside it lie `PATH-wal`
    and `PATH-shm`, which belong to it while it is open. If somebody moves or deletes the file, the next
    use makes a new one.

    The `sqlite3` command shows it::

        CREATE TABLE checkpoints (
            key TEXT PRIMARY KEY,           -- the name of the stream
            last_event_id TEXT NOT NULL,    -- the cursor
            updated REAL NOT NULL           -- when it was saved, in seconds since the epoch
        )

    Args:
        path: The file. Its folder must exist, and be writable; the file is made at the first use. It is no
            I/O to make the store.
        busy_timeout: Seconds to wait while other threads or processes write; then `CheckpointError` says
            that the file is locked.
    """

    def __init__(self, path: str | os.PathLike[str], *, busy_timeout: float = 5.0) -> None:
        # An absolute path is always a file: "" and ":memory:" would be databases that nobody finds again.
        self._path = absolute_path("SQLiteCheckpoint", path)
        require_seconds("SQLiteCheckpoint", busy_timeout=busy_timeout)
        self._database = Database(self._path, busy_timeout)
        self._newest: dict[str, str] = {}
        # Whoever makes an event source does not close its store: the end of the store does.
        weakref.finalize(self, self._database.close)

    def load(self, key: str) -> str | None:
        """Returns the last event ID that was saved for a key, or None.

        Raises:
            CheckpointError: The file is locked, damaged or out of reach.
        """
        require_text(self._database.name, key)
        for (last_event_id,) in self._database.execute(_LOAD, key):
            if isinstance(last_event_id, str):
                return last_event_id
            reason = (
                "a last event ID in it is no text; correct it with the sqlite3 command, or delete the row"
            )
            raise CheckpointError(store=self._database.name, reason=reason)
        return None

    def save(self, key: str, last_event_id: str) -> None:
        """Keeps the last event ID for a key; on return it is on the disk.

        Raises:
            CheckpointError: The file is locked, full, damaged or out of reach; the id before is still there.
        """
        require_text(self._database.name, key, last_event_id)
        save_newest(self._newest, key, last_event_id, self._write)

    def close(self) -> None:
        """Closes the file. A store that is used again opens it again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SQLiteCheckpoint({self._path!r})"

    def _write(self, key: str, last_event_id: str) -> None:
        self._database.execute(_SAVE, key, last_event_id, time.time())
