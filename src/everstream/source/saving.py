"""When a checkpoint is saved, and what follows if it cannot be.

Rules:

- What is saved was acknowledged. It is saved at most every `interval` seconds, and once more at the end.
- Nothing is saved before the checkpoint was loaded: it may be further on than the cursor to begin with.
- Whoever moves the cursor saves: the thread that iterates, one that calls `ack()`, or one that calls
  `close()`, which may be a signal handler in the middle of any line. So nobody waits for a save under way:
  whoever finds one leaves, and whoever makes it looks again when it is done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from everstream.checkpoints import CheckpointStore
from everstream.clock import Clock
from everstream.core.errors import CheckpointError
from everstream.core.observations import CheckpointFailed, CheckpointSaved

__all__ = ["Saver"]

_PAUSE_AFTER_FAILURE = 1.0
"""Seconds: a store that is locked or out of reach must not be asked, and logged, at every event."""


class Saver:
    """The checkpoint of one stream.

    Args:
        store: Where it is kept.
        key: Its name there.
        cursor: Tells where a restart should go on.
        interval: Seconds from one save to the next; 0 to save at every move.
        required: Whether the stream fails with the store.
        clock: The time.
        observe: Takes what became of a save.

    Attributes:
        failure: The error that ends the stream, if it is required and could not be saved.
    """

    def __init__(
        self,
        store: CheckpointStore,
        key: str,
        cursor: Callable[[], str],
        *,
        interval: float,
        required: bool,
        clock: Clock,
        observe: Callable[[CheckpointSaved | CheckpointFailed], None],
    ) -> None:
        self.failure: CheckpointError | None = None
        self._store = store
        self._key = key
        self._interval = interval
        self._required = required
        self._clock = clock
        self._observe = observe
        self._cursor = cursor
        self._saved = ""
        self._refused: str | None = None
        self._is_loaded = False
        self._next_save = float("-inf")
        self._is_over = False
        self._saving = threading.Lock()

    def load(self) -> str | None:
        """Returns the cursor that was saved last; None if there is none.

        Raises:
            CheckpointError: It cannot be told whether there is one.
        """
        try:
            cursor = self._store.load(self._key)
        except CheckpointError:
            raise
        except Exception as error:
            raise self._translated(error) from error
        kind = type(cursor)
        if kind not in (str, type(None)):
            # From a store of the caller's own, such as one on a client that gives bytes.
            raise CheckpointError(store=self._name, reason=f"load() gave a {kind.__name__}, not text or None")
        self._saved = self._cursor() if cursor is None else cursor
        self._is_loaded = True
        return cursor

    def moved(self) -> None:
        """Saves the cursor, if it has moved and it is time."""
        self._save_if_due()

    def finish(self) -> None:
        """Saves what is not saved yet; from now on every move is saved at once."""
        if not self._is_over:
            # What was refused a moment ago is tried once more.
            self._refused, self._is_over = None, True
        self._save_if_due()

    @property
    def _name(self) -> str:
        return type(self._store).__name__

    def _save_if_due(self) -> None:
        while self._is_due():
            if not self._saving.acquire(blocking=False):
                return
            try:
                self._save(self._cursor())
            finally:
                self._saving.release()

    def _is_due(self) -> bool:
        cursor = self._cursor()
        if not self._is_loaded or cursor == self._saved:
            return False
        if self._is_over and cursor != self._refused:
            return True
        return self._clock.monotonic() >= self._next_save

    def _save(self, cursor: str) -> None:
        try:
            self._store.save(self._key, cursor)
        except Exception as error:  # noqa: BLE001
            self._failed(cursor, self._translated(error))
        else:
            self._saved, self._refused = cursor, None
            self._next_save = self._clock.monotonic() + self._interval
            self._observe(CheckpointSaved(cursor))

    def _failed(self, cursor: str, failure: CheckpointError) -> None:
        self._refused = cursor
        self._next_save = self._clock.monotonic() + max(self._interval, _PAUSE_AFTER_FAILURE)
        if self._required:
            self.failure = failure
        self._observe(CheckpointFailed(failure, cursor))

    def _translated(self, error: Exception) -> CheckpointError:
        if isinstance(error, CheckpointError):
            return error
        # Of a store of the caller's own. Its message may hold anything, and ours go to the log.
        reason = f"it raised {type(error).__name__}; see the cause"
        failure = CheckpointError(store=self._name, reason=reason, retryable=isinstance(error, OSError))
        failure.__cause__ = error
        return failure
