"""Checkpoint stores of a caller's own, for the tests: in memory, and as bad as they are told to be."""

from __future__ import annotations

import threading
from collections.abc import Callable

from everstream import CheckpointError
from everstream.checkpoints import MemoryCheckpoint

LOCKED = CheckpointError(store="the store", reason="it is locked", retryable=True)
BROKEN = CheckpointError(store="the store", reason="it is broken; mend it")


class Store(MemoryCheckpoint):
    """Keeps cursors, notes every call, and raises what is set.

    Attributes:
        calls: What was asked of it: `load`, or the cursor to save.
        load_errors: What the next loads raise, one after another.
        save_error: What every save raises.
        on_save: Called in the midst of a save.
    """

    def __init__(self, saved: str | None = None, key: str = "orders") -> None:
        super().__init__()
        self.calls: list[str] = []
        self.load_errors: list[Exception] = []
        self.save_error: Exception | None = None
        self.on_save: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        if saved is not None:
            super().save(key, saved)

    @property
    def saves(self) -> list[str]:
        """The cursors that it was to save."""
        return [call for call in self.calls if call != "load"]

    def load(self, key: str) -> str | None:
        """Gives what was saved, or raises."""
        self.calls.append("load")
        if self.load_errors:
            raise self.load_errors.pop(0)
        return super().load(key)

    def save(self, key: str, last_event_id: str) -> None:
        """Keeps a cursor, or raises."""
        self.calls.append(last_event_id)
        self.on_save()
        if self.save_error is not None:
            raise self.save_error
        super().save(key, last_event_id)
