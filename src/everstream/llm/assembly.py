"""From events to an answer: what a stream does with what its event source gives.

Rule: nothing here knows the stream that uses it. What an event source asks, by functions, it asks this; so
the two are no circle, and a stream that nobody holds any more is gone, with its connection, at once.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress

from everstream.core.ending import Until
from everstream.core.errors import EverstreamError, InvalidJSON, ResponseRejected
from everstream.core.events import CloseReason, Event
from everstream.llm.answer import Answer
from everstream.llm.deltas import Delta
from everstream.llm.fields import Payload
from everstream.llm.formats import Format
from everstream.llm.payloads import Payloads

__all__ = ["Assembly"]


class Assembly:
    """An answer, and what is to be put to it.

    Args:
        wire: The format.
        keep_chunks: Whether payloads are kept.

    Attributes:
        answer: What was put together so far.
        chunks: The payloads; none if they are not kept.
    """

    def __init__(self, wire: Format, *, keep_chunks: bool) -> None:
        self.answer = Answer()
        self.chunks: list[Payload] = []
        self._keep_chunks = keep_chunks
        self._format = wire
        self._payloads = Payloads(wire)
        self._pending: deque[Delta] = deque()

    def until(self) -> Until | None:
        """Returns what ends the stream."""
        last = self._format.last_type
        return self._format.sentinel if last is None else self._is_last

    def error_in(self, found: Event | ResponseRejected) -> EverstreamError | None:
        """Returns the error that an event carries, or what a refused response means."""
        error = self._payloads.error_in(found)
        if error is not None and isinstance(found, Event):
            # Beside an error may stand a last piece, what the answer cost, or all that there is of it.
            with suppress(InvalidJSON):
                for delta in self._payloads.deltas(found):
                    self.answer.add(delta)
                self._note(self._payloads.of(found))
        return error

    def progress_in(self, event: Event) -> bool:
        """Returns whether an event carries anything of an answer."""
        return self._payloads.progress_in(event)

    def payload_of(self, event: Event) -> Payload:
        """Returns the payload of an event that was given; empty if it has none that the format knows."""
        return self._payloads.of(event)

    def begin(self) -> None:
        """Begins anew: what an attempt told before it gave anything counts no more."""
        self.answer = Answer()
        self.chunks = []

    def take(self, event: Event) -> None:
        """Takes an event; what the answer grows by is to be had from `next_delta`."""
        self._pending.extend(self._payloads.deltas(event))
        self.answer.has_begun = self.answer.has_begun or self._payloads.progress_in(event)
        self._note(self._payloads.of(event))

    def next_delta(self) -> Delta | None:
        """Returns the next delta, and puts it to the answer; None if another event is needed."""
        # Whoever closes the stream takes away what is pending, at any moment.
        with suppress(IndexError):
            while True:
                delta = self._pending.popleft()
                if self.answer.add(delta):
                    return delta
        return None

    def close(self) -> None:
        """Gives no more; from any thread."""
        self._pending.clear()

    def is_whole(self, reason: CloseReason) -> bool:
        """Returns whether the answer is whole, now that the stream ended for this reason."""
        return reason == "until" or self._format.is_whole(self.answer)

    def _is_last(self, event: Event) -> bool:
        return self._payloads.of(event).get("type") == self._format.last_type

    def _note(self, payload: Payload) -> None:
        if self._keep_chunks and payload:
            self.chunks.append(payload)
        self._format.note(payload, self.answer)
