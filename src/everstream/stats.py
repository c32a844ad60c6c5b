"""What an event source counts."""

from __future__ import annotations

from dataclasses import dataclass

from everstream.clock import Clock
from everstream.core.errors import EverstreamError
from everstream.core.events import Event, Failed, Interrupted, Opened, StreamItem

__all__ = ["Stats", "Tally"]


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the event source was made.

    Attributes:
        connects: Connections that were announced.
        interruptions: Interruptions, failed attempts included.
        events: Events given to the consumer.
        bytes: Bytes of body received, decompressed.
        last_event_time: Seconds since the epoch when the last event was given; None before the first.
        last_error: The last error, passing or final; None if there was none.
    """

    connects: int = 0
    interruptions: int = 0
    events: int = 0
    bytes: int = 0
    last_event_time: float | None = None
    last_error: EverstreamError | None = None


class Tally:
    """Counts, by the thread that iterates; `snapshot` is for any.

    Attributes:
        failure: The error that ended the stream, if one did.
    """

    def __init__(self) -> None:
        self.failure: EverstreamError | None = None
        self._connects = self._interruptions = self._events = self._bytes = 0
        self._last_event_time: float | None = None
        self._last_error: EverstreamError | None = None

    def received(self, chunk: bytes) -> None:
        """Counts a chunk."""
        self._bytes += len(chunk)

    def note(self, item: StreamItem, clock: Clock) -> None:
        """Counts an item."""
        if type(item) is Event:
            self._events += 1
            self._last_event_time = clock.time()
        elif isinstance(item, Opened):
            self._connects += 1
        elif isinstance(item, Interrupted):
            self._interruptions += 1
            self._last_error = item.error
        elif isinstance(item, Failed):
            self._last_error = self.failure = item.error

    def snapshot(self) -> Stats:
        """Returns the counts as they stand."""
        return Stats(
            self._connects,
            self._interruptions,
            self._events,
            self._bytes,
            self._last_event_time,
            self._last_error,
        )
