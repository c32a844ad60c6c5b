"""What a wire format of a model API has to tell; a file for each format.

- `chat.py`: chat completions, of OpenAI and all that are compatible
- `messages.py`: messages, of Anthropic
- `responses.py`: responses, of OpenAI
- `generate_content.py`: generated content, of Google
- `reported.py`: errors, in whose words so ever
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from everstream.core.errors import ProviderError
from everstream.core.events import Event
from everstream.llm.answer import Answer
from everstream.llm.deltas import Delta
from everstream.llm.fields import Payload

__all__ = ["Format"]


class Format(ABC):
    """Reads the payloads of one API.

    All of it is a function of a payload, so that the same payload may be read twice. Event types that are
    not known give nothing. If there is neither a sentinel nor a last type, a clean end of the body ends a
    stream.

    Attributes:
        sentinel: The data of the event that ends a stream and says nothing else; None if there is none.
        last_type: The `type` in the payload that ends a stream; None if there is none.
    """

    sentinel: ClassVar[str | None] = None
    last_type: ClassVar[str | None] = None

    @abstractmethod
    def deltas(self, payload: Payload) -> Iterable[Delta]:
        """Returns what the answer grows by."""

    @abstractmethod
    def note(self, payload: Payload, answer: Answer) -> None:
        """Writes into the answer what a payload tells beside deltas: facts, and that it is over."""

    @abstractmethod
    def gives(self, payload: Payload) -> bool:
        """Returns whether a payload carries anything of an answer, be it no delta, or its end."""

    @abstractmethod
    def error_in(self, payload: Payload) -> ProviderError | None:
        """Returns the error that a payload reports, if it reports one."""

    @abstractmethod
    def is_of(self, event: Event) -> bool:
        """Returns whether an event must have a payload; what others carry is passed over."""

    def is_whole(self, answer: Answer) -> bool:
        """Returns whether an answer may end like this, if no event of its own ended the stream."""
        return answer.finishes()
