"""What a stream was understood to say, in one form for us and for others."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from everstream import EverstreamError
from everstream.llm import ModelStream, ProviderError

QUIET = logging.getLogger("tests.llm.sdks")
"""Thousands of answers are cut, and each would be an error in the log."""
QUIET.disabled = True


@dataclass(frozen=True)
class Call:
    """A tool call, its arguments parsed."""

    id: str
    name: str
    arguments: object


@dataclass(frozen=True)
class Answered:
    """What a stream was understood to say; `error` is the message of what was raised in the end."""

    text: str
    reasoning: str
    tool_calls: tuple[Call, ...]
    finish_reason: str | None
    usage: Mapping[str, Any] | None
    model: str | None
    id: str | None
    error: str | None = None


def answered(stream: ModelStream) -> Answered:
    """Reads one of our streams to its end."""
    with stream:
        failure = failure_of(stream)
    assert failure is None or (isinstance(failure, ProviderError) and failure.text == stream.text)
    return answer_so_far(stream, None if failure is None else failure.message)


def failure_of(stream: ModelStream) -> EverstreamError | None:
    """Reads one of our streams as far as it goes; returns what it raised in the end."""
    try:
        stream.read()
    except EverstreamError as raised:
        return raised
    return None


def answer_so_far(stream: ModelStream, error: str | None = None) -> Answered:
    """Returns what one of our streams has understood by now."""
    calls = (Call(call.id, call.name, parsed(call.arguments)) for call in stream.tool_calls)
    return Answered(
        text=stream.text,
        reasoning=stream.reasoning,
        tool_calls=tuple(calls) if stream.is_complete else (),
        finish_reason=stream.finish_reason,
        usage=stream.usage,
        model=stream.model,
        id=stream.id,
        error=error,
    )


def parsed(arguments: str | None) -> object:
    """Returns the arguments of a call, of which none may be empty text."""
    return json.loads(arguments or "{}")
