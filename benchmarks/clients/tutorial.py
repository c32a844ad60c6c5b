"""The loop over the lines of a response that tutorials show, on requests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import requests

__all__ = ["data_of", "reading"]


@contextlib.contextmanager
def reading(url: str) -> Iterator[Iterable[str]]:
    """Opens the stream, and gives its events."""
    with requests.get(url, stream=True) as response:
        yield _events(response)


def _events(response: requests.Response) -> Iterator[str]:
    for line in response.iter_lines():
        if line:
            text = line.decode("utf-8")
            if text.startswith("data: "):
                yield text[6:]


def data_of(event: str) -> str:
    """Returns the data of an event."""
    return event
