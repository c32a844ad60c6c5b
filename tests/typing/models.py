"""Streams of models as a typed program uses them. Never run; `make types` checks it with mypy and pyright.

Whoever adds to `everstream.llm` adds a line here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import requests

from everstream import EventSource, RetryPolicy, Timeouts
from everstream.llm import (
    AnswerIncomplete,
    ChatStream,
    Choice,
    Delta,
    GenerateContentStream,
    MessagesStream,
    ModelStream,
    ProviderError,
    ResponsesStream,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    stream_chat_completion,
)


def shortest() -> str:
    """One call, and what it says meanwhile."""
    return stream_chat_completion(
        "http://127.0.0.1:8000/v1", "a-model", "Why?", on_delta=print, temperature=0.5
    )


def streams(session: requests.Session, key: str) -> list[ModelStream]:
    """Each API has its own arguments, and those of the body by name."""
    messages: list[dict[str, object]] = [{"role": "user", "content": "Why?"}]
    return [
        ChatStream(model="a-model", messages="Why?"),
        ChatStream(
            "http://127.0.0.1:8000/v1",
            "a-model",
            messages,
            lambda: key,
            session=session,
            timeouts=Timeouts(read=600),
            retry=RetryPolicy.attempts(3),
            headers={"X-Client": "1"},
            terminator="finish_reason",
            keep_chunks=True,
            name="chat",
            temperature=0.5,
            stream_options=None,
        ),
        MessagesStream(model="a-model", messages=messages, api_key=key, max_tokens=100),
        ResponsesStream(model="a-model", input="Why?", background=True),
        ResponsesStream.resume("resp_1", 7, api_key=key),
        GenerateContentStream(model="a-model", contents="Why?"),
    ]


def pieces(stream: ModelStream) -> Iterator[str]:
    """Iterating gives text; `deltas()` gives all there is, as a closed union."""
    with stream:
        yield from stream
        for delta in stream.deltas():
            yield describe(delta)


def describe(delta: Delta) -> str:
    """A type checker sees that no case is missing."""
    match delta:
        case TextDelta(text=text, kind=kind, choice=choice):
            return f"{kind} {choice} {text}"
        case ToolCallDelta(arguments=arguments, id=call, name=name, index=index):
            return f"{call} {name} {index} {arguments}"


def told(stream: ModelStream) -> list[object]:
    """What can be read at any time."""
    text: str = stream.text + stream.reasoning + stream.refusal
    reason: str | None = stream.finish_reason
    usage: Mapping[str, object] | None = stream.usage
    model: str | None = stream.model
    identity: str | None = stream.id
    calls: tuple[ToolCall, ...] = stream.tool_calls
    choices: tuple[Choice, ...] = stream.choices
    chunks: tuple[Mapping[str, object], ...] = stream.chunks
    source: EventSource = stream.source
    arguments: list[str] = [call.id + call.name + call.arguments for call in calls]
    others: list[str | None] = [choice.finish_reason for choice in choices]
    return [text, reason, usage, model, identity, chunks, source, arguments, others, stream.is_complete]


def whole(stream: ModelStream) -> str:
    """The whole answer, or an error with what came of it."""
    try:
        return stream.read()
    except ProviderError as error:
        return f"{error.message} {error.status} {error.retryable} {error.text}"
    except AnswerIncomplete as error:
        return error.text
    finally:
        stream.close()


def numbered(stream: ResponsesStream) -> int | None:
    """Where another process would go on."""
    return stream.last_sequence_number
