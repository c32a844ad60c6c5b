"""A log of events: what a server has to say, from any position on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from everstream.testing.encoding import encode_event
from everstream.testing.faults import PlannedConnection
from everstream.testing.verdict import Received, Verdict, judged
from everstream.testing.waiting import Bell

__all__ = ["EventLog", "LogEntry", "LogEntryLike", "log_of"]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event of a log."""

    id: str | None
    type: str | None
    data: str


class _EventLike(Protocol):
    """Anybody's event."""

    @property
    def id(self) -> str | None: ...

    @property
    def type(self) -> str | None: ...

    @property
    def data(self) -> str: ...


LogEntryLike: TypeAlias = str | tuple[str | None, str | None, str] | _EventLike
"""An event's data, or its (id, type, data), or an object with these three attributes."""


class EventLog:
    """A log that a server serves with `SSEServer.serve_log()`. Make one with `log_of()`."""

    def __init__(self) -> None:
        self.bell = Bell()
        """Rings when an event is appended."""
        self.connections: list[PlannedConnection] = []
        """What was done on each connection on which the log was served."""
        self.unknown_ids: list[str] = []
        """Positions that a client asked for and this log does not have; it was answered 410."""
        self._lock = threading.Lock()
        self._entries: list[LogEntry] = []
        self._last_place: dict[str, int] = {}

    @property
    def entries(self) -> tuple[LogEntry, ...]:
        """The events of the log."""
        with self._lock:
            return tuple(self._entries)

    @property
    def has_ids(self) -> bool:
        """Whether any event has an id; without ids, only the server can know a position."""
        return bool(self._last_place)

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, event: LogEntryLike) -> None:
        """Adds an event at the end; one that is given by its data alone gets its number as id."""
        with self._lock:
            entry = _entry(event, len(self._entries) + 1)
            encode_event(entry.data, id=entry.id, type=entry.type)  # refuses what no wire can carry
            if entry.id is not None:
                self._last_place[entry.id] = len(self._entries)
            self._entries.append(entry)
        self.bell.ring()

    def wire(self, place: int) -> bytes:
        """Gives the wire form of the event at a place."""
        entry = self._entries[place]
        return encode_event(entry.data, id=entry.id, type=entry.type)

    def place_after(self, last_event_id: str) -> int | None:
        """Gives the place of the event to go on with; ``None`` if there is no such id."""
        place = self._last_place.get(last_event_id)
        return None if place is None else place + 1

    def can_resume_at(self, place: int) -> bool:
        """Says whether a client that has got everything before a place can come back to it.

        It cannot where the event before it has no id, or shares its id with a later one.
        """
        if place == 0 or not self.has_ids:
            return True
        last = self._entries[place - 1].id
        return last is not None and self._last_place[last] == place - 1

    def longer_than(self, length: int) -> Callable[[], bool]:
        """Gives a condition that is true once the log has more events."""
        return lambda: len(self._entries) > length

    def verdict(self, received: Iterable[Received]) -> Verdict:
        """Compares what a consumer received with this log.

        Args:
            received: What it got, in order: events (anything with `data`, and perhaps `id`), or only
                their ids, or only their data.
        """
        return judged(self.entries, received)


def log_of(events: Iterable[LogEntryLike]) -> EventLog:
    """Makes a log.

    Args:
        events: Each event is its data alone (it then gets its number as id, from 1), or a tuple
            (id, type, data), or an object with these attributes. An id may be ``None``.

    Raises:
        ValueError: If an id or a type holds CR, LF or NUL.
    """
    log = EventLog()
    for event in events:
        log.append(event)
    return log


def _entry(event: LogEntryLike, number: int) -> LogEntry:
    if isinstance(event, str):
        return LogEntry(str(number), None, event)
    event_id, event_type, data = event if isinstance(event, tuple) else (event.id, event.type, event.data)
    # An empty id would reset the last event ID: there is nothing to resume from.
    return LogEntry(event_id or None, event_type, data)
