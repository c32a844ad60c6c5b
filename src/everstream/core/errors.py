"""Every error that leaves the library.

Rule: this module imports only what the errors carry; the values of `events`, which imports it, it names
for type checkers alone. An error keeps what a reader of it needs as attributes, and makes its message
from them. No message and no representation holds the user-info or query of a URL, a header value (but
for a media type that was refused), or anything the server sent as a payload: errors end up in logs.

- `EverstreamError`
    - `ConfigurationError`: an argument cannot work (also a `ValueError`)
    - `ConnectFailed`: DNS, refused, TLS, proxy
        - `CertificateInvalid`: the server's certificate is not to be trusted (permanent)
    - `StreamTimeout`: connect | read | first_event | event_idle
    - `StreamInterrupted`: the body ended or was cut
    - `ResponseRejected`: the response is no event stream
        - `StatusRejected`: not 200
        - `ContentTypeRejected`: 200, but not `text/event-stream` (permanent)
        - `RedirectRejected`: a redirect that leads nowhere, or where we will not go (permanent)
    - `EventTooLarge`: an event above `max_event_bytes` (permanent)
    - `RetriesExhausted`: the policy's `stop` said so (permanent)
    - `StreamIncomplete`: ended without the `until` that was asked for
    - `PayloadError`: the stream is well, what it carried is not
        - `InvalidJSON`: the data of an event is no JSON
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from everstream.core.headers import Headers
from everstream.core.wording import count, printable, seconds, status_line

if TYPE_CHECKING:
    from everstream.core.events import Event, WireItem

__all__ = [
    "CertificateInvalid",
    "ConfigurationError",
    "ConnectFailed",
    "ContentTypeRejected",
    "EventTooLarge",
    "EverstreamError",
    "InterruptionReason",
    "InvalidJSON",
    "PayloadError",
    "RedirectRejected",
    "ResponseRejected",
    "RetriesExhausted",
    "StatusRejected",
    "StreamIncomplete",
    "StreamInterrupted",
    "StreamTimeout",
    "TimeoutKind",
]

TimeoutKind = Literal["connect", "read", "first_event", "event_idle"]
"""Which limit was passed; see `Timeouts`."""

InterruptionReason = Literal[
    "eof", "unfinished block", "reset", "broken chunk", "short body", "undecodable body"
]
"""How a body ended: a closed list, so that it can label a metric."""

_RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


class EverstreamError(Exception):
    """The base of every error that this library raises."""

    retryable: bool = False
    """Whether the same request may succeed if it is made again, unchanged."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        # The arguments of our errors are keywords, which the default would lose.
        return type(self).__new__, (type(self), *self.args), dict(vars(self))


class ConfigurationError(EverstreamError, ValueError):
    """An argument that cannot work, found before any request is made."""


@dataclass(kw_only=True, eq=False, repr=False)
class ConnectFailed(EverstreamError):
    """No connection could be made: name resolution, refusal, TLS handshake, or a proxy.

    Attributes:
        host: Where the connection was to go, as `host` or `host:port`.
        reason: What went wrong, in the words of the operating system or TLS library.
    """

    host: str
    reason: str
    retryable = True

    def __str__(self) -> str:
        return f"could not connect to {printable(self.host)}: {printable(self.reason, 300)}"


class CertificateInvalid(ConnectFailed):
    """The server's certificate is not valid for it, so that no request was sent."""

    retryable = False

    def __str__(self) -> str:
        return f"the certificate of {printable(self.host)} is not valid: {printable(self.reason, 300)}"


@dataclass(kw_only=True, eq=False, repr=False)
class StreamTimeout(EverstreamError):
    """A limit of `Timeouts` was passed.

    Attributes:
        kind: Which limit.
        seconds: Its value; None if it was a caller's own and is not known.
    """

    kind: TimeoutKind
    seconds: float | None
    retryable = True

    _MESSAGES: ClassVar[Mapping[TimeoutKind, str]] = {
        "connect": "no connection within {}",
        "read": "no byte came within {}",
        "first_event": "the stream opened, but no event came within {}",
        "event_idle": "bytes came, but no event within {}",
    }

    def __str__(self) -> str:
        limit = "the limit" if self.seconds is None else seconds(self.seconds)
        return self._MESSAGES[self.kind].format(limit)


@dataclass(kw_only=True, eq=False, repr=False)
class StreamInterrupted(EverstreamError):
    """An open stream ended, or was cut.

    Attributes:
        reason: How it ended: `eof` (the server ended it cleanly), `unfinished block` (cleanly, but
            inside a block), `reset`, `broken chunk`, `short body`, `undecodable body`.
        bytes_received: Bytes of body received on this connection, decompressed.
        events_received: Events received on this connection.
    """

    reason: InterruptionReason
    bytes_received: int = 0
    events_received: int = 0
    retryable = True

    _MESSAGES: ClassVar[Mapping[InterruptionReason, str]] = {
        "eof": "the server ended the stream",
        "unfinished block": "the stream ended inside a block",
        "reset": "the connection was reset",
        "broken chunk": "the connection was cut inside the chunked body",
        "short body": "the connection was closed before the end of the body",
        "undecodable body": "the compressed body could not be decoded",
    }

    def __str__(self) -> str:
        received = f"{count(self.bytes_received, 'byte')} and {count(self.events_received, 'event')}"
        return f"{self._MESSAGES[self.reason]} after {received}"


@dataclass(kw_only=True, eq=False, repr=False)
class ResponseRejected(EverstreamError):
    """The response is no event stream.

    Attributes:
        status: The status code.
        headers: The response's header fields.
        body_excerpt: The first bytes of its body, at most 1 KiB; empty if there was none in time.
        retry_after: Seconds the server asked to wait (RFC 9110, 10.2.3), or None.
    """

    status: int
    headers: Headers = field(default_factory=Headers)
    body_excerpt: bytes = b""
    retry_after: float | None = None

    def __post_init__(self) -> None:
        self.retryable = self.status in _RETRYABLE_STATUSES


class StatusRejected(ResponseRejected):
    """The server answered with a status other than 200.

    408, 425, 429, 500, 502, 503 and 504 are retryable, all others are not.
    """

    def __str__(self) -> str:
        wait = "" if self.retry_after is None else f" and asked for a wait of {seconds(self.retry_after)}"
        return f"the server answered {status_line(self.status)}{wait}"


class ContentTypeRejected(ResponseRejected):
    """The server answered 200 with something that is not `text/event-stream`."""

    @property
    def content_type(self) -> str | None:
        """The `Content-Type` that came, or None if there was none."""
        return self.headers.get("Content-Type")

    def __str__(self) -> str:
        essence, _, _ = (self.content_type or "").partition(";")
        got = printable(essence.strip()) or "no content type"
        return f"the server answered {status_line(self.status)} with {got}, not text/event-stream"


@dataclass(kw_only=True, eq=False, repr=False)
class RedirectRejected(ResponseRejected):
    """A redirect that leads nowhere, or to where the request must not go.

    Attributes:
        reason: Why it was not followed.
    """

    reason: str

    def __str__(self) -> str:
        return f"the redirect ({status_line(self.status)}) was not followed: {printable(self.reason)}"


@dataclass(kw_only=True, eq=False, repr=False)
class EventTooLarge(EverstreamError):
    """What one event needs, the line that is being read included, passes `max_event_bytes`.

    Attributes:
        limit: The value of `max_event_bytes`.
        items: What was finished before it in the same chunk, in wire order: not lost.
    """

    limit: int
    items: tuple[WireItem, ...] = ()

    def __str__(self) -> str:
        return f"an event is larger than max_event_bytes ({self.limit} bytes)"


@dataclass(kw_only=True, eq=False, repr=False)
class RetriesExhausted(EverstreamError):
    """The retry policy gave up; the last failure is the `__cause__`.

    Attributes:
        attempts: Failures in a row, the last included.
        elapsed: Seconds since this outage began.
        last_error: The last failure.
    """

    attempts: int
    elapsed: float
    last_error: EverstreamError

    def __str__(self) -> str:
        failures = count(self.attempts, "failure")
        return f"gave up after {failures} in {self.elapsed:.1f} s; the last: {self.last_error}"


@dataclass(kw_only=True, eq=False, repr=False)
class StreamIncomplete(EverstreamError):
    """The stream ended without the data that `until` names.

    Attributes:
        until: What should have ended it.
        events_received: Events received before the end.
    """

    until: str
    events_received: int

    def __str__(self) -> str:
        return (
            f"the stream ended after {count(self.events_received, 'event')} without {printable(self.until)}"
        )


class PayloadError(EverstreamError):
    """What the stream carried cannot be used, though the stream itself is well."""


@dataclass(kw_only=True, eq=False, repr=False)
class InvalidJSON(PayloadError):
    """The data of an event is not JSON.

    Attributes:
        event: The event; its data is not in the message.
    """

    event: Event

    def __str__(self) -> str:
        size = f"{len(self.event.data)} characters"
        return f"the data of an event of type {printable(self.event.type)} is no JSON ({size})"
