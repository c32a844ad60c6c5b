"""requests-sse: `EventSource(url)`."""

from __future__ import annotations

from requests_sse import EventSource, MessageEvent

__all__ = ["data_of", "reading"]

reading = EventSource


def data_of(event: MessageEvent) -> str:
    """Returns the data of an event."""
    return event.data or ""
