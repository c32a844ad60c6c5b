"""How tests feed a parser: in pieces of their choice, with everything that comes out in one list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from everstream.core.events import Event, WireItem
from everstream.core.parsing import EventStreamParser

BOM = b"\xef\xbb\xbf"
LINE_ENDS = ("\n", "\r\n", "\r")
LINE_END_NAMES = ("LF", "CRLF", "CR")


def pieces(stream: bytes, size: int) -> list[bytes]:
    """Cuts a stream every `size` bytes."""
    return [stream[start : start + size] for start in range(0, len(stream), size)]


def cut_at(stream: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    """Cuts a stream at the given offsets; the same offset twice gives an empty chunk."""
    start = 0
    for cut in sorted(cuts):
        yield stream[start:cut]
        start = cut
    yield stream[start:]


def fed(parser: EventStreamParser, chunks: Iterable[bytes]) -> list[WireItem]:
    """Feeds a parser chunk by chunk."""
    return [item for chunk in chunks for item in parser.feed(chunk)]


def parse(stream: str | bytes, *, last_event_id: str = "") -> list[WireItem]:
    """Parses a stream that comes in one chunk."""
    chunk = stream.encode() if isinstance(stream, str) else stream
    return EventStreamParser(last_event_id).feed(chunk)


def message(data: str, last_event_id: str = "") -> Event:
    """An event of the default type."""
    return Event("message", data, last_event_id)


def data_of(items: Sequence[WireItem]) -> list[str]:
    """The data of the events among the items."""
    return [item.data for item in items if isinstance(item, Event)]
