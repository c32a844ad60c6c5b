"""What the official packages of model APIs make of a stream, and our streams for the same.

The packages are imported when they are first asked: that takes a second, which other tests need not wait for.
What their accumulators put together is taken; where they have none, or it breaks on a recording, their typed
chunks are put together in the plainest way: see `Api.theirs` and `PLAINLY`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from requests import Session

from everstream import RetryPolicy
from everstream.llm import (
    ChatStream,
    GenerateContentStream,
    MessagesStream,
    ModelStream,
    ResponsesStream,
)
from everstream.testing import SSEServer
from tests.captures import Capture
from tests.llm.answers import QUIET, Answered, Call, parsed

KEY = "a key that opens nothing"
MESSAGES: Any = [{"role": "user", "content": "hi"}]

PLAINLY = {
    "mistral-mistral-model-thinking-part-iter": (
        "its content is a list while the model thinks: openai's accumulator warns, and drops the thinking"
    ),
    "openai-responses-background-mode-streaming-starting-after-vcr-1": (
        "openai's accumulator demands `response.created` first; this answer to `starting_after=0` has none"
    ),
}
"""The recordings that the package's own accumulator cannot read, and why."""


@dataclass(frozen=True)
class Api:
    """One API: our stream for it, and the official package.

    Attributes:
        name: Its name.
        path: What the URLs of its recordings have in them.
        ours: Makes our stream, from a server, by a session.
        client: Makes the package's client, from a server.
        theirs: Has the package read an answer.
    """

    name: str
    path: str
    ours: Callable[[SSEServer, Session | None], ModelStream]
    client: Callable[[SSEServer], Any]
    theirs: Callable[[Any, Capture], Answered]


def api_of(capture: Capture) -> Api | None:
    """Returns the API of a recording; None if it is not one of models."""
    return next((api for api in APIS if api.path in capture.url), None)


def _imported(name: str) -> Any:
    """Imports a package; the oldest google-genai uses what the newest pydantic calls deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return __import__(name, fromlist=[""])


@contextmanager
def without_settings() -> Iterator[None]:
    """Takes proxies, keys and addresses out of the environment, which the packages would take from there."""
    ours = {name: value for name, value in os.environ.items() if not _is_setting(name.upper())}
    with patch.dict(os.environ, {**ours, "NO_PROXY": "*", "no_proxy": "*"}, clear=True):
        yield


@contextmanager
def new_types_allowed() -> Iterator[None]:
    """Lets openai's accumulator copy what is of a type newer than the package; pydantic warns of that."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Pydantic serializer warnings", UserWarning)
        yield


def _is_setting(name: str) -> bool:
    return name.endswith("_PROXY") or name.startswith(("ANTHROPIC_", "GEMINI_", "GOOGLE_", "OPENAI_"))


@contextmanager
def _openai(server: SSEServer) -> Iterator[Any]:
    with _imported("openai").OpenAI(base_url=server.url_for("/v1"), api_key=KEY, max_retries=0) as client:
        yield client


@contextmanager
def _anthropic(server: SSEServer) -> Iterator[Any]:
    base_url = server.url_for("").rstrip("/")
    with _imported("anthropic").Anthropic(base_url=base_url, api_key=KEY, max_retries=0) as client:
        yield client


@contextmanager
def _genai(server: SSEServer) -> Iterator[Any]:
    options = {"base_url": server.url_for("").rstrip("/"), "api_version": "v1beta"}
    client = _imported("google.genai").Client(api_key=KEY, vertexai=False, http_options=options)
    try:
        yield client
    finally:
        # The oldest versions have no such method.
        getattr(client, "close", lambda: None)()


def _chat(client: Any, capture: Capture) -> Answered:
    if capture.name in PLAINLY:
        return _chat_plainly(client)
    error = None
    with client.chat.completions.stream(model="m", messages=MESSAGES) as stream:
        try:
            completion = stream.get_final_completion()
        except _imported("openai").APIError as raised:
            completion, error = stream.current_completion_snapshot, raised.message
    message = completion.choices[0].message
    return Answered(
        text=message.content or "",
        # Both names are of other providers: the package keeps them as fields that it does not know.
        reasoning=getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None) or "",
        tool_calls=tuple(
            Call(call.id, call.function.name, parsed(call.function.arguments))
            for call in message.tool_calls or ()
        ),
        finish_reason=completion.choices[0].finish_reason,
        usage=_dumped(completion.usage),
        model=completion.model,
        id=completion.id or None,
        error=error,
    )


def _chat_plainly(client: Any) -> Answered:
    with client.chat.completions.create(model="m", messages=MESSAGES, stream=True) as stream:
        chunks = list(stream)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    contents = [choice.delta.content for choice in choices]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    assert not any(choice.delta.tool_calls for choice in choices)
    return Answered(
        text="".join(content for content in contents if isinstance(content, str)),
        reasoning="".join(inner["text"] for part in parts for inner in part["thinking"]),
        tool_calls=(),
        finish_reason=choices[-1].finish_reason,
        usage=_dumped(chunks[-1].usage),
        model=chunks[-1].model,
        id=chunks[-1].id,
    )


def _messages(client: Any, capture: Capture) -> Answered:
    # The recordings were asked for with `?beta=true`, which is how the package's `beta` asks.
    with client.beta.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream:
        message = stream.get_final_message()
    blocks = message.content
    return Answered(
        text="".join(block.text for block in blocks if block.type == "text"),
        reasoning="".join(block.thinking for block in blocks if block.type == "thinking"),
        tool_calls=tuple(
            Call(block.id, block.name, block.input) for block in blocks if block.type == "tool_use"
        ),
        finish_reason=message.stop_reason,
        usage=_dumped(message.usage),
        model=message.model,
        id=message.id,
    )


def _responses(client: Any, capture: Capture) -> Answered:
    if capture.name in PLAINLY:
        asked = client.responses.retrieve("r", stream=True, starting_after=0)
        with asked as events:
            response = next(event.response for event in events if event.type == "response.completed")
    else:
        with client.responses.stream(model="m", input="hi") as stream:
            response = stream.get_final_response()
    thoughts = [item for item in response.output if item.type == "reasoning"]
    calls = [item for item in response.output if item.type == "function_call"]
    return Answered(
        text=response.output_text,
        reasoning="".join(
            part.text
            for item in thoughts
            for part in [*item.summary, *(getattr(item, "content", None) or ())]
        ),
        tool_calls=tuple(Call(call.call_id, call.name, parsed(call.arguments)) for call in calls),
        finish_reason=response.status,
        usage=_dumped(response.usage),
        model=response.model,
        id=response.id,
    )


def _generate_content(client: Any, capture: Capture) -> Answered:
    """Adds up chunks: the package has no accumulator."""
    chunks = list(client.models.generate_content_stream(model="m", contents="hi"))
    candidates = [candidate for chunk in chunks for candidate in chunk.candidates or ()]
    parts = [part for each in candidates if each.content for part in each.content.parts or ()]
    calls = [part.function_call for part in parts if part.function_call]
    reasons = [candidate.finish_reason for candidate in candidates if candidate.finish_reason]
    usage = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    return Answered(
        text="".join(part.text or "" for part in parts if not part.thought),
        reasoning="".join(part.text or "" for part in parts if part.thought),
        tool_calls=tuple(Call(call.id or "", call.name, call.args) for call in calls),
        finish_reason=reasons[-1].value if reasons else None,
        usage=_dumped(usage[-1]) if usage else None,
        model=chunks[-1].model_version,
        id=chunks[-1].response_id,
    )


def _dumped(usage: Any) -> Mapping[str, Any] | None:
    """Returns what a package has of the usage, by the names that are on the wire."""
    if usage is None:
        return None
    dumped: Mapping[str, Any] = usage.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dumped


def _options(session: Session | None) -> dict[str, Any]:
    return {"api_key": KEY, "session": session, "retry": RetryPolicy.never(), "logger": QUIET}


APIS = (
    Api(
        "chat completions",
        "/chat/completions",
        lambda server, session: ChatStream(server.url_for("/v1"), "m", "hi", **_options(session)),
        _openai,
        _chat,
    ),
    Api(
        "messages",
        "/v1/messages",
        lambda server, session: MessagesStream(
            server.url_for(""), "m", "hi", max_tokens=9, **_options(session)
        ),
        _anthropic,
        _messages,
    ),
    Api(
        "responses",
        "/responses",
        lambda server, session: ResponsesStream(server.url_for("/v1"), "m", "hi", **_options(session)),
        _openai,
        _responses,
    ),
    Api(
        "generateContent",
        ":streamGenerateContent",
        lambda server, session: GenerateContentStream(
            server.url_for("/v1beta"), "m", "hi", **_options(session)
        ),
        _genai,
        _generate_content,
    ),
)
