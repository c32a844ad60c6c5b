"""How a cursor is taken, and how it is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everstream import ConfigurationError, Event, LastEventID, Position, QueryCursor
from everstream.core.resumption import continues_elsewhere, header_value

EVENT = Event("message", '{"sequence_number": 7}', "42")


class TestLastEventID:
    """The standard's way."""

    @pytest.mark.parametrize("item", [EVENT, Position("42")])
    def test_the_cursor_is_the_last_event_id_string(self, item: Event | Position) -> None:
        """An id-only block moves it as an event does."""
        assert LastEventID().cursor_after(item, "before") == "42"

    def test_an_empty_id_resets_it(self) -> None:
        """[spec] Then no header is sent at all."""
        assert LastEventID().cursor_after(Event("message", "", ""), "before") == ""

    def test_it_goes_into_the_header_as_utf8_bytes(self) -> None:
        """As text, requests would send Latin-1 or fail."""
        assert LastEventID().request_headers("é…日") == {"Last-Event-ID": "é…日".encode()}
        assert LastEventID().request_params("é") == {}

    def test_a_cursor_that_no_header_can_carry_is_not_sent(self) -> None:
        """An id of spaces must not kill the reconnect."""
        assert LastEventID().request_headers("  ") == {}


class TestQueryCursor:
    """A cursor from the event, in the query."""

    def test_it_takes_the_cursor_from_the_event(self) -> None:
        """A number becomes text."""
        resume = QueryCursor("starting_after", lambda event: event.json(dict_of)["sequence_number"])
        assert resume.cursor_after(EVENT, "6") == "7"
        assert resume.request_params("7") == {"starting_after": "7"}
        assert resume.request_headers("7") == {}

    def test_an_event_without_one_leaves_the_cursor(self) -> None:
        """None means that there is none, and an id-only block is no event."""
        resume = QueryCursor("after", lambda event: None)
        assert resume.cursor_after(EVENT, "6") == "6"
        assert QueryCursor("after", lambda event: 9).cursor_after(Position("5"), "6") == "6"

    def test_zero_is_a_cursor(self) -> None:
        """It is not mistaken for none."""
        assert QueryCursor("after", lambda event: 0).cursor_after(EVENT, "6") == "0"

    def test_it_may_say_where_the_rest_is(self) -> None:
        """By a function, which is asked each time: the place may not be known before the stream begins."""
        places = iter(["https://a.example/1", "https://a.example/2"])
        resume = QueryCursor("after", of=lambda event: event.data, url=lambda: next(places))
        assert [resume.request_url("7"), resume.request_url("8")] == [
            "https://a.example/1",
            "https://a.example/2",
        ]
        assert QueryCursor("after", of=lambda event: event.data).request_url("7") is None

    @pytest.mark.parametrize(
        "arguments", [("", len), ("after", None), ("after", len, "https://a.example"), ("after", len, 5)]
    )
    def test_what_cannot_work_is_refused(self, arguments: tuple[str, object]) -> None:
        """The name of a parameter and a function."""
        with pytest.raises(ConfigurationError, match="QueryCursor"):
            QueryCursor(*arguments)  # type: ignore[arg-type]


def dict_of(text: str) -> dict[str, int]:
    """Parses what the event of these tests holds."""
    assert text == EVENT.data
    return {"sequence_number": 7}


@given(st.text())
def test_any_id_makes_a_header_value_that_http_allows(cursor: str) -> None:
    """No white space at the ends, no CR, LF or NUL (RFC 9110, 5.5), and no error."""
    value = header_value(cursor)
    assert value == value.strip(b" \t\r\n\f\v")
    assert not set(value) & set(b"\r\n\0")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1))
def test_an_id_without_white_space_around_it_is_sent_unchanged(cursor: str) -> None:
    """Nothing is lost that a header can carry."""
    bare = cursor.strip("\t\v\f ")
    assert header_value(cursor).decode() == bare


class TestElsewhere:
    """Whether the rest is asked for at another URL, so that to repeat the request is another matter."""

    @pytest.mark.parametrize("resume", [None, LastEventID(), QueryCursor("after", of=lambda event: event.id)])
    def test_most_strategies_repeat_the_request(self, resume: LastEventID | QueryCursor | None) -> None:
        """As they name no other place."""
        assert not continues_elsewhere(resume)

    def test_one_that_names_another_place_does_not(self) -> None:
        """A cursor in the query can, and so can a strategy of the caller's own."""

        class Own(QueryCursor):
            """Inherits `request_url`, and a place."""

        class Other:
            def request_url(self, cursor: str) -> str:
                return cursor

        place = "https://stream.example/rest"
        assert continues_elsewhere(QueryCursor("after", of=lambda event: event.id, url=lambda: place))
        assert continues_elsewhere(Own("after", of=lambda event: event.id, url=lambda: place))
        assert continues_elsewhere(Other())  # type: ignore[arg-type]
