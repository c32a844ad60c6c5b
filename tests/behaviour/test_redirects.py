"""Where a redirect may lead, and what goes along (behaviours 63 to 66)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from everstream import (
    EventSource,
    Opened,
)
from everstream.testing import (
    SSEServer,
    endless,
    event,
    garbage,
    no_content,
    redirect,
    status,
)
from tests.behaviour.wire import rejected
from tests.reading import data_in, errors_in, everything

MakeSource = Callable[..., EventSource]
ALL_CODES = pytest.mark.parametrize("code", [301, 302, 303, 307, 308])


class TestTheSameOrigin:
    @ALL_CODES
    def test_63_every_redirect_of_a_get_is_followed(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """To a stream that opens as if it had been asked directly."""
        sse_server.script([redirect("/elsewhere?x=1", code), event("1")], then=no_content())
        items = everything(make_source())
        assert [type(item).__name__ for item in items[:2]] == ["Opened", "Event"]
        assert [(r.method, r.target) for r in sse_server.requests[:2]] == [
            ("GET", "/events"),
            ("GET", "/elsewhere?x=1"),
        ]

    def test_63_several_in_a_row_are_followed(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """As many as requests allows: thirty."""
        sse_server.script([*[redirect(f"/{number}") for number in range(30)], event("1")])
        assert data_in(everything(make_source())) == ["1"]
        assert [request.target for request in sse_server.requests[1:31]] == [f"/{n}" for n in range(30)]

    @pytest.mark.parametrize(
        ("location", "target"),
        [
            ("/b?c", "/b?c"),
            ("b", "/a/b"),
            ("../b", "/b"),
            ("?q=1", "/a/x?q=1"),
            ("//127.0.0.1:{port}/b", "/b"),
            ("http://127.0.0.1:{port}/b#part", "/b"),
            ("HTTP://127.0.0.1:{port}/b", "/b"),
            ("/a b/é?ü=ü", "/a%20b/%C3%A9?%C3%BC=%C3%BC"),
            ("http://u:p@127.0.0.1:{port}/b", "/b"),
        ],
    )
    def test_63_a_location_is_resolved_against_the_url(
        self, sse_server: SSEServer, make_source: MakeSource, location: str, target: str
    ) -> None:
        """Relative ones work, fragments are dropped, odd characters encoded, user-info is no credential."""
        sse_server.script([redirect(location.format(port=sse_server.port)), event("1")])
        url = sse_server.url_for("/a/x")
        assert data_in(everything(make_source(url, headers={"X-Key": "k"}))) == ["1"]
        assert sse_server.requests[1].target == target
        assert sse_server.requests[1].headers["X-Key"] == "k"
        assert "Authorization" not in sse_server.requests[1].headers

    @ALL_CODES
    def test_64_the_headers_of_the_stream_go_along(
        self, sse_server: SSEServer, make_source: MakeSource, session: requests.Session, code: int
    ) -> None:
        """And within one origin the caller's, the session's and the credentials too."""
        sse_server.script([redirect("/b", code), event("1", id="a"), redirect("/c", code), event("2")])
        source = make_source(
            session=session, headers={"X-Api-Key": "k"}, auth=("user", "word"), last_event_id="0"
        )
        items = everything(source)
        asked, answered = sse_server.requests[:4:2], sse_server.requests[1:4:2]
        assert [request.last_event_id for request in answered] == ["0", "a"]
        for before, after in zip(asked, answered, strict=True):
            assert dict(before.headers) == dict(after.headers)
            assert after.headers["Accept"] == "text/event-stream"
            assert after.headers["Cache-Control"] == "no-cache"
            assert {"x-api-key", "x-session-key", "cookie", "authorization"} <= set(after.headers)
        assert [item.last_event_id for item in items if isinstance(item, Opened)] == ["0", "a"]

    @pytest.mark.parametrize("code", [307, 308])
    def test_65_a_post_keeps_method_and_body(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """Where the status says so; the type of the body goes with it."""
        sse_server.script([redirect("/b", code), event("1")])
        assert data_in(everything(make_source(method="POST", json={"a": 1}))) == ["1"]
        after = sse_server.requests[1]
        assert (after.method, after.target, after.body) == ("POST", "/b", b'{"a": 1}')
        assert after.headers["Content-Type"] == "application/json"
        assert after.headers["Content-Length"] == "8"

    @pytest.mark.parametrize("code", [301, 302, 303])
    def test_65_a_post_becomes_a_get_without_a_body(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """And without the headers that spoke of it."""
        sse_server.script([redirect("/b", code), event("1")])
        assert data_in(everything(make_source(method="POST", json={"a": 1}))) == ["1"]
        after = sse_server.requests[1]
        assert (after.method, after.target, after.body) == ("GET", "/b", b"")
        assert {"content-type", "content-length", "transfer-encoding"}.isdisjoint(after.headers)

    def test_65_a_body_that_was_read_is_not_sent_again_half(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """A function may give a body that can be read only once; a redirect that needs it is refused."""
        sse_server.script([redirect("/b", 307)], then=event("never"))
        source = make_source(method="POST", data=lambda: iter([b"piece"]))
        assert rejected(source).reason == "its body can be sent only once"
        assert len(sse_server.requests) == 1


class TestWhatIsNotFollowed:
    @ALL_CODES
    def test_66_a_loop_is_given_up(self, sse_server: SSEServer, make_source: MakeSource, code: int) -> None:
        """After thirty redirects, for good."""
        sse_server.script([], then=redirect("/events", code))
        error = rejected(make_source())
        assert (error.status, error.reason) == (code, "there were more than 30")
        assert len(sse_server.requests) == 31

    def test_66_a_callers_session_says_how_many(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """By its `max_redirects`."""
        sse_server.script([], then=redirect("/events"))
        with requests.Session() as session:
            session.max_redirects = 2
            assert rejected(make_source(session=session)).reason == "there were more than 2"
        assert len(sse_server.requests) == 3

    @pytest.mark.parametrize(
        ("location", "reason"),
        [
            (None, "it has no Location"),
            ("", "it has no Location"),
            ("ftp://127.0.0.1/", "its Location is no HTTP URL"),
            ("javascript:alert(1)", "its Location is no HTTP URL"),
            ("https://[bad", "its Location is no HTTP URL"),
            ("http://[::1/", "its Location is no HTTP URL"),
            ("http://127.0.0.1:99999/", "its Location is no HTTP URL"),
            ("http://127.0.0.1:0/", "its Location is no HTTP URL"),
            ("http://127.0.0.1:x/", "its Location is no HTTP URL"),
            ("http://*.example/", "its Location is no HTTP URL"),
            ("http://.invalid/", "its Location is no HTTP URL"),
            ("http://exa mple/", "its Location is no HTTP URL"),
            (f"http://{'a' * 64}.invalid/", "its Location is no HTTP URL"),
        ],
    )
    def test_66_a_location_that_leads_nowhere_is_final(
        self, sse_server: SSEServer, make_source: MakeSource, location: str | None, reason: str
    ) -> None:
        """With a reason, the status and the headers; nothing is asked again."""
        sse_server.script([redirect(location)], then=event("never"))
        error = rejected(make_source())
        assert (error.status, error.reason) == (307, reason)
        assert error.headers.get("Location") == location
        assert len(sse_server.requests) == 1

    def test_66_a_location_that_is_no_text_is_final(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Its bytes are no UTF-8."""
        sse_server.script(
            [garbage(b"HTTP/1.1 302 Found\r\nLocation: /\xe9\xff\r\nContent-Length: 0\r\n\r\n")],
            then=event("never"),
        )
        assert rejected(make_source()).reason == "its Location is no HTTP URL"

    @pytest.mark.parametrize("code", [300, 304, 305, 306, 399])
    def test_66_other_statuses_are_no_redirects(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """Even with a Location."""
        sse_server.script([status(code, headers={"Location": "/b"})], then=event("never"))
        items = everything(make_source())
        assert [str(code) in str(error) for error in errors_in(items)] == [True]
        assert len(sse_server.requests) == 1

    def test_the_body_of_a_redirect_is_not_read(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """It may be endless: the connection is given up and the next one made."""
        page = status(302, headers={"Location": "/b"}, body=endless(b"x" * 1000))
        sse_server.script([page, event("1"), page, event("2")])
        assert data_in(everything(make_source())) == ["1", "2"]
        sse_server.wait_until_client_gone(0)
