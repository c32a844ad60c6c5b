"""sseclient-py on urllib3, mostly the fastest of the HTTP clients that its documentation shows it with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import urllib3
from sseclient import Event, SSEClient

__all__ = ["data_of", "reading"]


@contextlib.contextmanager
def reading(url: str) -> Iterator[Iterable[Event]]:
    """Opens the stream, and gives its events."""
    with urllib3.PoolManager() as pool:
        response = pool.request("GET", url, preload_content=False)
        with contextlib.closing(SSEClient(response)) as client:
            yield client.events()


def data_of(event: Event) -> str:
    """Returns the data of an event."""
    data: str = event.data
    return data
