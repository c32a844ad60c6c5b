"""What is asked for, as the server sees it on the wire (behaviours 1 to 9)."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from typing import Any

import pytest
import requests
from requests.auth import HTTPBasicAuth

from everstream import EventSource, StatusRejected
from everstream.testing import SSEServer, event, status
from tests.behaviour.wire import basic, data_of, sent
from tests.fakes import FakeClock

MakeSource = Callable[..., EventSource]
TWO_CONNECTIONS = [event("1"), event("2")]
THREE_ATTEMPTS = [status(503), event("1"), event("2")]


class TestTheRequestItself:
    def test_01_it_is_a_get_without_a_body(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Method GET, no body, and no header that speaks of one."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source()) == ["1", "2"]
        for request in sse_server.requests:
            assert (request.method, request.target, request.body) == ("GET", "/events", b"")
            about_a_body = {"content-length", "content-type", "transfer-encoding"}
            assert about_a_body.isdisjoint(request.headers)

    def test_02_accept_is_event_stream_on_every_connection(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """One Accept line, text/event-stream, in place of the */* of requests."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source()) == ["1", "2"]
        assert sent(sse_server, "Accept") == [[b"text/event-stream"]] * 2

    def test_03_cache_control_is_no_cache_on_every_connection(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """As a browser sends it, on a reconnect too."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source()) == ["1", "2"]
        assert sent(sse_server, "Cache-Control") == [[b"no-cache"]] * 2

    @pytest.mark.parametrize("last_event_id", [None, ""])
    def test_04_no_last_event_id_on_the_first_request(
        self, sse_server: SSEServer, make_source: MakeSource, last_event_id: str | None
    ) -> None:
        """The header is absent, not empty; on a reconnect without an id as well."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source(last_event_id=last_event_id)) == ["1", "2"]
        assert sent(sse_server, "Last-Event-ID") == [[], []]

    def test_05_the_callers_last_event_id_is_sent_first_and_kept_like_a_received_one(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """It goes with both requests, and is the id of events that have none of their own."""
        sse_server.script(TWO_CONNECTIONS)
        source = make_source(last_event_id="abc")
        assert [each.id for each in source] == ["abc", "abc"]
        assert sent(sse_server, "Last-Event-ID") == [[b"abc"]] * 2
        assert source.last_event_id == "abc"

    def test_06_custom_headers_are_sent_on_every_connection(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Also as bytes, which are not encoded again."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source(headers={"X-One": "1", "X-Two": b"\xc3\xa9"})) == ["1", "2"]
        assert sent(sse_server, "X-One") == [[b"1"]] * 2
        assert sent(sse_server, "X-Two") == [[b"\xc3\xa9"]] * 2

    @pytest.mark.parametrize("name", ["accept", "ACCEPT", "cache-control", "user-agent", "accept-encoding"])
    def test_07_a_callers_header_in_other_case_replaces_ours(
        self, sse_server: SSEServer, make_source: MakeSource, name: str
    ) -> None:
        """There is one line of that name on the wire, and it is the caller's."""
        sse_server.script([event("1")])
        assert data_of(make_source(headers={name: "theirs"})) == ["1"]
        assert sent(sse_server, name) == [[b"theirs"]]

    def test_07_the_cursor_wins_over_a_callers_header_in_other_case(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """A hand-made Last-Event-ID begins the stream; once there is a cursor, there is one line, of it."""
        sse_server.script([event("1", id="new"), event("2")])
        assert data_of(make_source(headers={"last-event-id": "old"})) == ["1", "2"]
        assert sent(sse_server, "Last-Event-ID") == [[b"old"], [b"new"]]

    @pytest.mark.parametrize("method", ["POST", "report", "QUERY"])
    @pytest.mark.parametrize(
        ("body", "content", "content_type"),
        [
            ({"json": {"stream": True}}, b'{"stream": true}', b"application/json"),
            ({"data": {"a": "1", "b": "é"}}, b"a=1&b=%C3%A9", b"application/x-www-form-urlencoded"),
            ({"data": b"\x00\xff", "headers": {"Content-Type": "x/y"}}, b"\x00\xff", b"x/y"),
            ({"data": lambda: b"made", "headers": {"Content-Type": "x/y"}}, b"made", b"x/y"),
        ],
        ids=["json", "form", "bytes", "function"],
    )
    def test_08_any_method_with_a_body_and_its_type(
        self,
        sse_server: SSEServer,
        make_source: MakeSource,
        method: str,
        body: dict[str, Any],
        content: bytes,
        content_type: bytes,
    ) -> None:
        """Method, body and Content-Type arrive, on a repeated request as well."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source(method=method, replay_safe=True, **body)) == ["1", "2"]
        assert [(request.method, request.body) for request in sse_server.requests[:2]] == [
            (method.upper(), content)
        ] * 2
        assert sent(sse_server, "Content-Type") == [[content_type]] * 2

    def test_09_no_compression_is_asked_for(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Accept-Encoding is identity; a caller's own (test 07) wins."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source()) == ["1", "2"]
        assert sent(sse_server, "Accept-Encoding") == [[b"identity"]] * 2

    def test_the_user_agent_names_the_library(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """With its version; a name that the caller's session has is left."""
        sse_server.script(TWO_CONNECTIONS)
        assert next(make_source()).data == "1"
        with requests.Session() as session:
            session.headers["User-Agent"] = "theirs"
            assert data_of(make_source(session=session)) == ["2"]
        version = importlib.metadata.version("everstream")
        assert sent(sse_server, "User-Agent") == [[f"everstream/{version}".encode()], [b"theirs"]]


def numbered(prefix: str) -> Callable[[], str]:
    """Returns a function that gives another text at each call."""
    numbers = iter(range(1, 100))
    return lambda: f"{prefix}{next(numbers)}"


class TestWhatIsMadeForEachAttempt:
    def test_headers_are_made_for_each_attempt(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Once for each, failed attempts included."""
        sse_server.script(THREE_ATTEMPTS)
        token = numbered("token ")
        assert data_of(make_source(headers=lambda: {"X-Token": token()})) == ["1", "2"]
        assert sent(sse_server, "X-Token") == [[b"token 1"], [b"token 2"], [b"token 3"]]

    def test_params_are_made_for_each_attempt(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """They are added to those of the URL."""
        sse_server.script(THREE_ATTEMPTS)
        page = numbered("é")
        assert data_of(make_source(sse_server.url + "?a=1", params=lambda: {"b": page()})) == ["1", "2"]
        assert [request.query_pairs for request in sse_server.requests[:3]] == [
            [("a", "1"), ("b", f"é{number}")] for number in (1, 2, 3)
        ]

    def test_credentials_are_made_for_each_attempt(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """A function may give a pair."""
        sse_server.script(THREE_ATTEMPTS)
        password = numbered("")
        assert data_of(make_source(auth=lambda: ("user", password()))) == ["1", "2"]
        assert sent(sse_server, "Authorization") == [[basic(f"user:{number}")] for number in (1, 2, 3)]

    def test_credentials_of_requests_are_no_function_of_ours(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """An AuthBase is a callable too, and signs the request."""
        sse_server.script([event("1")])
        assert data_of(make_source(auth=HTTPBasicAuth("user", "word"))) == ["1"]
        assert sent(sse_server, "Authorization") == [[basic("user:word")]]


class TestRefusedCredentials:
    @pytest.mark.parametrize("where", ["headers", "auth"])
    def test_a_401_is_retried_once_at_once_with_new_credentials(
        self, sse_server: SSEServer, make_source: MakeSource, where: str
    ) -> None:
        """There is no wait, whatever the policy says; after each healthy connection it may happen again."""
        sse_server.script([status(401), event("1"), status(401), event("2")])
        word, clock = numbered(""), FakeClock()
        made: dict[str, Callable[[], Any]] = {
            "headers": lambda: {"Authorization": basic(f"u:{word()}")},
            "auth": lambda: ("u", word()),
        }
        assert data_of(make_source(clock=clock, retry=None, **{where: made[where]})) == ["1", "2"]
        assert sent(sse_server, "Authorization") == [[basic(f"u:{number}")] for number in (1, 2, 3, 4)]
        assert clock.waits[0] == clock.waits[2] == 0
        assert all(clock.waits[1::2]), "the other waits are those of the policy, with jitter"

    def test_a_401_twice_in_a_row_is_an_answer(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """The second refusal ends the stream."""
        sse_server.script([status(401), status(401, body=b"expired"), event("never")])
        with pytest.raises(StatusRejected) as caught:
            next(make_source(headers=lambda: {"Authorization": "Bearer x"}))
        assert (caught.value.status, caught.value.body_excerpt) == (401, b"expired")
        assert len(sse_server.requests) == 2

    @pytest.mark.parametrize("code", [401, 403])
    def test_a_refusal_of_unchanging_credentials_is_final(
        self, sse_server: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """So is a 403 of any."""
        sse_server.script([status(code), event("never")])
        changing = {"auth": lambda: ("u", "p")} if code == 403 else {"auth": ("u", "p")}
        with pytest.raises(StatusRejected):
            next(make_source(**changing))
        assert len(sse_server.requests) == 1
