"""What a script is made of: the steps of a connection, as values.

Nothing here touches a socket or decides anything. `everstream.testing.script` has the functions that
make these values, `everstream.testing.player` what each of them does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

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
]

Framing: TypeAlias = Literal["chunked", "trickle", "length", "close"]
Encoding: TypeAlias = Literal["identity", "gzip", "deflate"]
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
