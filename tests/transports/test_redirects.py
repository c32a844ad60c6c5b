"""Where a redirect leads, decided on values: no server is asked."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from everstream import RedirectRejected
from everstream.transports.sync.redirects import is_redirect, redirected, sent

HERE = "https://stream.example/a/b"


def asked(method: str = "GET", url: str = HERE, **options: Any) -> requests.PreparedRequest:
    """Returns a request."""
    return requests.Request(method, url, **options).prepare()


def answer(code: int, location: str | None = None) -> requests.Response:
    """Returns a response."""
    response = requests.Response()
    response.status_code = code
    if location is not None:
        response.headers["Location"] = location
    return response


def followed(
    request: requests.PreparedRequest, code: int, location: str, *, has_crossed: bool = False
) -> tuple[requests.PreparedRequest, bool]:
    """Returns what follows."""
    return redirected(requests.Session(), request, answer(code, location), has_crossed=has_crossed)


@pytest.mark.parametrize("code", [*range(200, 210), *range(300, 310), *range(400, 410)])
def test_five_statuses_redirect(code: int) -> None:
    """As the Fetch standard has it, with or without a Location."""
    expected = code in (301, 302, 303, 307, 308)
    assert is_redirect(answer(code)) is is_redirect(answer(code, "/")) is expected


@pytest.mark.parametrize(
    ("location", "crosses"),
    [
        ("/c", False),
        ("//stream.example/c", False),
        ("https://stream.example:443/c", False),
        ("https://STREAM.example/c", False),
        ("https://user:word@stream.example/c", False),
        ("https://stream.example:8443/c", True),
        ("https://stream.example.evil.example/c", True),
        ("https://evil.example/stream.example", True),
        ("https://stream.example@evil.example/", True),
        ("https://stream.example./c", True),
    ],
)
def test_an_origin_is_scheme_host_and_port(location: str, crosses: bool) -> None:
    """Default ports and the case of hosts make no difference; everything else does."""
    following, crossed = followed(asked(headers={"X-Api-Key": "k"}), 307, location)
    assert crossed is crosses
    assert ("X-Api-Key" in following.headers) is not crosses


@pytest.mark.parametrize(
    "location", ["https://evil.example\\@stream.example/", "https://evil.example%5C@stream.example/"]
)
def test_the_url_that_was_judged_is_the_url_that_is_asked(location: str) -> None:
    """User-info cannot make one library see another host than the other."""
    following, crossed = followed(asked(headers={"X-Api-Key": "k"}), 307, location)
    assert following.url is not None
    assert "evil" not in following.url
    assert not crossed


@pytest.mark.parametrize(
    ("method", "code", "then"),
    [
        ("GET", 301, "GET"),
        ("GET", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 302, "GET"),
        ("REPORT", 303, "GET"),
        ("REPORT", 308, "REPORT"),
    ],
)
def test_the_method_follows_the_status(method: str, code: int, then: str) -> None:
    """And the body the method."""
    following, _ = followed(asked(method, data=b"body"), code, "/c")
    assert following.method == then
    assert following.body == (b"body" if then == method else None)
    assert ("Content-Length" in following.headers) is (then == method)


def test_the_request_that_was_asked_stays_as_it_was() -> None:
    """It may be looked at by hooks and tests."""
    request = asked("POST", data=b"body", headers={"X-Api-Key": "k"})
    followed(request, 303, "https://other.example/")
    assert (request.method, request.url, request.body) == ("POST", HERE, b"body")
    assert request.headers["X-Api-Key"] == "k"


def test_a_body_is_not_carried_to_another_origin() -> None:
    """Nor one of no bytes, nor a form."""
    for body in (b"x", "text", {"a": "b"}, iter([b"x"])):
        with pytest.raises(RedirectRejected, match="to another origin"):
            followed(asked("POST", data=body), 307, "https://other.example/")


@pytest.mark.parametrize(
    ("jar", "header", "sent_then"),
    [
        ({}, None, None),
        ({"a": "1"}, None, "a=1"),
        ({}, "own=1", "own=1"),
        ({"a": "1"}, "own=1", "a=1"),
    ],
)
def test_cookies_are_chosen_anew(jar: dict[str, str], header: str | None, sent_then: str | None) -> None:
    """The redirect may have set some; a header of the caller's stays if there are none."""
    session = requests.Session()
    session.cookies.update(jar)
    request = asked(headers={} if header is None else {"Cookie": header})
    following, _ = redirected(session, request, answer(307, "/c"), has_crossed=False)
    assert following.headers.get("Cookie") == sent_then


def test_after_another_origin_there_are_none() -> None:
    """Nothing comes back to a request that has been there."""
    session = requests.Session()
    session.cookies.update({"a": "1"})
    following, crossed = redirected(session, asked(), answer(307, "/c"), has_crossed=True)
    assert (following.url, crossed) == ("https://stream.example/c", False)
    assert "Cookie" not in following.headers


class TestSending:
    def test_the_location_is_out_of_sight_while_requests_looks(self) -> None:
        """And there afterwards."""
        response, seen = answer(302, "https://[bad"), []

        def send(request: requests.PreparedRequest, **options: Any) -> requests.Response:
            requests.hooks.dispatch_hook("response", request.hooks, response)
            seen.append((dict(response.headers), options))
            return response

        assert sent(send, asked()) is response
        assert seen == [({}, {"allow_redirects": False})]
        assert response.headers == {"Location": "https://[bad"}

    def test_hooks_of_the_caller_see_it_and_stay(self) -> None:
        """They come first; ours is gone afterwards."""
        seen: list[str] = []

        def hook(response: requests.Response, **_: Any) -> None:
            seen.append(response.headers["Location"])

        request = asked(hooks={"response": hook})

        def send(request: requests.PreparedRequest, **_: Any) -> requests.Response:
            return requests.hooks.dispatch_hook("response", request.hooks, answer(302, "/c"))  # type: ignore[no-any-return]

        assert sent(send, request).headers["Location"] == "/c"
        assert seen == ["/c"]
        assert request.hooks["response"] == [hook]

    def test_a_response_without_one_gets_none(self) -> None:
        """Nothing is made up."""
        assert "Location" not in sent(lambda *_, **__: answer(200), asked()).headers
