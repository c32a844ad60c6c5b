"""Leaving out what a server repeats after a reconnect."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import pytest

from everstream import Dedupe, Duplicate, Event, EventSource
from everstream.testing import ConnectionLike, SSEServer, cut, event
from tests.behaviour.stores import Store
from tests.reading import data_in, everything

MakeSource = Callable[..., EventSource]
REPEATING: list[ConnectionLike] = [
    [event("a", id="1"), event("b", id="2"), cut()],
    [event("b", id="2"), event("c", id="3"), cut()],
    [event("a", id="1"), event("c", id="3"), event("d", id="4")],
]


def number(event: Event) -> Hashable:
    """The number that the payload says; an event without one has no key."""
    return event.data.partition("#")[2] or None


def test_without_it_everything_is_given(sse_server: SSEServer, make_source: MakeSource) -> None:
    """It is off by default."""
    sse_server.script(REPEATING)
    assert data_in(everything(make_source())) == list("abbcacd")


def test_what_an_earlier_connection_brought_is_left_out(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """It is told as an item of its own, counted, and moves the cursor."""
    sse_server.script(REPEATING)
    source = make_source(dedupe=Dedupe())
    items = everything(source)
    assert data_in(items) == list("abcd")
    assert [item.event.data for item in items if isinstance(item, Duplicate)] == list("bac")
    assert (source.stats.events, source.stats.duplicates) == (4, 3)
    assert [request.last_event_id for request in sse_server.requests] == [None, "2", "3", "4"]


def test_iterating_over_events_one_sees_nothing_of_it(sse_server: SSEServer, make_source: MakeSource) -> None:
    """The loop has events and nothing else."""
    sse_server.script(REPEATING)
    assert [each.data for each in make_source(dedupe=Dedupe())] == list("abcd")


def test_equal_events_of_one_connection_are_all_given(sse_server: SSEServer, make_source: MakeSource) -> None:
    """A server that says the same thing twice means it."""
    sse_server.script([[event("a", id="1"), event("a", id="1"), cut()], [event("a", id="1")]])
    assert data_in(everything(make_source(dedupe=Dedupe()))) == ["a", "a"]


def test_events_that_share_an_id_are_different(sse_server: SSEServer, make_source: MakeSource) -> None:
    """An id is a position; real servers give several events the same one."""
    sse_server.script([[event("a", id="1"), cut()], [event("b", id="1"), event("a", id="1", type="x")]])
    assert data_in(everything(make_source(dedupe=Dedupe()))) == ["a", "b", "a"]


def test_events_without_any_id_are_all_given(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Nothing tells a repetition from one that is meant."""
    sse_server.script([[event("a"), cut()], [event("a")]])
    assert data_in(everything(make_source(dedupe=Dedupe()))) == ["a", "a"]


def test_the_key_is_the_callers(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Such as a number in the payload; what has none is given."""
    sse_server.script([[event("x#1"), event("ping"), cut()], [event("y#1"), event("ping"), event("z#2")]])
    assert data_in(everything(make_source(dedupe=Dedupe(key=number)))) == ["x#1", "ping", "ping", "z#2"]


def test_the_memory_is_bounded(sse_server: SSEServer, make_source: MakeSource) -> None:
    """What is too long ago is given again."""
    sse_server.script(
        [[*(event(each, id=each) for each in "abc"), cut()], [event("a", id="a"), event("c", id="c")]]
    )
    assert data_in(everything(make_source(dedupe=Dedupe(size=2)))) == ["a", "b", "c", "a"]


def test_a_duplicate_moves_the_checkpoint(sse_server: SSEServer, make_source: MakeSource) -> None:
    """It was handled when it came first."""
    sse_server.script([[event("a", id="1"), cut()], [event("a", id="1")]])
    store = Store()
    everything(make_source(dedupe=Dedupe(key=lambda event: event.data), checkpoint=store, name="orders"))
    assert store.load("orders") == "1"


def test_a_key_that_fails_is_a_bug_of_its_own(sse_server: SSEServer, make_source: MakeSource) -> None:
    """It goes through unchanged, each time: that nothing more comes is not the end of the stream."""
    sse_server.script([[event("a", id="1"), event("b", id="2")]])
    source = make_source(dedupe=Dedupe(key=lambda event: int(event.data)))
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            next(source)
    assert not source.health().alive


@pytest.mark.parametrize("dedupe", [True, "id", dict])
def test_what_is_no_dedupe_is_refused(dedupe: object) -> None:
    """When it is passed."""
    with pytest.raises(Exception, match="dedupe= takes a Dedupe"):
        EventSource("http://127.0.0.1:1/", dedupe=dedupe)  # type: ignore[arg-type]
