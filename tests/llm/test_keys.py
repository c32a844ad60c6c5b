"""The key: where it goes, when it is asked for, and where it never shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from everstream import ConfigurationError, ProviderError
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
