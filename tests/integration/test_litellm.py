"""Answers of a real program that speaks the APIs of models: litellm's proxy.

It makes up the answers itself. Asked for `relayed`, it asks itself for `greeting` and translates the answer
into the API that it was asked by: so three more wire formats come from others than us. For `scripted` it asks
a scripted server, whose answers have what it does not make up: tool calls, and a break in the middle.

The official packages are imported by the tests that use them: that takes seconds, which runs of other tests
need not wait for.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
import tenacity

from everstream import EverstreamError, RetriesExhausted, RetryPolicy
from everstream.llm import (
    AnswerIncomplete,
    ChatStream,
    GenerateContentStream,
    MessagesStream,
    ModelStream,
    ProviderError,
    ResponsesStream,
    stream_chat_completion,
)
from everstream.testing import SSEServer, Step, connection, cut, event, pause
from tests.cli.running import everstream
from tests.integration.litellm_proxy import KEY, LiteLLM, require_litellm

pytestmark = pytest.mark.integration

TEXT = "Grüß Gott!\nThis 😀 is an answer that nobody thought of."
QUESTION = "Who is there?"
AT_ONCE = RetryPolicy(wait=tenacity.wait_none(), stop=tenacity.stop_after_attempt(3))


def _chunk(**choice: Any) -> Step:
    return event(json.dumps({"id": "c", "model": "m", "choices": [{"index": 0, **choice}]}))


def _tool_call(**call: Any) -> Step:
    return _chunk(delta={"tool_calls": [{"index": 0, **call}]})


SPEAKING = [_chunk(delta={"content": "I look "}), _chunk(delta={"content": "out. "})]
"""The beginning of what a provider sends."""

CALLING = [
    _tool_call(id="call_1", type="function", function={"name": "weather", "arguments": ""}),
    _tool_call(function={"arguments": '{"city": '}),
    _tool_call(function={"arguments": '"Łódź"}'}),
    _chunk(delta={}, finish_reason="tool_calls"),
    event("[DONE]"),
]
"""The rest: a call of a tool, its arguments in pieces."""

Ask = Callable[..., ModelStream]


@pytest.fixture(scope="module")
def provider() -> Iterator[SSEServer]:
    """What the proxy asks for the model `scripted`."""
    with SSEServer() as server:
        yield server


@pytest.fixture(scope="module")
def proxy(provider: SSEServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiteLLM]:
    """The proxy, with its models."""
    require_litellm()
    made_up = {"model": "openai/any", "api_key": "none"}
    models = {
        "greeting": {**made_up, "mock_response": TEXT},
        "limited": {**made_up, "mock_response": "litellm.RateLimitError"},
        "broken": {**made_up, "mock_response": "litellm.InternalServerError"},
        "overloaded": {**made_up, "mock_response": "Exception: mock_streaming_error"},
        "relayed": {"model": "custom_openai/greeting", "api_key": KEY, "api_base": "{itself}"},
        "scripted": {"model": "custom_openai/any", "api_key": "none", "api_base": provider.url_for("/v1")},
    }
    with LiteLLM(tmp_path_factory.mktemp("litellm"), models) as running:
        yield running


def chat(proxy: LiteLLM, model: str = "greeting", **options: Any) -> ChatStream:
    """Asks in the way of chat completions."""
    return ChatStream(proxy.url, model, QUESTION, **{"api_key": KEY, "retry": AT_ONCE, **options})


def messages(proxy: LiteLLM, model: str, **options: Any) -> MessagesStream:
    """Asks in Anthropic's way."""
    options = {"api_key": KEY, "retry": AT_ONCE, "max_tokens": 100, **options}
    return MessagesStream(proxy.root, model, QUESTION, **options)


def responses(proxy: LiteLLM, model: str, **options: Any) -> ResponsesStream:
    """Asks in the way of OpenAI's Responses."""
    return ResponsesStream(proxy.url, model, QUESTION, **{"api_key": KEY, "retry": AT_ONCE, **options})


def generate_content(proxy: LiteLLM, model: str, **options: Any) -> GenerateContentStream:
    """Asks in Google's way."""
    options = {"api_key": KEY, "retry": AT_ONCE, **options}
    return GenerateContentStream(f"{proxy.root}/v1beta", model, QUESTION, **options)


def failure_of(stream: ModelStream) -> EverstreamError:
    """Reads to the failure that must come."""
    with stream, pytest.raises(EverstreamError) as raised:
        stream.read()
    return raised.value


def test_the_command_writes_the_answer_and_exits_0(proxy: LiteLLM) -> None:
    """What comes out of the pipe is the answer, with a line feed at its end."""
    done = everstream(
        "chat", QUESTION, "--base-url", proxy.url, "--model", "greeting", OPENAI_API_KEY=KEY, NO_PROXY="*"
    )
    assert (done.code, done.out) == (0, f"{TEXT}\n"), done.err


def test_the_command_says_what_the_server_said(proxy: LiteLLM) -> None:
    """An unknown model: exit code 3, nothing on stdout, and the server's own words on stderr."""
    done = everstream(
        "chat", QUESTION, "--base-url", proxy.url, "--model", "nobody", OPENAI_API_KEY=KEY, NO_PROXY="*"
    )
    assert (done.code, done.out) == (3, "")
    assert "Invalid model name passed in model=nobody" in done.err


def test_an_answer_comes_in_pieces_and_with_its_end(proxy: LiteLLM) -> None:
    """Text, finish reason, usage, model and id are there; and so says the package of OpenAI."""
    with chat(proxy) as stream:
        pieces = list(stream)
    assert len(pieces) > 10
    assert ("".join(pieces), stream.text, stream.is_complete) == (TEXT, TEXT, True)
    assert (stream.finish_reason, stream.model) == ("stop", "greeting")
    assert (stream.id or "").startswith("chatcmpl-")
    with _openai(proxy) as client:
        asked: Any = {"role": "user", "content": QUESTION}
        options: Any = {"stream": True, "stream_options": {"include_usage": True}}
        chunks = list(client.chat.completions.create(model="greeting", messages=[asked], **options))
    theirs = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
    assert theirs == pieces
    assert stream.usage == chunks[-1].usage.model_dump(exclude_none=True)
    assert stream.usage["total_tokens"] > 0


def test_one_call_gives_the_whole(proxy: LiteLLM) -> None:
    """The function returns the text, and has shown each piece before."""
    shown: list[str] = []
    told = stream_chat_completion(proxy.url, "greeting", QUESTION, KEY, on_delta=shown.append)
    assert told == "".join(shown) == TEXT


def test_several_answers_are_told_apart(proxy: LiteLLM) -> None:
    """With `n=2` there are two whole answers, and iterating gives the first; only that one has a reason."""
    with chat(proxy, n=2) as stream:
        assert "".join(stream) == TEXT
    assert [choice.text for choice in stream.choices] == [TEXT, TEXT]
    assert (stream.finish_reason, stream.is_complete) == ("stop", True)


@pytest.mark.parametrize(
    ("ask", "finish_reason"),
    [(chat, "stop"), (messages, "end_turn"), (responses, "completed"), (generate_content, "STOP")],
)
def test_every_wire_format_brings_the_same_answer(proxy: LiteLLM, ask: Ask, finish_reason: str) -> None:
    """What the proxy has translated is read to its end in each format, piece by piece."""
    with ask(proxy, "relayed") as stream:
        pieces = list(stream)
    assert len(pieces) > 10
    assert ("".join(pieces), stream.is_complete, stream.finish_reason) == (TEXT, True, finish_reason)
    assert stream.usage
    assert list(theirs(proxy, ask)) == pieces


def theirs(proxy: LiteLLM, ask: Ask) -> Iterator[str]:
    """Gives the pieces of the same answer, as the package of each provider reads them."""
    if ask is messages:
        with import_module("anthropic").Anthropic(base_url=proxy.root, api_key=KEY) as client:
            asked: Any = {"role": "user", "content": QUESTION}
            with client.messages.stream(model="relayed", max_tokens=100, messages=[asked]) as stream:
                yield from stream.text_stream
    elif ask is generate_content:
        options = {"base_url": proxy.root, "api_version": "v1beta"}
        google = import_module("google.genai").Client(api_key=KEY, vertexai=False, http_options=options)
        for chunk in google.models.generate_content_stream(model="relayed", contents=QUESTION):
            if chunk.text:
                yield chunk.text
    else:
        with _openai(proxy) as client:
            yield from _theirs_of_openai(client, ask)


def _openai(proxy: LiteLLM) -> Any:
    return import_module("openai").OpenAI(base_url=proxy.url, api_key=KEY)


def _theirs_of_openai(client: Any, ask: Ask) -> Iterator[str]:
    if ask is responses:
        for told in client.responses.create(model="relayed", input=QUESTION, stream=True):
            if told.type == "response.output_text.delta":
                yield told.delta
    else:
        asked = {"role": "user", "content": QUESTION}
        for chunk in client.chat.completions.create(model="relayed", messages=[asked], stream=True):
            for choice in chunk.choices:
                if choice.delta.content:
                    yield choice.delta.content


@pytest.mark.parametrize("ask", [chat, messages, responses, generate_content])
def test_every_wire_format_brings_the_same_tool_call(proxy: LiteLLM, provider: SSEServer, ask: Ask) -> None:
    """A call whose arguments came in three pieces is whole, however the proxy has translated it."""
    provider.script([connection(*SPEAKING, *CALLING)])
    with ask(proxy, "scripted") as stream:
        assert stream.read() == "I look out. "
    (call,) = stream.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("weather", {"city": "Łódź"})
    assert call.id in ("call_1", "")


@pytest.mark.parametrize("ask", [chat, messages, responses, generate_content])
def test_an_answer_that_breaks_behind_the_proxy_is_never_taken_as_whole(
    proxy: LiteLLM, provider: SSEServer, ask: Ask
) -> None:
    """The provider goes away after two pieces: the text so far is told, and nothing is asked for twice."""
    before = len(provider.requests)
    provider.script([connection(*SPEAKING, pause(), cut())])
    with ask(proxy, "scripted") as stream:
        pieces = iter(stream)
        assert next(pieces) == "I look "
        provider.release()
        with pytest.raises((AnswerIncomplete, ProviderError)) as raised:
            deque(pieces, maxlen=0)
    assert raised.value.text == stream.text
    assert "I look out. ".startswith(stream.text)
    assert (stream.is_complete, len(provider.requests) - before) == (False, 1)


@pytest.mark.parametrize("ask", [chat, messages, responses, generate_content])
def test_an_unknown_model_is_told_in_the_words_of_the_server(proxy: LiteLLM, ask: Ask) -> None:
    """It is refused at once, and not asked for again."""
    before = len(proxy.statuses())
    failure = failure_of(ask(proxy, "nobody"))
    assert isinstance(failure, ProviderError)
    assert (failure.status, failure.retryable) == (400, False)
    assert "Invalid model name passed in model=nobody" in failure.message
    assert proxy.statuses()[before:] == [400]


def test_a_wrong_key_is_refused_in_the_words_of_the_server(proxy: LiteLLM) -> None:
    """This server has no database to look keys up in, and says so; the key is in no message."""
    failure = failure_of(chat(proxy, api_key="sk-another"))
    assert isinstance(failure, ProviderError)
    assert (failure.type, failure.status, failure.retryable) == ("no_db_connection", 400, False)
    assert "sk-another" not in str(failure)


def test_a_wrong_url_is_told(proxy: LiteLLM) -> None:
    """The version is missing from the URL."""
    failure = failure_of(ChatStream(f"{proxy.root}/v2", "greeting", QUESTION, KEY, retry=AT_ONCE))
    assert isinstance(failure, ProviderError)
    assert (failure.status, failure.retryable) == (404, False)
    assert failure.message == f"Not Found (it was asked at {proxy.root}/v2/chat/completions)"


@pytest.mark.parametrize(("model", "status"), [("limited", 429), ("broken", 500), ("overloaded", 529)])
def test_what_may_pass_is_tried_again_before_the_first_delta(proxy: LiteLLM, model: str, status: int) -> None:
    """Three attempts were allowed, and three were made; the last error is the cause."""
    before = len(proxy.statuses())
    failure = failure_of(chat(proxy, model))
    assert isinstance(failure, RetriesExhausted)
    assert isinstance(failure.__cause__, ProviderError)
    assert failure.__cause__.status == status
    assert "mock" in failure.__cause__.message
    assert proxy.statuses()[before:] == [status] * 3


def test_an_answer_that_is_no_stream_is_told(proxy: LiteLLM) -> None:
    """A made-up answer comes from this API as one JSON object, though a stream was asked for."""
    failure = failure_of(messages(proxy, "greeting"))
    assert isinstance(failure, ProviderError)
    assert failure.status == 200
    assert "application/json" in failure.message
