"""A checkpoint store in memory."""

from __future__ import annotations

from everstream.checkpoints.store import require_text

__all__ = ["MemoryCheckpoint"]


class MemoryCheckpoint:
    """Keeps cursors as long as it lives itself: for tests, and for event sources made anew in one process.

    Durability: none; all is gone with the process. Threads may share it. A forked process has a copy.
    """

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def load(self, key: str) -> str | None:
        """Returns the last event ID that was saved for a key, or None.

        Raises:
            CheckpointError: The key is not valid Unicode.
        """
        require_text(repr(self), key)
        return self._ids.get(key)

    def save(self, key: str, last_event_id: str) -> None:
        """Keeps the last event ID for a key.

        Raises:
            CheckpointError: The key or the id is not valid Unicode, as for the stores that write.
        """
        require_text(repr(self), key, last_event_id)
        self._ids[key] = last_event_id

    def __repr__(self) -> str:
        return "MemoryCheckpoint()"
