"""The wire form of an event stream: text in, bytes out.

Pure functions of the standard library only. Property tests of a parser use them as the other half of
a round trip.
"""

from __future__ import annotations

import re

__all__ = ["BOM", "encode_comment", "encode_event", "encode_position", "encode_retry"]

BOM = b"\xef\xbb\xbf"
"""The UTF-8 byte order mark, which a parser strips from the very start of a stream."""

_LINE_END = re.compile("\r\n|\r|\n")
_NOT_IN_A_FIELD = re.compile("[\r\n\0]")


def encode_event(
    data: str,
    *,
    id: str | None = None,  # noqa: A002
    type: str | None = None,  # noqa: A002
    newline: str = "\n",
) -> bytes:
    r"""Gives the block that is dispatched as one event.

    Args:
        data: The event's data. Each of its lines, ended by CR, LF or CRLF, becomes a ``data:`` line
            of its own, so a parser gives the lines back joined by LF.
        id: The event's id; ``None`` writes no ``id:`` line, ``""`` resets the last event ID.
        type: The event's type; ``None`` writes no ``event:`` line, which means "message".
        newline: What ends each line: ``"\n"``, ``"\r\n"`` or ``"\r"``.

    Raises:
        ValueError: If the id or the type holds CR, LF or NUL, or ``newline`` is not a line end.
    """
    lines = [] if type is None else [f"event: {_checked('type', type)}"]
    lines += [] if id is None else [f"id: {_checked('id', id)}"]
    lines += [f"data: {line}" for line in _LINE_END.split(data)]
    return _encoded([*lines, ""], newline)


def encode_position(id: str, *, newline: str = "\n") -> bytes:  # noqa: A002
    """Gives a block with an id and no data: no event, but it moves the last event ID.

    Raises:
        ValueError: If the id holds CR, LF or NUL, or ``newline`` is not a line end.
    """
    return _encoded([f"id: {_checked('id', id)}", ""], newline)


def encode_comment(text: str = "", *, newline: str = "\n") -> bytes:
    """Gives the comment lines for a text; without a text, the shortest heartbeat.

    Raises:
        ValueError: If ``newline`` is not a line end.
    """
    lines = [f": {line}" if line else ":" for line in _LINE_END.split(text)]
    return _encoded(lines, newline)


def encode_retry(milliseconds: int, *, newline: str = "\n") -> bytes:
    """Gives the line that sets the reconnection time.

    Raises:
        ValueError: If the time is negative, or ``newline`` is not a line end.
    """
    if milliseconds < 0:
        raise ValueError(f"a reconnection time cannot be negative, got {milliseconds} ms")
    return _encoded([f"retry: {milliseconds}"], newline)


def _checked(field: str, value: str) -> str:
    if _NOT_IN_A_FIELD.search(value):
        raise ValueError(
            f"an event's {field} cannot hold CR, LF or NUL, got {value!r}; send it with raw() instead"
        )
    return value


def _encoded(lines: list[str], newline: str) -> bytes:
    if newline not in ("\n", "\r\n", "\r"):
        raise ValueError(f"newline must be LF, CRLF or CR, got {newline!r}")
    return "".join(line + newline for line in lines).encode()
