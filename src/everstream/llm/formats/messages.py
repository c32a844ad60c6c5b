"""Messages: the format of Anthropic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from everstream.core.errors import ProviderError
from everstream.core.events import Event
from everstream.llm.answer import Answer
from everstream.llm.deltas import Delta, TextDelta, ToolCallDelta
from everstream.llm.fields import Payload, fields_of, json_of, number_of, text_of
from everstream.llm.formats import Format
from everstream.llm.formats.reported import error_of, reported

__all__ = ["MessagesFormat"]

_TYPES = frozenset({
    "content_block_delta",
    "content_block_start",
    "content_block_stop",
    "error",
    "message_delta",
    "message_start",
    "message_stop",
    "message",
})  # fmt: skip


class MessagesFormat(Format):
    """A message of content blocks, each begun, grown and stopped; then `message_stop`."""

    last_type: ClassVar[str | None] = "message_stop"

    def deltas(self, payload: Payload) -> Iterable[Delta]:
        """Returns what a content block begins with or grows by."""
        index = number_of(payload.get("index"))
        match payload.get("type"):
            case "content_block_start":
                return _begun(fields_of(payload.get("content_block")), index)
            case "content_block_delta":
                return _grown(fields_of(payload.get("delta")), index)
            case _:
                return ()

    def note(self, payload: Payload, answer: Answer) -> None:
        """Notes id, model, usage, and why the message is over."""
        match payload.get("type"):
            case "message_start":
                message = fields_of(payload.get("message"))
                answer.told(
                    id=text_of(message.get("id")),
                    model=text_of(message.get("model")),
                    usage=fields_of(message.get("usage")),
                )
            case "content_block_stop":
                index = number_of(payload.get("index"))
                if index is not None:
                    answer.choice(0).end_call(index)
            case "message_delta":
                # Its counts are totals, which replace those of the start; what it leaves out stays.
                told = fields_of(payload.get("usage")).items()
                usage = {**(answer.usage or {}), **{k: v for k, v in told if v is not None}}
                answer.told(usage=usage)
                reason = text_of(fields_of(payload.get("delta")).get("stop_reason"))
                if reason:
                    answer.finish(reason)
            case _:
                pass

    def gives(self, payload: Payload) -> bool:
        """Returns whether a block has something in it, tools that the provider runs too, or all is over."""
        match payload.get("type"):
            case "content_block_start":
                block = fields_of(payload.get("content_block"))
                is_filled_later = block.get("type") in ("text", "thinking")
                return not is_filled_later or bool(text_of(block.get("text"), block.get("thinking")))
            case "content_block_delta" | "message_stop":
                return True
            case _:
                return bool(text_of(fields_of(payload.get("delta")).get("stop_reason")))

    def error_in(self, payload: Payload) -> ProviderError | None:
        """Returns the error of an `error` event."""
        return reported(error_of(payload)) if payload.get("type") == "error" or payload.get("error") else None

    def is_of(self, event: Event) -> bool:
        """Returns whether an event is of a type that the format has."""
        return event.type in _TYPES


def _begun(block: Payload, index: int | None) -> Iterable[Delta]:
    match block.get("type"):
        case "text":
            return _text(text_of(block.get("text")))
        case "thinking":
            return _text(text_of(block.get("thinking")), reasoning=True)
        case "tool_use":
            given = block.get("input")
            return [
                ToolCallDelta(
                    json_of(given) if given else "",
                    id=text_of(block.get("id")),
                    name=text_of(block.get("name")),
                    index=index,
                )
            ]
        case _:
            # Tools that the provider runs itself, and their results: nothing that the caller is to do.
            return ()


def _grown(delta: Payload, index: int | None) -> Iterable[Delta]:
    match delta.get("type"):
        case "text_delta":
            return _text(text_of(delta.get("text")))
        case "thinking_delta":
            return _text(text_of(delta.get("thinking")), reasoning=True)
        case "input_json_delta":
            piece = text_of(delta.get("partial_json"))
            return [ToolCallDelta(piece, index=index)] if piece else ()
        case _:
            return ()


def _text(text: str, *, reasoning: bool = False) -> Iterable[Delta]:
    return [TextDelta(text, "reasoning" if reasoning else "text")] if text else ()
