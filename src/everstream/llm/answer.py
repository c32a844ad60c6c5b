"""An answer, put together from its deltas.

Rule: no format is known here. A format says what a payload adds; this only adds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from everstream.llm.deltas import Delta, DeltaKind, TextDelta, ToolCallDelta
from everstream.llm.fields import Payload

__all__ = ["Answer", "Choice", "ToolCall"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for.

    Attributes:
        id: The call's id, to be sent back with its result; empty if the server gives none.
        name: The tool's name.
        arguments: The arguments, a JSON text that a model wrote: it may be no JSON.
    """

    id: str
    name: str
    arguments: str = field(repr=False)


class Choice:
    """One of the answers to a request; most requests ask for one.

    Attributes:
        finish_reason: Why it is over, in the provider's word; None while it is not.
    """

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._texts: dict[DeltaKind, list[str]] = {"text": [], "reasoning": [], "refusal": []}
        self._calls: list[ToolCall] = []
        self._places: dict[int, int] = {}

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts["text"])

    @property
    def reasoning(self) -> str:
        """The thinking so far, where the model shows it."""
        return "".join(self._texts["reasoning"])

    @property
    def refusal(self) -> str:
        """What the model said in place of an answer, where the provider tells the two apart."""
        return "".join(self._texts["refusal"])

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls so far; whole once the answer is over."""
        return tuple(self._calls)

    def add(self, delta: Delta) -> bool:
        """Grows by a delta; returns whether it did."""
        if isinstance(delta, TextDelta):
            self._texts[delta.kind].append(delta.text)
            return True
        return self._add_to_call(delta)

    def end_call(self, index: int) -> None:
        """Notes that all of a call has come; one without arguments has an empty object of them."""
        place = self._places.get(index)
        if place is not None and not self._calls[place].arguments:
            self._calls[place] = replace(self._calls[place], arguments="{}")

    def settle(self, text: str, tool_calls: Sequence[ToolCall]) -> None:
        """Takes the whole from the server, in place of what came by deltas; what it leaves out stays."""
        if text:
            self._texts["text"] = [text]
        if tool_calls:
            self._calls = list(tool_calls)

    def _add_to_call(self, delta: ToolCallDelta) -> bool:
        place = self._place_of(delta)
        if place is None:
            return False
        call = self._calls[place]
        # Some servers repeat the name in every piece.
        name = call.name if delta.name in ("", call.name) else call.name + delta.name
        self._calls[place] = replace(
            call, id=call.id or delta.id, name=name, arguments=call.arguments + delta.arguments
        )
        return True

    def _place_of(self, delta: ToolCallDelta) -> int | None:
        """Returns which call a delta belongs to; None if to none that began."""
        latest = len(self._calls) - 1 if self._calls else None
        place = latest if delta.index is None else self._places.get(delta.index)
        if not (delta.id or delta.name):
            return place
        if place is not None and _continues(self._calls[place], delta):
            return place
        self._calls.append(ToolCall("", "", ""))
        place = len(self._calls) - 1
        if delta.index is not None:
            self._places[delta.index] = place
        return place


def _continues(call: ToolCall, delta: ToolCallDelta) -> bool:
    """Returns whether a delta with an id or a name goes on with the call of its place.

    Some servers do not count calls, and some count every call as the first.
    """
    if call.id and delta.id:
        return call.id == delta.id
    return delta.index is not None


class Answer:
    """What a response has told so far.

    Attributes:
        id: The response's id; None if it told none yet.
        model: The model that answers, in the server's words; None if it told none yet.
        usage: What it cost, as the server put it; None if it told nothing yet.
        choices: The answers, by their number.
        has_begun: Whether anything of an answer has come.
    """

    def __init__(self) -> None:
        self.id: str | None = None
        self.model: str | None = None
        self.usage: Payload | None = None
        self.choices: dict[int, Choice] = {0: Choice()}
        self.has_begun = False

    def choice(self, index: int) -> Choice:
        """Returns one of the answers."""
        return self.choices.setdefault(index, Choice())

    def add(self, delta: Delta) -> bool:
        """Grows by a delta; returns whether it did."""
        self.has_begun = True
        return self.choice(delta.choice).add(delta)

    def finish(self, reason: str, choice: int = 0) -> None:
        """Notes why one of the answers is over."""
        self.has_begun = True
        self.choice(choice).finish_reason = reason

    def told(self, *, id: str = "", model: str = "", usage: Payload | None = None) -> None:  # noqa: A002
        """Notes facts; what is empty says nothing, and the first id is the response's."""
        # Groq ends with a chunk whose id is a stub.
        self.id = self.id or id or None
        self.model = model or self.model
        self.usage = usage or self.usage

    def finishes(self, choices: int = 1) -> bool:
        """Returns whether so many answers, those too of which nothing came, have told why they are over."""
        told = all(choice.finish_reason is not None for choice in self.choices.values())
        return told and len(self.choices) >= choices
