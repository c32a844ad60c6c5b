"""Which responses are event streams, and what becomes of the others (behaviours 23 to 31, 33)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tenacity import wait_none

from everstream import (
    Closed,
    ContentTypeRejected,
    Event,
    EventSource,
    EverstreamError,
    Failed,
    FullJitter,
    Interrupted,
    Opened,
    ReadyState,
    ResponseRejected,
    RetryPolicy,
    StatusRejected,
    Timeouts,
)
from everstream.testing import (
    SSEServer,
    connection,
    endless,
    event,
    no_content,
    pause,
    raw,
    stall,
    status,
)
from tests.fakes import FakeClock
from tests.reading import Reading

MakeSource = Callable[..., EventSource]
BODY = b"id: 1\ndata: not an event of ours\n\n"
RETRIED = [408, 425, 429, 500, 502, 503, 504]
FINAL = [400, 401, 402, 403, 404, 405, 406, 409, 410, 418, 422, 431, 451, 501, 505, 511, 599]


def failure_of(source: EventSource) -> ResponseRejected:
    """Reads a stream that must give no event, and returns what it failed with."""
    items = list(source.all(raise_on_failure=False))
    assert [type(item) for item in items] == [Failed]
    assert isinstance(items[-1], Failed)
    assert isinstance(items[-1].error, ResponseRejected)
    return items[-1].error


class TestWhatOpens:
    def test_23_a_200_with_an_event_stream_opens(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """It is announced before any event, or any byte of the body, has come."""
        sse_server.script([connection(pause(), event("1"), headers={"X-Node": "n1"})])
        source = make_source()
        assert source.state is ReadyState.CONNECTING
        items = source.all()
        opened = next(items)
        assert source.state is ReadyState.OPEN
        sse_server.release()
        assert isinstance(opened, Opened)
        assert (opened.status, opened.headers["x-node"], opened.attempt) == (200, "n1", 1)
        assert opened.downtime is None
        assert next(items) == Event("message", "1", "")

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/event-stream;charset=utf-8",
            "text/event-stream; charset=utf-8",
            "text/event-stream;",
            'text/event-stream ; x=y; charset="a;b"',
            "text/event-stream;bogus",
        ],
    )
    def test_24_parameters_are_ignored(
        self, sse_server: SSEServer, make_source: MakeSource, content_type: str
    ) -> None:
        """Also those that nobody can parse, and a semicolon without any."""
        sse_server.script([connection(event("1"), content_type=content_type)])
        assert next(make_source()).data == "1"

    @pytest.mark.parametrize("content_type", ["TEXT/EVENT-STREAM", "Text/Event-Stream;Charset=UTF-8"])
    def test_25_the_type_is_compared_without_case(
        self, sse_server: SSEServer, make_source: MakeSource, content_type: str
    ) -> None:
        """As types are."""
        sse_server.script([connection(event("1"), content_type=content_type)])
        assert next(make_source()).data == "1"

    @pytest.mark.parametrize("charset", ["windows-1252", "utf-16", "no-such-charset"])
    def test_26_it_is_utf_8_whatever_the_charset_says(
        self, sse_server: SSEServer, make_source: MakeSource, charset: str
    ) -> None:
        """An event stream has one encoding."""
        sse_server.script([connection(event("ok…é"), content_type=f"text/event-stream;charset={charset}")])
        assert next(make_source()).data == "ok…é"


class TestWhatIsNoStream:
    @pytest.mark.parametrize(
        "content_type",
        [
            *("text/event-streamx", "xtext/event-stream", "text/event-stream-x", "text", "event-stream"),
            *(
                "application/json, text/event-stream",
                "text/event-stream, text/html",
                "text/html; text/event-stream",
            ),
        ],
    )
    def test_25_what_only_holds_the_type_is_no_match(
        self, sse_server: SSEServer, make_source: MakeSource, content_type: str
    ) -> None:
        """Neither a prefix nor one of several types."""
        sse_server.script([connection(event("no"), content_type=content_type), event("never")])
        assert isinstance(failure_of(make_source()), ContentTypeRejected)
        assert len(sse_server.requests) == 1

    @pytest.mark.parametrize(
        "content_type", ["text/x-bogus", "x bogus", "text/html; charset=utf-8", "", None]
    )
    def test_27_another_type_or_none_fails_for_good(
        self, sse_server: SSEServer, make_source: MakeSource, content_type: str | None
    ) -> None:
        """No event, no second request, and the error says what came; asking again raises it again."""
        sse_server.script([connection(raw(BODY), content_type=content_type), event("never")])
        source = make_source()
        error = failure_of(source)
        assert isinstance(error, ContentTypeRejected)
        assert (error.content_type, error.status, error.body_excerpt) == (content_type, 200, BODY)
        assert not error.retryable
        with pytest.raises(ContentTypeRejected) as again:
            next(source)
        assert again.value is error
        assert source.state is ReadyState.CLOSED
        assert len(sse_server.requests) == 1

    def test_28_a_204_ends_the_stream_for_good(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """It is a normal end, and there is no second request."""
        sse_server.script([no_content(), event("never")])
        source = make_source()
        assert list(source.all()) == [Closed("no content")]
        assert list(source) == []
        assert source.state is ReadyState.CLOSED
        assert len(sse_server.requests) == 1

    def test_28_a_204_ends_the_stream_on_a_reconnect_too(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """After what the first connection brought."""
        sse_server.script([event("1"), no_content(), event("never")])
        items = list(make_source().all())
        assert [item.data for item in items if isinstance(item, Event)] == ["1"]
        assert items[-1] == Closed("no content")
        assert len(sse_server.requests) == 2

    @pytest.mark.parametrize("code", [201, 202, 203, 205, 206, 210, 299])
    def test_29_another_2xx_is_a_failure_and_its_body_no_stream(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """Though it says that it is one."""
        sse_server.script([connection(raw(BODY), status=code), event("never")])
        source = make_source()
        error = failure_of(source)
        assert isinstance(error, StatusRejected)
        assert (error.status, error.retryable, source.last_event_id) == (code, False, "")
        assert len(sse_server.requests) == 1

    @pytest.mark.parametrize("code", FINAL)
    def test_30_a_refusal_is_final(self, sse_server: SSEServer, make_source: MakeSource, code: int) -> None:
        """One request; the error carries status, header fields and the first bytes of the body."""
        refusal = status(code, headers={"X-Why": "because"}, body=b"no " + b"x" * 5000)
        sse_server.script([refusal, event("never")])
        error = failure_of(make_source())
        assert isinstance(error, StatusRejected)
        assert (error.status, error.headers["x-why"], error.retryable) == (code, "because", False)
        assert error.body_excerpt == b"no " + b"x" * 1021
        assert len(sse_server.requests) == 1

    @pytest.mark.parametrize("code", RETRIED)
    def test_31_a_passing_failure_is_retried_by_default(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """With backoff, on the first connection as well as on a later one."""
        sse_server.script([status(code), event("1"), status(code), status(code), event("2")])
        clock, policy = FakeClock(), RetryPolicy(wait=FullJitter(random=lambda: 0.5))
        items = list(make_source(clock=clock, retry=policy).all())
        assert [item.data for item in items if isinstance(item, Event)] == ["1", "2"]
        interruptions = [item for item in items if isinstance(item, Interrupted)]
        assert [getattr(item.error, "status", None) for item in interruptions] == [
            code,
            None,
            code,
            code,
            None,
        ]
        assert clock.waits == [0.5, 0.5, 1.0, 2.0, 0.5]

    @pytest.mark.parametrize("code", [500, 503, 429])
    def test_31_it_is_final_where_the_policy_says_so(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """The choice of browsers is one option away."""
        sse_server.script([status(code), event("never")])

        def as_browsers_do(error: EverstreamError) -> bool:
            return error.retryable and not isinstance(error, StatusRejected)

        error = failure_of(make_source(retry=RetryPolicy(retryable=as_browsers_do, wait=wait_none())))
        assert error.status == code
        assert len(sse_server.requests) == 1

    def test_31_a_refusal_is_retried_where_the_policy_says_so(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """The other way round."""
        sse_server.script([status(404), connection(event("no"), content_type="text/html"), event("1")])
        policy = RetryPolicy(retryable=lambda error: isinstance(error, ResponseRejected), wait=wait_none())
        assert next(make_source(retry=policy)).data == "1"


@pytest.mark.usefixtures("either_reader")
class TestTheBodyOfARejection:
    @pytest.mark.parametrize(
        ("refusal", "excerpt"),
        [
            (status(500, body=endless(b"x" * 4096)), b"x" * 1024),
            (status(500, body=endless(b"x", every=0.01)), None),
            (connection(stall(), status=500, framing="length"), b""),
            (connection(raw(b"so"), stall(), status=500, framing="length", content_type="text/plain"), b"so"),
            (connection(raw(b"so"), stall(), status=500, framing="close"), b"so"),
            (connection(raw(b"so"), stall(), status=500, framing="gzip"), b"so"),
        ],
        ids=["endless", "endless and slow", "never", "never whole", "never closed", "compressed"],
    )
    def test_33_an_error_body_without_end_holds_nobody_up(
        self, sse_server: SSEServer, make_source: MakeSource, refusal: Any, excerpt: bytes | None
    ) -> None:
        """The next attempt comes, though silence has no limit; the connection is closed."""
        sse_server.script([refusal, event("1")])
        items = Reading(make_source(timeouts=Timeouts(read=None))).join()
        sse_server.wait_until_client_gone(0)
        assert [item.data for item in items if isinstance(item, Event)] == ["1"]
        rejection = items[0]
        assert isinstance(rejection, Interrupted)
        assert isinstance(rejection.error, StatusRejected)
        got = rejection.error.body_excerpt
        assert len(got) <= 1024
        assert got == (b"x" * len(got) if excerpt is None else excerpt)

    def test_33_a_rejection_for_good_closes_its_connection(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """While the error is still in the caller's hands."""
        sse_server.script([status(404, body=endless(b"x" * 4096))])
        source = make_source()
        with pytest.raises(StatusRejected):
            next(source)
        sse_server.wait_until_client_gone(0)
