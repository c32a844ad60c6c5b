"""Where a stream is, and what it says of it to a server and a parser."""

from __future__ import annotations

import pytest

from everstream.core.cursor import Cursor
from everstream.core.events import Comment, Duplicate, Event, Position, RetryHint, WireItem
from everstream.core.resumption import LastEventID, QueryCursor

SEQUENCE = QueryCursor("after", of=lambda event: event.data if event.data.isdigit() else None)
EVENT = Event("message", "5", "a")


def fields(cursor: Cursor) -> tuple[object, object]:
    """Returns the header fields and the parameters that the next request has of a cursor."""
    connecting = cursor.connecting(1)
    return connecting.cursor_headers, connecting.cursor_params


class Elsewhere(LastEventID):
    """A strategy of the caller's own: the cursor is in the path, and nowhere else."""

    def request_headers(self, cursor: str) -> dict[str, str | bytes]:
        """Returns nothing."""
        return {}

    def request_url(self, cursor: str) -> str | None:
        """Returns where the rest is, but for that of the first."""
        return None if cursor == "0" else f"https://a.example/after/{cursor}"


class TestWhereTheRestIs:
    def test_by_default_it_is_the_same_request(self) -> None:
        """A strategy need not have the method at all."""
        assert Cursor(None, "7").connecting(1).url is None
        assert Cursor(SEQUENCE, "7").connecting(1).url is None

    def test_without_a_cursor_there_is_no_rest(self) -> None:
        """The request that begins the stream is made again, and nobody is asked for a place."""
        resume = QueryCursor("after", of=lambda event: event.data, url=lambda: 1 / 0)  # type: ignore[arg-type, return-value]
        assert Cursor(resume, "").connecting(1).url is None

    def test_the_strategy_says_so(self) -> None:
        """Asked with the cursor, which the place itself may carry: it counts as sent."""
        connecting = Cursor(Elsewhere(), "7").connecting(2)
        assert (connecting.url, connecting.last_event_id) == ("https://a.example/after/7", "7")
        connecting = Cursor(Elsewhere(), "0").connecting(2)
        assert (connecting.url, connecting.last_event_id) == (None, "")

    def test_its_representation_does_not_show_it(self) -> None:
        """It may hold a token."""
        assert "example" not in repr(Cursor(Elsewhere(), "7").connecting(1))


class TestTheLastEventID:
    def test_it_is_the_cursor(self) -> None:
        """To begin with, and after each event."""
        cursor = Cursor(None, "7")
        assert (cursor.value, cursor.last_event_id) == ("7", "7")
        assert fields(cursor) == ({"Last-Event-ID": b"7"}, {})
        cursor.move(EVENT)
        assert (cursor.value, cursor.last_event_id) == ("a", "a")

    @pytest.mark.parametrize("item", [EVENT, Position("a"), Duplicate(EVENT)])
    def test_what_has_an_id_moves_it(self, item: WireItem) -> None:
        """Also what is not given to the consumer; and where it will be is known before."""
        cursor = Cursor(None, "7")
        assert (cursor.after(item), cursor.value) == ("a", "7")
        cursor.move(item)
        assert (cursor.value, cursor.last_event_id) == ("a", "a")

    @pytest.mark.parametrize("item", [Comment("x"), RetryHint(1.0)])
    def test_what_has_no_id_does_not(self, item: WireItem) -> None:
        """A heartbeat is no place in a stream."""
        cursor = Cursor(None, "7")
        assert cursor.after(item) == "7"
        cursor.move(item)
        assert (cursor.value, cursor.last_event_id) == ("7", "7")

    def test_an_empty_id_resets_it(self) -> None:
        """The next request then asks for nothing."""
        cursor = Cursor(None, "7")
        cursor.move(Position(""))
        assert (cursor.value, fields(cursor)) == ("", ({}, {}))

    def test_it_can_be_set_to_one_that_was_kept_elsewhere(self) -> None:
        """Or to nowhere."""
        cursor = Cursor(None, "7")
        cursor.set("9")
        assert (cursor.value, cursor.last_event_id) == ("9", "9")
        cursor.set("")
        assert (cursor.value, cursor.last_event_id) == ("", "")


class TestACursorOfAnotherKind:
    def test_it_is_not_the_last_event_id(self) -> None:
        """An event without an id must not be reported with a cursor of ours."""
        cursor = Cursor(SEQUENCE, "7")
        assert (cursor.value, cursor.last_event_id) == ("7", "")
        assert fields(cursor) == ({}, {"after": "7"})
        cursor.set("8")
        assert (cursor.value, cursor.last_event_id) == ("8", "")

    def test_both_move_with_an_event(self) -> None:
        """Each in its own way, also with one that is left out."""
        for item in (EVENT, Duplicate(EVENT)):
            cursor = Cursor(SEQUENCE, "")
            assert cursor.after(item) == "5"
            cursor.move(item)
            assert (cursor.value, cursor.last_event_id) == ("5", "a")

    def test_an_event_that_has_none_leaves_it(self) -> None:
        """And moves the last event ID."""
        cursor = Cursor(SEQUENCE, "4")
        cursor.move(Event("message", "x", "b"))
        assert (cursor.value, cursor.last_event_id) == ("4", "b")
        cursor.move(Position("c"))
        assert (cursor.value, cursor.last_event_id) == ("4", "c")
