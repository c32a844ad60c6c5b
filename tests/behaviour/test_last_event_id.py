"""Where a reconnect goes on: the Last-Event-ID header (behaviours 11 to 22)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from everstream import ContentTypeRejected, EventSource, Opened, StatusRejected
from everstream.testing import SSEServer, Step, cut, end, event, pause, raw, reset, status
from tests.behaviour.wire import data_of, sent

MakeSource = Callable[..., EventSource]
LAST_EVENT_ID = "Last-Event-ID"
every_end = pytest.mark.parametrize("over", [end(), cut(), reset()], ids=["end", "cut", "reset"])
# All that an id can hold: NUL makes it void, CR and LF end its line.
CONTROL_CHARACTERS = "".join(chr(code) for code in [*range(1, 32), 127] if chr(code) not in "\r\n")


def with_id(id_line: bytes, data: bytes = b"1") -> Step:
    """Sends an event with this line for its id."""
    return raw(id_line + b"\ndata: " + data + b"\n\n")


class TestWhatIsSent:
    @every_end
    def test_11_the_last_id_received_is_sent(
        self, sse_server: SSEServer, make_source: MakeSource, over: Step
    ) -> None:
        """However the connection ended."""
        sse_server.script([[event("1", id="a"), event("2", id="b"), pause(), over], event("3")])
        source = make_source()
        assert [next(source).id, next(source).id] == ["a", "b"]
        sse_server.release()
        assert data_of(source) == ["3"]
        assert sent(sse_server, LAST_EVENT_ID) == [[], [b"b"]]

    def test_12_it_is_sent_though_later_events_had_no_id(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """An event without an id leaves the last one as it is."""
        sse_server.script([[event("1", id="abc"), event("2"), event("3")], event("4")])
        assert [each.id for each in make_source()] == ["abc"] * 4
        assert sent(sse_server, LAST_EVENT_ID) == [[], [b"abc"]]

    @pytest.mark.parametrize("line", [b"id:", b"id", b"id: "])
    def test_13_after_an_empty_id_no_header_is_sent(
        self, sse_server: SSEServer, make_source: MakeSource, line: bytes
    ) -> None:
        """None at all, rather than an empty one; nor is there anything left of the caller's first id."""
        sse_server.script([with_id(b"id: abc"), with_id(line), event("3")])
        source = make_source(last_event_id="first")
        assert [each.id for each in source] == ["abc", "", ""]
        assert sent(sse_server, LAST_EVENT_ID) == [[b"first"], [b"abc"], []]

    def test_20_the_id_of_a_block_without_data_is_sent(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """There is no event for it, but it moves the last event ID; an empty one resets it."""
        sse_server.script([[event("1", id="4"), raw(b"id: 5\n\n")], raw(b"id\n\n"), event("2")])
        assert data_of(make_source()) == ["1", "2"]
        assert sent(sse_server, LAST_EVENT_ID) == [[], [b"5"], []]

    def test_what_is_said_of_it_is_what_was_sent(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """`Opened` tells the cursor of its request, empty if there was none."""
        sse_server.script([event("1", id="é"), raw(b"id\n\n"), event("2")])
        openings = [item for item in make_source().all() if isinstance(item, Opened)]
        assert [opened.last_event_id for opened in openings] == ["", "é", ""]
        assert sent(sse_server, LAST_EVENT_ID) == [[], ["é".encode()], []]


class TestHowItIsWritten:
    @pytest.mark.parametrize(
        ("text", "wire"),
        [
            ("…", b"\xe2\x80\xa6"),
            ("é", b"\xc3\xa9"),
            ("日本-😀", b"\xe6\x97\xa5\xe6\x9c\xac-\xf0\x9f\x98\x80"),
        ],
    )
    def test_14_it_goes_out_as_utf_8(
        self, sse_server: SSEServer, make_source: MakeSource, text: str, wire: bytes
    ) -> None:
        """The very bytes of the stream, or those of an id that the caller names."""
        sse_server.script([with_id(b"id: other"), with_id(b"id: " + wire), event("3")])
        assert data_of(make_source(last_event_id=text)) == ["1", "1", "3"]
        assert sent(sse_server, LAST_EVENT_ID) == [[wire], [b"other"], [wire]]

    def test_14_a_broken_character_in_an_id_does_not_end_the_stream(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """It became U+FFFD, and goes back as such."""
        sse_server.script([with_id(b"id: \xff"), event("2")])
        assert data_of(make_source()) == ["1", "2"]
        assert sent(sse_server, LAST_EVENT_ID) == [[], [b"\xef\xbf\xbd"]]

    def test_14_half_a_surrogate_pair_from_the_caller_does_not_end_the_stream(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Text of Python may hold one; UTF-8 cannot."""
        sse_server.script([event("1")])
        assert data_of(make_source(last_event_id="a\ud800")) == ["1"]
        assert sent(sse_server, LAST_EVENT_ID) == [[b"a?"]]

    @pytest.mark.parametrize("space", [b" ", b"\t", b"\v", b"\f", b"  \t"])
    def test_15_a_leading_space_does_not_stop_the_reconnect(
        self, sse_server: SSEServer, make_source: MakeSource, space: bytes
    ) -> None:
        """A header value cannot begin with one, so the header goes without; the cursor keeps it."""
        sse_server.script([with_id(b"id: " + space + b"a")])
        source = make_source()
        assert data_of(source) == ["1"]
        assert source.last_event_id == space.decode() + "a"
        assert [request.headers.raw(LAST_EVENT_ID) for request in sse_server.requests] == [[], [b"a"]]

    def test_15_an_id_of_nothing_but_spaces_is_not_sent(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """What is left of it is nothing, and an empty header is never sent."""
        sse_server.script([with_id(b"id:   \t "), event("2")])
        assert data_of(make_source()) == ["1", "2"]
        assert sent(sse_server, LAST_EVENT_ID) == [[], []]

    @pytest.mark.parametrize(
        "last",
        [
            "a\x01b",
            f"a{CONTROL_CHARACTERS}b",
            "a\x7f\x80\x85\xa0\u2028b",
            "a" * 255,
            "a b: c, d; e",
            "\x01",
            '"',
        ],
        ids=["one", "all", "wide", "long", "punctuation", "alone", "quote"],
    )
    def test_16_control_characters_and_long_ids_survive(
        self, sse_server: SSEServer, make_source: MakeSource, last: str
    ) -> None:
        """They come back byte for byte."""
        sse_server.script([with_id(b"id: " + last.encode()), event("2")])
        source = make_source()
        assert data_of(source) == ["1", "2"]
        assert sent(sse_server, LAST_EVENT_ID) == [[], [last.encode()]]
        assert source.last_event_id == last

    def test_16_line_ends_from_the_caller_cannot_add_a_header(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """No id that was parsed holds one, but a caller may have got theirs from anywhere."""
        sse_server.script([event("1")])
        assert data_of(make_source(last_event_id="\ra\r\nX-Bad: \0b\n")) == ["1"]
        assert sent(sse_server, LAST_EVENT_ID) == [[b"aX-Bad: b"]]
        assert sent(sse_server, "X-Bad") == [[]]

    def test_17_a_huge_id_is_sent_as_it_is_and_a_431_is_final(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """There is no loop of requests that can never succeed."""
        huge = "x" * 70_000
        sse_server.script([event("1", id=huge), status(431), event("never")])
        source = make_source()
        assert next(source).id == huge
        with pytest.raises(StatusRejected) as caught:
            next(source)
        assert caught.value.status == 431
        assert [request.last_event_id for request in sse_server.requests] == [None, huge]

    def test_18_an_id_with_nul_is_never_sent(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """It is ignored, so that the id before it stays."""
        sse_server.script([with_id(b"id: x\0"), with_id(b"id: ok"), with_id(b"id: \0y"), event("4")])
        assert [each.id for each in make_source()] == ["", "ok", "ok", "ok"]
        assert sent(sse_server, LAST_EVENT_ID) == [[], [], [b"ok"], [b"ok"]]


class TestWhenItMoves:
    @every_end
    @pytest.mark.parametrize(
        "rest", [b"id: def", b"id: def\n", b"id: def\ndata: x", b"id: def\ndata: x\n", b"id"]
    )
    def test_19_the_id_of_a_block_that_was_cut_is_not_sent(
        self, sse_server: SSEServer, make_source: MakeSource, over: Step, rest: bytes
    ) -> None:
        """The event it belongs to was not received, so the one before it is where to go on."""
        sse_server.script([[raw(b"id: abc\ndata: 1\n\n" + rest), pause(), over], event("2")])
        source = make_source()
        assert next(source).data == "1"
        sse_server.release()
        assert [each.id for each in source] == ["abc"]
        assert sent(sse_server, LAST_EVENT_ID) == [[], [b"abc"]]

    def test_21_it_outlives_connections_that_bring_no_event(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Dropped before a response, at once after it, or after a comment."""
        empty = [reset(), end(), cut(), raw(b": hello\n\n")]
        sse_server.script([event("1", id="abc"), *empty, event("2")])
        assert data_of(make_source()) == ["1", "2"]
        assert sent(sse_server, LAST_EVENT_ID) == [[], *[[b"abc"]] * 5]

    @pytest.mark.parametrize("code", [408, 429, 500, 503])
    def test_22_a_rejected_connection_does_not_clear_it(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """The body of an error is no stream, whatever it looks like."""
        refusal = status(code, body=b"id: bad\ndata: bad\n\n", content_type="text/event-stream")
        sse_server.script([event("1", id="abc"), refusal, event("2")])
        assert data_of(make_source()) == ["1", "2"]
        assert sent(sse_server, LAST_EVENT_ID) == [[], [b"abc"], [b"abc"]]

    def test_22_it_can_be_read_after_a_final_rejection(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """So that another event source can go on from there."""
        sse_server.script([event("1", id="abc"), status(200, body=b"id: bad\n\n", content_type="text/html")])
        source = make_source()
        with pytest.raises(ContentTypeRejected):
            data_of(source)
        assert source.last_event_id == "abc"
        assert data_of(make_source(last_event_id=source.last_event_id)) == []
        assert sse_server.requests[-1].last_event_id == "abc"

    def test_it_moves_only_when_the_consumer_comes_back(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """The second of three events in one piece is in hand: a new process goes on from the first."""
        three = b"".join(b"id: %d\ndata: %d\n\n" % (number, number) for number in (1, 2, 3))
        sse_server.script([[raw(three), pause()]])
        with make_source() as source:
            assert [next(source).data, next(source).data] == ["1", "2"]
            assert source.last_event_id == "1"
        assert source.last_event_id == "1", "closing does not deliver what is in hand"
