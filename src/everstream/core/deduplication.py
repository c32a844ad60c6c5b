"""Leaving out events that came before: by a key of the caller's choice, within a bound.

Rules:

- Off unless asked for, and never by id alone: ids are positions, and real servers give several events
  the same one.
- A server repeats itself across connections, not within one: an event is a duplicate only of one that
  came on an *earlier* connection. Equal events on one connection are all meant.
- What is remembered is bounded, and gone with the process: after a crash the event in hand comes again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from everstream.core.arguments import require_count
from everstream.core.errors import ConfigurationError
from everstream.core.events import Event

__all__ = ["Dedupe", "Memory", "content_key"]


def content_key(event: Event) -> Hashable:
    """Returns what makes an event the same as another if there is nothing better: all of it.

    It is a hash, so that what is remembered is small. An event before the first id has no place in the
    stream, so that nothing tells a repetition from one that is meant: no key.
    """
    return hash((event.id, event.type, event.data)) if event.id else None


@dataclass(frozen=True, slots=True)
class Dedupe:
    """Leave out events whose key was seen on an earlier connection.

    Attributes:
        key: Takes from an event what makes it the same as another, such as a number in its payload.
            None if it has none: it is given, always. By default id, type and data together.
        size: How many keys are remembered, the latest seen.
    """

    key: Callable[[Event], Hashable] = content_key
    size: int = 10_000

    def __post_init__(self) -> None:
        if not callable(self.key):
            raise ConfigurationError(f"Dedupe(key=...) takes a function of an event, not {self.key!r}")
        require_count("Dedupe(size=...)", self.size)


class Memory:
    """The keys that were seen of late, each with the connection on which it was first.

    Args:
        dedupe: What is a key; None to know nothing.
    """

    def __init__(self, dedupe: Dedupe | None) -> None:
        self._dedupe = dedupe
        self._seen: OrderedDict[Hashable, int] = OrderedDict()
        self._connection = 0

    def opened(self) -> None:
        """Notes that a new connection is open."""
        self._connection += 1

    def knows(self, event: Event) -> bool:
        """Returns whether an event came on an earlier connection, and remembers it."""
        if self._dedupe is None or (key := self._dedupe.key(event)) is None:
            return False
        first_seen = self._seen.setdefault(key, self._connection)
        self._seen.move_to_end(key)
        if len(self._seen) > self._dedupe.size:
            self._seen.popitem(last=False)
        return first_seen != self._connection
