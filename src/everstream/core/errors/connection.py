"""What befalls a connection: none could be made, it went silent, it ended, it was given up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from everstream.core.errors.base import EverstreamError
from everstream.core.wording import count, printable, seconds

if TYPE_CHECKING:
    from everstream.core.events import Event, WireItem

__all__ = [
    "CertificateInvalid",
    "ConnectFailed",
    "EventTooLarge",
    "InterruptionReason",
    "RetriesExhausted",
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
    """The stream ended without what `until` names.

    Attributes:
        until: The data that should have ended it; None if a function was to find its last event.
        events_received: Events received on this connection before the end.
        bytes_received: Bytes of body received on it, decompressed.
        received: These events; of a long stream the latest, with 1 MiB of data at most.
    """

    until: str | None
    events_received: int
    bytes_received: int = 0
    received: tuple[Event, ...] = ()

    def __str__(self) -> str:
        missing = "the event that is its last" if self.until is None else printable(self.until)
        return f"the stream ended after {count(self.events_received, 'event')} without {missing}"
