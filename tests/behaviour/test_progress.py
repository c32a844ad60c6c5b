"""`progress_in`: which events end an outage, and make of a request one that is not to be repeated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tenacity import wait_none

from everstream import (
    Closed,
    ConfigurationError,
    Event,
    EventSource,
    Failed,
    Interrupted,
    RetriesExhausted,
    RetryPolicy,
    StreamInterrupted,
)
from everstream.testing import SSEServer, cut, event, stall
from tests.reading import data_in, everything

MakeSource = Callable[..., EventSource]
POST: dict[str, Any] = {"method": "POST", "json": {}}
HELLO, ONE = event("hello"), event("1", type="delta")


def is_delta(each: Event) -> bool:
    """What is progress in these tests."""
    return each.type == "delta"


def test_a_post_is_repeated_until_the_first_progress(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Events before it are given each time; afterwards nothing is asked for again."""
    sse_server.script([[HELLO, cut()], [HELLO], [HELLO, ONE]], then=event("paid twice"))
    items = everything(make_source(progress_in=is_delta, **POST))
    assert data_in(items) == ["hello", "hello", "hello", "1"]
    assert items[-1] == Closed("eof")
    assert len(sse_server.requests) == 3


def test_a_post_that_breaks_after_it_is_an_error(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Also if what came last is none."""
    sse_server.script([[ONE, HELLO, cut()]], then=event("paid twice"))
    items = everything(make_source(progress_in=is_delta, **POST))
    failed = items[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, StreamInterrupted)
    assert len(sse_server.requests) == 1


def test_an_outage_ends_by_progress_alone(sse_server: SSEServer, make_source: MakeSource) -> None:
    """A server that greets and drops comes to the end of the policy; one that gives something does not."""
    policy = RetryPolicy.attempts(3, wait=wait_none())
    sse_server.script([[HELLO, cut()], [HELLO, ONE, cut()], *([[HELLO, cut()]] * 2)], then=event("never"))
    items = everything(make_source(progress_in=is_delta, retry=policy))
    assert [item.attempt for item in items if isinstance(item, Interrupted)] == [2, 2, 3]
    failed = items[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, RetriesExhausted)
    assert len(sse_server.requests) == 4


def test_without_it_every_event_is(sse_server: SSEServer, make_source: MakeSource) -> None:
    """As ever."""
    sse_server.script([[HELLO, cut()]], then=event("paid twice"))
    assert isinstance(everything(make_source(**POST))[-1], Failed)
    sse_server.script([[HELLO, cut()]] * 5)
    items = everything(make_source(retry=RetryPolicy.attempts(2, wait=wait_none())))
    assert [item.attempt for item in items if isinstance(item, Interrupted)] == [2] * 5


def test_to_reconnect_is_allowed_before_it(sse_server: SSEServer, make_source: MakeSource) -> None:
    """The request may be made again; once progress was given it may not."""
    sse_server.script([[HELLO, stall()], [HELLO, ONE, stall()]])
    source = make_source(progress_in=is_delta, **POST)
    assert next(source).data == "hello"
    source.reconnect()
    assert [next(source).data, next(source).data] == ["hello", "1"]
    with pytest.raises(ConfigurationError, match="replay_safe"):
        source.reconnect()
    assert len(sse_server.requests) == 2


def test_an_exception_of_its_own_is_raised_each_time(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Nothing that was not looked into counts as delivered."""
    sse_server.script([[event("a", id="1"), stall()]])
    source = make_source(progress_in=lambda each: {}[each.data])
    for _ in range(2):
        with pytest.raises(KeyError):
            next(source)
    assert source.last_event_id == ""
