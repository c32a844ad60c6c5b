"""Events as lines: for programs, for the eyes, and bare."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Protocol, TextIO

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

from everstream import Comment, Duplicate, Event, Position, RetryHint, StreamItem
from everstream.cli.escaping import escaped, json_text, pieces
from everstream.cli.wording import line_of
from everstream.observe.logs import record_of

__all__ = ["Bare", "Format", "JSONLines", "Pretty", "Writer"]

_INDENT = 2
_LONGEST_HIGHLIGHTED = 10_000
_TYPE_STYLES = ("cyan", "magenta", "blue", "green", "yellow", "bright_cyan", "bright_magenta", "bright_blue")
_ITEM_STYLES = {"opened": "green", "interrupted": "yellow", "failed": "red", "closed": "bold"}


class Format(str, Enum):
    """The values of `--format`."""

    AUTO = "auto"
    JSONL = "jsonl"
    DATA = "data"
    PRETTY = "pretty"


class Writer(Protocol):
    """Writes items, each flushed at once."""

    def event(self, event: Event) -> None:
        """Writes an event."""
        ...

    def lifecycle(self, item: StreamItem) -> None:
        """Writes an item that is no event."""
        ...


class JSONLines:
    """One JSON object a line.

    Args:
        out: Where to.
        with_kind: Says of each object what it is; without, all are events.
    """

    def __init__(self, out: TextIO, *, with_kind: bool) -> None:
        self._out = out
        self._kind = {"kind": "event"} if with_kind else {}

    def event(self, event: Event) -> None:
        """Writes type, data and id."""
        self._write({**self._kind, "type": event.type, "data": event.data, "id": event.id})

    def lifecycle(self, item: StreamItem) -> None:
        """Writes the fields that the item's log record has."""
        self._write(_fields(item))

    def _write(self, fields: dict[str, object]) -> None:
        self._out.write(json_text(fields) + "\n")
        self._out.flush()


def _fields(item: StreamItem) -> dict[str, object]:
    match item:
        case Event(type=kind, data=data, id=event_id):
            return {"kind": "event", "type": kind, "data": data, "id": event_id}
        case Comment(text=text):
            return {"kind": "comment", "text": text}
        case RetryHint(delay=delay):
            return {"kind": "retry", "delay": delay}
        case Position(id=position):
            return {"kind": "position", "id": position}
        case Duplicate(event=event):
            return {**_fields(event), "kind": "duplicate"}
        case _:
            _level, name, fields = record_of(item) or ("", "", {})
            return {"kind": name.removeprefix("stream."), **fields}


class Bare:
    """The data of events and nothing else, exactly, with a line feed after each.

    Args:
        out: Where to.
        note: Takes a line about anything else.
    """

    def __init__(self, out: TextIO, note: Callable[[str], None]) -> None:
        self._out = out
        self._note = note
        self._for_eyes = out.isatty()

    def event(self, event: Event) -> None:
        """Writes the data; to a terminal, what is safe there."""
        self._out.write((escaped(event.data, lines=True) if self._for_eyes else event.data) + "\n")
        self._out.flush()

    def lifecycle(self, item: StreamItem) -> None:
        """Passes it on: among the data it could not be told from them."""
        what, words = line_of(item)
        self._note(f"{what}: {words}")


class Pretty:
    """For the eyes: when, which type, which id, and the data indented below.

    Args:
        out: Where to; coloured if it is a terminal.
        now: The time of day.
    """

    def __init__(self, out: TextIO, now: Callable[[], datetime] = datetime.now) -> None:
        self._console = Console(file=out, highlight=False, markup=False, emoji=False)
        self._now = now
        self._highlight = JSONHighlighter()

    def event(self, event: Event) -> None:
        """Writes an event in two lines, or more if its data has more."""
        style = _TYPE_STYLES[zlib.crc32(event.type.encode("utf-8", "replace")) % len(_TYPE_STYLES)]
        head = self._head("●", style).append_text(_safe(event.type, f"bold {style}"))
        if event.id:
            head.append("  ").append_text(_safe(event.id, "dim"))
        self._print(head, continued=_INDENT)
        for line in event.data.split("\n") if event.data else ():
            self._print(self._highlighted(line), indent=_INDENT, continued=_INDENT)
        self._console.file.flush()

    def lifecycle(self, item: StreamItem) -> None:
        """Writes an item in one line."""
        what, words = line_of(item)
        style = _ITEM_STYLES.get(what, "dim")
        self._print(self._head("○", style).append(what, style).append(f"  {words}", "dim"), continued=_INDENT)
        self._console.file.flush()

    def _head(self, sign: str, style: str) -> Text:
        sign = sign if self._console.encoding.startswith("utf") else "*"
        return Text().append(f"{self._now():%H:%M:%S} ", "dim").append(f"{sign} ", style)

    def _highlighted(self, line: str) -> Text:
        text = _safe(line, "")
        if line[:1] in ("{", "[") and len(line) <= _LONGEST_HIGHLIGHTED:
            self._highlight.highlight(text)
        return text

    def _print(self, line: Text, *, indent: int = 0, continued: int) -> None:
        if self._console.is_terminal:
            # A line too long for the terminal goes on indented: nothing that a server sends can look
            # like the head of an event.
            width = max(self._console.width - max(indent, continued), 1)
            first, *rest = line.wrap(self._console, width, overflow="fold") or [line]
        else:
            first, rest = line, []
        self._console.print(Text(" " * indent).append_text(first), soft_wrap=True)
        for part in rest:
            self._console.print(Text(" " * continued).append_text(part), soft_wrap=True)


def _safe(text: str, style: str) -> Text:
    safe = Text()
    for piece, stands_for_another in pieces(text):
        safe.append(piece, "reverse" if stands_for_another else style)
    return safe
