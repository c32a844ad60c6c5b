"""`QueryCursor(url=)`: a stream that a POST has begun goes on by a GET of another URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from everstream import (
    ConfigurationError,
    Event,
    EventSource,
    Failed,
    Interrupted,
    LastEventID,
    Opened,
    QueryCursor,
    ResumeRejected,
    StreamInterrupted,
)
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer, connection, cut, event, redirect, status
from tests.reading import data_in, errors_in, everything

MakeSource = Callable[..., EventSource]
FIRST, SECOND, LAST = event("1"), event("2"), event("[DONE]")
POST: dict[str, Any] = {
    "method": "POST",
    "json": {"ask": "é"},
    "params": {"page": "1"},
    "headers": {"X-Key": "k"},
    "until": "[DONE]",
}


def after(url: Callable[[], str]) -> QueryCursor:
    """Resumes at another URL, after the number that an event holds."""
    return QueryCursor("after", of=lambda each: each.data if each.data.isdigit() else None, url=url)


@pytest.fixture
def rest(sse_server: SSEServer) -> QueryCursor:
    """The rest of a stream, on the same server."""
    return after(lambda: sse_server.url_for("/rest?stream=true&after=0"))


def test_the_rest_is_asked_for_by_get(
    sse_server: SSEServer, make_source: MakeSource, rest: QueryCursor
) -> None:
    """With the caller's headers and the cursor; without the body and the parameters of the POST."""
    sse_server.script([[FIRST, cut()], status(503), [SECOND, cut()], LAST])
    items = everything(make_source(resume=rest, **POST))
    assert data_in(items) == ["1", "2"]
    post, *gets = sse_server.requests
    assert (post.method, post.target, post.body) == ("POST", "/events?page=1", b'{"ask": "\\u00e9"}')
    assert [(get.method, get.target, get.body) for get in gets] == [
        ("GET", "/rest?stream=true&after=1", b""),
        ("GET", "/rest?stream=true&after=1", b""),
        ("GET", "/rest?stream=true&after=2", b""),
    ]
    for request in sse_server.requests:
        assert request.headers["X-Key"] == "k"
        assert request.headers["Accept"] == "text/event-stream"
    assert not [get for get in gets if "Content-Type" in get.headers or "Content-Length" in get.headers]
    assert [item.last_event_id for item in items if isinstance(item, Opened)] == ["", "1", "2"]


def test_before_the_first_event_the_post_is_made_again(
    sse_server: SSEServer, make_source: MakeSource, rest: QueryCursor
) -> None:
    """There is nothing to go on from, and nobody is asked where."""
    sse_server.script([status(503), [cut()], [FIRST, cut()], LAST])
    everything(make_source(resume=rest, **POST))
    assert [request.method for request in sse_server.requests] == ["POST", "POST", "POST", "GET"]


def test_the_place_may_come_with_the_stream(sse_server: SSEServer, make_source: MakeSource) -> None:
    """It is asked for when it is needed, and each time."""
    sse_server.script([[FIRST, cut()], [SECOND, cut()], LAST])
    source = make_source(resume=after(lambda: sse_server.url_for(f"/rest/{source.last_event_id}")), **POST)
    assert data_in(everything(source)) == ["1", "2"]
    assert [request.path for request in sse_server.requests] == ["/events", "/rest/1", "/rest/2"]


def test_a_restart_begins_there(sse_server: SSEServer, make_source: MakeSource, rest: QueryCursor) -> None:
    """With a cursor from a checkpoint, or from the caller, nothing is asked for a second time."""
    store = MemoryCheckpoint()
    store.save("k", "7")
    for options in ({"checkpoint": store, "checkpoint_key": "k"}, {"last_event_id": "7"}):
        sse_server.script([LAST])
        everything(make_source(resume=rest, **options, **POST))
        assert (sse_server.requests[-1].method, sse_server.requests[-1].query_pairs[-1]) == (
            "GET",
            ("after", "7"),
        )


def test_credentials_go_along_and_are_renewed(
    sse_server: SSEServer, make_source: MakeSource, rest: QueryCursor
) -> None:
    """As with the request that began the stream."""
    keys = iter("123")
    sse_server.script([[FIRST, cut()], status(401), LAST])
    everything(make_source(resume=rest, **{**POST, "headers": lambda: {"X-Key": next(keys)}}))
    assert [request.headers["X-Key"] for request in sse_server.requests] == ["1", "2", "3"]
    assert [request.method for request in sse_server.requests] == ["POST", "GET", "GET"]


def test_a_redirect_from_there_is_followed(
    sse_server: SSEServer, make_source: MakeSource, rest: QueryCursor
) -> None:
    """Within the origin, as from anywhere."""
    sse_server.script([[FIRST, cut()], redirect("/there"), [SECOND, LAST]])
    assert data_in(everything(make_source(resume=rest, **POST))) == ["1", "2"]
    assert sse_server.requests[-1].method == "GET"


@pytest.mark.parametrize("choice", ["fail", "restart"])
def test_a_refused_cursor_there_is_told(
    sse_server: SSEServer, make_source: MakeSource, rest: QueryCursor, choice: Any
) -> None:
    """By choice the request that began the stream is made again, as a start without a cursor is."""
    sse_server.script([[FIRST, cut()], status(404), LAST])
    items = everything(make_source(resume=rest, on_resume_rejected=choice, **POST))
    [rejected] = [item for item in items if isinstance(item, ResumeRejected)]
    assert (rejected.last_event_id, rejected.restarts) == ("1", choice == "restart")
    methods = ["POST", "GET", "POST"] if choice == "restart" else ["POST", "GET"]
    assert [request.method for request in sse_server.requests] == methods


@pytest.mark.parametrize("url", ["", "/rest", "ftp://a/", "http://", 5])
def test_a_place_that_is_none_fails_the_stream(
    sse_server: SSEServer, make_source: MakeSource, url: Any
) -> None:
    """With an error that says so; nothing is asked, and not the POST again."""
    sse_server.script([[FIRST, cut()]], then=event("paid twice"))
    items = everything(make_source(resume=after(lambda: url), **POST))
    failed = items[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ConfigurationError)
    assert len(sse_server.requests) == 1


def test_an_error_of_ours_in_the_function_goes_to_the_policy(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """Any other is a bug of its own, and raised each time."""
    for error in (ConfigurationError("not known"), KeyError("x")):
        sse_server.script([[FIRST, cut()]], then=event("paid twice"))

        def url(error: Exception = error) -> str:
            raise error

        source = make_source(resume=after(url), **POST)
        assert next(source).data == "1"
        for _ in range(2):
            with pytest.raises(type(error)):
                next(source)


def test_without_it_the_post_itself_is_repeated(sse_server: SSEServer, make_source: MakeSource) -> None:
    """With the cursor as a parameter of it."""
    resume = QueryCursor("after", of=lambda each: each.data)
    sse_server.script([[FIRST, cut()], LAST])
    everything(make_source(resume=resume, **POST))
    assert [(request.method, request.query_pairs) for request in sse_server.requests] == [
        ("POST", [("page", "1")]),
        ("POST", [("page", "1"), ("after", "1")]),
    ]


def test_a_strategy_of_the_callers_own_may_have_a_place(
    sse_server: SSEServer, make_source: MakeSource
) -> None:
    """With the cursor in its path: it counts as sent."""

    class InThePath(LastEventID):
        def request_headers(self, cursor: str) -> dict[str, str | bytes]:
            return {}

        def request_url(self, cursor: str) -> str | None:
            return sse_server.url_for(f"/from/{cursor}") if cursor != "1" else None

    sse_server.script([[event("1", id="1"), cut()], [event("2", id="2"), cut()], status(410)])
    items = everything(make_source(resume=InThePath(), **POST))
    assert [(request.method, request.path) for request in sse_server.requests] == [
        ("POST", "/events"),
        ("POST", "/events"),
        ("GET", "/from/2"),
    ]
    assert isinstance(items[-2], ResumeRejected)
    assert len(errors_in(items)) == 3
    assert [item.last_event_id for item in items if isinstance(item, Interrupted)] == ["1", "2"]
    assert [item.id for item in items if isinstance(item, Event)] == ["1", "2"]


@pytest.mark.parametrize("strategy", ["QueryCursor", "of one's own"])
def test_without_a_cursor_a_post_is_not_made_again(sse_server: SSEServer, strategy: str) -> None:
    """After progress there is nothing to go on from, and to begin again is another matter."""

    class Elsewhere(LastEventID):
        def request_url(self, cursor: str) -> str | None:
            return sse_server.url

    resume = QueryCursor("after", of=lambda _: None, url=lambda: sse_server.url)
    sse_server.script([connection(event("1"), cut())], then=event("again"))
    source = EventSource(
        sse_server.url, method="POST", resume=resume if strategy == "QueryCursor" else Elsewhere()
    )
    events = iter(source)
    assert next(events).data == "1"
    with pytest.raises(StreamInterrupted):
        next(events)
    assert len(sse_server.requests) == 1
