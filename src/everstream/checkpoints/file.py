"""A checkpoint store in a JSON file, replaced as a whole by each save."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import cast

from everstream.checkpoints.store import absolute_path, require_text
from everstream.core.errors import CheckpointError

__all__ = ["FileCheckpoint"]

_NEW = ".everstream-new"
"""How the names of unfinished files end."""

_PERMANENT = {
    errno.ENOENT: "its folder does not exist; create it, or give another path",
    errno.ENOTDIR: "its folder is a file; give another path",
    errno.EISDIR: "it is a folder; give the path of a file",
    errno.EACCES: "this user may not use it; give it the permission to read the file and to write its folder",
    errno.EPERM: "this user may not use it; give it the permission to read the file and to write its folder",
    errno.ENAMETOOLONG: "its name is too long; give a shorter one",
    errno.ELOOP: "its path is a circle of symbolic links; give another one",
}
_PASSING = {
    errno.ENOSPC: "no space is left on its disk; make room (the last checkpoint is still there)",
    errno.EDQUOT: "the disk quota is used up; make room (the last checkpoint is still there)",
    errno.EROFS: "its file system is read-only; make it writable, or give another path",
    errno.EMFILE: "this process has too many open files; raise its limit",
}
_DAMAGED = (
    "it is not what was written here (a JSON object of texts), and is left as it is; restore it from a "
    "copy, or move it away to begin anew"
)


class FileCheckpoint:
    """Keeps cursors in a file: a JSON object of key and last event ID, readable for its owner alone.

    Durability: on return from `save`, file and folder are synced to the disk. The file is replaced in one
    step, so that a crash at any moment leaves the old one or the new one.

    Several streams of one process may share it, in any number of threads, and with several stores for
    the same file. Several processes may not: one would overwrite what the other saved. For these take
    `SQLiteCheckpoint`, and for hundreds of streams, too: each save writes the whole file anew.

    Args:
        path: The file. Its folder must exist; the file is made by the first save. A symbolic link is
            followed. It is no I/O to make the store.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = absolute_path("FileCheckpoint", path)

    def load(self, key: str) -> str | None:
        """Returns the last event ID that was saved for a key, or None, also if there is no file yet.

        Raises:
            CheckpointError: The folder is missing, or the file cannot be read, or is damaged.
        """
        sheet = _sheet_of(self._path)
        require_text(sheet.name, key)
        last_event_id = sheet.load(key)
        if last_event_id is not None:
            require_text(sheet.name, last_event_id)  # an editor may have left one
        return last_event_id

    def save(self, key: str, last_event_id: str) -> None:
        """Keeps the last event ID for a key; on return it is on the disk.

        Raises:
            CheckpointError: The file could not be written, and is as it was; so also if it is damaged.
        """
        sheet = _sheet_of(self._path)
        require_text(sheet.name, key, last_event_id)
        sheet.save(key, last_event_id)

    def __repr__(self) -> str:
        return f"FileCheckpoint({self._path!r})"


class _Sheet:
    """One file, shared by all stores that are made for its path.

    What is to be saved is noted first, and then written under a lock, all of it in one go: so threads
    that waited for the lock find that it was done for them. The lock lets a signal handler in that
    interrupted the thread which has it; what such a handler saved is written at once, and once more when
    the interrupted write, which does not know of it, is in place.
    """

    def __init__(self, path: str) -> None:
        self.name = f"the file {path}"
        self._path = Path(path)
        self._lock = threading.RLock()
        self._tickets = itertools.count()
        self._pending: dict[int, tuple[str, str]] = {}
        self._is_writing = False
        self._is_tidy = False

    def load(self, key: str) -> str | None:
        """Returns the last event ID of a key."""
        with _told(self.name):
            return self._read().get(key)

    def save(self, key: str, last_event_id: str) -> None:
        """Notes what is to be saved, and sees that it is."""
        ticket = next(self._tickets)
        self._pending[ticket] = (key, last_event_id)
        try:
            with self._lock, _told(self.name):
                if ticket in self._pending:
                    self._write_pending()
        except BaseException:
            self._pending.pop(ticket, None)
            raise

    def _write_pending(self) -> None:
        if self._is_writing:
            self._write()
            return
        self._is_writing = True
        try:
            while self._pending:
                for ticket in self._write():
                    self._pending.pop(ticket, None)
        finally:
            self._is_writing = False

    def _write(self) -> list[int]:
        """Writes what is noted into the file as it stands, and returns the tickets."""
        pending = dict(sorted(self._pending.copy().items()))
        ids = {**self._read(), **dict(pending.values())}
        # ASCII, so that even a lone surrogate that an editor left there can be written again.
        self._replace(f"{json.dumps(ids, indent=1)}\n".encode("ascii"))
        return list(pending)

    def _read(self) -> dict[str, str]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            if self._path.parent.is_dir():
                return {}
            raise
        try:
            ids: object = json.loads(content.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise CheckpointError(store=self.name, reason=_DAMAGED) from error
        if not isinstance(ids, dict) or not all(
            isinstance(last_event_id, str) for last_event_id in cast("dict[str, object]", ids).values()
        ):
            raise CheckpointError(store=self.name, reason=_DAMAGED)
        return cast("dict[str, str]", ids)

    def _replace(self, content: bytes) -> None:
        target = self._path.resolve()
        prefix = f".{target.name[:40]}."
        if not self._is_tidy:
            _remove_unfinished(target.parent, prefix)
            self._is_tidy = True
        descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=_NEW, dir=target.parent)
        new = Path(name)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise
        _sync_folder(target.parent)


_sheets: dict[str, _Sheet] = {}

if sys.platform != "win32":
    # A lock that another thread holds at a fork would stay locked in the child for ever.
    os.register_at_fork(after_in_child=_sheets.clear)


def _sheet_of(path: str) -> _Sheet:
    return _sheets.get(path) or _sheets.setdefault(path, _Sheet(path))


@contextlib.contextmanager
def _told(name: str) -> Generator[None, None, None]:
    """Translates what the operating system raises."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        reason = _PERMANENT.get(number) or _PASSING.get(number)
        reason = reason or f"{error.strerror or type(error).__name__}; it is tried again by the next save"
        raise CheckpointError(store=name, reason=reason, retryable=number not in _PERMANENT) from error


def _remove_unfinished(folder: Path, prefix: str) -> None:
    """Removes what a process left that was killed while it saved."""
    for path in folder.iterdir():
        if path.name.startswith(prefix) and path.name.endswith(_NEW):
            with contextlib.suppress(OSError):
                path.unlink()


def _sync_folder(folder: Path) -> None:
    """Makes the new name of the file durable; without it, a power loss may bring back the old file."""
    if sys.platform == "win32":
        return  # where folders cannot be opened
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems sync no folders
            raise
    finally:
        os.close(descriptor)
