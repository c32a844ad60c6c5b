"""What holds for every stream and every way to cut it."""

from __future__ import annotations

import copy
import re

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from everstream.core.errors import EventTooLarge
from everstream.core.events import Comment, Event, Position, RetryHint, WireItem
from everstream.core.parsing import EventStreamParser
from everstream.testing.encoding import encode_comment, encode_event, encode_position, encode_retry
from tests.core import streams
from tests.core.feeding import BOM, fed, pieces
from tests.core.standard import exceeds, interpret

every_stream = settings(max_examples=500, deadline=None, database=None)


def end_state(parser: EventStreamParser) -> tuple[object, ...]:
    """What a parser is asked for when the stream has ended."""
    return parser.last_event_id, parser.reconnection_time, parser.unfinished()


@every_stream
@given(streams.cut_streams(), streams.ids)
def test_any_cut_of_any_stream_gives_the_same_items_and_the_same_end(
    cut: tuple[bytes, list[bytes]], last_event_id: str
) -> None:
    """Chunks are the transport's affair and mean nothing."""
    stream, chunks = cut
    whole, cut_up, bytewise = (EventStreamParser(last_event_id) for _ in range(3))
    items = whole.feed(stream)
    assert fed(cut_up, chunks) == items
    assert fed(bytewise, pieces(stream, 1)) == items
    assert end_state(cut_up) == end_state(bytewise) == end_state(whole)


@every_stream
@given(streams.streams, streams.ids)
@example(b"\xef\xbb", "")
@example(b"\xef\xbb\xbf\xef\xbb\xbfdata\n\n", "")
@example(b"data: \xed\xa0\n\n", "")
@example(b"retry: 9007199254740993\n", "")
def test_an_independent_reading_of_the_standard_agrees(stream: bytes, last_event_id: str) -> None:
    """A slow parser, written from the steps of the standard, gives the same."""
    parser = EventStreamParser(last_event_id)
    expected = interpret(stream, last_event_id)
    assert parser.feed(stream) == expected.items
    assert parser.last_event_id == expected.last_event_id
    assert parser.reconnection_time == expected.reconnection_time


@every_stream
@given(streams.cut_streams(), st.integers(1, 40))
def test_the_limit_is_passed_at_the_same_place_however_the_stream_is_cut(
    cut: tuple[bytes, list[bytes]], limit: int
) -> None:
    """Arbitrary bytes raise nothing but EventTooLarge, and that only where the limit is passed."""
    stream, chunks = cut
    # Python holds back half a surrogate until the next byte: it is counted no later than with that one.
    assume(not re.search(rb"\xed[\xa0-\xbf]$", stream))
    outcomes = []
    for way in ([stream], chunks, pieces(stream, 1)):
        parser = EventStreamParser(max_event_bytes=limit)
        items: list[WireItem] = []
        passed = False
        try:
            for chunk in way:
                items += parser.feed(chunk)
        except EventTooLarge as error:
            items += error.items
            passed = True
        outcomes.append((items, passed, parser.last_event_id, parser.reconnection_time))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert outcomes[0][1] == exceeds(stream, limit)


@every_stream
@given(streams.streams, streams.ids)
def test_the_unfinished_block_is_what_a_blank_line_would_dispatch(stream: bytes, last_event_id: str) -> None:
    """`unfinished()` agrees with the parser itself, and says nothing only where nothing would come."""
    parser = EventStreamParser(last_event_id)
    parser.feed(stream)
    unfinished = parser.unfinished()
    twin = copy.deepcopy(parser)
    # The first line feed may belong to a CR, the second ends an unfinished line.
    events = [item for item in twin.feed(b"\n\n\n") if isinstance(item, Event)]
    assert events == ([unfinished] if events else [])
    if unfinished is None:
        assert twin.last_event_id == parser.last_event_id
    else:
        assert (unfinished.data, unfinished.id) == (events[0].data if events else "", twin.last_event_id)


@st.composite
def encoded_items(draw: st.DrawFn) -> tuple[bytes, list[WireItem]]:
    """The wire form of some items, and these items as a parser should give them."""
    stream = b""
    items: list[WireItem] = []
    last_event_id = ""
    for kind in draw(
        st.lists(st.sampled_from(["event", "event", "comment", "retry", "position"]), max_size=8)
    ):
        newline = draw(streams.line_ends)
        if kind == "event":
            data, type_, id_ = draw(
                st.tuples(streams.texts, st.none() | streams.ids, st.none() | streams.ids)
            )
            stream += encode_event(data, id=id_, type=type_, newline=newline)
            last_event_id = last_event_id if id_ is None else id_
            items.append(Event(type_ or "message", unified(data), last_event_id))
        elif kind == "comment":
            text = draw(streams.texts)
            stream += encode_comment(text, newline=newline)
            items += [Comment(line) for line in unified(text).split("\n")]
        elif kind == "retry":
            milliseconds = draw(st.integers(1, 10**20))
            stream += encode_retry(milliseconds, newline=newline)
            items.append(RetryHint(milliseconds / 1000))
        else:
            id_ = draw(streams.ids)
            stream += encode_position(id_, newline=newline)
            items += [Position(id_)] if id_ != last_event_id else []
            last_event_id = id_
    return stream, items


def unified(text: str) -> str:
    """A text with each of its line ends as LF, which is all that the format can carry."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@every_stream
@given(encoded_items(), st.integers(1, 50), st.booleans())
def test_what_is_encoded_is_parsed_again(
    encoded: tuple[bytes, list[WireItem]], size: int, marked: bool
) -> None:
    """parse(encode(items)) == items, with every line end, in chunks, with and without a BOM."""
    stream, items = encoded
    parser = EventStreamParser()
    assert fed(parser, pieces(BOM * marked + stream, size)) == items
    assert parser.feed(b"\n\n") == []
