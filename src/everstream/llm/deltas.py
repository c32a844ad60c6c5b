"""What an answer grows by, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["Delta", "DeltaKind", "TextDelta", "ToolCallDelta"]

DeltaKind = Literal["text", "reasoning", "refusal"]
"""What a piece of text belongs to: the answer, the thinking before it, or what came in its place."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of text.

    Attributes:
        text: The piece, never empty.
        kind: What it belongs to.
        choice: Which of several answers, from 0.
    """

    text: str = field(repr=False)
    kind: DeltaKind = "text"
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call.

    Attributes:
        arguments: A piece of the arguments, which together are a JSON text; it may be empty.
        id: The call's id; empty if it came before, or there is none.
        name: The tool's name; empty if it came before.
        index: Which of the calls, as the server counts; None if it does not.
        choice: Which of several answers, from 0.
    """

    arguments: str = field(repr=False)
    id: str = ""
    name: str = ""
    index: int | None = None
    choice: int = 0


Delta: TypeAlias = TextDelta | ToolCallDelta
"""What an answer grows by."""
