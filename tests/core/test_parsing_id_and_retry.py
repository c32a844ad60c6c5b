"""The id and retry fields: the position in a stream, and the reconnection time (WHATWG HTML 9.2.6)."""

from __future__ import annotations

import json
import sys

import pytest

from everstream.core.events import Comment, Position, RetryHint
from everstream.core.parsing import EventStreamParser, digits_to_float
from tests.core.feeding import message, parse


class TestID:
    def test_an_id_stays_for_the_events_after_it(self) -> None:
        """'The buffer does not get reset'."""
        items = parse("id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n")
        assert items == [message("a", "1"), message("b", "1"), message("c", "2")]

    def test_the_last_id_of_a_block_counts_wherever_it_stands(self) -> None:
        """The id of an event is the buffer's value at dispatch."""
        assert parse("id: 1\ndata: a\nid: 2\n\n") == [message("a", "2")]

    @pytest.mark.parametrize("line", ["id", "id:", "id: "])
    def test_an_empty_id_resets_the_last_event_id(self, line: str) -> None:
        """'set the last event ID buffer to the field value', the empty one too."""
        parser = EventStreamParser("0")
        assert parser.feed(f"{line}\ndata: a\n\n".encode()) == [message("a")]
        assert parser.last_event_id == ""

    @pytest.mark.parametrize("value", ["\0", "a\0", "\0a", "a\0b", "\0\0"])
    def test_an_id_with_a_null_is_ignored(self, value: str) -> None:
        """'If the field value does not contain U+0000 NULL [...]. Otherwise, ignore the field'."""
        parser = EventStreamParser("0")
        assert parser.feed(f"id: 1\nid: {value}\ndata: a\n\n".encode()) == [message("a", "1")]
        assert parser.last_event_id == "1"

    @pytest.mark.parametrize("value", ["…", "日本", "é", " a", "a b", "a\x01b", "x" * 70_000, "0", "\ufffd"])
    def test_any_other_text_is_an_id(self, value: str) -> None:
        """An id is text, not a number and not a header value."""
        parser = EventStreamParser()
        assert parser.feed(f"id: {value}\n\n".encode()) == [Position(value)]
        assert parser.last_event_id == value

    def test_a_block_with_an_id_and_no_data_moves_the_position_without_an_event(self) -> None:
        """'Set the last event ID string' is step 1 of dispatch, the look at the data is step 2."""
        parser = EventStreamParser()
        assert parser.feed(b"id: 5\n\n") == [Position("5")]
        assert parser.last_event_id == "5"
        assert parser.feed(b"id\nevent: x\n\n") == [Position("")]
        assert parser.last_event_id == ""

    def test_a_block_that_repeats_the_id_moves_nothing(self) -> None:
        """A position that is not new is no news."""
        assert parse("id: 5\n\nid: 5\n\nid: 6\nid: 5\n\n", last_event_id="5") == []

    def test_blank_lines_after_an_id_dispatch_nothing(self) -> None:
        """An id that is set already is no reason for another event."""
        assert parse("id: 5\ndata: x\n\n\n\n:c\n\n") == [message("x", "5"), Comment("c")]

    def test_the_id_of_an_unfinished_block_does_not_move_the_position(self) -> None:
        """The string is set at dispatch; until then the id is only in the buffer."""
        parser = EventStreamParser("1")
        assert parser.feed(b"id: 2\ndata: x\n") == []
        assert parser.last_event_id == "1"
        assert parser.feed(b"\n") == [message("x", "2")]
        assert parser.last_event_id == "2"

    def test_a_new_parser_goes_on_from_the_last_event_id(self) -> None:
        """A connection starts where the event source stands, not from nothing."""
        parser = EventStreamParser("41")
        assert parser.last_event_id == "41"
        assert parser.feed(b"\n\ndata: x\n\n") == [message("x", "41")]
        assert parser.last_event_id == "41"


class TestRetry:
    @pytest.mark.parametrize(
        ("digits", "seconds"),
        [("0", 0.0), ("1", 0.001), ("1500", 1.5), ("007", 0.007), ("0000", 0.0), ("300000", 300.0)],
    )
    def test_ascii_digits_set_the_reconnection_time(self, digits: str, seconds: float) -> None:
        """'interpret the field value as an integer in base ten', which is in milliseconds."""
        parser = EventStreamParser()
        assert parser.reconnection_time is None
        assert parser.feed(f"retry: {digits}\n".encode()) == [RetryHint(seconds)]
        assert parser.reconnection_time == seconds

    @pytest.mark.parametrize(
        "value",
        [
            "",
            " ",
            " 5",
            "5 ",
            "+5",
            "-1",
            "5.0",
            "1e3",
            "1_0",
            "0x10",
            "5x",
            "5\0",
            "５",
            "٣",
            "²",
            "½",
            "inf",
            "nan",
        ],
    )
    def test_anything_else_is_ignored(self, value: str) -> None:
        """'If the field value consists of only ASCII digits [...]. Otherwise, ignore the field'."""
        parser = EventStreamParser()
        assert parser.feed(f"retry:7\nretry: {value}\nretry\nretry:\n\n".encode()) == [RetryHint(0.007)]
        assert parser.reconnection_time == 0.007

    @pytest.mark.parametrize("digits", ["9" * 5_000, "9" * 309, "1" + "0" * 400_000])
    def test_any_number_of_digits_gives_a_finite_time(self, digits: str) -> None:
        """More digits than an int of Python may be made of are no crash, and no infinity."""
        (hint,) = parse(f"retry: {digits}\n\n")
        assert hint == RetryHint(sys.float_info.max / 1000)
        assert json.dumps(hint.delay, allow_nan=False)  # type: ignore[union-attr]

    def test_leading_zeros_do_not_make_a_time_long(self) -> None:
        """Ten thousand digits may still be a small number."""
        assert parse("retry: " + "0" * 10_000 + "250\n") == [RetryHint(0.25)]

    def test_a_retry_field_counts_at_once_and_needs_no_block(self) -> None:
        """'set the event stream's reconnection time': not at dispatch, but when the field is read."""
        parser = EventStreamParser()
        assert parser.feed(b"retry: 1\ndata: x\nretry: 2\n") == [RetryHint(0.001), RetryHint(0.002)]
        assert parser.reconnection_time == 0.002
        assert parser.feed(b"\n\n") == [message("x")]
        assert parser.reconnection_time == 0.002

    @pytest.mark.parametrize(("text", "number"), [("12", 12.0), ("", None), ("1.", None), ("１", None)])
    def test_digits_to_float_takes_digits_only(self, text: str, number: float | None) -> None:
        """The same rule serves other fields that are made of digits."""
        assert digits_to_float(text) == number
