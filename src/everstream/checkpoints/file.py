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

_locks: dict[str, threading.RLock] = {}
"""By path: stores on the same file, made in different places of a program, take turns."""

if sys.platform != "win32":
    # A lock that another thread holds at a fork would stay locked in the child for ever.
    os.register_at_fork(after_in_child=_locks.clear)


class FileCheckpoint:
    """Keeps cursors in a file: a JSON object of key and last event ID, readable for its owner alone.

    Durability: on return from `save`, file and folder are synced to the disk. The file is replaced in one
    step, so that a crash at any moment leaves the old one or the new one.

    Several streams of one process may share it, in any number of threads, and with several stores for
    the same file. Several processes may not: one would overwrite what the other saved. For these take
    `SQLiteCheckpoint`. Each save writes the file anew, and syncs it: with hundreds of streams, too.

    Args:
        path: The file. Its folder must exist; the file is made by the first save. A symbolic link is
            followed. It is no I/O to make the store.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = absolute_path("FileCheckpoint", path)
        self._ids: dict[str, str] = {}
        self._tickets = itertools.count()
        self._written = -1
        self._is_tidy = False

    def load(self, key: str) -> str | None:
        """Returns the last event ID that was saved for a key, or None, also if there is no file yet.

        Raises:
            CheckpointError: The folder is missing, or the file cannot be read, or is damaged.
        """
        require_text(self._name, key)
        with self._told():
            last_event_id = self._read().get(key)
        if last_event_id is not None:
            require_text(self._name, last_event_id)
        return last_event_id

    def save(self, key: str, last_event_id: str) -> None:
        """Keeps the last event ID for a key; on return it is on the disk.

        Raises:
            CheckpointError: The file could not be written, and is as it was; so also if it is damaged.
        """
        require_text(self._name, key, last_event_id)
        self._ids[key] = last_event_id
        ticket = next(self._tickets)
        with _locks.setdefault(self._path, threading.RLock()), self._told():
            # Whoever had the lock before may have written this as well.
            if self._written < ticket:
                self._written = self._write()

    def __repr__(self) -> str:
        return f"FileCheckpoint({self._path!r})"

    @property
    def _name(self) -> str:
        return f"the file {self._path}"

    @contextlib.contextmanager
    def _told(self) -> Generator[None, None, None]:
        """Translates what the operating system raises."""
        try:
            yield
        except OSError as error:
            number = error.errno or 0
            reason = _PERMANENT.get(number) or _PASSING.get(number)
            reason = reason or f"{error.strerror or type(error).__name__}; it is tried again by the next save"
            raise CheckpointError(
                store=self._name, reason=reason, retryable=number not in _PERMANENT
            ) from error

    def _read(self) -> dict[str, str]:
        try:
            content = Path(self._path).read_bytes()
        except FileNotFoundError:
            if Path(self._path).parent.is_dir():
                return {}
            raise
        try:
            ids: object = json.loads(content.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise CheckpointError(store=self._name, reason=_DAMAGED) from error
        if not isinstance(ids, dict) or not all(
            isinstance(last_event_id, str) for last_event_id in cast("dict[str, object]", ids).values()
        ):
            raise CheckpointError(store=self._name, reason=_DAMAGED)
        return cast("dict[str, str]", ids)

    def _write(self) -> int:
        """Writes what was saved here into the file as it stands.

        Returns:
            A ticket: what was saved before it was drawn is on the disk.
        """
        while True:
            ticket = next(self._tickets)
            ids = dict(self._ids)
            # ASCII, so that even a lone surrogate that an editor left there can be written again.
            text = json.dumps({**self._read(), **ids}, indent=1)
            self._replace(f"{text}\n".encode("ascii"))
            # A signal handler may have saved, with this very lock, before this older state was in place.
            if ids == self._ids:
                return ticket

    def _replace(self, content: bytes) -> None:
        target = Path(self._path).resolve()
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
