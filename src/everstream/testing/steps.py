"""What a script is made of: connections and their steps, as values.

Nothing here touches a socket. `everstream.testing.script` has the functions that make the steps,
`everstream.testing.player` what each of them does. A wrong order of steps is found here, when the
script is written, and not while it is played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast, get_args

from everstream.testing.waiting import Bell

__all__ = [
    "EVENT_STREAM",
    "Connection",
    "Cut",
    "Encoding",
    "End",
    "Endless",
    "Framing",
    "Garbage",
    "HeaderFields",
    "Pause",
    "Refusal",
    "Reset",
    "Send",
    "Silence",
    "Stall",
    "Status",
    "Step",
    "Until",
    "Wait",
    "connection",
    "header_fields",
]

Framing: TypeAlias = Literal["chunked", "trickle", "length", "close"]
Encoding: TypeAlias = Literal["identity", "gzip", "deflate"]
HeaderFields: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Send:
    """Sends bytes of the event stream."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Holds the stream until the test releases it."""

    timeout: float


@dataclass(frozen=True, slots=True)
class Until:
    """Holds the stream until a condition is true; its bell rings when it may have become so."""

    condition: Callable[[], bool]
    bell: Bell


@dataclass(frozen=True, slots=True)
class Wait:
    """Holds the stream for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Endless:
    """Sends the same bytes again and again until the client goes."""

    data: bytes
    every: float


@dataclass(frozen=True, slots=True)
class Stall:
    """Holds the stream until the client goes."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Never answers the request at all."""


@dataclass(frozen=True, slots=True)
class End:
    """Ends the response as its framing says it must end."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Closes the connection before the response is complete."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Reset:
    """Resets the connection."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Writes bytes that are not HTTP and closes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Status:
    """Gives a whole response that is not an event stream."""

    code: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | Endless
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Stands for a time in which connections are refused."""

    seconds: float


Step: TypeAlias = (
    Send | Pause | Until | Wait | Endless | Stall | Silence | End | Cut | Reset | Garbage | Status
)
_LAST = (Endless, Stall, Silence, End, Cut, Reset, Garbage, Status)
_ALONE = (Silence, Status)


@dataclass(frozen=True, slots=True)
class Connection:
    """What the server does with one request. Make one with `connection()`."""

    steps: Iterable[Step]
    framing: Framing = "chunked"
    encoding: Encoding = "identity"
    split: int | None = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str | None = EVENT_STREAM
    keep_alive: bool = False
    length: int | None = None


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
        encoding = framing
        framing = "chunked"
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
        headers=header_fields(headers),
        content_type=content_type,
        keep_alive=keep_alive,
        length=length,
    )


def _checked(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    for step in steps:
        if not isinstance(step, get_args(Step)):
            raise TypeError(f"not a step of a connection: {step!r}")
    early = [step for step in steps[:-1] if isinstance(step, _LAST)]
    if early:
        raise ValueError(f"nothing can come after {early[0]!r}: it ends the connection")
    if len(steps) > 1 and isinstance(steps[-1], _ALONE):
        raise ValueError(f"{steps[-1]!r} must be the only step of its connection")
    return steps if steps and isinstance(steps[-1], _LAST) else (*steps, End())


def header_fields(headers: HeaderFields) -> tuple[tuple[str, str], ...]:
    """Gives header fields as pairs."""
    if isinstance(headers, Mapping):
        return tuple(cast("Mapping[str, str]", headers).items())
    return tuple(headers)
