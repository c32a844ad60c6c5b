"""What a reconnect asks for, and what it tells (behaviours 59 to 62)."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import Any

import pytest
from tenacity import wait_fixed

from everstream import (
    Closed,
    ConfigurationError,
    ContentTypeRejected,
    EventSource,
    Failed,
    LastEventID,
    QueryCursor,
    RetryPolicy,
    StreamInterrupted,
)
from everstream.testing import SSEServer, connection, cut, event, redirect, reset, status
from tests.fakes import FakeClock
from tests.reading import data_in, errors_in, everything

MakeSource = Callable[..., EventSource]


class TestWhatIsTold:
    def test_59_an_interruption_is_logged_before_the_wait(
        self, sse_server: SSEServer, make_source: MakeSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With delay, attempt, cause and last event ID: whoever reads the log learns it at once."""
        records_at_wait: list[list[str]] = []

        class Notes(FakeClock):
            def wait(self, seconds: float, wakeups: Any) -> None:
                super().wait(seconds, wakeups)
                records_at_wait.append([record.levelname for record in caplog.records])

        caplog.set_level(logging.INFO, "everstream")
        sse_server.script([[event("1", id="a"), cut()], status(503)])
        everything(make_source(retry=RetryPolicy(wait=wait_fixed(2)), clock=Notes()))
        assert records_at_wait == [["INFO", "WARNING"], ["INFO", "WARNING", "WARNING"]]
        told = [record.everstream for record in caplog.records if record.levelname == "WARNING"]  # type: ignore[attr-defined]
        assert told == [
            {
                "event": "stream.interrupted",
                "url": sse_server.url,
                "delay": 2.0,
                "attempt": 2,
                "error_type": "StreamInterrupted",
                "cause": "the connection was cut inside the chunked body after 15 bytes and 1 event",
                "last_event_id": "a",
            },
            {
                "event": "stream.interrupted",
                "url": sse_server.url,
                "delay": 2.0,
                "attempt": 3,
                "error_type": "StatusRejected",
                "cause": "the server answered 503 Service Unavailable",
                "last_event_id": "a",
            },
        ]

    def test_59_no_secret_is_logged(
        self, sse_server: SSEServer, make_source: MakeSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither of the URL nor of the headers."""
        caplog.set_level(logging.DEBUG, "everstream")
        sse_server.script([[event("1"), reset()], status(503)])
        url = sse_server.url.replace("://", "://user:hidden@") + "?token=hidden"
        everything(make_source(url, headers={"Authorization": "Bearer hidden"}, auth=("hidden", "hidden")))
        ours = [record for record in caplog.records if record.name == "everstream"]
        assert len(ours) == 7
        assert not [record for record in ours if "hidden" in str(vars(record))]


def half_then_whole() -> list[Any]:
    """A connection that is cut before its first event, then one that works, then one too many."""
    return [connection(cut(b"data: half")), status(503), event("1", id="a"), event("2", id="b")]


class TestTheBody:
    def test_60_a_post_is_repeated_until_its_first_event(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """With the same body and type; afterwards never, so that nothing is paid for twice."""
        sse_server.script(half_then_whole())
        items = everything(make_source(method="POST", json={"ask": "é"}))
        assert data_in(items) == ["1"]
        assert items[-1] == Closed("eof")
        assert [(request.method, request.body) for request in sse_server.requests] == [
            ("POST", b'{"ask": "\\u00e9"}')
        ] * 3

    def test_60_a_post_that_breaks_after_its_first_event_is_an_error(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """The interruption itself, raised; nothing is asked again."""
        sse_server.script([[event("1"), cut()]], then=event("again"))
        source = make_source(method="POST", data=b"ask")
        assert next(source).data == "1"
        with pytest.raises(StreamInterrupted, match="cut"):
            next(source)
        assert len(sse_server.requests) == 1

    @pytest.mark.parametrize(
        "options",
        [{"replay_safe": True}, {"resume": LastEventID()}, {"resume": QueryCursor("after", lambda e: e.id)}],
        ids=["replay_safe", "Last-Event-ID", "query"],
    )
    def test_60_a_post_that_can_be_repeated_is(
        self, sse_server: SSEServer, make_source: MakeSource, options: dict[str, Any]
    ) -> None:
        """If the caller says so, or how to resume."""
        sse_server.script(half_then_whole())
        assert data_in(everything(make_source(method="POST", data=b"ask", **options))) == ["1", "2"]
        assert [request.body for request in sse_server.requests] == [b"ask"] * 5

    def test_60_a_get_can_be_said_not_to_be_repeatable(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Then the end of its body is the end."""
        sse_server.script(half_then_whole())
        items = everything(make_source(replay_safe=False))
        assert (data_in(items), items[-1]) == (["1"], Closed("eof"))

    def test_60_a_function_gives_a_fresh_body(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """For each attempt; it may be one that can be read only once."""
        sse_server.script(half_then_whole())
        bodies = iter([b"first", io.BytesIO(b"second"), iter([b"th", b"ird"])])
        assert data_in(everything(make_source(method="POST", data=lambda: next(bodies)))) == ["1"]
        assert sse_server.requests[0].body == b"first"
        assert sse_server.requests[1].body == b"second"
        assert sse_server.requests[2].headers["Transfer-Encoding"] == "chunked"

    @pytest.mark.parametrize(
        "body",
        [
            (piece for piece in (b"a", b"b")),
            io.BytesIO(b"a"),
            io.StringIO("a"),
            iter([b"a"]),
            map(bytes, [b"a"]),
        ],
        ids=lambda body: type(body).__name__,
    )
    def test_60_a_body_that_can_be_read_only_once_is_refused(
        self, sse_server: SSEServer, make_source: MakeSource, body: Any
    ) -> None:
        """At once, saying what to do; it is never sent empty."""
        with pytest.raises(ConfigurationError, match=r"read only once.*pass bytes.*a function"):
            make_source(method="POST", data=body)
        assert sse_server.requests == []


class TestTheURL:
    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    def test_61_every_reconnect_asks_the_original_url(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """After permanent redirects too; each attempt may be sent elsewhere."""
        sse_server.script(
            [redirect("/one", code), event("1", id="a"), redirect("/two?x=1", code), event("2")]
        )
        assert data_in(everything(make_source(params={"q": "0"}))) == ["1", "2"]
        assert [request.target for request in sse_server.requests] == [
            *("/events?q=0", "/one", "/events?q=0", "/two?x=1", "/events?q=0")
        ]

    def test_62_another_content_type_on_a_reconnect_is_final(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """As on the first connection: nothing is dispatched and nothing asked again."""
        page = connection(event("no event"), content_type="text/html")
        sse_server.script([event("1"), page], then=event("never"))
        items = everything(make_source())
        assert data_in(items) == ["1"]
        assert isinstance(items[-1], Failed)
        error = errors_in(items)[-1]
        assert isinstance(error, ContentTypeRejected)
        assert (error.content_type, error.body_excerpt) == ("text/html", b"data: no event\n\n")
        assert len(sse_server.requests) == 2
