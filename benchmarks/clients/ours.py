"""everstream, with nothing but its defaults."""

from __future__ import annotations

from everstream import Event, EventSource

__all__ = ["data_of", "reading"]

reading = EventSource


def data_of(event: Event) -> str:
    """Returns the data of an event."""
    return event.data
