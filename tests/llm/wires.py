"""What the four APIs send, piece by piece, and streams that ask for it from the scripted server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from tenacity import wait_none

from everstream import EverstreamError, RetryPolicy, Timeouts
from everstream.llm import (
    ChatStream,
    GenerateContentStream,
    MessagesStream,
    ModelStream,
    ResponsesStream,
)
from everstream.llm.answer import Answer
from everstream.llm.formats import Format
from everstream.testing import SSEServer, Step, event
from tests.fakes import FakeClock

KEY = "sk-canary-0123456789"
DONE = event("[DONE]")

Part = Mapping[str, Any]
Ask = Callable[..., ModelStream]


def part(payload: object, *, type: str | None = None, id: str | None = None) -> Step:  # noqa: A002
    """Sends a payload as an event."""
    return event(json.dumps(payload), type=type, id=id)


def named(payload: Part) -> Step:
    """Sends a payload as an event of the type that it names, as Anthropic and Responses do."""
    return part(payload, type=payload["type"])


def delta(content: str | None = None, *, choice: int = 0, end: str | None = None, **fields: Any) -> Part:
    """Returns a chunk of a chat completion."""
    fields = fields if content is None else {"content": content, **fields}
    return {
        "id": "chat-1",
        "model": "model-1",
        "choices": [{"index": choice, "delta": fields, "finish_reason": end}],
    }


def block(index: int, **fields: Any) -> Part:
    """Returns the beginning of a block of a message."""
    return {"type": "content_block_start", "index": index, "content_block": fields}


def grown(index: int, **fields: Any) -> Part:
    """Returns what a block of a message grows by."""
    return {"type": "content_block_delta", "index": index, "delta": fields}


MESSAGE_START: Part = {
    "type": "message_start",
    "message": {"id": "msg-1", "model": "model-2", "usage": {"input_tokens": 5, "output_tokens": 1}},
}
MESSAGE_STOP: Part = {"type": "message_stop"}


def message_end(reason: str = "end_turn", **usage: object) -> Part:
    """Returns what tells why a message is over."""
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


def response(kind: str, number: int = 0, **fields: Any) -> Part:
    """Returns an event about a whole response."""
    return {
        "type": f"response.{kind}",
        "sequence_number": number,
        "response": {"id": "resp-1", "model": "model-3", **fields},
    }


def output(text: str, number: int) -> Part:
    """Returns a piece of a response's text."""
    return {"type": "response.output_text.delta", "sequence_number": number, "output_index": 0, "delta": text}


def completed(text: str, number: int, **fields: Any) -> Part:
    """Returns the end of a response, with the whole of it."""
    content = [{"type": "output_text", "text": text}]
    items = [{"type": "message", "content": content}]
    return response("completed", number, status="completed", output=items, **fields)


def candidate(text: str | None = None, *, end: str | None = None, index: int = 0, **part: Any) -> Part:
    """Returns a chunk of generated content."""
    parts = [{"text": text, **part}] if text is not None else [part] if part else []
    found: dict[str, Any] = {"content": {"parts": parts}, "index": index}
    if end is not None:
        found["finishReason"] = end
    return {"responseId": "gen-1", "modelVersion": "model-4", "candidates": [found]}


GREETINGS: Mapping[str, list[Step]] = {
    "chat": [part(delta("", role="assistant"))],
    "messages": [named(MESSAGE_START), named({"type": "ping"}), named(block(0, type="text", text=""))],
    "responses": [named(response("created")), named(response("in_progress", 1))],
    "generate_content": [part({"responseId": "gen-1", "usageMetadata": {"promptTokenCount": 3}})],
}
"""How a stream begins before there is anything of an answer."""

PIECES: Mapping[str, Callable[[str], Step]] = {
    "chat": lambda text: part(delta(text)),
    "messages": lambda text: named(grown(0, type="text_delta", text=text)),
    "responses": lambda text: named(output(text, 2)),
    "generate_content": lambda text: part(candidate(text)),
}
"""A piece of text."""

ENDS: Mapping[str, list[Step]] = {
    "chat": [part(delta(end="stop")), DONE],
    "messages": [named(message_end(output_tokens=9)), named(MESSAGE_STOP)],
    "responses": [named(completed("whole", 9))],
    "generate_content": [part(candidate(end="STOP"))],
}
"""How a stream ends whose text is `whole`."""

APIS = list(GREETINGS)


def whole(api: str) -> list[Step]:
    """Returns a stream that is whole; its text is `whole`."""
    return [*GREETINGS[api], *map(PIECES[api], ("wh", "ole")), *ENDS[api]]


STREAMS: Mapping[str, Ask] = {
    "chat": lambda url, **options: ChatStream(f"{url}/v1", "model", "Hi", **options),
    "messages": lambda url, **options: MessagesStream(url, "model", "Hi", max_tokens=9, **options),
    "responses": lambda url, **options: ResponsesStream(f"{url}/v1", "model", "Hi", **options),
    "generate_content": lambda url, **options: GenerateContentStream(f"{url}/v1", "model", "Hi", **options),
}
KEYS: Mapping[str, tuple[str, str, list[str]]] = {
    "chat": ("Authorization", "Bearer ", ["OPENAI_API_KEY"]),
    "messages": ("x-api-key", "", ["ANTHROPIC_API_KEY"]),
    "responses": ("Authorization", "Bearer ", ["OPENAI_API_KEY"]),
    "generate_content": ("x-goog-api-key", "", ["GEMINI_API_KEY", "GOOGLE_API_KEY"]),
}
"""The header that takes the key, what stands before it there, and where it is looked for."""

PATHS = {
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "responses": "/v1/responses",
    "generate_content": "/v1/models/model:streamGenerateContent",
}


def ask(server: SSEServer, api: str = "chat", **options: Any) -> ModelStream:
    """Returns a stream that asks the scripted server, and waits for nothing between attempts."""
    options.setdefault("api_key", KEY)
    return STREAMS[api](base_url(server), **{**patient(), **options})


def patient() -> dict[str, Any]:
    """Returns options by which no time passes between attempts, and three are made."""
    return {
        "retry": RetryPolicy.attempts(3, wait=wait_none()),
        "timeouts": Timeouts(connect=10, read=10),
        "clock": FakeClock(),
    }


def failure_of(stream: ModelStream) -> EverstreamError:
    """Returns how a stream fails."""
    with pytest.raises(EverstreamError) as caught:
        stream.read()
    return caught.value


def base_url(server: SSEServer) -> str:
    """Returns where the scripted server is, without a path."""
    return server.url.removesuffix("/events")


def answer_of(wire: Format, payloads: Iterable[Part]) -> Answer:
    """Returns what a format makes of payloads."""
    answer = Answer()
    for payload in payloads:
        for each in wire.deltas(payload):
            answer.add(each)
        wire.note(payload, answer)
    return answer
