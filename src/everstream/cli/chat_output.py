"""The answer of a model on stdout: as it comes, or as one object."""

from __future__ import annotations

from typing import Protocol, TextIO

from everstream import EverstreamError
from everstream.cli.escaping import escaped, json_text
from everstream.llm import ModelStream, ProviderError

__all__ = ["AnswerObject", "AnswerText", "AnswerWriter"]


class AnswerWriter(Protocol):
    """Writes an answer."""

    def piece(self, text: str) -> None:
        """Takes a piece of text as it comes."""
        ...

    def make_room(self) -> None:
        """Makes room for a line on stderr, where that is the same terminal."""
        ...

    def finish(self, stream: ModelStream, error: EverstreamError | None) -> None:
        """Ends what was written."""
        ...


class AnswerText:
    """The text, each piece flushed at once, and a line feed at the end if it has none.

    Args:
        out: Where to. A terminal gets what is safe there, anything else the text as it is.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._for_eyes = out.isatty()
        self._line_is_open = False

    def piece(self, text: str) -> None:
        """Writes a piece."""
        self._line_is_open = not text.endswith("\n")
        self._out.write(escaped(text, tabs=True) if self._for_eyes else text)
        self._out.flush()

    def make_room(self) -> None:
        """Ends the line on a terminal; elsewhere, that would be none of the text."""
        if self._for_eyes:
            self._end_line()

    def finish(self, stream: ModelStream, error: EverstreamError | None) -> None:
        """Ends the last line."""
        self._end_line()

    def _end_line(self) -> None:
        if self._line_is_open:
            self.piece("\n")


class AnswerObject:
    """One JSON object, at the end, whatever the end is.

    Args:
        out: Where to.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def piece(self, text: str) -> None:
        """Keeps nothing: the stream does."""

    def make_room(self) -> None:
        """Has nothing to do: there is no open line."""

    def finish(self, stream: ModelStream, error: EverstreamError | None) -> None:
        """Writes the object."""
        self._out.write(json_text({**_fields(stream), "error": _error_fields(error)}) + "\n")
        self._out.flush()


def _fields(stream: ModelStream) -> dict[str, object]:
    return {
        "text": stream.text,
        "reasoning": stream.reasoning,
        "refusal": stream.refusal,
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in stream.tool_calls
        ],
        "finish_reason": stream.finish_reason,
        "usage": stream.usage,
        "model": stream.model,
        "id": stream.id,
        "complete": stream.is_complete,
    }


def _error_fields(error: EverstreamError | None) -> dict[str, object] | None:
    if error is None:
        return None
    fields = {"error_type": type(error).__name__, "message": str(error), "retryable": error.retryable}
    reported = error if isinstance(error, ProviderError) else error.__cause__
    if isinstance(reported, ProviderError):
        return {**fields, "status": reported.status, "type": reported.type, "code": reported.code}
    return {**fields, "status": None, "type": None, "code": None}
