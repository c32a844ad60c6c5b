"""The words a script is written with: one function for each step."""

from __future__ import annotations

from everstream.testing.encoding import encode_comment, encode_event, encode_retry
from everstream.testing.steps import (
    Cut,
    End,
    Endless,
    Garbage,
    HeaderFields,
    Pause,
    Refusal,
    Reset,
    Send,
    Silence,
    Stall,
    Status,
    Wait,
    header_fields,
)

__all__ = [
    "comment",
    "cut",
    "end",
    "endless",
    "event",
    "garbage",
    "no_content",
    "pause",
    "raw",
    "redirect",
    "refusal",
    "reset",
    "retry",
    "silence",
    "stall",
    "status",
    "wait",
]


def event(
    data: str,
    *,
    id: str | None = None,  # noqa: A002
    type: str | None = None,  # noqa: A002
    newline: str = "\n",
) -> Send:
    """Sends one event; see `encode_event()`."""
    return Send(encode_event(data, id=id, type=type, newline=newline))


def retry(milliseconds: int) -> Send:
    """Sets the reconnection time."""
    return Send(encode_retry(milliseconds))


def comment(text: str = "") -> Send:
    """Sends a comment; without a text, the shortest heartbeat."""
    return Send(encode_comment(text))


def raw(data: bytes) -> Send:
    """Sends these bytes as a piece of the body, whatever they are."""
    return Send(data)


def pause(timeout: float = 30.0) -> Pause:
    """Holds the stream until the test calls `SSEServer.release()`.

    Args:
        timeout: Seconds after which the server counts the test as failed and drops the connection.
    """
    return Pause(timeout)


def wait(seconds: float) -> Wait:
    """Holds the stream for some seconds. Tests are faster and surer with `pause()`."""
    return Wait(seconds)


def stall() -> Stall:
    """Holds the stream, silent and open, until the client goes or the server is stopped."""
    return Stall()


def silence() -> Silence:
    """Takes the request and never answers, until the client goes or the server is stopped."""
    return Silence()


def endless(data: bytes, *, every: float = 0.0) -> Endless:
    """Sends the same bytes again and again until the client goes.

    Args:
        data: What is repeated.
        every: Seconds of pause between two repetitions.
    """
    if not data:
        raise ValueError("endless() needs bytes to repeat")
    return Endless(data, every)


def end() -> End:
    """Ends the response properly. This is what happens when a connection's steps run out."""
    return End()


def cut(data: bytes = b"") -> Cut:
    """Closes the connection within a chunk, or short of the declared length.

    A body without chunks and without a length has no such thing; there it is a plain close.

    Args:
        data: Bytes of the body that still arrive, such as the first half of an event.
    """
    return Cut(data)


def reset() -> Reset:
    """Resets the connection (RST): the client's read fails with ``ECONNRESET``."""
    return Reset()


def garbage(data: bytes = b"\x00\xff not HTTP\r\n\r\n") -> Garbage:
    """Writes bytes that are not HTTP, and closes.

    As the first step, they come in place of a response; later, in place of a chunk (with other
    framings than chunks they are simply part of the body, and the body is then cut).
    """
    return Garbage(data)


def status(
    code: int,
    *,
    retry_after: int | str | None = None,
    headers: HeaderFields = (),
    body: bytes | Endless = b"",
    content_type: str | None = "text/plain; charset=utf-8",
) -> Status:
    """Gives a whole response that is not an event stream, and closes.

    Args:
        code: The HTTP status.
        retry_after: The ``Retry-After`` header: seconds, or any text, such as a date.
        headers: Further headers; give pairs to repeat one.
        body: The body, or `endless()` for one that never ends.
        content_type: The ``Content-Type``, or ``None`` for none.
    """
    after = () if retry_after is None else (("Retry-After", str(retry_after)),)
    return Status(code, after + header_fields(headers), body, content_type)


def redirect(location: str | None, code: int = 307) -> Status:
    """Redirects the client; ``None`` leaves out the ``Location``."""
    fields = () if location is None else (("Location", location),)
    return Status(code, fields, b"", None)


def no_content() -> Status:
    """Answers 204, which ends an event source for good."""
    return Status(204, (), b"", None)


def refusal(seconds: float) -> Refusal:
    """Refuses connections for some seconds, in place of a connection of the script.

    The time begins right before the connection ahead of it in the script is ended. Tests are faster
    and surer with `SSEServer.refusing()`.
    """
    return Refusal(seconds)
