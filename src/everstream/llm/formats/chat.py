"""Chat completions: the format of OpenAI, and of the many servers that are compatible with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from everstream.core.errors import ProviderError
from everstream.core.events import Event
from everstream.llm.answer import Answer
from everstream.llm.deltas import Delta, TextDelta, ToolCallDelta
from everstream.llm.fields import Payload, fields_of, items_of, number_of, text_of
from everstream.llm.formats import Format
from everstream.llm.formats.reported import error_of, reported

__all__ = ["ChatFormat", "ChatFormatWithoutDone"]


class ChatFormat(Format):
    """Chunks with choices, then `[DONE]`, which counts: not all servers tell a finish reason for each."""

    sentinel: ClassVar[str | None] = "[DONE]"

    def deltas(self, payload: Payload) -> Iterable[Delta]:
        """Returns the deltas of all choices."""
        for choice in items_of(payload.get("choices")):
            yield from _deltas_of(fields_of(choice.get("delta")), number_of(choice.get("index")) or 0)

    def note(self, payload: Payload, answer: Answer) -> None:
        """Notes id, model, usage, and why choices are over."""
        answer.told(
            id=text_of(payload.get("id")),
            model=text_of(payload.get("model")),
            usage=fields_of(payload.get("usage")),
        )
        for choice in items_of(payload.get("choices")):
            reason = text_of(choice.get("finish_reason"))
            if reason:
                answer.finish(reason, number_of(choice.get("index")) or 0)

    def gives(self, payload: Payload) -> bool:
        """Returns whether a choice has more than a role, as sound and what servers add to it, or is over."""
        for choice in items_of(payload.get("choices")):
            given = {name for name, value in fields_of(choice.get("delta")).items() if value}
            if given - {"role"} or text_of(choice.get("finish_reason")):
                return True
        return False

    def error_in(self, payload: Payload) -> ProviderError | None:
        """Returns the error beside, or in place of, the choices."""
        # OpenRouter may report it with a choice, vLLM as an object of its own.
        for place in (payload, *items_of(payload.get("choices"))):
            if place.get("error"):
                return reported(error_of(place))
            if place.get("finish_reason") == "error":
                return reported({"type": "error", "message": "the model ended with an error"})
        return reported(payload) if payload.get("object") == "error" else None

    def is_of(self, event: Event) -> bool:
        """Returns whether an event has no type: chunks have none."""
        return event.type == "message"


class ChatFormatWithoutDone(ChatFormat):
    """The same of servers that end the body after the last finish reason, without `[DONE]`.

    Args:
        choices: How many answers were asked for.
    """

    sentinel: ClassVar[str | None] = None

    def __init__(self, choices: int = 1) -> None:
        self._choices = choices

    def is_whole(self, answer: Answer) -> bool:
        """Returns whether all that were asked for are over."""
        return answer.finishes(self._choices)


def _deltas_of(delta: Payload, choice: int) -> Iterator[Delta]:
    # Two names for one thing; servers that send both send the same text.
    reasoning = text_of(delta.get("reasoning_content"), delta.get("reasoning"))
    if reasoning:
        yield TextDelta(reasoning, "reasoning", choice)
    content = delta.get("content")
    if isinstance(content, str):
        if content:
            yield TextDelta(content, "text", choice)
    else:
        yield from _parts(content, choice)
    refusal = text_of(delta.get("refusal"))
    if refusal:
        yield TextDelta(refusal, "refusal", choice)
    for call in items_of(delta.get("tool_calls")):
        function = fields_of(call.get("function") or call.get("custom"))
        yield ToolCallDelta(
            text_of(function.get("arguments"), function.get("input")),
            id=text_of(call.get("id")),
            name=text_of(function.get("name")),
            index=number_of(call.get("index")),
            choice=choice,
        )


def _parts(content: object, choice: int) -> Iterator[Delta]:
    """Gives the deltas of content that is a list of parts, as Mistral's is while the model thinks."""
    for part in items_of(content):
        thinking = "".join(text_of(inner.get("text")) for inner in items_of(part.get("thinking")))
        if thinking:
            yield TextDelta(thinking, "reasoning", choice)
        text = text_of(part.get("text"))
        if text:
            yield TextDelta(text, "text", choice)
