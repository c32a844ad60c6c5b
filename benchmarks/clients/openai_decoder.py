"""The decoder of the OpenAI SDK on the HTTP client of the SDK, without the JSON that the SDK would parse."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import httpx2
from openai._streaming import ServerSentEvent, SSEDecoder

__all__ = ["data_of", "reading"]


@contextlib.contextmanager
def reading(url: str) -> Iterator[Iterable[ServerSentEvent]]:
    """Opens the stream, and gives its events."""
    with httpx2.Client() as client, client.stream("GET", url) as response:
        yield SSEDecoder().iter_bytes(response.iter_bytes())


def data_of(event: ServerSentEvent) -> str:
    """Returns the data of an event."""
    data: str = event.data
    return data
