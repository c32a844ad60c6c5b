"""Whether a response is an event stream, and what it says about waiting.

Rule: pure functions of a status, header fields and, where a date has to be compared, a wall-clock time.
"""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from everstream.core.errors import ContentTypeRejected, ResponseRejected, StatusRejected
from everstream.core.headers import Headers
from everstream.core.text import digits_to_float

__all__ = ["is_event_stream", "rejection", "retry_after"]


def rejection(status: int, headers: Headers, wall_clock: float | None = None) -> ResponseRejected | None:
    """Returns why a response cannot be read as an event stream, or None if it can.

    [spec] 9.2.3: any status but 200, or another content type, fails the connection. Which of these
    may be tried again is the error's `retryable`.

    Args:
        status: The status code, after redirects.
        headers: The header fields of the response.
        wall_clock: Seconds since the epoch, for a `Retry-After` date without a `Date` beside it.
    """
    if status != 200:
        return StatusRejected(status=status, headers=headers, retry_after=retry_after(headers, wall_clock))
    if not is_event_stream(headers.get("Content-Type", "")):
        return ContentTypeRejected(status=status, headers=headers)
    return None


def is_event_stream(content_type: str) -> bool:
    """Returns whether a `Content-Type` is `text/event-stream`, whatever its case and parameters.

    A charset is ignored: [spec] event streams are always UTF-8.
    """
    essence, _, _ = content_type.partition(";")
    return essence.strip(" \t").lower() == "text/event-stream"


def retry_after(headers: Headers, wall_clock: float | None = None) -> float | None:
    """Returns the seconds of `Retry-After` (RFC 9110, 10.2.3), 0 or more; None if it says nothing.

    A date is compared with the response's own `Date` where it has one, so that a wrong clock, ours or
    theirs, does not matter.
    """
    value = headers.get("Retry-After", "").strip(" \t")
    seconds = digits_to_float(value)
    if seconds is not None:
        return seconds
    until = _timestamp(value)
    since = _timestamp(headers.get("Date", ""))
    since = wall_clock if since is None else since
    if until is None or since is None:
        return None
    return max(0.0, until - since)


def _timestamp(http_date: str) -> float | None:
    try:
        date: datetime = parsedate_to_datetime(http_date)
        # An offset of -0000 gives a naive time; HTTP dates are in UTC.
        return (date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
