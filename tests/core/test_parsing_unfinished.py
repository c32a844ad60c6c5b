"""What stands at the end of a stream without its blank line: dropped, but not without a trace."""

from __future__ import annotations

import copy

import pytest

from everstream.core.events import Event
from everstream.core.parsing import EventStreamParser
from tests.core.feeding import BOM, fed, message, pieces

every_size = pytest.mark.parametrize("size", [1, 2, 1000])


class TestBetweenBlocks:
    @pytest.mark.parametrize(
        "stream",
        [
            b"",
            BOM,
            b"\n",
            b"\r",
            b"\n\n\n",
            b"data: x\n\n",
            b"data: x\r\r",
            b"data: x\r\n\r\n",
            b"id: 1\n\n",
            b"event: x\n\n",
            b"unknown\n\n",
            b"retry: 5\n\n",
            b"retry: 5\n",
            b"unknown: x\n",
            b"data: x\n\n:heartbeat\n",
            b"data: x\n\n:heartb",
            b":",
            b": data: x",
        ],
    )
    @every_size
    def test_there_is_nothing_unfinished(self, stream: bytes, size: int) -> None:
        """Nothing is lost if the end comes now: a clean end."""
        parser = EventStreamParser()
        fed(parser, pieces(stream, size))
        assert parser.unfinished() is None


class TestInsideABlock:
    @pytest.mark.parametrize(
        ("stream", "event"),
        [
            (b"data: [DONE]", message("[DONE]")),
            (b"data:[DONE]", message("[DONE]")),
            (b"data: [DONE]\n", message("[DONE]")),
            (b"data: [DONE]\r", message("[DONE]")),
            (b"data: [DONE]\r\n", message("[DONE]")),
            (b"data: a\ndata: b", message("a\nb")),
            (b"data: a\ndata: b\n", message("a\nb")),
            (b"data: a\ndata", message("a\n")),
            (b"data: a\ndat", message("a")),
            (b"data: a\nother: b", message("a")),
            (b"data: a\n:comment", message("a")),
            (b"data: a\n:comment\n", message("a")),
            (b"data", message("")),
            (b"data:", message("")),
            (b"data:\n", message("")),
            (b"event: e\ndata: a", Event("e", "a", "")),
            (b"event: e\n\ndata: a", message("a")),
            (b"id: 7\ndata: a", message("a", "7")),
            (b"id: 7\n\ndata: a", message("a", "7")),
            (b"da", message("")),
            (b"other: x", message("")),
            (b"event: e\n", Event("e", "", "")),
            (b"id: 7\n", message("", "7")),
            ("data: ¥".encode(), message("¥")),
            (b"data: x\n\ndata: y", message("y")),
        ],
    )
    @every_size
    def test_it_is_what_a_blank_line_would_have_dispatched(
        self, stream: bytes, event: Event, size: int
    ) -> None:
        """So that a last `data: [DONE]` without its blank line can be recognised."""
        parser = EventStreamParser()
        fed(parser, pieces(stream, size))
        assert parser.unfinished() == event

    @pytest.mark.parametrize(
        ("line", "event"),
        [
            (b"event: e", Event("e", "a", "1")),
            (b"event", Event("message", "a", "1")),
            (b"id: 2", Event("before", "a", "2")),
            (b"id", Event("before", "a", "")),
            (b"id: 2\0", Event("before", "a", "1")),
            (b"data:  b", Event("before", "a\n b", "1")),
            (b"Data: b", Event("before", "a", "1")),
        ],
    )
    @every_size
    def test_the_unfinished_line_counts_whatever_its_field(
        self, line: bytes, event: Event, size: int
    ) -> None:
        """A blank line would end that line first."""
        parser = EventStreamParser("1")
        fed(parser, pieces(b"event: before\ndata: a\n" + line, size))
        assert parser.unfinished() == event
        assert parser.feed(b"\n\n") == [event]

    def test_a_character_that_is_cut_off_counts_as_one_that_is_broken(self) -> None:
        """The blank line would show it to be no character: U+FFFD."""
        parser = EventStreamParser()
        parser.feed(b"data: a\xe2\x82")
        assert parser.unfinished() == message("a\ufffd")
        assert parser.feed(b"\xac\n\n") == [message("a€")]


class TestLooking:
    def test_looking_changes_nothing(self) -> None:
        """The stream may go on."""
        parser = EventStreamParser("1")
        parser.feed(b"event: e\nid: 2\ndata: a\nda")
        before = copy.deepcopy(vars(parser) | {"_decoder": parser._decoder.getstate()})
        for _ in range(3):
            assert parser.unfinished() == Event("e", "a\n", "2") or parser.unfinished() == Event(
                "e", "a", "2"
            )
        assert vars(parser) | {"_decoder": parser._decoder.getstate()} == before
        assert parser.last_event_id == "1"
        assert parser.feed(b"ta: b\n\n") == [Event("e", "a\nb", "2")]

    def test_it_is_never_dispatched(self) -> None:
        """'If the file ends in the middle of an event, [...] the incomplete event is not dispatched'."""
        parser = EventStreamParser("1")
        assert parser.feed(b"id: 2\ndata: a\n") == []
        assert parser.unfinished() == message("a", "2")
        assert parser.feed(b"") == []
        assert parser.last_event_id == "1"
