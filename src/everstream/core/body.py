"""The body of one response: its parser, and what has come so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from operator import length_hint

from everstream.core.errors import EventTooLarge, StreamIncomplete, StreamInterrupted
from everstream.core.events import Event, Position, WireItem
from everstream.core.parsing import EventStreamParser

__all__ = ["Body", "shares_id", "since_last_event"]

_REMEMBERED = 1_048_576
"""Characters of events that are kept for an error, whatever the length of the stream."""
_OF_EACH = 256
"""What an event counts for besides its text: its objects take room, though they be empty."""


class Body:
    """Bytes in, items out, and counts of both.

    Args:
        last_event_id: The last event ID string that the parser starts from.
        max_event_bytes: See `EventStreamParser`.
        remembers: Whether events are kept for the error of a body that ends too early.

    Attributes:
        bytes: Bytes received.
        items: What the latest chunk has finished, in wire order.
        upcoming: Those of them that were not asked for yet.
    """

    def __init__(self, last_event_id: str, max_event_bytes: int, *, remembers: bool = False) -> None:
        self.bytes = self._events = 0
        self.items: list[WireItem] = []
        self.upcoming: Iterator[WireItem] = iter(self.items)
        self._parser = EventStreamParser(last_event_id, max_event_bytes=max_event_bytes)
        self._received: deque[Event] | None = deque() if remembers else None
        self._characters = 0

    @property
    def reconnection_time(self) -> float | None:
        """The latest `retry:` in this body, in seconds; None if there was none."""
        return self._parser.reconnection_time

    def feed(self, chunk: bytes) -> EventTooLarge | None:
        """Takes a chunk, for `items`, and returns the error that ended them if there was one."""
        self.bytes += len(chunk)
        self._events = self.events
        # Let go of first: memory that is free again is in the caches still.
        self.items = []
        error = None
        try:
            self.items = self._parser.feed(chunk)
        except EventTooLarge as too_large:
            error = too_large
            self.items = list(error.items)
        self.upcoming = iter(self.items)
        return error

    @property
    def events(self) -> int:
        """Events asked for so far."""
        return self._events + list(map(type, self.items[: self._asked_for])).count(Event)

    def id_is_shared(self, until: str | None) -> bool:
        """Returns whether an event that came after the item in hand has the same last event ID.

        Args:
            until: The data of an event that is not given to anybody.
        """
        return self._asked_for > 0 and shares_id(self.items, self._asked_for - 1, until)

    def nothing_follows(self, *, given: bool) -> None:
        """Takes out what comes after the item in hand, and that as well if it is not `given` to anybody."""
        # Their iterator ends with the list.
        del self.items[self._asked_for - (not given) :]

    @property
    def _asked_for(self) -> int:
        # The iterator knows, so that nobody has to count while items are given.
        return len(self.items) - length_hint(self.upcoming)

    def unfinished(self) -> Event | None:
        """Returns what the unfinished block would be, if there is one."""
        return self._parser.unfinished()

    def remember(self, event: Event) -> None:
        """Keeps an event for the error of a body that ends too early, if that is wanted."""
        if self._received is None:
            return
        self._received.append(event)
        self._characters += _size_of(event)
        while self._characters > _REMEMBERED:
            self._characters -= _size_of(self._received.popleft())

    def tell(self, error: StreamInterrupted) -> None:
        """Writes into an error how much had come."""
        error.bytes_received, error.events_received = self.bytes, self.events

    def incomplete(self, until: str | None) -> StreamIncomplete:
        """Returns the error of a body that ended without `until`."""
        received = tuple(self._received or ())
        return StreamIncomplete(
            until=until, events_received=self.events, bytes_received=self.bytes, received=received
        )


def _size_of(event: Event) -> int:
    return _OF_EACH + len(event.type) + len(event.data) + len(event.id)


def shares_id(items: Sequence[WireItem], number: int, until: str | None = None) -> bool:
    """Returns whether an item has the last event ID of an event after it in the same chunk.

    Args:
        items: What a chunk has finished.
        number: Which of them.
        until: The data of an event that is not given to anybody.
    """
    item = items[number]
    if not isinstance(item, (Event, Position)) or not item.id:
        return False
    for following in range(number + 1, len(items)):
        other = items[following]
        if isinstance(other, Event):
            return other.id == item.id and other.data != until
    return False


def since_last_event(items: Sequence[WireItem]) -> Sequence[WireItem]:
    """Returns the last event and what follows it; everything if there is no event."""
    for number in range(len(items) - 1, -1, -1):
        if type(items[number]) is Event:
            return items[number:]
    return items
