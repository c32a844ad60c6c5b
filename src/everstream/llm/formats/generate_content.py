"""Generated content: the format of Google, with `alt=sse`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from everstream.core.errors import ProviderError
from everstream.core.events import Event
from everstream.llm.answer import Answer
from everstream.llm.deltas import Delta, TextDelta, ToolCallDelta
from everstream.llm.fields import Payload, fields_of, is_fields, items_of, json_of, number_of, text_of
from everstream.llm.formats import Format
from everstream.llm.formats.reported import error_of, reported

__all__ = ["GenerateContentFormat"]


class GenerateContentFormat(Format):
    """Chunks with candidates, and then the end of the body: there is no terminator.

    Args:
        candidates: How many were asked for.
    """

    def __init__(self, candidates: int = 1) -> None:
        self._candidates = candidates

    def is_whole(self, answer: Answer) -> bool:
        """Returns whether all that were asked for are over."""
        return answer.finishes(self._candidates)

    def deltas(self, payload: Payload) -> Iterable[Delta]:
        """Returns the deltas of all candidates."""
        for candidate in items_of(payload.get("candidates")):
            yield from _deltas_of(candidate)

    def note(self, payload: Payload, answer: Answer) -> None:
        """Notes id, model, usage, and why candidates are over."""
        answer.told(
            id=text_of(payload.get("responseId")),
            model=text_of(payload.get("modelVersion")),
            usage=fields_of(payload.get("usageMetadata")),
        )
        for candidate in items_of(payload.get("candidates")):
            reason = text_of(candidate.get("finishReason"))
            if reason:
                answer.finish(reason, number_of(candidate.get("index")) or 0)

    def gives(self, payload: Payload) -> bool:
        """Returns whether a candidate has a part, of whatever kind, or is over."""
        return any(
            fields_of(candidate.get("content")).get("parts") or text_of(candidate.get("finishReason"))
            for candidate in items_of(payload.get("candidates"))
        )

    def error_in(self, payload: Payload) -> ProviderError | None:
        """Returns the error in place of candidates, or why the prompt was blocked."""
        if payload.get("error"):
            return reported(error_of(payload))
        feedback = fields_of(payload.get("promptFeedback"))
        blocked = text_of(feedback.get("blockReason"))
        if not blocked:
            return None
        message = text_of(feedback.get("blockReasonMessage")) or "the prompt was blocked"
        return reported({"type": "blocked", "code": blocked, "message": message})

    def is_of(self, event: Event) -> bool:
        """Returns whether an event has no type: chunks have none."""
        return event.type == "message"


def _deltas_of(candidate: Payload) -> Iterator[Delta]:
    choice = number_of(candidate.get("index")) or 0
    for part in items_of(fields_of(candidate.get("content")).get("parts")):
        text = text_of(part.get("text"))
        if text:
            yield TextDelta(text, "reasoning" if part.get("thought") is True else "text", choice)
        call = part.get("functionCall")
        if is_fields(call):
            yield _call_of(fields_of(call), choice)


def _call_of(call: Payload, choice: int) -> ToolCallDelta:
    # Each call comes whole, and may have no id: so each is given a place of its own.
    return ToolCallDelta(
        json_of(call.get("args") or {}),
        id=text_of(call.get("id")),
        name=text_of(call.get("name")),
        choice=choice,
    )
