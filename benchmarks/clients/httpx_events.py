"""httpx-sse: `connect_sse(client, "GET", url)`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import httpx
from httpx_sse import ServerSentEvent, connect_sse

__all__ = ["data_of", "reading"]


@contextlib.contextmanager
def reading(url: str) -> Iterator[Iterable[ServerSentEvent]]:
    """Opens the stream, and gives its events."""
    with httpx.Client() as client, connect_sse(client, "GET", url) as source:
        yield source.iter_sse()


def data_of(event: ServerSentEvent) -> str:
    """Returns the data of an event."""
    data: str = event.data
    return data
