"""sseclient-py, on httpx: the fastest of the three HTTP clients that its documentation names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import httpx
from sseclient import Event, SSEClient

__all__ = ["data_of", "reading"]


@contextlib.contextmanager
def reading(url: str) -> Iterator[Iterable[Event]]:
    """Opens the stream, and gives its events."""
    with httpx.stream("GET", url) as response:
        yield SSEClient(response.iter_bytes()).events()


def data_of(event: Event) -> str:
    """Returns the data of an event."""
    data: str = event.data
    return data
