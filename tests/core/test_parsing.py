"""Fields and blocks: what each line of an event stream does (WHATWG HTML 9.2.6)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from everstream.core.events import Comment, Event, Position, RetryHint
from everstream.core.parsing import EventStreamParser
from tests.core.feeding import message, parse


class TestLines:
    @pytest.mark.parametrize(
        ("line", "data"),
        [
            ("data:x", "x"),
            ("data: x", "x"),
            ("data:  x", " x"),
            ("data: ", ""),
            ("data:  ", " "),
            ("data:\tx", "\tx"),
            ("data:\N{NO-BREAK SPACE}x", "\N{NO-BREAK SPACE}x"),
            ("data: x ", "x "),
            ("data:x:y: z", "x:y: z"),
            ("data::", ":"),
            ("data: :", ":"),
        ],
    )
    def test_one_leading_space_of_the_value_is_removed_and_no_more(self, line: str, data: str) -> None:
        """'If value starts with a U+0020 SPACE character, remove it from value'."""
        assert parse(f"{line}\n\n") == [message(data)]

    @pytest.mark.parametrize(
        ("name", "expected"),
        [("event", lambda value: Event(value, "", "")), ("id", lambda value: message("", value))],
    )
    def test_the_leading_space_rule_holds_for_every_field(
        self, name: str, expected: Callable[[str], Event]
    ) -> None:
        """The space is removed when the line is taken apart, whatever the field name."""
        without, one, two = (
            parse(f"{name}:{spaces}v\ndata\n\n", last_event_id="0") for spaces in ("", " ", "  ")
        )
        assert (
            without == one == [Event("v" if name == "event" else "message", "", "v" if name == "id" else "0")]
        )
        assert two == [Event(" v" if name == "event" else "message", "", " v" if name == "id" else "0")]

    def test_a_line_without_a_colon_is_a_field_with_an_empty_value(self) -> None:
        """'using the whole line as the field name, and the empty string as the field value'."""
        stream = "event: update\nid: 1\ndata: x\nevent\nid\ndata\n\n"
        assert parse(stream) == [Event("message", "x\n", "")]

    @pytest.mark.parametrize(
        "line",
        [
            "colour: blue",
            "datas: no",
            "dat: no",
            "data : no",
            " data: no",
            "\tdata: no",
            "\ufeffdata: no",
            "\0data: no",
            "Data: no",
            "DATA: no",
            "ID: no",
            "Event: no",
            "EVENT: no",
            "Retry: 5",
            "RETRY: 5",
            "data\0: no",
            "data\N{NO-BREAK SPACE}: no",
            "\N{FULLWIDTH LATIN SMALL LETTER D}ata: no",
            "a line of prose",
            "{}",
        ],
    )
    def test_a_field_of_any_other_name_is_ignored(self, line: str) -> None:
        """'Field names must be compared literally, with no case folding performed'."""
        # A line comes first, since a byte order mark at the very start is none of the field name.
        assert parse(f"\n{line}\n\n{line}\ndata: x\n{line}\n\n") == [message("x")]

    def test_a_comment_is_no_field_and_comes_out_as_an_item(self) -> None:
        """'If the line starts with a U+003A COLON character (:): ignore the line'."""
        assert parse(":data: no\n:id: 5\n: retry: 9\n\n") == [
            Comment("data: no"),
            Comment("id: 5"),
            Comment("retry: 9"),
        ]

    @pytest.mark.parametrize(
        ("line", "text"),
        [(":", ""), (": ", ""), (":  ", " "), (":x", "x"), (": x", "x"), (":  x ", " x "), ("::", ":")],
    )
    def test_a_comment_loses_one_leading_space_like_a_value(self, line: str, text: str) -> None:
        """What comes after the colon, without one leading space, is the comment's text."""
        assert parse(f"{line}\n") == [Comment(text)]

    def test_a_comment_inside_a_block_comes_out_before_its_event(self) -> None:
        """Items come in the order in which they were finished on the wire."""
        stream = ":a\ndata: 1\n:b\nretry: 2000\n\nid: 7\n\n:c\ndata: 2\n\n"
        assert parse(stream) == [
            Comment("a"),
            Comment("b"),
            RetryHint(2.0),
            message("1"),
            Position("7"),
            Comment("c"),
            message("2", "7"),
        ]

    def test_a_comment_comes_out_as_soon_as_its_line_ends(self) -> None:
        """A heartbeat is seen at once, not when the next event comes."""
        parser = EventStreamParser()
        assert parser.feed(b":beat") == []
        assert parser.feed(b"\n") == [Comment("beat")]


class TestData:
    def test_data_lines_are_joined_by_line_feeds(self) -> None:
        """'Append the field value to the data buffer, then append a single U+000A LINE FEED'."""
        assert parse("data: a\ndata: b\ndata:c\n\n") == [message("a\nb\nc")]

    def test_only_the_last_line_feed_is_removed_at_dispatch(self) -> None:
        """'If the data buffer's last character is a LINE FEED, then remove the last character'."""
        assert parse("data: a\ndata\ndata:\n\n") == [message("a\n\n")]

    @pytest.mark.parametrize("line", ["data", "data:", "data: "])
    def test_an_empty_data_line_dispatches_an_event_with_empty_data(self, line: str) -> None:
        """The data buffer then holds a line feed: it is not the empty string."""
        assert parse(f"{line}\n\n") == [message("")]

    @pytest.mark.parametrize("block", ["", "event: x\n", "retry: 5\n", "nothing\n", "id\n"])
    def test_a_block_without_data_dispatches_nothing(self, block: str) -> None:
        """'If the data buffer is an empty string, set [both buffers] to the empty string and return'."""
        items = parse(f"{block}\n\n\n")
        assert [item for item in items if not isinstance(item, RetryHint)] == []

    def test_data_does_not_reach_into_the_next_block(self) -> None:
        """'Set the data buffer and the event type buffer to the empty string'."""
        assert parse("data: a\n\ndata: b\n\n\n") == [message("a"), message("b")]

    def test_data_of_other_lines_between_is_not_lost(self) -> None:
        """The data buffer is appended to, whatever stands between two of its lines."""
        assert parse("data: a\nother: x\n:c\nevent: e\ndata: b\n\n") == [Comment("c"), Event("e", "a\nb", "")]


class TestType:
    def test_the_type_is_message_when_the_server_gives_none(self) -> None:
        """'Initialize event's type attribute to "message"'."""
        assert parse("data: x\n\n") == [Event("message", "x", "")]

    def test_the_last_event_field_of_a_block_counts(self) -> None:
        """'Set the event type buffer to the field value'."""
        assert parse("event: a\ndata: x\nevent: b\n\n") == [Event("b", "x", "")]

    @pytest.mark.parametrize("line", ["event", "event:", "event: "])
    def test_an_empty_type_is_message_again(self, line: str) -> None:
        """'If the event type buffer has a value other than the empty string, change the type'."""
        assert parse(f"event: a\n{line}\ndata: x\n\n") == [Event("message", "x", "")]

    def test_the_type_does_not_reach_into_the_next_block(self) -> None:
        """'Set the data buffer and the event type buffer to the empty string'."""
        assert parse("event: a\ndata: 1\n\ndata: 2\n\n") == [Event("a", "1", ""), Event("message", "2", "")]

    def test_the_type_of_a_block_without_data_is_forgotten(self) -> None:
        """'If the data buffer is an empty string, set [...] the event type buffer to the empty string'."""
        assert parse("event: a\n\ndata: x\n\n") == [Event("message", "x", "")]

    @pytest.mark.parametrize("name", ["error", "open", "message", "Å\0é", "a b:c", "__class__"])
    def test_any_text_is_a_type(self, name: str) -> None:
        """A server may name its events like the client's own: they stay plain events."""
        assert parse(f"event: {name}\ndata: x\n\n") == [Event(name, "x", "")]
