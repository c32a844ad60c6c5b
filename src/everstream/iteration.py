"""Events of a body that somebody else has opened: no reconnecting, no resuming."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from everstream.core.ending import Until
from everstream.core.errors import ConfigurationError, StreamInterrupted
from everstream.core.events import Closed, Event, Failed, Interrupted, Outcome
from everstream.core.headers import Headers
from everstream.core.parsing import DEFAULT_MAX_EVENT_BYTES
from everstream.core.protocol import EventSourceProtocol
from everstream.core.reconnection import RetryPolicy
from everstream.transports.sync import Response, is_response, response_chunks

__all__ = ["iter_events"]


def iter_events(
    response_or_chunks: Response | Iterable[bytes],
    *,
    until: Until | None = None,
    last_event_id: str = "",
    max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
) -> Iterator[Event]:
    """Gives the events of one body.

    Args:
        response_or_chunks: A `requests.Response` made with `stream=True`, which is read promptly on any
            framing, or any iterable of bytes, cut anywhere.
        until: The data that ends the stream, which is not given, or a function that finds its last event,
            which is.
        last_event_id: The last event ID string before the first event.
        max_event_bytes: See `EventSource`.

    Yields:
        Events as they arrive.

    Raises:
        ConfigurationError: What was passed is neither, or a response whose body was read before.
        ResponseRejected: The response is no event stream.
        StreamTimeout: The response's own read timeout passed.
        StreamInterrupted: The body broke, or ended inside a block.
        StreamIncomplete: The body ended without `until`.
        EventTooLarge: An event is larger than `max_event_bytes`.
    """
    # Nothing waits here, so that no decision needs the time.
    protocol = EventSourceProtocol(
        retry=RetryPolicy.never(), until=until, last_event_id=last_event_id, max_event_bytes=max_event_bytes
    )
    outcome = yield from _events(protocol, response_or_chunks)
    if isinstance(outcome, Failed):
        raise outcome.error


def _events(
    protocol: EventSourceProtocol, source: Response | Iterable[bytes]
) -> Generator[Event, None, Outcome]:
    if is_response(source):
        head = protocol.opened(source.status_code, Headers(source.headers), now=0.0)
        if isinstance(head, Closed):
            return head
        source = response_chunks(source)
    try:
        for chunk in source:
            for item in protocol.receive(_as_bytes(chunk), now=0.0):
                if type(item) is Event:
                    yield item
                elif isinstance(item, (Interrupted, Closed, Failed)):
                    return item
    except StreamInterrupted as error:
        return protocol.interrupted(error, now=0.0)
    return protocol.ended(now=0.0)


def _as_bytes(chunk: object) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, bytearray):
        return bytes(chunk)
    if isinstance(chunk, memoryview):
        return chunk.tobytes()
    kind = type(chunk).__name__
    raise ConfigurationError(f"iter_events() takes a response or an iterable of bytes, which gave a {kind}")
