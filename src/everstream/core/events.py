"""What a stream consists of, as values.

Rule: plain frozen data and nothing else. What came over the wire (`WireItem`) and what the client
itself has to say (`Opened`, `Interrupted`, `Closed`, `Failed`) are different classes, because a
server may well send `event: error` itself. Representations never show data, comments or header values:
they end up in logs and tracebacks.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar, overload

from everstream.core.decoding import JSONLibrary, JSONValue, Loads, decoder
from everstream.core.errors import EverstreamError, InvalidJSON, StatusRejected
from everstream.core.headers import Headers

__all__ = [
    "CloseReason",
    "Closed",
    "Comment",
    "Connecting",
    "Duplicate",
    "Event",
    "Failed",
    "Interrupted",
    "Opened",
    "Outcome",
    "Position",
    "ReadyState",
    "ResumeRejected",
    "RetryHint",
    "StreamItem",
    "WireItem",
]

T = TypeVar("T")

CloseReason = Literal["close", "eof", "no content", "until"]
"""Why a stream ended normally: the caller closed it, the server ended it, 204, or `until` was seen."""


class ReadyState(enum.Enum):
    """The ready state of an event source, as the standard has it."""

    CONNECTING = 0
    """Not open: before the first connection, between two, or waiting to reconnect."""
    OPEN = 1
    """A connection is announced."""
    CLOSED = 2
    """Over, for good."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event as dispatched (WHATWG HTML 9.2.6).

    Attributes:
        type: The event type; `message` if the server gave none.
        data: The data, with line feeds between its lines.
        id: The last event ID string at dispatch: this event's own id, or the latest before it.
    """

    type: str
    data: str = field(repr=False)
    id: str

    @overload
    def json(self, loads: JSONLibrary = ...) -> JSONValue: ...
    @overload
    def json(self, loads: Callable[[str], T]) -> T: ...
    def json(self, loads: Loads[T] = "json") -> object:
        """Returns the data parsed as JSON.

        Args:
            loads: The parser: `json`, `orjson` or `msgspec`, of which the latter two are extras; or a
                function, for example `msgspec.json.Decoder(Token).decode`.

        Raises:
            InvalidJSON: The data is not JSON; the error carries this event.
            ConfigurationError: The parser is not known, or not installed.
        """
        parse = decoder(loads)
        try:
            return parse(self.data)
        except Exception:  # noqa: BLE001
            # Any parser may be passed in, so any exception of its own is translated. Its message
            # quotes the data, which must not reach a log: hence no cause.
            raise InvalidJSON(event=self) from None


@dataclass(frozen=True, slots=True)
class Comment:
    """A line that began with a colon; a *heartbeat* if it was sent to keep the connection alive.

    Attributes:
        text: What came after the colon, without one leading space.
    """

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RetryHint:
    """The server's `retry:` field: it wishes this wait before a reconnect.

    Attributes:
        delay: The reconnection time in seconds, as sent; a `RetryPolicy` clamps it when it is used.
    """

    delay: float


@dataclass(frozen=True, slots=True)
class Position:
    """A block with an id and no data moved the last event ID: there is no event.

    Attributes:
        id: The last event ID string from here on.
    """

    id: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An event that `dedupe` left out: it had come on an earlier connection.

    Attributes:
        event: The event; it counts as delivered and acknowledged.
    """

    event: Event


@dataclass(frozen=True, slots=True)
class Connecting:
    """What to send with the next request.

    Attributes:
        headers: Header fields that a caller's own may replace: `Accept`, `Cache-Control`.
        cursor_headers: Header fields of the cursor, which win over a caller's.
        cursor_params: Query parameters of the cursor, which win over a caller's.
        attempt: The number of this attempt in its outage, from 1.
        last_event_id: The cursor that goes with this request; empty if there is none.
        url: Where to GET the rest from, in place of the caller's request; None for that request.
    """

    headers: Mapping[str, str] = field(repr=False)
    cursor_headers: Mapping[str, str | bytes] = field(repr=False)
    cursor_params: Mapping[str, str] = field(repr=False)
    attempt: int
    last_event_id: str
    url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection is announced: 200 and `text/event-stream`.

    Attributes:
        status: The status code, 200.
        headers: The response's header fields.
        attempt: Which attempt of this outage succeeded, from 1.
        last_event_id: The cursor that was sent with the request; empty if none was, so that on a
            reconnect events may have been missed.
        downtime: Seconds since the stream was last open; None the first time.
    """

    status: int
    headers: Headers = field(repr=False)
    attempt: int
    last_event_id: str
    downtime: float | None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The error event: what failed, and when the next attempt is. The stream goes on.

    Attributes:
        error: What happened.
        delay: Seconds until the next attempt.
        attempt: The number of that attempt in this outage; the first after a healthy connection is 2.
        last_event_id: The cursor that it will ask to go on from; empty if there is none.
    """

    error: EverstreamError
    delay: float
    attempt: int
    last_event_id: str = ""


@dataclass(frozen=True, slots=True)
class ResumeRejected:
    """The server no longer has the cursor: it answered the request that carried it with a refusal.

    Next comes `Interrupted`, and an attempt without a cursor at once, or `Failed`: as was chosen with
    `on_resume_rejected`.

    Attributes:
        error: The refusal.
        last_event_id: The cursor that was refused.
        restarts: Whether the stream starts again without it, if the policy allows, with a gap.
    """

    error: StatusRejected
    last_event_id: str
    restarts: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The stream ended normally, for good.

    Attributes:
        reason: Why.
    """

    reason: CloseReason


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream ended with an error, for good.

    Attributes:
        error: Why.
    """

    error: EverstreamError


WireItem: TypeAlias = Event | Comment | RetryHint | Position | Duplicate
"""What comes from the server, in wire order."""

Outcome: TypeAlias = Interrupted | Closed | Failed
"""What follows when a connection is over."""

StreamItem: TypeAlias = Opened | WireItem | ResumeRejected | Outcome
"""Everything that `EventSource.all()` gives."""
