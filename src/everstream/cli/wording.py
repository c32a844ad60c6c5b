"""Items that are no events, in words for people: one line each, safe in a terminal."""

from __future__ import annotations

from everstream import (
    Closed,
    Comment,
    Duplicate,
    Event,
    EverstreamError,
    Failed,
    Interrupted,
    Opened,
    Position,
    ResponseRejected,
    ResumeRejected,
    RetryHint,
    StatusRejected,
    StreamItem,
    WireItem,
)
from everstream.cli.escaping import escaped
from everstream.core.refusals import RESUME_REJECTED_ON

__all__ = ["count", "excerpt", "final_reason", "line_of", "reason", "waiting"]

_EXCERPT_CHARACTERS = 200
_NOT_FOUND = 404
_CLOSED = {
    "close": "closed",
    "eof": "the server ended the stream",
    "no content": "the server has no more to say (204)",
    "until": "the stream is complete",
}


def line_of(item: StreamItem) -> tuple[str, str]:
    """Returns what an item is, in one word, and what there is to say of it."""
    match item:
        case Opened():
            return "opened", _opened(item)
        case Interrupted(error=error, delay=delay, attempt=attempt):
            return "interrupted", waiting(str(error), attempt, delay)
        case Closed(reason=why):
            return "closed", _CLOSED[why]
        case Failed(error=error):
            return "failed", reason(error)
        case ResumeRejected(error=error, last_event_id=cursor, restarts=restarts):
            what_now = "restarting without it, which leaves a gap" if restarts else "giving up"
            return "resume rejected", f"{_of_cursor(error, cursor)}; {what_now}"
        case _:
            return _of_wire(item)


def _of_wire(item: WireItem) -> tuple[str, str]:
    match item:
        case Comment(text=text):
            return "comment", escaped(text)
        case RetryHint(delay=delay):
            return "retry", f"the server wishes {delay:g} s before a reconnect"
        case Position(id=position):
            return "position", escaped(position)
        case Duplicate(event=event):
            return "duplicate", escaped(event.type)
        case Event(type=kind):
            return "event", escaped(kind)


def waiting(cause: str, attempt: int, delay: float) -> str:
    """Returns what failed, and which attempt follows in how many seconds."""
    return f"{escaped(cause)}; attempt {attempt} in {delay:.1f} s"


def _opened(item: Opened) -> str:
    again = "" if item.downtime is None else f" again after {item.downtime:.1f} s"
    place = f"; it goes on after event {escaped(item.last_event_id)}" if item.last_event_id else ""
    return f"connected{again}{place}"


def reason(error: EverstreamError) -> str:
    """Returns the message of an error; parts of it may be a server's."""
    return escaped(str(error))


def final_reason(error: EverstreamError, cursor: str) -> str:
    """Returns the message of a final error; if the server refused the cursor, it says so.

    Args:
        error: The error.
        cursor: What the stream would have gone on after; empty if there is nothing.
    """
    if cursor and isinstance(error, StatusRejected) and error.status in RESUME_REJECTED_ON:
        return f"{_of_cursor(error, cursor)}; to begin without it, with a gap: --on-resume-rejected restart"
    return reason(error)


def _of_cursor(error: StatusRejected, cursor: str) -> str:
    # A URL that is wrong has the same status.
    doubt = ", or there is no such stream" if error.status == _NOT_FOUND else ""
    return f"{reason(error)}: it no longer has the last event ID {escaped(cursor)}{doubt}"


def excerpt(error: EverstreamError) -> str | None:
    """Returns the beginning of what a server said with a refusal, in one line; None if it said nothing."""
    said = error.__cause__ if error.__cause__ is not None else error
    if not isinstance(said, ResponseRejected):
        return None
    text = " ".join(said.body_excerpt.decode("utf-8", "replace").split())
    more = "..." if len(text) > _EXCERPT_CHARACTERS else ""
    return escaped(text[:_EXCERPT_CHARACTERS]) + more if text else None


def count(number: int, noun: str) -> str:
    """Returns a number with its noun: `1 event`, `1,234 events`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
