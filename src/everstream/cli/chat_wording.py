"""What there is to say of an answer, beside its text: one line each, safe in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from everstream import EverstreamError, StreamIncomplete
from everstream.cli.escaping import escaped
from everstream.cli.wording import count, reason
from everstream.core.wording import seconds
from everstream.llm import AnswerIncomplete, ChatStream, ProviderError

__all__ = ["has_begun", "of_failure", "of_success"]

_WHOLE = ("stop", "tool_calls", "function_call")
_CUT = {
    "length": "the answer is cut: it has reached its limit on tokens",
    "content_filter": "the answer is cut: a filter of the provider has stopped it",
}


def has_begun(stream: ChatStream) -> bool:
    """Returns whether anything of an answer has come."""
    return bool(stream.text or stream.reasoning or stream.refusal or stream.tool_calls)


def of_success(stream: ChatStream) -> Iterator[str]:
    """Yields what the text of a whole answer does not show."""
    calls = len(stream.tool_calls)
    if stream.refusal:
        yield f"the model refuses: {escaped(stream.refusal)}"
    if calls:
        yield f"the model asks for {count(calls, 'tool call')}; --json shows them"
    if not (stream.text or stream.refusal or calls):
        yield "the answer is empty"
    finish = stream.finish_reason
    if finish is not None and finish not in _WHOLE:
        said = _CUT.get(finish, "the model stopped before it was done")
        yield f"{said} (finish_reason: {escaped(finish)})"


def of_failure(error: EverstreamError, stream: ChatStream) -> Iterator[str]:
    """Yields why there is no answer, or no more of it, and what may help."""
    why = escaped(error.reason) if isinstance(error, AnswerIncomplete) else reason(error)
    if has_begun(stream) or (isinstance(error, AnswerIncomplete) and error.__cause__ is not None):
        yield f"the answer is incomplete: {why}"
    else:
        # A signal, say, before anything of an answer had come.
        yield why
    if isinstance(error, ProviderError) and error.retry_after:
        yield f"the server asks to wait for {seconds(error.retry_after)}"
    if isinstance(error.__cause__, StreamIncomplete) and stream.finish_reason is not None:
        yield "all of it may have come; if the server never sends [DONE]: --terminator finish_reason"
