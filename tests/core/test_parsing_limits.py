"""The limit on what a server can make us keep, and the cost of what it may send."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Iterable

import pytest

from everstream.core.errors import ConfigurationError, EventTooLarge
from everstream.core.events import Comment, Event, Position, RetryHint, WireItem
from everstream.core.parsing import DEFAULT_MAX_EVENT_BYTES, EventStreamParser
from tests.core.feeding import BOM, fed, message, pieces

MIB = 1024 * 1024
every_size = pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])

# Streams that make the parser keep 20 bytes at one moment, and never more: the data so far, with a line
# feed for each of its lines, and the line being read, without its end.
TWENTY_BYTES = {
    "one data line": b"data: 0123456789abcd\n\n",
    "one data line, CRLF": b"data: 0123456789abcd\r\n\r\n",
    "one data line, CR": b"data: 0123456789abcd\r\r",
    "one data line, unfinished": b"data: 0123456789abcd",
    "behind a byte order mark": BOM + b"data: 0123456789abcd\n\n",
    "two data lines": b"data: 012\ndata: 0123456789\n\n",
    "two data lines, unfinished": b"data: 012\ndata: 0123456789",
    "four data lines": b"data: 0\ndata: 1\ndata: 2\ndata: 34567890\n\n",
    "empty data lines": b"data\n" * 17 + b"\n",
    "multibyte data": "data: ééééééé\n\n".encode(),
    "multibyte data of two lines": "data: é¥\ndata: €€€\n\n".encode(),
    "broken bytes": b"data: \xff\xff\xff\xff..\n\n",
    "a comment": b":0123456789abcdefghi\n",
    "a comment, unfinished": b":0123456789abcdefghi",
    "a comment in a block": b"data: 012\n:0123456789abcde\n\n",
    "an id": b"id: 0123456789abcdef\n\n",
    "an event type": b"event: 0123456789abc\ndata\n\n",
    "a retry field": b"retry: 0000000000005\n",
    "an unknown field": b"0123456789abcdefghij\n",
    "a second block": b"data: 0123\n\ndata: 0123456789abcd\n\n",
    "a block after an id": b"id: 0123456789abcdef\ndata: 0123456789abcd\n\n",
}  # fmt: skip


def outcome(stream: bytes, size: int, limit: int) -> tuple[list[WireItem], int | None]:
    """Everything that came out, also with the error, and the limit if it was passed."""
    parser = EventStreamParser(max_event_bytes=limit)
    items: list[WireItem] = []
    try:
        for chunk in pieces(stream, size):
            items += parser.feed(chunk)
    except EventTooLarge as error:
        return [*items, *error.items], error.limit
    return items, None


class TestTheLimit:
    @every_size
    @pytest.mark.parametrize("name", TWENTY_BYTES)
    def test_what_is_exactly_at_the_limit_passes(self, name: str, size: int) -> None:
        """The limit is the most that is allowed."""
        stream = TWENTY_BYTES[name]
        assert outcome(stream, size, 20) == (EventStreamParser().feed(stream), None)

    @every_size
    @pytest.mark.parametrize("name", TWENTY_BYTES)
    def test_one_byte_more_than_the_limit_does_not(self, name: str, size: int) -> None:
        """Bytes of UTF-8 are counted, not characters, and in lines that never end too."""
        _, passed = outcome(TWENTY_BYTES[name], size, 19)
        assert passed == 19

    @every_size
    def test_what_was_finished_before_is_not_lost(self, size: int) -> None:
        """The error carries the items of its own chunk; those of earlier chunks were given out."""
        stream = b":c\nretry: 5\nid: 1\n\ndata: a\n\ndata: 0123456789\n\ndata: never\n\n"
        before = [Comment("c"), RetryHint(0.005), Position("1"), message("a", "1")]
        assert outcome(stream, size, 12) == (before, 12)

    def test_the_items_of_the_error_are_those_of_its_chunk(self) -> None:
        """No item comes twice."""
        parser = EventStreamParser(max_event_bytes=12)
        assert parser.feed(b"data: a\n\ndata: b\n") == [message("a")]
        with pytest.raises(EventTooLarge) as caught:
            parser.feed(b"\n:c\ndata: 0123456")
        assert caught.value.items == (message("b"), Comment("c"))

    @every_size
    def test_a_position_from_before_the_error_stands(self, size: int) -> None:
        """The block that was too large moves nothing."""
        parser = EventStreamParser(max_event_bytes=10)
        with pytest.raises(EventTooLarge):
            fed(parser, pieces(b"id: 1\ndata: a\n\nid: 2\ndata: 0123456789\n\n", size))
        assert parser.last_event_id == "1"

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_limit_that_nothing_can_keep_is_refused(self, limit: int) -> None:
        """It would refuse every line; the least is one byte."""
        with pytest.raises(
            ConfigurationError, match=f"max_event_bytes= takes a whole number above 0, not {limit}"
        ):
            EventStreamParser(max_event_bytes=limit)
        assert EventStreamParser(max_event_bytes=1).feed(b":\n\n:\n") == [Comment(""), Comment("")]

    def test_an_endless_line_is_stopped_as_it_comes(self) -> None:
        """Nobody waits for its end."""
        parser = EventStreamParser(max_event_bytes=1000)
        for _ in range(100):
            assert parser.feed(b"0123456789") == []
        with pytest.raises(EventTooLarge):
            parser.feed(b"0")

    def test_an_endless_block_is_stopped_as_it_comes(self) -> None:
        """Small lines add up."""
        parser = EventStreamParser(max_event_bytes=1000)
        for _ in range(98):
            assert parser.feed(b"data: 012345678\n") == []
        with pytest.raises(EventTooLarge):
            fed(parser, [b"data: 012345678\n"] * 3)

    def test_blocks_do_not_add_up(self) -> None:
        """A stream may be as long as it likes."""
        parser = EventStreamParser(max_event_bytes=15)
        assert fed(parser, [b"data: 012345678\n\n"] * 1000) == [message("012345678")] * 1000

    def test_lines_without_data_do_not_add_up(self) -> None:
        """What is not kept is not counted."""
        parser = EventStreamParser(max_event_bytes=15)
        block = b"id: 01234567890\nevent: 12345678\nother: 12345678\n:45678901234567\n"
        items = fed(parser, [block] * 100 + [b"data: 012345678\n\n"])
        assert items[-1] == Event("12345678", "012345678", "01234567890")

    def test_an_event_of_the_default_limit_passes_and_a_larger_one_does_not(self) -> None:
        """32 MiB unless told otherwise: the number in the documentation."""
        assert DEFAULT_MAX_EVENT_BYTES == 32 * MIB
        line = b"data:" + b"x" * (32 * MIB - 5)
        assert EventStreamParser().feed(line) == []
        with pytest.raises(EventTooLarge, match=r"33554432 bytes"):
            EventStreamParser().feed(line + b"x")


def transient_bytes(chunks: Iterable[bytes]) -> tuple[list[int], int]:
    """What each chunk made the parser allocate, at its peak, and the peak of it all."""
    parser = EventStreamParser()
    each: list[int] = []
    highest = 0
    gc.collect()
    tracemalloc.start()
    try:
        for chunk in chunks:
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            parser.feed(chunk)
            _, peak = tracemalloc.get_traced_memory()
            each.append(peak - before)
            highest = max(highest, peak)
    finally:
        tracemalloc.stop()
    return each, highest


def calls_of(chunks: Iterable[bytes]) -> int:
    """How many functions, of Python and of C, the parser calls."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    parser = EventStreamParser()
    former = sys.getprofile()
    sys.setprofile(note)
    try:
        for chunk in chunks:
            parser.feed(chunk)
    finally:
        sys.setprofile(former)
    return count


ONE_LINE = [b"data: ", *[b"x" * 1024] * 4096, b"\n\n"]
MANY_LINES = [*[b"data: " + b"x" * 1017 + b"\n"] * 4096, b"\n"]
ONE_COMMENT = [b":", *[b"x" * 1024] * 4096, b"\n"]
MULTIBYTE = [b"data: ", *["é".encode() * 512] * 4096, b"\n\n"]
SHORT_LINES = [*[b"data\n"] * 65536, b"\n"]
SHORT_CHUNKS = [b"data:", *[b"x"] * 65536, b"\n\n"]


class TestTheCost:
    @pytest.mark.parametrize(
        "chunks",
        [ONE_LINE, MANY_LINES, ONE_COMMENT, MULTIBYTE, SHORT_LINES, SHORT_CHUNKS],
        ids=["one line", "many lines", "one comment", "multibyte", "short lines", "short chunks"],
    )
    def test_no_chunk_of_a_large_event_copies_those_before_it(self, chunks: list[bytes]) -> None:
        """A copy for each chunk would make a large event cost the square of its size."""
        each, highest = transient_bytes(iter(chunks))
        assert max(each[:-1]) < 128 * 1024
        assert highest < 3 * 4 * MIB

    @pytest.mark.parametrize("size", [1, 64, 1024])
    @pytest.mark.parametrize("unit", [b"x", b"x\n", b"data: x\n", b"data: x\r\n\r\n", b":\r", b"\n", b"\r"])
    def test_twice_the_stream_is_twice_the_work(self, unit: bytes, size: int) -> None:
        """The calls made grow with the stream, whatever the chunks and the lines."""
        stream = unit * (8192 // len(unit))
        once = calls_of(pieces(stream, size))
        twice = calls_of(pieces(stream * 2, size))
        assert 0 < twice <= 2 * once + 10

    def test_a_stream_leaves_nothing_behind(self) -> None:
        """What was given out is not kept."""
        parser = EventStreamParser()
        chunk = b"id: 1\nevent: e\ndata: " + b"x" * 1000 + b"\n\n:c\n"
        parser.feed(chunk)
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(5000):
                parser.feed(chunk)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < 50_000
