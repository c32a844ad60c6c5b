"""Responses: the newer format of OpenAI, with events that have names and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from everstream.core.errors import ProviderError
from everstream.core.events import Event
from everstream.llm.answer import Answer, ToolCall
from everstream.llm.deltas import Delta, DeltaKind, TextDelta, ToolCallDelta
from everstream.llm.fields import Payload, fields_of, items_of, number_of, text_of
from everstream.llm.formats import Format
from everstream.llm.formats.reported import error_of, reported

__all__ = ["ResponsesFormat"]

_COMPLETED = "response.completed"
_UNSUCCESSFUL = frozenset({"response.failed", "response.incomplete", "response.cancelled"})
_PREPARATIONS = frozenset({
    "response.content_part.added",
    "response.created",
    "response.in_progress",
    "response.queued",
    "response.reasoning_summary_part.added",
})  # fmt: skip
_FILLED_LATER = frozenset({"message", "reasoning"})
_CALLS = frozenset({"function_call", "custom_tool_call"})
_CALL_DELTAS = frozenset({"response.function_call_arguments.delta", "response.custom_tool_call_input.delta"})
_TEXTS: dict[str, DeltaKind] = {
    "response.output_text.delta": "text",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
    "response.refusal.delta": "refusal",
}


class ResponsesFormat(Format):
    """Output items, begun, grown and done; then the whole response in `response.completed`.

    Args:
        resumable: Whether another request goes on with the same response, failed as it may be.
    """

    last_type: ClassVar[str | None] = _COMPLETED

    def __init__(self, *, resumable: bool = False) -> None:
        self._resumable = resumable

    def deltas(self, payload: Payload) -> Iterable[Delta]:
        """Returns what an output item begins with or grows by."""
        kind, index = text_of(payload.get("type")), number_of(payload.get("output_index"))
        piece = text_of(payload.get("delta"))
        if kind in _TEXTS:
            return [TextDelta(piece, _TEXTS[kind])] if piece else ()
        if kind in _CALL_DELTAS:
            return [ToolCallDelta(piece, index=index)] if piece else ()
        item = fields_of(payload.get("item"))
        if kind == "response.output_item.added" and text_of(item.get("type")) in _CALLS:
            call = _call_of(item)
            return [ToolCallDelta(call.arguments, id=call.id, name=call.name, index=index)]
        return ()

    def note(self, payload: Payload, answer: Answer) -> None:
        """Notes id, model, usage; and at the end, the whole."""
        response = fields_of(payload.get("response"))
        answer.told(
            id=text_of(response.get("id")),
            model=text_of(response.get("model")),
            usage=fields_of(response.get("usage")),
        )
        kind = text_of(payload.get("type"))
        if kind == _COMPLETED or kind in _UNSUCCESSFUL:
            _settle(items_of(response.get("output")), answer)
        if kind == _COMPLETED:
            answer.finish(text_of(response.get("status")) or "completed")

    def gives(self, payload: Payload) -> bool:
        """Returns whether there is some output, of tools that the provider runs too, or all is over."""
        kind = text_of(payload.get("type"))
        if kind == "response.output_item.added":
            return text_of(fields_of(payload.get("item")).get("type")) not in _FILLED_LATER
        return kind.startswith("response.") and kind not in _PREPARATIONS

    def error_in(self, payload: Payload) -> ProviderError | None:
        """Returns the error of the stream, or of a response that failed, broke off or was cancelled."""
        kind = text_of(payload.get("type"))
        if kind == "error":
            return _of_error_event(payload)
        if kind not in _UNSUCCESSFUL:
            return reported(error_of(payload)) if not kind and payload.get("error") else None
        response = fields_of(payload.get("response"))
        reason = text_of(fields_of(response.get("incomplete_details")).get("reason"))
        found = reported(response.get("error") or {"code": reason})
        found.type = kind.partition(".")[2]
        found.message = found.message or f"the response is {found.type}"
        found.retryable = found.retryable and not self._resumable
        return found

    def is_of(self, event: Event) -> bool:
        """Returns whether an event has a type of the format, or none: some servers name it in data only."""
        return event.type.startswith("response.") or event.type in ("error", "message")


def _of_error_event(payload: Payload) -> ProviderError:
    # Its type says nothing but "error".
    return reported(error_of({name: value for name, value in payload.items() if name != "type"}))


def _settle(output: Iterable[Payload], answer: Answer) -> None:
    """Takes text and calls from the whole response: after a resumption it has what the deltas lack."""
    items = list(output)
    parts = [
        part for item in items if item.get("type") == "message" for part in items_of(item.get("content"))
    ]
    texts = [text_of(part.get("text")) for part in parts if part.get("type") == "output_text"]
    calls = [_call_of(item) for item in items if text_of(item.get("type")) in _CALLS]
    answer.choice(0).settle("".join(texts), calls)


def _call_of(item: Payload) -> ToolCall:
    return ToolCall(
        id=text_of(item.get("call_id"), item.get("id")),
        name=text_of(item.get("name")),
        arguments=text_of(item.get("arguments"), item.get("input")),
    )
