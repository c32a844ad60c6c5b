"""What goes out: where to, with which key, and which body."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from everstream import ConfigurationError
from everstream.llm import ChatStream, GenerateContentStream, MessagesStream, ModelStream, ResponsesStream
from everstream.testing import RecordedRequest, SSEServer
from tests.llm.wires import APIS, KEY, KEYS, PATHS, STREAMS, ask, base_url, patient, whole

BASE_URLS = {
    "chat": ("OPENAI_BASE_URL", "/v1"),
    "messages": ("ANTHROPIC_BASE_URL", ""),
    "responses": ("OPENAI_BASE_URL", "/v1"),
    "generate_content": ("GOOGLE_GEMINI_BASE_URL", "/v1"),
}
FROM_ENVIRONMENT: dict[str, Callable[..., ModelStream]] = {
    "chat": lambda **o: ChatStream(model="model", messages="Hi", **o),
    "messages": lambda **o: MessagesStream(model="model", messages="Hi", max_tokens=9, **o),
    "responses": lambda **o: ResponsesStream(model="model", input="Hi", **o),
    "generate_content": lambda **o: GenerateContentStream(model="model", contents="Hi", **o),
}


def sent(server: SSEServer, stream: ModelStream, api: str = "chat") -> RecordedRequest:
    """Returns the request of a stream that is answered."""
    server.script([whole(api)])
    assert stream.read() == "whole"
    return server.requests[-1]


def body_of(server: SSEServer, stream: ModelStream, api: str = "chat") -> Any:
    """Returns the body that a stream sends."""
    return json.loads(sent(server, stream, api).body)


class TestRequests:
    @pytest.mark.parametrize("api", APIS)
    def test_a_body_is_posted_and_a_stream_is_asked_for(self, sse_server: SSEServer, api: str) -> None:
        """To the path of the API, with the key in its header."""
        request = sent(sse_server, ask(sse_server, api), api)
        header, scheme, _ = KEYS[api]
        assert (request.method, request.path) == ("POST", PATHS[api])
        assert request.headers[header] == scheme + KEY
        assert request.headers["Accept"] == "text/event-stream"
        assert request.headers["Content-Type"] == "application/json"

    @pytest.mark.parametrize(
        ("api", "body"),
        [
            (
                "chat",
                {
                    "model": "model",
                    "messages": [{"role": "user", "content": "Hi"}],
                    "stream": True,
                    "stream_options": {"include_usage": True},
                },
            ),
            (
                "messages",
                {
                    "model": "model",
                    "messages": [{"role": "user", "content": "Hi"}],
                    "stream": True,
                    "max_tokens": 9,
                },
            ),
            ("responses", {"model": "model", "input": "Hi", "stream": True}),
            ("generate_content", {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
        ],
    )
    def test_the_body_is_that_of_the_api(self, sse_server: SSEServer, api: str, body: object) -> None:
        """A text is one message of the user."""
        assert body_of(sse_server, ask(sse_server, api), api) == body

    @pytest.mark.parametrize("api", APIS)
    def test_parameters_go_into_the_body_unless_they_are_none(self, sse_server: SSEServer, api: str) -> None:
        """Whatever they are called."""
        body = body_of(sse_server, ask(sse_server, api, tools=[{"a": 1}], top_p=0, seed=None), api)
        assert (body["tools"], body["top_p"], "seed" in body) == ([{"a": 1}], 0, False)

    @pytest.mark.parametrize(("given", "sent"), [({"a": 1}, {"a": 1}), (None, None)])
    def test_usage_is_not_asked_for_if_something_else_is(
        self, sse_server: SSEServer, given: object, sent: object
    ) -> None:
        """None leaves the field out, for servers that refuse it."""
        assert body_of(sse_server, ask(sse_server, stream_options=given)).get("stream_options") == sent

    def test_a_conversation_goes_out_as_it_is(self, sse_server: SSEServer) -> None:
        """In any shape that the API has."""
        conversation = [{"role": "system", "content": "é"}, {"role": "user", "content": [{"type": "text"}]}]
        stream = ChatStream(base_url(sse_server), "model", conversation, **patient())
        assert body_of(sse_server, stream)["messages"] == conversation

    @pytest.mark.parametrize(
        ("model", "path"),
        [
            ("models/model", "/v1/models/model"),
            ("tunedModels/a-1", "/v1/tunedModels/a-1"),
            ("a/../b?c", "/v1/models/a%2F..%2Fb%3Fc"),
            ("models/../b", "/v1/models/..%2Fb"),
        ],
    )
    def test_the_model_of_google_is_in_the_path(self, sse_server: SSEServer, model: str, path: str) -> None:
        """By either name, and quoted: it leads nowhere else."""
        stream = GenerateContentStream(f"{base_url(sse_server)}/v1", model, "Hi", **patient())
        request = sent(sse_server, stream, "generate_content")
        assert request.target == f"{path}:streamGenerateContent?alt=sse"

    def test_the_contents_of_google_go_out_as_they_are(self, sse_server: SSEServer) -> None:
        """In any shape that the API has, and without the word for streaming, which it has not."""
        contents = [{"role": "model", "parts": [{"text": "é"}]}, {"parts": [{"text": "Hi"}]}]
        stream = GenerateContentStream(f"{base_url(sse_server)}/v1", "m", contents, stream=True, **patient())
        assert body_of(sse_server, stream, "generate_content") == {"contents": contents}

    def test_a_prompt_that_the_server_keeps_needs_nothing_else(self, sse_server: SSEServer) -> None:
        """It names the model and what to respond to; what is said over it is sent."""
        prompt = {"id": "pmpt-1", "variables": {"city": "Oslo"}}
        url = f"{base_url(sse_server)}/v1"
        body = body_of(sse_server, ResponsesStream(url, prompt=prompt, **patient()), "responses")
        assert body == {"prompt": prompt, "stream": True}
        stream = ResponsesStream(url, "model", "Hi", prompt=prompt, **patient())
        body = body_of(sse_server, stream, "responses")
        assert body == {"prompt": prompt, "stream": True, "model": "model", "input": "Hi"}

    def test_a_slash_at_the_end_of_a_base_url_does_not_matter(self, sse_server: SSEServer) -> None:
        """One or several; nor does white space around it."""
        stream = ChatStream(f" {base_url(sse_server)}/v1//\n", "model", "Hi", **patient())
        assert sent(sse_server, stream).target == "/v1/chat/completions"


class TestEnvironment:
    @pytest.mark.parametrize("api", APIS)
    def test_the_environment_says_where_and_with_which_key(
        self, sse_server: SSEServer, api: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where nothing is given; each variable of a key does."""
        header, scheme, variables = KEYS[api]
        variable, path = BASE_URLS[api]
        monkeypatch.setenv(variable, base_url(sse_server) + path)
        for number, name in enumerate(reversed(variables)):
            # A file that is read into a variable ends with a line feed.
            monkeypatch.setenv(name, f"{KEY}-{number}\n")
            request = sent(sse_server, FROM_ENVIRONMENT[api](**patient()), api)
            assert (request.path, request.headers[header]) == (PATHS[api], f"{scheme}{KEY}-{number}")

    @pytest.mark.parametrize("api", APIS)
    def test_what_is_given_wins(
        self, sse_server: SSEServer, api: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Over both."""
        header, scheme, variables = KEYS[api]
        monkeypatch.setenv(BASE_URLS[api][0], "http://127.0.0.1:1/wrong")
        monkeypatch.setenv(variables[0], "wrong")
        assert sent(sse_server, ask(sse_server, api), api).headers[header] == scheme + KEY

    @pytest.mark.parametrize("api", APIS)
    def test_empty_variables_are_as_good_as_none(
        self, sse_server: SSEServer, api: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No key is sent, and the provider would be asked."""
        header, _, variables = KEYS[api]
        for name in (*variables, BASE_URLS[api][0]):
            monkeypatch.setenv(name, "")
        request = sent(sse_server, STREAMS[api](base_url(sse_server), **patient()), api)
        assert header not in request.headers
        assert FROM_ENVIRONMENT[api]().source.name.startswith("https://")

    def test_the_netrc_does_not_replace_the_key(
        self, sse_server: SSEServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """As it would with requests alone."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login user password secret\n", "utf-8")
        monkeypatch.setenv("NETRC", str(netrc))
        assert sent(sse_server, ask(sse_server)).headers["Authorization"] == f"Bearer {KEY}"


class TestHeaders:
    @pytest.mark.parametrize("api", APIS)
    def test_the_callers_headers_win_whatever_their_case(self, sse_server: SSEServer, api: str) -> None:
        """And there is one of each name."""
        header = KEYS[api][0]
        headers = {header.upper(): "other", "anthropic-version": "2030-01-01", "X-Title": "mine"}
        request = sent(sse_server, ask(sse_server, api, headers=headers), api)
        assert request.headers.raw(header) == [b"other"]
        assert request.headers.raw("anthropic-version") == [b"2030-01-01"]
        assert request.headers["X-Title"] == "mine"

    def test_anthropic_is_told_the_version_of_its_api(self, sse_server: SSEServer) -> None:
        """It demands one."""
        request = sent(sse_server, ask(sse_server, "messages"), "messages")
        assert request.headers["anthropic-version"] == "2023-06-01"


class TestArguments:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: ChatStream(), "a model stream needs model= and messages="),
            (lambda: ChatStream(model="m", messages=[]), "a model stream needs messages="),
            (lambda: MessagesStream(model="m"), "a model stream needs messages="),
            (lambda: ResponsesStream(input="Hi"), "a model stream needs model="),
            (lambda: ResponsesStream(prompt=None), "a model stream needs model= and input="),
            (lambda: GenerateContentStream(model="m", contents=""), "a model stream needs contents="),
            (lambda: ResponsesStream.resume(""), "a model stream needs response_id="),
            (lambda: ResponsesStream.resume("r", -1), "starting_after= takes the number of an event, not -1"),
            (
                lambda: ResponsesStream.resume("r", True),
                "starting_after= takes the number of an event, not True",
            ),
            (lambda: ChatStream(model="m", messages="Hi", stream=False), "stream= is always true here"),
            (lambda: MessagesStream(model="m", messages="Hi", stream=None), "stream= is always true here"),
            (
                lambda: GenerateContentStream(model="m", contents="Hi", stream=False),
                "stream= is always true here",
            ),
            (
                lambda: ChatStream(model="m", messages="Hi", terminator="eof"),  # type: ignore[arg-type]
                "terminator= takes '[DONE]' or 'finish_reason', not 'eof'",
            ),
            (lambda: ChatStream("nowhere", "m", "Hi"), "url= takes an absolute URL"),
            (lambda: ChatStream(model="m", messages="Hi", retry=3), "retry="),  # type: ignore[arg-type]
            (lambda: ChatStream(model="m", messages="Hi", metrics=object()), "metrics="),  # type: ignore[arg-type]
        ],
    )
    def test_what_cannot_work_is_refused_at_once(self, make: Callable[[], object], message: str) -> None:
        """By its name."""
        with pytest.raises(ConfigurationError) as caught:
            make()
        assert str(caught.value).startswith(message)

    @pytest.mark.parametrize("api", APIS)
    def test_a_stream_has_the_name_that_it_is_given(self, sse_server: SSEServer, api: str) -> None:
        """Or else its URL."""
        assert ask(sse_server, api, name="mine").source.name == "mine"
        assert ask(sse_server, api).source.name == base_url(sse_server) + PATHS[api]

    def test_stream_may_be_said_to_be_true(self, sse_server: SSEServer) -> None:
        """As in code that was written for another library."""
        assert body_of(sse_server, ask(sse_server, stream=True))["stream"] is True
