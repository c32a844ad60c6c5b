"""The clients that are compared, and two limits: programs that only read the bytes.

Each client's module has `reading(url)`, a context manager that gives its events the way the client's
documentation says, and `data_of(event)`. Each limit's module has `read(url)`, which gives the count of bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar

__all__ = ["CLIENTS", "DISTRIBUTIONS", "LIMITS", "OURS", "Client", "Limit"]

EventT = TypeVar("EventT")

OURS = "everstream"

CLIENTS = {
    OURS: "ours",
    "launchdarkly-eventsource": "launchdarkly",
    "OpenAI SDK's decoder": "openai_decoder",
    "httpx-sse": "httpx_events",
    "sseclient-py": "sseclient_py",
    "requests-sse": "requests_events",
    "the tutorial loop": "tutorial",
}
"""The modules of the clients, by name."""

DISTRIBUTIONS = {
    "launchdarkly-eventsource": "launchdarkly-eventsource",
    "OpenAI SDK's decoder": "openai",
    "httpx-sse": "httpx-sse",
    "sseclient-py": "sseclient-py",
    "requests-sse": "requests-sse",
    "the tutorial loop": "requests",
}
"""The packages that the peers come with, by name of the client."""

LIMITS = {"socket.recv": "bare_socket", "pycurl": "curl"}
"""The modules that only read the bytes, by name."""


class Client(Protocol, Generic[EventT]):
    """What the module of a client has."""

    def reading(self, url: str) -> AbstractContextManager[Iterable[EventT]]:
        """Opens the stream, and gives its events."""
        ...

    def data_of(self, event: EventT) -> str:
        """Returns the data of an event."""
        ...


class Limit(Protocol):
    """What the module of a limit has."""

    def read(self, url: str) -> int:
        """Reads the answer to its end, and returns the number of bytes."""
        ...
