"""How far the consumer has come: what was acknowledged, as against merely received.

A reconnect within the process goes on after the last event that was received; a restart goes on after the
last that was acknowledged. With `ack="auto"` to come back for the next item is to acknowledge.
"""

from __future__ import annotations

from collections.abc import Callable

from everstream.clock import Clock
from everstream.core.errors import CheckpointError, ConfigurationError
from everstream.core.events import Comment, Duplicate, Event, Position, RetryHint, WireItem
from everstream.core.observations import Unacknowledged
from everstream.core.protocol import EventSourceProtocol
from everstream.ledger import Ledger
from everstream.lifeline import Lifeline
from everstream.source.saving import Saver

__all__ = ["Progress"]

_PATIENCE = 60.0
"""Seconds without an acknowledgement before the log says what the stream waits for."""


class Progress:
    """Keeps the cursor of a restart, and has it saved.

    Args:
        last_event_id: The cursor to begin with.
        manual: Whether events wait for `ack()`; if not, to come back is to acknowledge.
        most: How many events may wait for `ack()`.
        lifeline: Ends a wait for acknowledgements.
        clock: The time.
        observe: Takes what there is to say of such a wait.

    Attributes:
        saver: The checkpoint; None if there is none. It is set before the first use, or never.
    """

    def __init__(
        self,
        last_event_id: str,
        *,
        manual: bool,
        most: int,
        lifeline: Lifeline,
        clock: Clock,
        observe: Callable[[Unacknowledged], None],
    ) -> None:
        self.saver: Saver | None = None
        self._cursor = last_event_id
        self._ledger = Ledger(last_event_id) if manual else None
        self._most = most
        self._lifeline = lifeline
        self._clock = clock
        self._observe = observe
        self._is_loaded = False

    @property
    def last_acknowledged_id(self) -> str:
        """The cursor after what was acknowledged."""
        return self._cursor if self._ledger is None else self._ledger.cursor

    @property
    def failure(self) -> CheckpointError | None:
        """The error of a required checkpoint, which ends the stream."""
        return None if self.saver is None else self.saver.failure

    @property
    def needs_each(self) -> bool:
        """Whether each item makes a difference, when it is handed and when it is delivered."""
        return self._ledger is not None or self.saver is not None

    def load(self) -> str | None:
        """Returns the checkpoint to begin with, once; None if there is none.

        Raises:
            CheckpointError: It could not be loaded; the next call tries again.
        """
        if self._is_loaded or self.saver is None:
            return None
        cursor = self.saver.load()
        self._is_loaded = True
        if cursor is not None:
            self._begin(cursor)
        return cursor

    def wait_for_room(self) -> None:
        """Waits while too many events are unacknowledged: the server is slowed down, nothing is queued."""
        if self._ledger is None or len(self._ledger) < self._most:
            return
        since = self._clock.monotonic()
        patience = _PATIENCE
        while self._must_wait(self._ledger):
            waited = self._clock.monotonic() - since
            if waited >= patience:
                self._observe(Unacknowledged(len(self._ledger), waited))
                patience = waited + _PATIENCE
            self._lifeline.wait_for_room(patience - waited)

    def handed(self, item: WireItem, protocol: EventSourceProtocol) -> None:
        """Notes that an item is given to the consumer now, which may acknowledge it before it comes back."""
        if self._ledger is None:
            return
        if isinstance(item, Event):
            self._ledger.handed(item, None if protocol.id_is_shared else protocol.cursor_after(item))
        elif isinstance(item, (Position, Duplicate)) and not protocol.id_is_shared:
            self._ledger.passed(protocol.cursor_after(item))

    def delivered(self, item: WireItem, protocol: EventSourceProtocol) -> None:
        """Notes that the consumer came back, which is to acknowledge, unless events wait for `ack()`."""
        # Of several events with one id, a restart must not leave out those that the consumer has not seen,
        # though a comment come between.
        moves = not isinstance(item, (Comment, RetryHint)) and not protocol.id_is_shared
        if self._ledger is None and moves:
            self._cursor = protocol.last_event_id
        self._save()

    def delivered_to(self, cursor: str) -> None:
        """Notes how far the consumer has come, where nothing is to be done for each item."""
        self._cursor = cursor

    def ack(self, event: Event) -> None:
        """Notes that the consumer is done with an event.

        Raises:
            ConfigurationError: It does not wait for that, or to come back is to acknowledge here.
        """
        if self._ledger is None:
            raise ConfigurationError("ack() is for EventSource(ack='manual')")
        self._ledger.ack(event)
        self._lifeline.nudge()
        self._save()
        if self.failure is not None:
            # Whoever reads finds it when its wait ends, or its connection breaks.
            self._lifeline.nudge()
            self._lifeline.reconnect()

    def finish(self) -> None:
        """Saves what is not saved yet: the stream is over, or about to be."""
        if self.saver is not None:
            self.saver.finish()

    def _must_wait(self, ledger: Ledger) -> bool:
        return len(ledger) >= self._most and not (self._lifeline.is_closing or self.failure is not None)

    def _begin(self, cursor: str) -> None:
        self._cursor = cursor
        if self._ledger is not None:
            self._ledger.cursor = cursor

    def _save(self) -> None:
        if self.saver is not None:
            self.saver.moved()
