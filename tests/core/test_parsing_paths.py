"""Two ways through the parser, whole blocks as bytes and line by line: nobody can tell which one was taken.

A stream that comes byte by byte has no whole block in any chunk, so that it goes line by line. The same
stream in larger chunks must give the same, and leave the parser in the same state.
"""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from everstream.core.errors import EventTooLarge
from everstream.core.events import Event, WireItem
from everstream.core.parsing import EventStreamParser
from tests.core.feeding import BOM, LINE_ENDS, cut_at, fed, pieces
from tests.core.standard import exceeds, interpret

often = settings(max_examples=250, database=None)

NAMES = [b"data", b"event", b"id", b"retry", b"", b"Data", b"dat", b"datax", b" data", BOM + b"data", b"\xff"]
VALUES = [
    *(text.encode() for text in ("", " ", "x", " x", "12", "\0", "a\0b", "a: b", "data: x")),
    *(text.encode() for text in ("é", "😀", "\u2028\x85\v")),
    *(b"\xff", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc3", b"x\xed\xa0", BOM),
]  # fmt: skip
LINES = [name + value for name in NAMES for value in (b"", *map(b"".join, product([b": ", b":"], VALUES)))]
COMMON = [
    b"data: x",
    "data: é".encode(),
    b"data: \xff",
    b"data: ",
    b"event: e",
    b"event: ",
    b"id: 1",
    b"id: 2",
]
FIRST = [
    b":",
    b":\n",
    b"\n",
    b"\r",
    b"data: 0\n\n",
    b"id: 7\n",
    b"id: 7\n\n",
    b"event",
    b"data: \xe2",
    b"x: y\r",
]
FIRST += [BOM[:1], BOM[:2], BOM, BOM + b"\n", BOM + b"data: 0\n\n"]

lines = st.sampled_from(COMMON) | st.sampled_from(LINES)
line_ends = st.sampled_from([end.encode() for end in LINE_ENDS])


@st.composite
def streams_of_blocks(draw: st.DrawFn) -> bytes:
    """Blocks of one form many times, with blocks of any other between, and runs of blank lines."""
    end = draw(line_ends)
    ends = st.just(end) if draw(st.booleans()) else line_ends
    stream = b""
    for block in draw(st.lists(st.lists(lines, max_size=4), max_size=6)):
        for _ in range(draw(st.integers(1, 3))):
            stream += b"".join(line + draw(ends) for line in block) + draw(ends) * draw(st.integers(1, 2))
    return stream + draw(st.sampled_from([b"", b"\n", b"\r"]) | lines)


def state_of(parser: EventStreamParser) -> tuple[object, ...]:
    """All that a parser can be asked."""
    return parser.last_event_id, parser.reconnection_time, parser.unfinished()


@often
@given(st.sampled_from(FIRST), streams_of_blocks(), st.sampled_from(["", "0"]))
@example(b":\n", b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", "")
@example(b":\n", b"id: 1\ndata: a\n\nid: \ndata: b\n\n", "")
@example(b":\n", b"event: a\n\ndata: b\n\n", "")
@example(b"id: 7\n", b"data: a\n\ndata: b\n\n", "")
@example(b"data: \xe2", b"\x82\xac\n\ndata: b\n\n", "")
@example(b":", b"data: a\n\ndata: b\n\n", "")
@example(b"x\r", b"\n\ndata: a\n\ndata: b\n\n", "")
def test_one_large_chunk_gives_what_the_same_bytes_give_one_by_one(
    first: bytes, stream: bytes, last_event_id: str
) -> None:
    """The same items, the same state after each chunk; and both are what the standard says."""
    large, bytewise = (EventStreamParser(last_event_id) for _ in range(2))
    items: list[WireItem] = []
    for chunk in (first, stream, b"\n", b"data: after\n\n"):
        given_at_once = large.feed(chunk)
        assert given_at_once == fed(bytewise, pieces(chunk, 1))
        assert state_of(large) == state_of(bytewise)
        items += given_at_once
    assert items == interpret(first + stream + b"\ndata: after\n\n", last_event_id).items


@often
@given(streams_of_blocks(), st.lists(st.integers(0, 300), max_size=5))
def test_several_chunks_give_what_the_same_bytes_give_one_by_one(stream: bytes, cuts: list[int]) -> None:
    """Wherever a block was cut: in a line, in a character, between CR and LF."""
    large, bytewise = EventStreamParser(), EventStreamParser()
    for chunk in cut_at(stream, [cut for cut in cuts if cut <= len(stream)]):
        assert large.feed(chunk) == fed(bytewise, pieces(chunk, 1))
        assert state_of(large) == state_of(bytewise)


def outcome(limit: int, chunks: list[bytes]) -> tuple[list[WireItem], bool, str, float | None]:
    """What a parser with a limit gives, whether the limit was passed, and where it stands then."""
    parser, items, is_passed = EventStreamParser(max_event_bytes=limit), list[WireItem](), False
    try:
        for chunk in chunks:
            items += parser.feed(chunk)
    except EventTooLarge as error:
        items += error.items
        is_passed = True
    return items, is_passed, parser.last_event_id, parser.reconnection_time


@often
@given(st.sampled_from(FIRST), streams_of_blocks(), st.integers(-2, 2), st.sampled_from([0, 1, 2, 3]))
@example(b":\n", b"data: " + b"\xff" * 50 + b"\n\n", 0, 1)
@example(b":\n", b"data: " + b"\xff" * 50 + b"\n\n", 0, 2)
def test_a_limit_is_passed_at_the_same_byte(first: bytes, stream: bytes, off: int, times: int) -> None:
    """Also where the size of the chunk lies just at it, and where its bytes grow when they are decoded."""
    stream += b"\n"
    longest = max(len(line) for line in stream.replace(b"\r", b"\n").split(b"\n"))
    limit = max(times * len(stream) + off, 1) if times else max(longest + off, 1)
    at_once = outcome(limit, [first, stream])
    assert at_once == outcome(limit, pieces(first + stream, 1))
    assert at_once[1] == exceeds(first + stream, limit)


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize("text", ["a", "é", "😀", "\u2028"])
@pytest.mark.parametrize("form", [
    "data: {}", "data:{}", "event: {}|data: {}", "id: {}|data: {}", "data: {}|data: {}",
    "data: {}|id: {}|event: {}", "id: {}|id: {}|data: {}", "event: {}|event: |data: {}", ": {}|data: {}",
    "data", "retry: 5|data: {}",
])  # fmt: skip
def test_many_blocks_of_one_form(form: str, text: str, end: str) -> None:
    """Each form that servers send, alone and followed by one of another form."""
    block = form.format(*[text] * 3).replace("|", end) + 2 * end
    for rest in (
        "",
        f"data{end}{end}",
        f"{end}{end}data: x{end}{end}",
        f"id: \0{end}data: x{end}{end}",
        "data: ",
    ):
        stream = (block * 5 + rest).encode()
        parser = EventStreamParser()
        assert parser.feed(b":\n") + parser.feed(stream) == interpret(b":\n" + stream).items


@pytest.mark.parametrize(
    ("rest", "last"),
    [
        ("id: 9\ndata: a\n\nid: 1\0\ndata: b\n\n", "9"),
        ("id: 9\ndata: a\n\nid: \ndata: b\n\n", ""),
        ("id: 9\ndata: a\n\nid\ndata: b\n\n", ""),
        ("id: 9\ndata: a\n\nid: 8\n\n", "8"),
        ("id: 9\ndata: a\n\nid: 8\n", "9"),
        ("id: 9\nid: 8\ndata: a\n\nid: 6\nid: 5\ndata: b\n\n", "5"),
        ("data: a\n\ndata: b\n\n", "7"),
    ],
)
def test_the_last_event_id_after_whole_blocks(rest: str, last: str) -> None:
    """It is that of the last blank line, and what comes later inherits it."""
    parser = EventStreamParser()
    parser.feed(b"id: 7\n\n")
    parser.feed(rest.encode())
    assert parser.last_event_id == last
    inheriting = parser.feed(b"\n\ndata: c\n\n")[-1]
    assert isinstance(inheriting, Event)
    assert inheriting.id == parser.last_event_id
