"""The words a script is written with: functions that give steps and connections.

A wrong order of steps is found here, when the script is written, and not while it is played.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias, get_args

from everstream.testing.encoding import encode_comment, encode_event, encode_retry
from everstream.testing.steps import (
    EVENT_STREAM,
    Connection,
    Cut,
    Encoding,
    End,
    Endless,
    Framing,
    Garbage,
    Pause,
    Refusal,
    Reset,
    Send,
    Silence,
    Stall,
    Status,
    Step,
    Wait,
)

__all__ = [
    "comment",
    "connection",
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

HeaderFields: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

_LAST = (Endless, Stall, Silence, End, Cut, Reset, Garbage, Status)
_ALONE = (Silence, Status)


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
    return Status(code, after + _pairs(headers), body, content_type)


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


def connection(
    *steps: Step,
    framing: Framing | Literal["gzip", "deflate"] = "chunked",
    encoding: Encoding = "identity",
    split: int | None = None,
    status: int = 200,
    headers: HeaderFields = (),
    content_type: str | None = EVENT_STREAM,
    keep_alive: bool = False,
    length: int | None = None,
) -> Connection:
    """Describes one connection of a script.

    Args:
        steps: What happens on it, in order; `end()` is added where no step ends it.
        framing: How the client finds the end of the body. ``"chunked"``: each step is an HTTP chunk.
            ``"trickle"``: the same, but a chunk's bytes arrive in pieces. ``"length"``: a
            ``Content-Length`` that is exact if the script ends with `end()`, else far too large.
            ``"close"``: neither; the end of the connection is the end of the body. ``"gzip"`` and
            ``"deflate"`` are short for ``framing="chunked"`` with that encoding.
        encoding: The ``Content-Encoding``; compressed bytes are flushed after each step.
        split: Sends at most this many bytes at once, each piece as an HTTP chunk of its own. With
            ``"trickle"``, the pieces of the one chunk; 1 if not given.
        status: The status of a response that carries an event stream nevertheless.
        headers: Further response headers; give pairs to repeat one, such as ``Set-Cookie``.
        content_type: The ``Content-Type``, or ``None`` for a response without one.
        keep_alive: Leaves the connection open for another request after a clean end.
        length: The ``Content-Length`` to declare instead of the one that is worked out.

    Raises:
        ValueError: If a step comes after one that ends the connection, or cannot be combined.
    """
    if framing == "gzip" or framing == "deflate":
        framing, encoding = "chunked", framing
    if framing not in get_args(Framing) or encoding not in get_args(Encoding):
        raise ValueError(f"unknown framing {framing!r} or encoding {encoding!r}")
    if split is not None and split < 1:
        raise ValueError(f"split must be at least 1 byte, got {split}")
    return Connection(
        _checked(steps),
        framing=framing,
        encoding=encoding,
        split=split,
        status=status,
        headers=_pairs(headers),
        content_type=content_type,
        keep_alive=keep_alive,
        length=length,
    )


def _checked(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    for step in steps:
        if not isinstance(step, get_args(Step)):
            raise TypeError(f"not a step of a connection: {step!r}")
    for step in steps[:-1]:
        if isinstance(step, _LAST):
            raise ValueError(f"nothing can come after {step!r}: it ends the connection")
    if len(steps) > 1 and isinstance(steps[-1], _ALONE):
        raise ValueError(f"{steps[-1]!r} must be the only step of its connection")
    return steps if steps and isinstance(steps[-1], _LAST) else (*steps, End())


def _pairs(headers: HeaderFields) -> tuple[tuple[str, str], ...]:
    return tuple(headers.items() if isinstance(headers, Mapping) else headers)
