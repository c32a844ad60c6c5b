"""What befalls the answer of a model on its way."""

from __future__ import annotations

from dataclasses import dataclass

from everstream.core.errors.connection import StreamIncomplete
from everstream.core.wording import count, printable

__all__ = ["AnswerIncomplete"]


@dataclass(kw_only=True, eq=False, repr=False)
class AnswerIncomplete(StreamIncomplete):
    """The answer of a model broke off; the `__cause__` says how, if anything failed.

    Attributes:
        text: The text that had come; it is not in the message.
        reason: Why there is no more of it.
    """

    text: str
    reason: str

    def __str__(self) -> str:
        came = count(len(self.text), "character")
        return f"the answer broke off after {came}: {printable(self.reason, 500)}"
