"""`ModelStream`: an event source whose events make an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from everstream.core.arguments import LONGEST_WAIT
from everstream.core.errors import (
    AnswerIncomplete,
    EverstreamError,
    ProviderError,
    ResponseRejected,
    StreamIncomplete,
    StreamInterrupted,
)
from everstream.core.events import Closed, CloseReason, Event, Failed, Opened
from everstream.core.payloads import ErrorIn
from everstream.core.reconnection import RetryPolicy
from everstream.llm.answer import Choice, ToolCall
from everstream.llm.assembly import Assembly
from everstream.llm.deltas import Delta, TextDelta
from everstream.llm.formats import Format
from everstream.llm.request import ANEW, ModelRequest, StreamOptions
from everstream.source import EventSource

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["ModelStream"]


class ModelStream:
    """The answer of a model, as it comes.

    Iterate over it for the pieces of text, or over `deltas()` for thinking and tool calls as well; or call
    `read()` for the whole. Nothing is sent before the first is asked for. What has come so far can be read
    from the attributes at any time, from any thread, and after a failure too.

    A loop that ends normally has given a whole answer, unless `close()` was called: see `is_complete`.

    Attributes:
        source: The event source underneath: its log, its counts, its health.
    """

    def __init__(self, wire: Format, request: ModelRequest, options: StreamOptions) -> None:
        """Describes the request; see the classes below."""
        request.session = options.session
        self._assembly = assembly = Assembly(wire, keep_chunks=options.keep_chunks)
        self._failure: EverstreamError | None = None
        self._is_complete = self._is_over = False
        self.source = EventSource(
            request.url,
            method=request.method,
            headers=request.headers(),
            params=request.params,
            json=request.body,
            session=options.session,
            timeouts=options.timeouts,
            retry=_unmoved_by_silence(options.retry) if request.resume is None else options.retry,
            resume=request.resume or ANEW,
            replay_safe=False if request.resume is None else None,
            last_event_id=request.last_event_id,
            until=assembly.until(),
            error_in=_errors_of(assembly, request, options),
            progress_in=assembly.progress_in,
            name=options.name,
            logger=options.logger,
            metrics=options.metrics,
            clock=options.clock,
        )

    def __iter__(self) -> Iterator[str]:
        """Gives the text of the answer, the first if there are several, piece by piece as it comes.

        Raises:
            ProviderError: The server reported an error; it carries the text that had come.
            AnswerIncomplete: The answer broke off; it carries the text that had come.
            EverstreamError: No answer could be had. Iterating again raises it again.
        """
        return (
            delta.text
            for delta in self.deltas()
            if isinstance(delta, TextDelta) and delta.kind == "text" and delta.choice == 0
        )

    def __next__(self) -> str:
        """Returns the next piece of text; see `__iter__`."""
        return next(iter(self))

    def deltas(self) -> Iterator[Delta]:
        """Gives everything that the answers grow by: text, thinking, refusals, tool calls, of all choices.

        A loop that was left can be entered again: it goes on where it stopped.

        Raises:
            EverstreamError: As for `__iter__`.
        """
        while True:
            delta = self._assembly.next_delta()
            if delta is not None:
                yield delta
            elif not self._take_next():
                return

    def read(self) -> str:
        """Returns the whole text of the answer, once it is whole.

        Raises:
            AnswerIncomplete: It broke off, or the stream was closed before its end.
            EverstreamError: As for `__iter__`.
        """
        for _ in self.deltas():
            pass
        if not self._is_complete:
            raise self._broken_off("the stream was closed", None)
        return self.text

    @property
    def text(self) -> str:
        """The text so far; of the first answer if there are several."""
        return self._first.text

    @property
    def reasoning(self) -> str:
        """The thinking so far, where the model shows it."""
        return self._first.reasoning

    @property
    def refusal(self) -> str:
        """What the model said in place of an answer, where the provider tells the two apart."""
        return self._first.refusal

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls so far; whole once the answer is complete."""
        return self._first.tool_calls

    @property
    def finish_reason(self) -> str | None:
        """Why the answer is over, in the provider's word, such as `stop` or `end_turn`; None before."""
        return self._first.finish_reason

    @property
    def usage(self) -> Mapping[str, object] | None:
        """What it cost, as the provider put it, in tokens; None if it has told nothing."""
        return self._assembly.answer.usage

    @property
    def model(self) -> str | None:
        """The model that answers, in the provider's words; None before it told."""
        return self._assembly.answer.model

    @property
    def id(self) -> str | None:
        """The provider's id of the response; None before it told."""
        return self._assembly.answer.id

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The answers, if several were asked for, in their order."""
        return tuple(choice for _, choice in sorted(self._assembly.answer.choices.items()))

    @property
    def chunks(self) -> tuple[Mapping[str, object], ...]:
        """The payloads as they came, if `keep_chunks=True`; else none."""
        return tuple(self._assembly.chunks)

    @property
    def is_complete(self) -> bool:
        """Whether the answer is whole: its end has come."""
        return self._is_complete

    def close(self) -> None:
        """Ends the stream, at once and for good, as `EventSource.close` does; the loop ends normally."""
        self._assembly.close()
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        self.source.__exit__(kind, error, trace)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.source.name} {'complete' if self._is_complete else 'incomplete'}>"
        )

    @property
    def _first(self) -> Choice:
        return self._assembly.answer.choice(0)

    def _take_next(self) -> bool:
        """Takes the next item of the source; returns whether there may be more."""
        if self._failure is not None:
            raise self._failure
        item = next(self.source.all(raise_on_failure=False), None)
        self._is_over = self._is_over or isinstance(item, (Closed, Failed))
        match item:
            case Opened(last_event_id=cursor):
                if not cursor:
                    self._assembly.begin()
            case Event():
                self._take(item)
            case None if not self._is_over:
                self._fail(self._broken_off("an exception ended the stream", None))
            case Closed(reason="until" | "eof" as reason):
                self._ended(reason)
            case Closed(reason="no content"):
                self._fail(self._broken_off("the server answered without content", None))
            case Failed(error=error):
                self._fail(self._meaning_of(error))
            case _:
                pass
        return item is not None

    def _take(self, event: Event) -> None:
        self._assembly.take(event)

    def _ended(self, reason: CloseReason) -> None:
        if not self._assembly.answer.has_begun:
            self._fail(self._broken_off("the stream ended, and there was no answer in it", None))
        elif self._assembly.is_whole(reason):
            self._is_complete = True
        else:
            received = self.source.stats
            cause = StreamInterrupted(
                reason="eof", bytes_received=received.bytes, events_received=received.events
            )
            self._fail(self._broken_off(str(cause), cause))

    def _fail(self, error: EverstreamError) -> None:
        self._failure = error
        raise error

    def _meaning_of(self, error: EverstreamError) -> EverstreamError:
        if isinstance(error, ProviderError):
            error.text = self.text
            return error
        if self._assembly.answer.has_begun or isinstance(error, StreamIncomplete):
            return self._broken_off(str(error), error)
        return error

    def _broken_off(self, reason: str, cause: EverstreamError | None) -> AnswerIncomplete:
        told = cause if isinstance(cause, StreamIncomplete) else None
        incomplete = AnswerIncomplete(
            until=None if told is None else told.until,
            events_received=self.source.stats.events,
            bytes_received=self.source.stats.bytes,
            received=() if told is None else told.received,
            text=self.text,
            reason=reason,
        )
        incomplete.__cause__ = cause
        incomplete.retryable = told is not None or (cause is not None and cause.retryable)
        return incomplete


def _errors_of(assembly: Assembly, request: ModelRequest, options: StreamOptions) -> ErrorIn:
    """Returns the function that finds errors, for an event source."""

    def error_in(found: Event | ResponseRejected) -> EverstreamError | None:
        error = assembly.error_in(found)
        if isinstance(error, ProviderError):
            request.explain(error)
            longest = options.retry.max_server_delay if isinstance(options.retry, RetryPolicy) else 0.0
            if error.retry_after is not None and error.retry_after > longest:
                # Sooner, it would be refused again: somebody waits, and shall know now.
                error.retryable = False
        return error

    return error_in


def _unmoved_by_silence(retry: RetryPolicy | None) -> RetryPolicy | None:
    """Returns a policy by which a connection that stays open ends no outage, though it be for an hour.

    A model that thinks for longer than `stable_after` each time, and is cut off each time, would otherwise be
    asked, and paid for, without end.
    """
    # What is no policy is refused by the event source.
    return replace(retry, stable_after=LONGEST_WAIT) if isinstance(retry, RetryPolicy) else retry
