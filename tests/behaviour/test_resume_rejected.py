"""Servers that no longer have the cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tenacity import wait_fixed

from everstream import (
    Closed,
    EventSource,
    Failed,
    Interrupted,
    Opened,
    QueryCursor,
    ResumeRejected,
    RetryPolicy,
    StatusRejected,
)
from everstream.testing import SSEServer, cut, event, no_content, redirect, status
from tests.behaviour.stores import Store
from tests.fakes import FakeClock
from tests.reading import data_in, errors_in, everything

MakeSource = Callable[..., EventSource]
GONE = [404, 409, 410, 412]
RESTART: dict[str, Any] = {"on_resume_rejected": "restart"}


def kinds_of(items: list[Any]) -> list[str]:
    """The names of the items' classes."""
    return [type(item).__name__ for item in items]


@pytest.mark.parametrize("code", GONE)
def test_by_choice_the_stream_starts_again(
    sse_server: SSEServer, make_source: MakeSource, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the cursor, at once, and told: what lay between is lost."""
    sse_server.script([[event("a", id="1"), cut()], status(code, body=b"gone"), event("z", id="26")])
    clock = FakeClock()
    source = make_source(**RESTART, retry=RetryPolicy(wait=wait_fixed(7)), clock=clock)
    items = everything(source)
    assert kinds_of(items)[2:7] == ["Interrupted", "ResumeRejected", "Interrupted", "Opened", "Event"]
    _, _, _, rejected, interrupted, opened = items[:6]
    assert isinstance(rejected, ResumeRejected)
    assert (rejected.error.status, rejected.last_event_id, rejected.restarts) == (code, "1", True)
    assert rejected.error.body_excerpt == b"gone"
    assert isinstance(interrupted, Interrupted)
    assert (interrupted.delay, interrupted.last_event_id) == (0.0, "")
    assert isinstance(opened, Opened)
    assert opened.last_event_id == ""
    assert [request.last_event_id for request in sse_server.requests] == [None, "1", None, "26"]
    assert clock.waits == [7.0, 0.0, 7.0]
    assert any("stream.resume_rejected" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("code", GONE)
def test_by_default_the_stream_fails(sse_server: SSEServer, make_source: MakeSource, code: int) -> None:
    """A gap is not for us to make; the cursor can still be looked at."""
    sse_server.script([[event("a", id="1"), cut()], status(code)])
    source = make_source()
    items = everything(source)
    rejected, failed = items[-2:]
    assert isinstance(rejected, ResumeRejected)
    assert not rejected.restarts
    assert failed == Failed(rejected.error)
    assert source.last_event_id == "1"


@pytest.mark.parametrize("code", [400, 401, 403, 405, 416, 501])
def test_other_statuses_refuse_no_cursor(sse_server: SSEServer, make_source: MakeSource, code: int) -> None:
    """Unless the caller says so."""
    sse_server.script([status(code)])
    items = everything(make_source(**RESTART, last_event_id="7"))
    assert kinds_of(items) == ["Failed"]
    sse_server.script([status(code), no_content()])
    items = everything(make_source(**RESTART, last_event_id="7", resume_rejected_on={code}))
    assert kinds_of(items) == ["ResumeRejected", "Interrupted", "Closed"]


def test_the_callers_statuses_take_the_place_of_ours(sse_server: SSEServer, make_source: MakeSource) -> None:
    """None at all, too."""
    sse_server.script([status(410)])
    assert kinds_of(everything(make_source(**RESTART, last_event_id="7", resume_rejected_on=()))) == [
        "Failed"
    ]


@pytest.mark.parametrize("code", GONE)
def test_without_a_cursor_it_is_a_status_as_any(
    sse_server: SSEServer, make_source: MakeSource, code: int
) -> None:
    """A 404 at the first request is a wrong URL."""
    sse_server.script([status(code)])
    assert kinds_of(everything(make_source(**RESTART))) == ["Failed"]


def test_a_cursor_that_did_not_reach_the_server_was_not_refused(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """A redirect to another origin goes without it."""
    with SSEServer() as elsewhere:
        elsewhere.script([status(410)])
        sse_server.script([redirect(elsewhere.url)])
        items = everything(make_source(**RESTART, last_event_id="7"))
    assert elsewhere.requests[0].last_event_id is None
    assert kinds_of(items) == ["Failed"]


def test_one_that_was_redirected_within_the_origin_was(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """It goes along there."""
    sse_server.script([redirect("/elsewhere"), status(410), no_content()])
    items = everything(make_source(**RESTART, last_event_id="7"))
    assert kinds_of(items) == ["ResumeRejected", "Interrupted", "Closed"]
    assert [request.last_event_id for request in sse_server.requests] == ["7", "7", None]


def test_a_second_refusal_is_an_ordinary_one(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Nothing is left to leave out: no loop."""
    sse_server.script([status(410), status(410)], then=no_content())
    items = everything(make_source(**RESTART, last_event_id="7"))
    assert kinds_of(items) == ["ResumeRejected", "Interrupted", "Failed"]
    assert len(sse_server.requests) == 2


def test_each_time_a_cursor_is_refused_the_stream_starts_again(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """A server without a memory is one that can be lived with."""
    sse_server.script([event("a", id="1"), status(410), event("b", id="1"), status(410), event("c", id="1")])
    items = everything(make_source(**RESTART))
    assert data_in(items) == ["a", "b", "c"]
    assert kinds_of(items).count("ResumeRejected") == 2


def test_the_checkpoint_follows(sse_server: SSEServer, make_source: MakeSource) -> None:
    """A new process does not ask for what is gone."""
    sse_server.script([status(410), [event("x"), event("b", id="26"), event("c", id="27")]])
    store = Store("7")
    source = make_source(**RESTART, checkpoint=store, name="orders", checkpoint_interval=0)
    assert data_in(everything(source)) == ["x", "b", "c"]
    assert store.saves == ["", "26", "27"]
    assert [request.last_event_id for request in sse_server.requests] == ["7", None, "27"]


def test_a_checkpoint_that_is_gone_stays_for_somebody_to_look_at(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """To fail moves nothing."""
    sse_server.script([status(410)])
    store = Store("7")
    everything(make_source(checkpoint=store, name="orders"))
    assert store.saves == []


def test_what_was_not_acknowledged_before_a_restart_still_waits(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """The gapless prefix goes over the gap of the server."""
    sse_server.script([event("a", id="1"), status(410), [event("z", id="26")]])
    source = make_source(**RESTART, ack="manual")
    one, last = source
    source.ack(last)
    assert source.last_acknowledged_id == ""
    source.ack(one)
    assert source.last_acknowledged_id == "26"


def test_a_cursor_of_another_kind_is_left_out_too(sse_server: SSEServer, make_source: MakeSource) -> None:
    """As the parameter that it was; Kubernetes answers 410 to a resourceVersion that is too old."""
    sse_server.script([event("5"), status(410), event("9")])
    source = make_source(**RESTART, resume=QueryCursor("resourceVersion", of=lambda event: event.data))
    items = everything(source)
    assert data_in(items) == ["5", "9"]
    asked = [request.query_pairs for request in sse_server.requests]
    assert asked == [[], [("resourceVersion", "5")], [], [("resourceVersion", "9")]]


def test_closed_at_the_refusal_it_ends_normally(sse_server: SSEServer, make_source: MakeSource) -> None:
    """No request follows."""
    sse_server.script([status(410)], then=event("x"))
    source = make_source(**RESTART, last_event_id="7")
    items = []
    for item in source.all():
        items.append(item)
        if isinstance(item, ResumeRejected):
            source.close()
    assert items[-1] == Closed("close")
    assert len(sse_server.requests) == 1


def test_a_reconnect_at_the_refusal_leaves_nothing_behind(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """A later refusal of another kind is not retried for the sake of this one."""
    sse_server.script([status(410), status(403)], then=event("x"))
    source = make_source(**RESTART, last_event_id="7")
    items = []
    for item in source.all(raise_on_failure=False):
        items.append(item)
        if isinstance(item, ResumeRejected):
            source.reconnect()
    assert kinds_of(items) == ["ResumeRejected", "Failed"]
    [error] = errors_in(items)
    assert isinstance(error, StatusRejected)
    assert error.status == 403


def test_to_fail_is_to_fail_though_the_status_is_retryable(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """A status that means "gone" to this server is not tried again with the same cursor."""
    sse_server.script([[event("a", id="1"), cut()], status(503), event("never")])
    items = everything(make_source(resume_rejected_on={503}))
    assert kinds_of(items)[-2:] == ["ResumeRejected", "Failed"]
    assert len(sse_server.requests) == 2
