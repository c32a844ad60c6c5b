"""Responses that are no event stream."""

from __future__ import annotations

from dataclasses import dataclass, field

from everstream.core.errors.base import EverstreamError
from everstream.core.headers import Headers
from everstream.core.wording import printable, seconds, status_line

__all__ = ["ContentTypeRejected", "RedirectRejected", "ResponseRejected", "StatusRejected"]

_RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


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
