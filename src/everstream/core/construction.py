"""Events made faster than by their own constructor.

A frozen dataclass assigns to each of its attributes in the most general way there is, which takes longer than
to take the event out of the stream. Here the slots are filled directly, for many events at a time without a
line of Python for each. What comes out is the same in every respect.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import repeat

from everstream.core.events import Event

__all__ = ["event", "events"]

_new: Callable[[type[Event]], Event] = object.__new__
_set_type: Callable[[Event, str], None] = vars(Event)["type"].__set__
_set_data: Callable[[Event, str], None] = vars(Event)["data"].__set__
_set_id: Callable[[Event, str], None] = vars(Event)["id"].__set__


def event(kind: str, data: str, last_event_id: str) -> Event:
    """Returns `Event(kind, data, last_event_id)`."""
    made = _new(Event)
    _set_type(made, kind)
    _set_data(made, data)
    _set_id(made, last_event_id)
    return made


def events(types: Iterable[str], data: list[str], last_event_ids: Iterable[str]) -> list[Event]:
    """Returns `Event(...)` for each data, with the type and the last event ID that go with it."""
    made = list(map(_new, repeat(Event, len(data))))
    for filling in (
        map(_set_type, made, types),
        map(_set_data, made, data),
        map(_set_id, made, last_event_ids),
    ):
        deque(filling, maxlen=0)  # runs it to its end
    return made
