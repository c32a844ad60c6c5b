"""A protocol whose payloads are looked into, driven by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tenacity import wait_fixed

from everstream import (
    Closed,
    Event,
    EventSourceProtocol,
    EverstreamError,
    Failed,
    Headers,
    Interrupted,
    Outcome,
    ProviderError,
    ResponseRejected,
    RetryPolicy,
    WireItem,
)

STREAM = Headers({"Content-Type": "text/event-stream"})
WAIT = wait_fixed(5)


def error_in(found: Event | ResponseRejected) -> EverstreamError | None:
    """Finds `event: error`, retryable if its data says so; and refusals of 5xx."""
    if isinstance(found, ResponseRejected):
        return ProviderError(message="down", retryable=True) if found.status >= 500 else None
    if found.type != "error":
        return None
    return ProviderError(message=found.data, retryable=found.data == "busy")


def protocol_of(**options: Any) -> EventSourceProtocol:
    """A protocol that looks for errors, and waits 5 s after each."""
    return EventSourceProtocol(**{"retry": RetryPolicy(wait=WAIT), "error_in": error_in, **options})


def open_(protocol: EventSourceProtocol, now: float = 0.0) -> None:
    """Makes a connection that is accepted."""
    protocol.connecting(now)
    protocol.opened(200, STREAM, now)


def read(protocol: EventSourceProtocol, *chunks: bytes, now: float = 0.0) -> list[WireItem | Outcome]:
    """Connects, and delivers what comes up to an outcome."""
    open_(protocol, now)
    return list(items_of(protocol, *chunks, now=now))


def items_of(protocol: EventSourceProtocol, *chunks: bytes, now: float) -> Iterator[WireItem | Outcome]:
    """Gives and delivers what chunks hold, up to an outcome."""
    for chunk in chunks:
        for item in protocol.receive(chunk, now):
            yield item
            if isinstance(item, (Interrupted, Closed, Failed)):
                return
            protocol.delivered(item)


def error_of(outcome: object) -> EverstreamError:
    """The error of an outcome that has one."""
    assert isinstance(outcome, (Interrupted, Failed))
    return outcome.error


ONE, BUSY, NO = b"id: 1\ndata: a\n\n", b"id: 2\nevent: error\ndata: busy\n\n", b"event: error\ndata: no\n\n"
