"""Events that could not be handled, in a file of JSON Lines."""

from __future__ import annotations

import errno
import os
from datetime import datetime, timezone
from pathlib import Path

from everstream import ConfigurationError, Event
from everstream.cli.attempt import failure_of
from everstream.cli.escaping import json_text

__all__ = ["DeadLetters"]

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_OWNER_ONLY = 0o600
_NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP)
"""What is no regular file, such as a pipe, has nothing to sync."""


class DeadLetters:
    """Puts events aside. A line is on the disk before the stream goes on.

    The file is opened for each event, so it may be moved away meanwhile.

    Args:
        path: The file; if it is not there it is made, readable for its owner alone.
        stream: The name of the stream.

    Raises:
        ConfigurationError: It cannot be written.
    """

    def __init__(self, path: Path, stream: str) -> None:
        self._path = path
        self._stream = stream
        try:
            os.close(self._opened())
        except OSError as error:
            raise ConfigurationError(f"--dead-letter {path}: {error.strerror}") from error

    def __call__(self, event: Event, error: Exception) -> None:
        """Appends an event, and what its handler raised.

        Raises:
            OSError: It could not be written.
        """
        line = json_text(
            {
                "time": datetime.now(timezone.utc).isoformat(),
                "stream": self._stream,
                "id": event.id,
                "type": event.type,
                "data": event.data,
                "error": failure_of(error),
            }
        )
        descriptor = self._opened()
        try:
            _append(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        return os.open(self._path, _FLAGS, _OWNER_ONLY)


def _append(descriptor: int, line: bytes) -> None:
    if _ends_within_a_line(descriptor):
        line = b"\n" + line
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise


def _ends_within_a_line(descriptor: int) -> bool:
    """Returns whether the last line is unfinished: the disk was full, or we were killed."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"
