"""The request as the caller described it, prepared for an attempt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.auth import HTTPBasicAuth
from requests.utils import default_user_agent

from everstream import ConfigurationError, LastEventID, QueryCursor
from everstream.core.events import Connecting
from everstream.core.protocol import EventSourceProtocol
from everstream.core.resumption import Resumption
from everstream.transports.sync import RequestTemplate
from everstream.transports.sync.urls import host_of, http_url, origin, without_params

URL = "https://stream.example/events"


@pytest.fixture(autouse=True)
def _no_netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps that of the machine out."""
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))


def name_of(parameter: object) -> str | None:
    """Returns the name of a test with these options: not their values, which may be functions."""
    return ",".join(parameter) or "none" if isinstance(parameter, dict) else None


def connecting(cursor: str = "", resume: Resumption | None = None) -> Connecting:
    """Returns what the protocol wants to be sent."""
    return EventSourceProtocol(last_event_id=cursor, resume=resume).connecting(0.0)


def prepared(
    session: requests.Session | None = None, wish: Connecting | None = None, url: str = URL, **options: Any
) -> requests.PreparedRequest:
    """Returns the request of an attempt."""
    template = RequestTemplate(url=url, **options)
    return template.prepare(session or requests.Session(), wish or connecting(), "everstream/test")


class TestHeaders:
    def test_by_default_there_are_ours(self) -> None:
        """Of the stream, of the transport and of the library, in place of those of requests."""
        headers = prepared().headers
        assert headers["Accept"] == "text/event-stream"
        assert headers["Cache-Control"] == "no-cache"
        assert headers["Accept-Encoding"] == "identity"
        assert headers["User-Agent"] == "everstream/test"

    @pytest.mark.parametrize("name", ["Accept", "CACHE-CONTROL", "accept-encoding", "User-agent"])
    def test_the_callers_win(self, name: str) -> None:
        """In any case of letters, as text, as bytes, or from a function."""
        for value in ("theirs", b"theirs"):
            for headers in ({name: value}, lambda value=value: {name: value}):
                found = prepared(headers=headers).headers
                assert [each for key, each in found.items() if key.lower() == name.lower()] == [value]

    def test_but_not_over_the_cursor(self) -> None:
        """It would resume from the wrong place."""
        request = prepared(None, connecting("é7"), headers={"last-event-id": "old"})
        assert request.headers["Last-Event-ID"] == "é7".encode()

    def test_a_session_with_a_name_of_its_own_keeps_it(self) -> None:
        """Only that of requests gives way."""
        session = requests.Session()
        assert session.headers["User-Agent"] == default_user_agent()
        session.headers["User-Agent"] = "theirs"
        session.headers["Accept"] = "application/json"
        request = prepared(session)
        assert (request.headers["User-Agent"], request.headers["Accept"]) == ("theirs", "text/event-stream")

    def test_no_headers_from_a_function_are_none(self) -> None:
        """It need not give any."""
        assert prepared(headers=dict).headers == prepared().headers


class TestCredentials:
    @pytest.mark.parametrize("auth", [("u", "p"), HTTPBasicAuth("u", "p"), lambda: ("u", "p")])
    def test_they_sign_the_request(self, auth: Any) -> None:
        """As a pair, as an object of requests, or from a function."""
        assert prepared(auth=auth).headers["Authorization"] == "Basic dTpw"

    def test_those_of_the_url_do_too(self) -> None:
        """And do not stay in the URL that is asked."""
        request = prepared(url="https://u:p@stream.example/events")
        assert request.headers["Authorization"] == "Basic dTpw"

    @pytest.mark.parametrize("gives", ["text", 5, ("one",), ("one", "two", "three"), ["u", "p"]])
    def test_a_function_that_gives_none_is_refused(self, gives: object) -> None:
        """By name of the argument."""
        with pytest.raises(ConfigurationError, match="auth="):
            prepared(auth=lambda: gives)

    @pytest.mark.parametrize(
        ("options", "renews"),
        [
            ({}, False),
            ({"headers": {"Authorization": "x"}}, False),
            ({"auth": ("u", "p")}, False),
            ({"auth": HTTPBasicAuth("u", "p")}, False),
            ({"params": dict}, False),
            ({"headers": dict}, True),
            ({"auth": lambda: ("u", "p")}, True),
        ],
        ids=name_of,
    )
    def test_it_knows_whether_the_next_attempt_brings_others(self, options: Any, renews: bool) -> None:
        """An AuthBase is a callable too, but not one that is asked for credentials."""
        assert RequestTemplate(url=URL, **options).renews_credentials is renews


class TestParameters:
    def test_they_are_added_to_those_of_the_url(self) -> None:
        """In order, encoded."""
        assert prepared(url=URL + "?a=1", params={"b": "é &"}).url == URL + "?a=1&b=%C3%A9+%26"

    def test_those_of_the_cursor_replace_others_of_the_name(self) -> None:
        """In the URL and in the arguments; the rest is as it was."""
        wish = connecting("7", QueryCursor("after", lambda event: event.id))
        request = prepared(None, wish, url=URL + "?after=1&x=%20&after=2&y", params={"after": "3", "z": "4"})
        assert request.url == URL + "?x=+&y=&after=7&z=4"

    def test_without_a_cursor_a_query_is_not_touched(self) -> None:
        """Not every one survives being taken apart."""
        url = URL + "?a;b=%zz&&c"
        assert without_params(url, {"after"}) == url
        assert without_params(url, ()) == url


class TestBody:
    @pytest.mark.parametrize(
        ("options", "body", "content_type"),
        [
            ({"json": {"a": [1, None]}}, b'{"a": [1, null]}', "application/json"),
            ({"json": 0}, b"0", "application/json"),
            ({"data": b"x"}, b"x", None),
            ({"data": "é"}, "é", None),
            ({"data": {"a": "1"}}, "a=1", "application/x-www-form-urlencoded"),
            ({"data": [("a", "1"), ("a", "2")]}, "a=1&a=2", "application/x-www-form-urlencoded"),
            ({"data": lambda: b"x"}, b"x", None),
            ({}, None, None),
        ],
        ids=name_of,
    )
    def test_it_is_sent_as_it_was_given(
        self, options: dict[str, Any], body: bytes | str | None, content_type: str | None
    ) -> None:
        """With the type that it implies."""
        request = prepared(method="POST", **options)
        sent = request.body
        assert sent == body or (isinstance(body, str) and sent == body.encode())
        assert request.headers.get("Content-Type") == content_type

    def test_a_method_may_be_any_and_is_upper_case(self) -> None:
        """As HTTP has them."""
        assert prepared(method="report").method == "REPORT"
        assert prepared(method="M-SEARCH").method == "M-SEARCH"

    def test_each_function_is_asked_once_for_each_attempt(self) -> None:
        """Whatever it costs to answer."""
        asked: list[str] = []

        def asking(name: str, answer: Any) -> Callable[[], Any]:
            return lambda: (asked.append(name), answer)[1]

        template = RequestTemplate(
            url=URL,
            method="POST",
            headers=asking("headers", {}),
            params=asking("params", {}),
            auth=asking("auth", ("u", "p")),
            data=asking("data", b""),
        )
        assert asked == []
        for _ in range(2):
            template.prepare(requests.Session(), connecting(), "x")
        assert sorted(asked) == sorted(["headers", "params", "auth", "data"] * 2)


class TestTheRestElsewhere:
    REST = "https://other.example/responses/1?stream=true&after=0"

    def rest(self, url: str = REST, **options: Any) -> requests.PreparedRequest:
        """Returns the request for the rest of a stream that a POST has begun."""
        resume = QueryCursor("after", of=lambda event: event.id, url=lambda: url)
        return prepared(None, connecting("7", resume), method="POST", **options)

    @pytest.mark.parametrize(
        "body", [{"json": {"a": 1}}, {"data": b"x"}, {"data": lambda: b"x"}], ids=name_of
    )
    def test_it_is_asked_for_without_the_body(self, body: dict[str, Any]) -> None:
        """By GET: what was asked for is known there."""
        request = self.rest(**body)
        assert (request.method, request.body) == ("GET", None)
        assert "Content-Type" not in request.headers
        assert "Content-Length" not in request.headers

    @pytest.mark.parametrize("params", [{"page": "1"}, lambda: {"page": "1"}])
    def test_the_parameters_are_those_of_the_place_and_the_cursor(self, params: Any) -> None:
        """The caller's belong to the other request; the cursor wins over the place."""
        assert self.rest(params=params).url == "https://other.example/responses/1?stream=true&after=7"

    @pytest.mark.parametrize("headers", [{"X-Key": "k"}, lambda: {"X-Key": "k"}])
    def test_headers_and_credentials_go_along(self, headers: Any) -> None:
        """Those of the stream too."""
        request = self.rest(headers=headers, auth=("u", "p"))
        assert (request.headers["X-Key"], request.headers["Authorization"]) == ("k", "Basic dTpw")
        assert request.headers["Accept"] == "text/event-stream"

    def test_without_a_cursor_the_request_is_the_first_one(self) -> None:
        """There is no rest yet."""
        resume = QueryCursor("after", of=lambda event: event.id, url=lambda: self.REST)
        request = prepared(None, connecting("", resume), method="POST", json={"a": 1})
        assert (request.method, request.url, request.body) == ("POST", URL, b'{"a": 1}')

    @pytest.mark.parametrize("url", ["", "/responses/1", "ftp://a/", "http://", 5, b"https://a.example/"])
    def test_a_place_that_is_none_is_refused(self, url: Any) -> None:
        """Before anything is sent."""
        with pytest.raises(ConfigurationError, match="url="):
            self.rest(url)

    def test_the_template_stays_what_it_was(self) -> None:
        """The next attempt may be the first request again."""
        template = RequestTemplate(url=URL, method="POST", json={"a": 1}, params={"page": "1"})
        resume = QueryCursor("after", of=lambda event: event.id, url=lambda: self.REST)
        wishes = (connecting("7", resume), connecting("", resume))
        made = [template.prepare(requests.Session(), wish, "x") for wish in wishes]
        assert [request.method for request in made] == ["GET", "POST"]
        assert made[1].url == URL + "?page=1"


def test_a_template_cannot_be_changed_and_shows_nothing() -> None:
    """It is kept for the life of the stream."""
    template = RequestTemplate(url=URL + "?key=secret", method="POST", json={"key": "secret"})
    assert repr(template) == "RequestTemplate(method='POST')"
    with pytest.raises(FrozenInstanceError):
        template.url = "other"  # type: ignore[misc]


class TestURLs:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("http://a", ("http", "a", 80)),
            ("https://A:443/b", ("https", "a", 443)),
            ("https://u:p@a:8443/b?c", ("https", "a", 8443)),
            ("http://[::1]/", ("http", "::1", 80)),
        ],
    )
    def test_an_origin(self, url: str, expected: tuple[str, str, int]) -> None:
        """Scheme, host and port, the default one included."""
        assert origin(url) == expected

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("http://u:p@ss@a:1/b", "a:1"),
            ("http://a", "a"),
            ("http://[::1]:5/", "[::1]:5"),
            ("http://u@", ""),
        ],
    )
    def test_a_host_without_user_info(self, url: str, expected: str) -> None:
        """For messages."""
        assert host_of(url) == expected

    @pytest.mark.parametrize(
        ("text", "base", "expected"),
        [
            ("http://a/b", "", "http://a/b"),
            ("b", "http://a/x/y", "http://a/x/b"),
            ("//c/d", "https://a/", "https://c/d"),
            ("", "http://a/b", "http://a/b"),
            ("http://a_b/", "", "http://a_b/"),
            ("http://bücher.example/", "", "http://bücher.example/"),
            ("ftp://a/", "", None),
            ("b", "", None),
            ("http://", "", None),
            ("http://a:0/", "", None),
            ("http://a:65536/", "", None),
            ("http://[a/", "", None),
            (f"http://{'a' * 63}.b/", "", f"http://{'a' * 63}.b/"),
            (f"http://{'a' * 64}.b/", "", None),
            ("http://a..b/", "", None),
        ],
    )
    def test_an_http_url(self, text: str, base: str, expected: str | None) -> None:
        """Absolute in the end, with a host that can be one."""
        parts = http_url(text, base)
        assert (parts and parts.geturl()) == expected


def test_the_strategies_are_told_apart() -> None:
    """One sends a header, the other a parameter, neither both."""
    by_header, by_query = connecting("7", LastEventID()), connecting("7", QueryCursor("q", lambda e: e.id))
    assert "Last-Event-ID" in prepared(None, by_header).headers
    assert "Last-Event-ID" not in prepared(None, by_query).headers
    assert re.search("q=7", str(prepared(None, by_query).url))
