"""`error_in`: errors that a server reports inside a stream, or by a refusal, go the way of every error."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from tenacity import wait_fixed

from everstream import (
    Closed,
    ConfigurationError,
    ContentTypeRejected,
    Event,
    EventSource,
    EverstreamError,
    Failed,
    Interrupted,
    InvalidJSON,
    ProviderError,
    ResponseRejected,
    ResumeRejected,
    RetriesExhausted,
    RetryPolicy,
    StatusRejected,
)
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer, connection, event, no_content, raw, stall, status
from tests.fakes import FakeClock
from tests.reading import data_in, errors_in, everything

MakeSource = Callable[..., EventSource]
ONE = event("a", id="1")
BUSY = event("busy", type="error", id="2")
NO = event("no", type="error", id="2")
POST: dict[str, Any] = {"method": "POST", "json": {}}


def error_in(found: Event | ResponseRejected) -> EverstreamError | None:
    """Finds `event: error`, retryable if it says that it is busy, and what a refusal says in its body."""
    if isinstance(found, ResponseRejected):
        said = found.body_excerpt.decode()
        return ProviderError(message=said, status=found.status, retryable=said == "busy") if said else None
    if found.type != "error":
        return None
    return ProviderError(message=found.data, retryable=found.data == "busy")


@pytest.fixture
def make(make_source: MakeSource) -> MakeSource:
    """Makes event sources that look for errors."""
    return lambda **options: make_source(**{"error_in": error_in, **options})


class TestInTheStream:
    def test_the_event_is_not_delivered(self, sse_server: SSEServer, make: MakeSource) -> None:
        """A GET goes on from before it, which nobody has acknowledged."""
        sse_server.script([[ONE, BUSY, event("never"), stall()], [event("b", id="2")]])
        store = MemoryCheckpoint()
        source = make(checkpoint=store, checkpoint_key="k", checkpoint_interval=0)
        told = [(type(item).__name__, store.load("k")) for item in source.all()]
        saved = [each for each in told if each[0] in ("Event", "Interrupted")]
        assert saved == [("Event", None), ("Interrupted", "1"), ("Event", "1"), ("Interrupted", "2")]
        assert [request.last_event_id for request in sse_server.requests] == [None, "1", "2"]
        assert source.stats.events == 2

    def test_one_that_is_not_retryable_is_raised(self, sse_server: SSEServer, make: MakeSource) -> None:
        """Again when the source is iterated again; nothing is asked."""
        sse_server.script([[ONE, NO, stall()]])
        source = make()
        assert next(source).data == "a"
        for _ in range(2):
            with pytest.raises(ProviderError, match="the server reported an error: no"):
                next(source)
        assert source.last_acknowledged_id == "1"
        assert len(sse_server.requests) == 1

    def test_a_post_is_repeated_until_something_came(self, sse_server: SSEServer, make: MakeSource) -> None:
        """An error as the first event is as a refusal."""
        sse_server.script([[BUSY], [BUSY], [ONE]])
        items = everything(make(**POST))
        assert data_in(items) == ["a"]
        assert items[-1] == Closed("eof")
        assert len(sse_server.requests) == 3

    def test_a_post_is_not_repeated_after_that(self, sse_server: SSEServer, make: MakeSource) -> None:
        """Though the error be retryable: it is raised as it is."""
        sse_server.script([[ONE, BUSY]], then=event("paid twice"))
        items = everything(make(**POST))
        failed = items[-1]
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, ProviderError)
        assert failed.error.retryable
        assert len(sse_server.requests) == 1

    def test_attempts_count_though_events_came_before_each_error(
        self, sse_server: SSEServer, make: MakeSource
    ) -> None:
        """The waits grow, and the policy comes to its end."""
        sse_server.script([[ONE, BUSY]] * 3, then=event("never"))
        clock = FakeClock()
        items = everything(make(retry=RetryPolicy.attempts(3, wait=wait_fixed(2)), clock=clock))
        assert data_in(items) == ["a"] * 3
        attempts = [item.attempt for item in items if isinstance(item, Interrupted)]
        assert (attempts, clock.waits) == ([2, 3], [2.0, 2.0])
        failed = items[-1]
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, RetriesExhausted)
        assert isinstance(failed.error.__cause__, ProviderError)

    def test_it_is_told_as_any_failure(
        self, sse_server: SSEServer, make: MakeSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        """In the log, the counts and health; with what the server said, and no more."""
        caplog.set_level(logging.INFO, "everstream")
        sse_server.script([[event("secret"), BUSY], [NO]])
        source = make()
        everything(source)
        told = [record.everstream for record in caplog.records if record.levelno >= logging.WARNING]  # type: ignore[attr-defined]
        assert [(record["event"], record["error_type"], record["cause"]) for record in told] == [
            ("stream.interrupted", "ProviderError", "the server reported an error: busy"),
            ("stream.failed", "ProviderError", "the server reported an error: no"),
        ]
        assert "secret" not in caplog.text
        assert (source.stats.interruptions, source.stats.events) == (1, 1)
        assert source.health().last_error == "the server reported an error: no"

    def test_the_sentinel_is_not_looked_into(self, sse_server: SSEServer, make: MakeSource) -> None:
        """A parser of JSON would find an error there."""
        sse_server.script([[event("{}"), event("[DONE]")]])
        items = everything(make(until="[DONE]", error_in=lambda found: found.json().get("error")))
        assert items[-1] == Closed("until")

    def test_an_error_that_is_raised_is_one(self, sse_server: SSEServer, make: MakeSource) -> None:
        """An event that is no JSON fails the stream of a function that parses it, and is carried along."""
        sse_server.script([[event("{}", id="1"), event("{", id="2")]])
        items = everything(make(error_in=lambda found: found.json().get("error")))
        failed = items[-1]
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, InvalidJSON)
        assert failed.error.event == Event("message", "{", "2")

    @pytest.mark.parametrize("found", ["an error", True, False, ValueError("x"), ProviderError], ids=repr)
    @pytest.mark.parametrize("script", [[ONE], status(500)], ids=["event", "refusal"])
    def test_what_is_no_error_of_ours_is_a_mistake(
        self, sse_server: SSEServer, make: MakeSource, found: object, script: Any
    ) -> None:
        """It fails the stream, and says so."""
        sse_server.script([script])
        [error] = errors_in(everything(make(error_in=lambda _found: found)))
        assert isinstance(error, ConfigurationError)
        assert "error_in=" in str(error)

    def test_another_exception_is_a_bug_of_its_own(self, sse_server: SSEServer, make: MakeSource) -> None:
        """It goes through unchanged, each time, and the event is not acknowledged."""
        sse_server.script([[ONE, event("b", id="2"), stall()]])
        source = make(error_in=lambda found: {"a": None}[found.data])
        assert next(source).data == "a"
        for _ in range(2):
            with pytest.raises(KeyError):
                next(source)
        assert source.last_acknowledged_id == "1"

    def test_closed_by_the_function_the_stream_ends_normally(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Neither the event nor its error is given."""
        sse_server.script([[ONE, stall()]])

        def closes(_found: object) -> ProviderError:
            source.close()
            return ProviderError(message="no")

        source = make_source(error_in=closes)
        assert [type(item).__name__ for item in source.all()] == ["Opened", "Closed"]

    def test_an_id_that_it_shares_is_held_back(self, sse_server: SSEServer, make: MakeSource) -> None:
        """In one packet with the event before it: after a restart that comes again, and is not lost."""
        store = MemoryCheckpoint()
        sse_server.script(
            [connection(raw(b"id: 1\ndata: a\n\nid: 2\ndata: b\n\nevent: error\ndata: no\n\n"))]
        )
        source = make(checkpoint=store, checkpoint_key="k", checkpoint_interval=0)
        assert data_in(everything(source)) == ["a", "b"]
        assert (store.load("k"), source.last_event_id) == ("1", "2")

    def test_unacknowledged_events_before_it_still_wait(
        self, sse_server: SSEServer, make: MakeSource
    ) -> None:
        """The error is none of them."""
        sse_server.script([[ONE, NO]])
        source = make(ack="manual")
        one = next(source)
        with pytest.raises(ProviderError):
            next(source)
        assert source.last_acknowledged_id == ""
        source.ack(one)
        assert source.last_acknowledged_id == "1"


class TestInPlaceOfAStream:
    def test_what_a_refusal_says_takes_its_place(self, sse_server: SSEServer, make: MakeSource) -> None:
        """With the refusal as the cause; whether it is retried is for the new error to say."""
        sse_server.script([status(529, body=b"busy"), status(503, body=b"no")])
        first, second = errors_in(everything(make()))
        for error, code in ((first, 529), (second, 503)):
            assert isinstance(error, ProviderError)
            assert isinstance(error.__cause__, StatusRejected)
            assert error.status == error.__cause__.status == code

    def test_none_leaves_it(self, sse_server: SSEServer, make: MakeSource) -> None:
        """With an empty body there is nothing to find here."""
        sse_server.script([status(404)])
        assert isinstance(errors_in(everything(make()))[-1], StatusRejected)

    def test_so_does_a_response_of_another_type(self, sse_server: SSEServer, make: MakeSource) -> None:
        """As an error in JSON with status 200."""
        sse_server.script([connection(raw(b'{"error": 1}'), content_type="application/json")])
        [error] = errors_in(everything(make()))
        assert isinstance(error, ProviderError)
        assert isinstance(error.__cause__, ContentTypeRejected)
        assert error.message == '{"error": 1}'

    def test_the_wait_that_the_server_asked_for_holds(self, sse_server: SSEServer, make: MakeSource) -> None:
        """The function need not know of it."""
        sse_server.script([status(429, body=b"busy", retry_after=7)])
        clock = FakeClock()
        first = errors_in(everything(make(clock=clock)))[0]
        assert (clock.waits, first.retry_after) == ([7.0], 7.0)

    def test_a_renewed_credential_is_tried(self, sse_server: SSEServer, make: MakeSource) -> None:
        """At once, and once, though what it means is not retryable."""
        keys = iter("123")
        sse_server.script([status(401, body=b"bad key")] * 3)
        items = everything(make(headers=lambda: {"X-Key": next(keys)}))
        assert [request.headers["X-Key"] for request in sse_server.requests] == ["1", "2"]
        assert all(isinstance(error, ProviderError) for error in errors_in(items))

    def test_a_refused_cursor_is_told_and_left_out(self, sse_server: SSEServer, make: MakeSource) -> None:
        """The item has the refusal, the interruption what it means."""
        sse_server.script([status(410, body=b"gone"), no_content()])
        rejected, interrupted, closed = everything(make(last_event_id="7", on_resume_rejected="restart"))
        assert isinstance(rejected, ResumeRejected)
        assert isinstance(interrupted, Interrupted)
        assert isinstance(interrupted.error, ProviderError)
        assert interrupted.error.__cause__ is rejected.error
        assert closed == Closed("no content")

    def test_no_connection_is_no_refusal(self, sse_server: SSEServer, make: MakeSource) -> None:
        """Nobody has said anything."""
        asked: list[object] = []
        sse_server.refuse()
        everything(make(error_in=asked.append, retry=RetryPolicy.never()))
        assert asked == []


@pytest.mark.parametrize("argument", ["error_in", "progress_in"])
def test_what_is_no_function_is_refused(make_source: MakeSource, argument: str) -> None:
    """When it is passed."""
    with pytest.raises(ConfigurationError, match=f"{argument}= takes a function, not a str"):
        make_source(**{argument: "error"})
