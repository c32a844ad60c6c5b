"""What a checkpoint store is, and what all of ours have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from everstream.core.errors import CheckpointError, ConfigurationError

__all__ = ["CheckpointStore", "absolute_path", "require_text", "save_newest"]


class CheckpointStore(Protocol):
    """Keeps a last event ID for each key. Write your own for a medium that we have none for.

    Several threads may call it at once, and a signal handler may while the thread that it interrupted is
    inside of it. Of several saves of one key, the one that began last counts.
    """

    def load(self, key: str) -> str | None:
        """Returns the last event ID that was saved for a key, or None if there is none.

        Args:
            key: The name of the stream.

        Raises:
            CheckpointError: The store cannot be read.
        """
        ...

    def save(self, key: str, last_event_id: str) -> None:
        """Keeps the last event ID for a key, in place of the one before; it is safe on return.

        Args:
            key: The name of the stream.
            last_event_id: The cursor; it may be empty.

        Raises:
            CheckpointError: The store cannot be written; the id before is still there.
        """
        ...


def absolute_path(owner: str, path: str | os.PathLike[str]) -> str:
    """Returns a path that a later change of the working directory does not move.

    Raises:
        ConfigurationError: It is no path.
    """
    try:
        found = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 (to resolve links would be I/O)
    except TypeError:
        raise ConfigurationError(f"{owner}(path) takes a path, not a {type(path).__name__}") from None
    if "\0" in found:
        raise ConfigurationError(f"{owner}(path) takes a path without NUL")
    return found


def require_text(store: str, *texts: str) -> None:
    """Raises `CheckpointError` unless each text can be written as UTF-8, as every medium wants it.

    Ids from the wire always can. A lone surrogate comes from elsewhere, such as the name of a file.
    """
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError as error:
        reason = (
            f"a key or last event ID holds the lone surrogate {error.object[error.start]!a}, which cannot be "
            "written as UTF-8; give one that is valid Unicode"
        )
        raise CheckpointError(store=store, reason=reason) from error


def save_newest(
    newest: dict[str, str], key: str, last_event_id: str, write: Callable[[str, str], None]
) -> None:
    """Writes an id so that, of all calls for the key, the one that began last counts, without a lock.

    Whoever has written an id that is no longer the newest writes again. So it does not matter in which
    order the writes of several threads land, nor that a signal handler saved in the midst of this.

    Args:
        newest: What was to be saved last, by key; it belongs to the store.
        key: The name of the stream.
        last_event_id: What to save.
        write: Writes one id for one key.
    """
    newest[key] = last_event_id
    while True:
        writing = newest[key]
        write(key, writing)
        if newest[key] == writing:
            return
