"""Checklists of others: the standard's examples, the names of WPT `eventsource/`, sse-contract-tests.

The names are theirs, so that what they cover can be compared with what is covered here; the inputs are
ours. What they test over HTTP (status, content type, redirects, reconnecting) is tested with the client.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from everstream.core.events import Comment, Event, Position, RetryHint, WireItem
from everstream.core.parsing import EventStreamParser
from tests.core.feeding import BOM, LINE_END_NAMES, LINE_ENDS, fed, message, parse, pieces


@dataclass(frozen=True)
class Case:
    """A stream, and everything that comes of it."""

    name: str
    stream: bytes
    items: list[WireItem]


def ids(case: Case) -> str:
    """The name of a case in the name of its test."""
    return case.name.replace(" ", "-")


class TestExamplesOfTheStandard:
    def test_three_data_lines_are_one_event(self) -> None:
        """The stock ticker: its data are three lines."""
        assert parse("data: YHOO\ndata: +2\ndata: 10\n\n") == [message("YHOO\n+2\n10")]

    def test_four_blocks(self) -> None:
        """A comment, an event with an id, one that resets the id, one with a leading space."""
        stream = ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n"
        parser = EventStreamParser()
        assert parser.feed(stream.encode()) == [
            Comment("test stream"),
            message("first event", "1"),
            message("second event", ""),
        ]
        assert parser.feed(b"\n") == [message(" third event")]

    def test_the_last_block_needs_its_blank_line(self) -> None:
        """'The last block is discarded because it is not followed by a blank line'."""
        assert parse("data\n\ndata\ndata\n\ndata:\n") == [message(""), message("\n")]

    def test_the_space_after_the_colon_is_optional(self) -> None:
        """'The following stream fires two identical events'."""
        first, second = parse("data:test\n\ndata: test\n\n")
        assert first == second == message("test")


LONG = "x" * 2049
WPT = [
    Case("event-data", b"data:a\ndata:b\n\n:\n\ndata\n\nx\ny:z\n\ndata:c\n\n",
         [message("a\nb"), Comment(""), message(""), message("c")]),
    Case("format-bom", BOM + b"data:1\n\n" + BOM + b"data:2\n\ndata:3\n\n", [message("1"), message("3")]),
    Case("format-bom-2", BOM + BOM + b"data:1\n\ndata:2\n\ndata:3\n\n", [message("2"), message("3")]),
    Case("format-comments", f"data:a\r:\0\n:\r\ndata:b\n:{LONG}\rdata:c\n:data:no\r\r".encode(),
         [Comment("\0"), Comment(""), Comment(LONG), Comment("data:no"), message("a\nb\nc")]),
    Case("format-data-before-final-empty-line", b"retry:1000\ndata:a\n\nid:b\ndata:c",
         [RetryHint(1.0), message("a")]),
    Case("format-field-data", b"data:\n\ndata\ndata\n\ndata:a\n\n",
         [message(""), message("\n"), message("a")]),
    Case("format-field-event", b"event:a\ndata:x\n\ndata:x\n\n", [Event("a", "x", ""), message("x")]),
    Case("format-field-event-empty", b"event: \ndata:x\n\n", [message("x")]),
    Case("format-field-id", b"id: \xe2\x80\xa6\ndata:x\n\n", [message("x", "…")]),
    Case("format-field-id-2", "id: …\ndata:a\n\ndata:b\n\nid\ndata:c\n\n".encode(),
         [message("a", "…"), message("b", "…"), message("c")]),
    Case("format-field-id-3", b"id:1\ndata:a\n\ndata:b\n\nid:2\ndata:c\n\nid:\ndata:d\n\ndata:e\n\n",
         [message("a", "1"), message("b", "1"), message("c", "2"), message("d"), message("e")]),
    Case("format-field-id-null", b"id:a\0b\ndata:x\n\nid:\0\ndata:x\n\n", [message("x"), message("x")]),
    Case("format-field-parsing",
         b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata\n data:5\n\n",
         [message("\0\n 2\n1\n")]),
    Case("format-field-retry", b"retry:03000\ndata:x\n\n", [RetryHint(3.0), message("x")]),
    Case("format-field-retry-bogus", b"retry:3000\nretry:1000x\ndata:x\n\n", [RetryHint(3.0), message("x")]),
    Case("format-field-retry-empty", b"retry\ndata:x\n\n", [message("x")]),
    Case("format-field-unknown", b"data:a\n data:b\ndata\nfoobar:c\njustsometext\n:d\ndata:e\n\n",
         [Comment("d"), message("a\n\ne")]),
    Case("format-leading-space", b"data:\tx\rdata: \ndata:x\n\n", [message("\tx\n\nx")]),
    Case("format-newlines", b"data:a\r\ndata:b\ndata:c\r\n\r\n", [message("a\nb\nc")]),
    Case("format-null-character", b"data:\0\n\n\n\n", [message("\0")]),
    Case("format-utf-8", "data:fine…\n\n".encode(), [message("fine…")]),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 1_000_000])
@pytest.mark.parametrize("case", WPT, ids=ids)
def test_cases_of_web_platform_tests(case: Case, size: int) -> None:
    """The format-* cases of WPT `eventsource/`, however the stream is cut."""
    assert fed(EventStreamParser(), pieces(case.stream, size)) == case.items


BASIC_PARSING = [
    Case("one-line message in one chunk", b"data: Hi\n\n", [message("Hi")]),
    Case("two one-line messages in one chunk", b"data: a\n\ndata: b\n\n", [message("a"), message("b")]),
    Case("one two-line message in one chunk", b"data: a\ndata:b\n\n", [message("a\nb")]),
    Case("empty data", b"data:\n\n", [message("")]),
    Case("event with specific type", b"event: hail\ndata: a\n\n", [Event("hail", "a", "")]),
    Case("default event type", b"data: a\n\n", [Event("message", "a", "")]),
    Case("event with ID", b"id: 9z\ndata: a\n\n", [message("a", "9z")]),
    Case("event with type and ID", b"event: hail\nid: 9z\ndata: a\n\n", [Event("hail", "a", "9z")]),
    Case("ID field is ignored if it contains a null", b"id: 9\0z\ndata: a\n\n", [message("a")]),
    Case("last ID persists if not overridden by later event", b"id: 9z\ndata: a\n\ndata: b\n\n",
         [message("a", "9z"), message("b", "9z")]),
    Case("last ID can be overridden by an empty value", b"id: 9z\ndata: a\n\nid: \ndata: b\n\n",
         [message("a", "9z"), message("b")]),
    Case("fields in reverse order", b"data: a\nid: 9z\nevent: hail\n\n", [Event("hail", "a", "9z")]),
    Case("unknown field is ignored", b"event: hail\nshade: red\ndata: a\n\n", [Event("hail", "a", "")]),
    Case("fields without leading space", b"event:hail\ndata:a\n\n", [Event("hail", "a", "")]),
    Case("fields with extra leading space", b"event:  hail\ndata:  a\n\n", [Event(" hail", " a", "")]),
    Case("field with no colon", b"data\n\ndata\ndata\n\n", [message(""), message("\n")]),
    Case("multi-byte characters", "data: ¥饅頭🍡\n\n".encode(), [message("¥饅頭🍡")]),
    Case("many messages in rapid succession", b"".join(b"data: %d\n\n" % n for n in range(100)),
         [message(str(n)) for n in range(100)]),
]  # fmt: skip
BYTE_ORDER_MARK = [
    Case("BOM at start of stream is stripped", BOM + b"data: a\n\n", [message("a")]),
    Case("BOM stripped before first event with type and ID", BOM + b"event: hail\nid: 9z\ndata: a\n\n",
         [Event("hail", "a", "9z")]),
    Case("BOM stripped with multiple messages", BOM + b"data: a\n\ndata: b\n\n",
         [message("a"), message("b")]),
    Case("BOM only stripped at stream start, not from later data", b"data: a\n\ndata: " + BOM + b"b\n\n",
         [message("a"), message("\ufeffb")]),
    Case("only first BOM at start is stripped", BOM + b"data: " + BOM + b"a\n\n", [message("\ufeffa")]),
    Case("BOM with multi-line data", BOM + b"data: a\ndata: b\n\n", [message("a\nb")]),
    Case("BOM with comment at start", BOM + b":hm\ndata: a\n\n", [Comment("hm"), message("a")]),
    Case("BOM does not affect empty data field", BOM + b"data:\n\n", [message("")]),
]  # fmt: skip
COMMENTS = [
    Case("single comment", b":Hi\n", [Comment("Hi")]),
    Case("two comments in a row", b":a\n:b\n", [Comment("a"), Comment("b")]),
    Case("comment before event", b":a\ndata: b\n\n", [Comment("a"), message("b")]),
    Case("comment after event", b"data: b\n\n:a\n", [message("b"), Comment("a")]),
]
LINEFEEDS = [
    Case("one-line event", b"data: a\n\n", [message("a")]),
    Case("one-line event + two-line event", b"data: a\n\ndata: b\ndata: c\n\n",
         [message("a"), message("b\nc")]),
    Case("3-line event with empty line at beginning", b"data:\ndata: b\ndata: c\n\n", [message("\nb\nc")]),
    Case("3-line event with empty line in middle", b"data: a\ndata:\ndata: c\n\n", [message("a\n\nc")]),
    Case("ignores 1 extra empty line", b"data: a\n\n\ndata: b\n\n", [message("a"), message("b")]),
    Case("ignores 2 extra empty lines", b"data: a\n\n\n\ndata: b\n\n", [message("a"), message("b")]),
]  # fmt: skip


@pytest.mark.parametrize("end", LINE_ENDS, ids=LINE_END_NAMES)
@pytest.mark.parametrize("size", [1, 2, 3, 1_000_000])
@pytest.mark.parametrize("case", BASIC_PARSING + BYTE_ORDER_MARK + COMMENTS + LINEFEEDS, ids=ids)
def test_cases_of_sse_contract_tests(case: Case, size: int, end: str) -> None:
    """Basic parsing, BOM, comments and linefeeds: each case with each line end and several cuts."""
    stream = case.stream.replace(b"\n", end.encode())
    assert fed(EventStreamParser(), pieces(stream, size)) == case.items


@pytest.mark.parametrize(
    ("chunks", "items"),
    [
        ([b"data: Goo", b"d day\n\n"], [message("Good day")]),
        ([b"data: a\r", b"\ndata: b\r", b"\n\r\ndata: c\r", b"\n", b"\r", b"\n"],
         [message("a\nb"), message("c")]),
        ([b"\xef\xbb", b"\xbfdata: a\n\n"], [message("a")]),
        ([b"\xef", b"\xbb", b"\xbf", b"data: a\n\n"], [message("a")]),
        ([b"data: First\n\nid: 4\n", b"data: x"], [message("First")]),
        ([b"id: 4\n\n", b"data: x\n\n"], [Position("4"), message("x", "4")]),
    ],
    ids=[
        "one-line message in two chunks",
        "CRLF where CR is end of 1 chunk",
        "BOM split across first two chunks",
        "BOM split byte by byte across chunks",
        "discards partial messages",
        "an id alone moves the position",
    ],
)  # fmt: skip
def test_cases_of_sse_contract_tests_with_cuts_of_their_own(
    chunks: list[bytes], items: list[WireItem]
) -> None:
    """The cases that are about one certain cut."""
    assert fed(EventStreamParser(), chunks) == items
