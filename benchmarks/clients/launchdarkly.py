"""launchdarkly-eventsource: `SSEClient(url).events`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from ld_eventsource import SSEClient
from ld_eventsource.actions import Event

__all__ = ["data_of", "reading"]


@contextlib.contextmanager
def reading(url: str) -> Iterator[Iterable[Event]]:
    """Opens the stream, and gives its events."""
    with contextlib.closing(SSEClient(url)) as client:
        yield client.events


def data_of(event: Event) -> str:
    """Returns the data of an event."""
    data: str = event.data
    return data
