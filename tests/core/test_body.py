"""What has come of one body, and how much of it somebody has asked for."""

from __future__ import annotations

from itertools import islice

import pytest

from everstream.core.body import Body, shares_id, since_last_event
from everstream.core.errors import EventTooLarge, StreamInterrupted
from everstream.core.events import Comment, Event, Position, RetryHint, WireItem
from everstream.core.parsing import DEFAULT_MAX_EVENT_BYTES

CHUNK = b": hi\n\nid: 1\ndata: a\n\nretry: 2500\n\nid: 2\ndata: b\n\ndata: c\n\nid: 3\n\n"
ITEMS: list[WireItem] = [
    Comment("hi"),
    Event("message", "a", "1"),
    RetryHint(2.5),
    Event("message", "b", "2"),
    Event("message", "c", "2"),
    Position("3"),
]


@pytest.fixture
def body() -> Body:
    """A body of which nothing has come."""
    return Body("", DEFAULT_MAX_EVENT_BYTES)


class TestWhatWasAskedFor:
    def test_nothing_has_come_to_begin_with(self, body: Body) -> None:
        """Neither bytes nor events; nobody has an item in hand."""
        assert (body.bytes, body.events, body.items, list(body.upcoming)) == (0, 0, [], [])
        assert not body.id_is_shared(None)
        assert (body.reconnection_time, body.unfinished()) == (None, None)

    def test_events_count_when_they_are_asked_for(self, body: Body) -> None:
        """Not when they are received; what is no event does not."""
        assert body.feed(CHUNK) is None
        assert (body.items, body.bytes, body.reconnection_time) == (ITEMS, len(CHUNK), 2.5)
        counts = [body.events, *(body.events for _ in body.upcoming), body.events]
        assert counts == [0, 0, 1, 1, 2, 3, 3, 3]

    @pytest.mark.parametrize("asked_for", range(7))
    def test_what_was_not_asked_for_of_a_chunk_is_never_counted(self, body: Body, asked_for: int) -> None:
        """Somebody has given the body up, or takes the next chunk."""
        body.feed(CHUNK)
        assert list(islice(body.upcoming, asked_for)) == ITEMS[:asked_for]
        counted = [type(item) for item in ITEMS[:asked_for]].count(Event)
        assert body.events == counted
        body.feed(b"data: d\n\n")
        assert (body.events, body.bytes) == (counted, len(CHUNK) + 9)
        assert next(body.upcoming) == Event("message", "d", "3")
        assert body.events == counted + 1

    @pytest.mark.parametrize("given", [True, False])
    def test_after_an_end_there_is_nothing(self, body: Body, given: bool) -> None:
        """The event in hand counts only if somebody gets it."""
        body.feed(CHUNK)
        assert list(islice(body.upcoming, 4))[-1] == ITEMS[3]
        body.nothing_follows(given=given)
        assert list(body.upcoming) == []
        assert body.items == ITEMS[: 3 + given]
        assert body.events == 1 + given

    def test_an_end_at_the_last_item(self, body: Body) -> None:
        """There is nothing to take out, or only that."""
        body.feed(b"data: a\n\n")
        assert next(body.upcoming) == Event("message", "a", "")
        body.nothing_follows(given=True)
        assert (body.events, list(body.upcoming)) == (1, [])
        body.feed(b"data: b\n\n")
        assert next(body.upcoming) == Event("message", "b", "")
        body.nothing_follows(given=False)
        assert (body.events, body.items, list(body.upcoming)) == (1, [], [])

    def test_the_error_tells_what_was_asked_for(self, body: Body) -> None:
        """So many bytes had come, and so many events were given."""
        body.feed(CHUNK)
        list(islice(body.upcoming, 3))
        error = StreamInterrupted(reason="eof")
        body.tell(error)
        assert (error.bytes_received, error.events_received) == (len(CHUNK), 1)

    def test_an_event_that_is_too_large_leaves_those_before_it(self) -> None:
        """They are given first, and counted one by one."""
        body = Body("", 20)
        error = body.feed(b"data: a\n\ndata: b\n\ndata: " + b"x" * 20)
        assert isinstance(error, EventTooLarge)
        assert [(item, body.events) for item in body.upcoming] == [
            (Event("message", "a", ""), 1),
            (Event("message", "b", ""), 2),
        ]


class TestRemembering:
    def test_only_if_it_is_wanted(self, body: Body) -> None:
        """There is no end that could be missed."""
        body.remember(Event("message", "a", ""))
        assert body.incomplete(None).received == ()

    def test_the_latest_within_a_bound(self) -> None:
        """An event counts for more than its text."""
        body = Body("", DEFAULT_MAX_EVENT_BYTES, remembers=True)
        events = [Event("message", "x" * 300_000, str(number)) for number in range(5)]
        for event in events:
            body.remember(event)
        incomplete = body.incomplete("end")
        assert incomplete.received == tuple(events[2:])
        assert incomplete.until == "end"
        for _ in range(5000):
            body.remember(Event("message", "", ""))
        assert len(body.incomplete("end").received) < 1_048_576 / 256


E, P = (lambda event_id, data="x": Event("message", data, event_id)), Position


@pytest.mark.parametrize(
    ("items", "shared"),
    [
        ([E("1"), E("2"), E("2"), E("2"), E("3")], [False, True, True, False, False]),
        ([E("1"), Comment("x"), E("1")], [True, False, False]),
        ([E("1"), P("2"), E("2")], [False, True, False]),
        ([P("1"), E("2"), E("1")], [False, False, False]),
        ([E(""), E("")], [False, False]),
        ([E("1"), P("2"), P("1"), E("1")], [True, False, True, False]),
        ([RetryHint(1.0), E("1")], [False, False]),
        ([E("1"), E("1", "end")], [False, False]),
    ],
)
def test_which_share_their_id_with_an_event_that_follows(items: list[WireItem], shared: list[bool]) -> None:
    """A restart after one of these would leave out the event that follows; `until` is none."""
    assert [shares_id(items, number, "end") for number in range(len(items))] == shared


def test_the_body_knows_it_of_the_item_in_hand(body: Body) -> None:
    """Which is the one that was asked for last."""
    body.feed(CHUNK)
    assert [body.id_is_shared(None) for _ in body.upcoming] == [False, False, False, True, False, False]
    body.feed(b"data: a\n\ndata: end\n\n")
    next(body.upcoming)
    assert (body.id_is_shared(None), body.id_is_shared("end")) == (True, False)


@pytest.mark.parametrize(
    ("items", "since"),
    [
        ([], []),
        ([Comment("x")], [Comment("x")]),
        ([P("1"), P("2")], [P("1"), P("2")]),
        ([E("1"), E("2")], [E("2")]),
        ([E("1"), P("2"), Comment("x")], [E("1"), P("2"), Comment("x")]),
        ([P("1"), E("2"), P("3")], [E("2"), P("3")]),
    ],
)
def test_what_came_since_the_last_event(items: list[WireItem], since: list[WireItem]) -> None:
    """The event too; all if there is none."""
    assert list(since_last_event(items)) == since
