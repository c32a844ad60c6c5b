"""The key: where it goes, when it is asked for, and where it never shows."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from everstream import ConfigurationError, ContentTypeRejected, ProviderError, StatusRejected
from everstream.llm.request import ModelRequest
from everstream.testing import SSEServer, connection, raw, status
from tests.llm.wires import APIS, KEY, KEYS, STREAMS, ask, base_url, failure_of, patient, whole


@pytest.fixture
def keys() -> Iterator[str]:
    """Gives a new key each time."""
    return (f"{KEY}-{number}" for number in range(9))


def test_a_function_gives_a_key_for_each_attempt(sse_server: SSEServer, keys: Iterator[str]) -> None:
    """Since it may have run out meanwhile."""
    sse_server.script([status(503), status(503), whole("chat")])
    assert ask(sse_server, api_key=lambda: next(keys)).read() == "whole"
    sent = [request.headers["Authorization"] for request in sse_server.requests]
    assert sent == [f"Bearer {KEY}-{number}" for number in range(3)]


def test_a_401_is_worth_one_more_key(sse_server: SSEServer, keys: Iterator[str]) -> None:
    """The second in a row is an answer."""
    sse_server.script([status(401), whole("chat")])
    assert ask(sse_server, api_key=lambda: next(keys)).read() == "whole"
    sse_server.script([status(401), status(401)], then=whole("chat"))
    error = failure_of(ask(sse_server, api_key=lambda: next(keys)))
    assert isinstance(error, ProviderError)
    assert (error.status, len(sse_server.requests)) == (401, 4)


def test_a_401_is_final_for_a_key_that_stays(sse_server: SSEServer) -> None:
    """To send it again would change nothing."""
    sse_server.script([status(401)], then=whole("chat"))
    error = failure_of(ask(sse_server))
    assert isinstance(error, ProviderError)
    assert (error.status, len(sse_server.requests)) == (401, 1)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("code", [401, 403])
def test_a_key_that_is_missing_is_missed(sse_server: SSEServer, api: str, code: int) -> None:
    """The error says what to do. Google answers 403."""
    sse_server.script([], then=status(code, body=b"who are you?"))
    message = str(failure_of(STREAMS[api](base_url(sse_server), **patient())))
    names = " or ".join(KEYS[api][2])
    assert message.endswith(f"who are you? (no key was given, and {names} is not set)")
    for options in (
        {},
        {"api_key": None, "headers": {KEYS[api][0].lower(): "mine"}},
        {"api_key": "none"},
    ):
        assert "no key" not in str(failure_of(ask(sse_server, api, **options)))
    sse_server.script([], then=status(400))
    assert "no key" not in str(failure_of(ask(sse_server, api, api_key=None)))


@pytest.mark.parametrize("options", [{}, {"api_key": "", "headers": {"X-Auth-Token": f"Bearer {KEY}"}}])
@pytest.mark.parametrize(
    "said",
    [
        f'{{"error": {{"message": "the key {KEY} is wrong"}}}}',
        f"the key {KEY} is wrong",
        f'data: {{"error": {{"message": "the key {KEY} is wrong"}}}}\n\n',
    ],
)
def test_a_key_that_the_server_repeats_is_taken_out(
    sse_server: SSEServer, said: str, options: dict[str, Any]
) -> None:
    """Of JSON, of text, and of an error in a stream."""
    is_stream = said.startswith("data:")
    sse_server.script([connection(raw(said.encode()), status=200 if is_stream else 400)])
    error = failure_of(ask(sse_server, **options))
    assert isinstance(error, ProviderError)
    assert error.message == "the key *** is wrong"


def test_the_beginning_of_a_key_that_was_cut_is_taken_out_too(sse_server: SSEServer) -> None:
    """An excerpt may end inside of it."""
    text = "x" * 285 + " " + KEY
    sse_server.script([status(400, body=text.encode())])
    error = failure_of(ask(sse_server))
    assert isinstance(error, ProviderError)
    assert error.message == "x" * 285 + " ***"


@pytest.mark.parametrize("key", [7, b"bytes", ["key"]])
def test_a_key_is_text_or_a_function_of_text(sse_server: SSEServer, key: Any) -> None:
    """Anything else is said at once, or when it is given."""
    with pytest.raises(ConfigurationError, match=r"^api_key= takes text or a function"):
        ask(sse_server, api_key=key)
    error = failure_of(ask(sse_server, api_key=lambda: key))
    assert isinstance(error, ConfigurationError)
    assert "api_key=" in str(error)
    assert sse_server.requests == []


def test_a_key_that_no_header_can_have_is_not_shown(
    sse_server: SSEServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the message nor in its cause, wherever it comes from; and nothing is sent."""
    for key in (f"{KEY}\n{KEY}", f"{KEY}“", f"{KEY}é", f"{KEY}\x7f", f"{KEY}\t{KEY}"):
        with pytest.raises(ConfigurationError, match="the API key holds characters") as caught:
            ask(sse_server, api_key=key)
        assert KEY not in repr((caught.value, caught.value.__cause__))
        error = failure_of(ask(sse_server, api_key=lambda key=key: key))
        assert str(error) == str(caught.value)
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with pytest.raises(ConfigurationError, match="the API key holds characters"):
            ask(sse_server, api_key=None)
    assert sse_server.requests == []


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("key", ["", " ", lambda: ""], ids=["empty", "blank", "function"])
def test_an_empty_key_is_no_key_whatever_the_environment_says(
    sse_server: SSEServer, api: str, key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider's key is none of another server's business."""
    header, _, variables = KEYS[api]
    for name in variables:
        monkeypatch.setenv(name, KEY)
    sse_server.script([], then=status(403, body=b"who are you?"))
    message = str(failure_of(ask(sse_server, api, api_key=key)))
    assert header not in sse_server.requests[-1].headers
    assert message.endswith("who are you? (no key was given)")


def test_a_key_is_taken_out_of_the_type_and_the_code_too(sse_server: SSEServer) -> None:
    """Servers put anything anywhere."""
    fields = {"message": "no", "type": f"bad_{KEY}", "code": KEY}
    sse_server.script([status(400, body=json.dumps({"error": fields}).encode())])
    error = failure_of(ask(sse_server))
    assert isinstance(error, ProviderError)
    assert (error.type, error.code) == ("bad_***", "***")
    assert KEY not in repr((error, str(error)))


def request_with(session: requests.Session | None = None, url: str = "https://h/v1") -> ModelRequest:
    """Returns a request without a key, of a caller who has a session."""
    request = ModelRequest(url=url, key=None, key_header="x", key_variables=("A_KEY",), extra_headers={})
    request.session = session
    request.headers()
    return request


def session_with(auth: Any = None, **headers: str | bytes) -> requests.Session:
    """Returns a session with credentials."""
    session = requests.Session()
    session.auth = auth
    session.headers.update(headers)
    return session


@pytest.mark.parametrize(
    ("request_", "secret"),
    [
        (request_with(session_with(Authorization=f"Bearer {KEY}")), KEY),
        (request_with(session_with(Authorization=f"Bearer {KEY}".encode())), KEY),
        (request_with(session_with(**{"x-api-key": KEY})), KEY),
        (request_with(session_with(("me", KEY))), KEY),
        (request_with(session_with(("me", KEY))), b64encode(f"me:{KEY}".encode()).decode()),
        (request_with(session_with(requests.auth.HTTPBasicAuth("me", KEY))), KEY),
        (request_with(session_with(lambda request: request)), None),
        (request_with(url=f"https://me:{KEY}@h/v1"), KEY),
        (request_with(url=f"https://h/v1?key={KEY}"), KEY),
    ],
    ids=["bearer", "bytes", "header", "auth", "basic", "auth-object", "function", "user-info", "query"],
)
def test_who_brings_credentials_of_another_kind_misses_no_key(
    request_: ModelRequest, secret: str | None
) -> None:
    """And they are taken out of what the server says, as the key is."""
    error = ProviderError(message=f"no {secret}!", status=401)
    request_.explain(error)
    assert error.message == ("no None!" if secret is None else "no ***!")


@pytest.mark.parametrize(
    "session", [None, session_with(), session_with(**{"X-Title": "mine"})], ids=["none", "bare", "header"]
)
def test_who_brings_none_misses_one(session: requests.Session | None) -> None:
    """A session alone is no credential."""
    error = ProviderError(message="no", status=401)
    request_with(session).explain(error)
    assert error.message == "no (no key was given, and A_KEY is not set)"


@pytest.mark.parametrize("api", APIS)
def test_a_url_that_may_be_wrong_is_told(sse_server: SSEServer, api: str) -> None:
    """Where no stream is, it was asked for in the wrong place; but no secret of the URL is told."""
    url = base_url(sse_server).replace("://", "://me:secret@")
    for answer in (status(404), status(405, body=b"x" * 900), status(200, body=b"Hi", content_type="a/b")):
        sse_server.script([answer])
        message = str(failure_of(STREAMS[api](url, api_key=KEY, **patient())))
        assert message.endswith(f" (it was asked at {base_url(sse_server)}{sse_server.requests[-1].path})")
    sse_server.script([status(400)])
    assert "it was asked" not in str(failure_of(ask(sse_server, api)))


def test_nothing_is_told_of_the_url_for_an_error_in_a_stream() -> None:
    """The place was right; nor of a query where the place may be wrong."""
    error = ProviderError(message="no model", status=404)
    request_with().explain(error)
    assert error.message == "no model"
    for cause in (StatusRejected(status=404), ContentTypeRejected(status=200)):
        error = ProviderError(message="no", status=404)
        error.__cause__ = cause
        request_with(url="https://me:secret@h/v1?api-version=2024#x").explain(error)
        assert error.message == "no (it was asked at https://h/v1)"


@pytest.mark.parametrize("api", APIS)
def test_a_session_of_the_callers_brings_its_own(sse_server: SSEServer, api: str) -> None:
    """Its token is taken out of what the server says, and no key is missed."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {KEY}"
    sse_server.script([status(401, body=json.dumps({"error": {"message": f"bad {KEY}"}}).encode())])
    error = failure_of(ask(sse_server, api, api_key="", session=session))
    assert str(error).endswith("bad ***")
