"""`until` as a function: the event that it picks is the last one, and is delivered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from everstream import (
    Closed,
    ConfigurationError,
    Dedupe,
    Event,
    EventSource,
    Failed,
    ReadyState,
    RetryPolicy,
    StreamIncomplete,
    StreamInterrupted,
)
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer, connection, cut, event, raw, stall
from tests.reading import data_in, everything

MakeSource = Callable[..., EventSource]
LAST = event(json.dumps({"type": "stop"}), id="2")
ONE = event(json.dumps({"type": "delta"}), id="1")
STOP = '{"type": "stop"}'


def is_last(each: Event) -> bool:
    """What the streams of these tests end with."""
    return each.data == STOP


@pytest.mark.parametrize("options", [{}, {"method": "POST", "json": {}}], ids=["GET", "POST"])
def test_the_last_event_is_delivered_and_nothing_is_asked_again(
    sse_server: SSEServer, make_source: MakeSource, options: dict[str, Any]
) -> None:
    """Though the server holds the line open; the cursor is past it."""
    sse_server.script([[ONE, LAST, event("after"), stall()]])
    source = make_source(until=is_last, **options)
    items = everything(source)
    assert items[-2:] == [Event("message", STOP, "2"), Closed("until")]
    assert source.last_event_id == source.last_acknowledged_id == "2"
    assert source.state is ReadyState.CLOSED
    assert len(sse_server.requests) == 1


def test_a_get_goes_on_until_it_has_come(sse_server: SSEServer, make_source: MakeSource) -> None:
    """An end of the body is none of the stream."""
    sse_server.script([[ONE], [ONE, cut()], [LAST]])
    items = everything(make_source(until=is_last))
    assert [each == STOP for each in data_in(items)] == [False, False, True]
    assert items[-1] == Closed("until")


@pytest.mark.parametrize("rest", [b"", b"data: " + STOP.encode(), b"data: " + STOP.encode() + b"\n"])
def test_a_post_without_it_is_incomplete(sse_server: SSEServer, make_source: MakeSource, rest: bytes) -> None:
    """A block that is not finished is not asked about; the error has what came."""
    sse_server.script([connection(ONE, raw(rest))])
    source = make_source(method="POST", until=is_last)
    events: list[Event] = []
    with pytest.raises(StreamIncomplete, match="without the event that is its last") as caught:
        events.extend(source)
    assert caught.value.received == tuple(events) == (Event("message", '{"type": "delta"}', "1"),)
    assert isinstance(caught.value.__cause__, StreamInterrupted)
    with pytest.raises(StreamIncomplete):
        next(source)


def test_a_restart_does_not_ask_for_the_last_event(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Also if what follows in the same packet has its id: nobody is ever given that."""
    store = MemoryCheckpoint()
    sse_server.script(
        [connection(raw(b"id: 1\ndata: a\n\nid: 2\ndata: " + STOP.encode() + b"\n\ndata: x\n\n"))]
    )
    everything(make_source(until=is_last, checkpoint=store, checkpoint_key="k", checkpoint_interval=0))
    assert store.load("k") == "2"


def test_the_last_event_may_wait_for_its_acknowledgement(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """After the end of the stream, as any."""
    sse_server.script([[ONE, LAST]])
    source = make_source(until=is_last, ack="manual")
    one, last = source
    assert source.last_acknowledged_id == ""
    source.ack(one)
    source.ack(last)
    assert source.last_acknowledged_id == "2"


def test_a_duplicate_may_be_the_last(sse_server: SSEServer, make_source: MakeSource) -> None:
    """The consumer has had it: the stream is over all the same."""
    sse_server.script([[ONE, cut()], [ONE, stall()]])
    seen: list[str] = []

    def is_second(each: Event) -> bool:
        seen.append(each.id)
        return len(seen) == 2

    items = everything(make_source(until=is_second, dedupe=Dedupe()))
    assert [type(item).__name__ for item in items[-2:]] == ["Duplicate", "Closed"]
    assert len(data_in(items)) == 1


def test_to_reconnect_at_the_last_event_makes_no_connection(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """There is nothing more to come."""
    sse_server.script([[ONE, LAST, stall()]])
    source = make_source(until=is_last)
    items = []
    for item in source.all():
        items.append(item)
        if item == Event("message", STOP, "2"):
            source.reconnect()
    assert items[-1] == Closed("until")
    assert len(sse_server.requests) == 1


def test_a_loop_that_was_left_at_the_last_event_ends_when_it_is_entered_again(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """Nothing is read meanwhile."""
    sse_server.script([[LAST, stall()]])
    source = make_source(until=is_last)
    assert next(source).data == STOP
    assert list(source) == []


def test_an_exception_of_its_own_is_raised_each_time(sse_server: SSEServer, make_source: MakeSource) -> None:
    """It must not look as if the stream had ended; the event is not acknowledged."""
    sse_server.script([[ONE, event("no JSON", id="2"), stall()]])
    source = make_source(until=lambda each: json.loads(each.data)["type"] == "stop")
    assert next(source).id == "1"
    for _ in range(2):
        with pytest.raises(json.JSONDecodeError):
            next(source)
    assert source.last_acknowledged_id == "1"
    assert not source.health().alive


def test_an_error_of_ours_fails_the_stream(sse_server: SSEServer, make_source: MakeSource) -> None:
    """`event.json()` in it raises `InvalidJSON`, which goes the way of every error."""
    sse_server.script([[ONE, event("no JSON", id="2"), stall()]])
    source = make_source(until=lambda each: each.json(json.loads)["type"] == "stop")
    items = everything(source)
    failed = items[-1]
    assert isinstance(failed, Failed)
    assert str(failed.error).startswith("the data of an event of type message is no JSON")
    assert source.stats.last_error is failed.error
    assert source.last_acknowledged_id == "1"
    with pytest.raises(type(failed.error)):
        next(source)


@pytest.mark.parametrize("until", ["", b"[DONE]", 5, ["[DONE]"], True])
def test_what_cannot_be_an_end_is_refused(make_source: MakeSource, until: object) -> None:
    """When it is passed."""
    with pytest.raises(ConfigurationError, match="until="):
        make_source(until=until)


@pytest.mark.parametrize("until", ["[DONE]", is_last])
def test_a_policy_of_one_connection_is_incomplete_too(
    sse_server: SSEServer, make_source: MakeSource, until: Any
) -> None:
    """A GET that may not be made again is as a POST."""
    sse_server.script([[ONE]])
    with pytest.raises(StreamIncomplete) as caught:
        list(make_source(until=until, retry=RetryPolicy.never()))
    assert [each.id for each in caught.value.received] == ["1"]
