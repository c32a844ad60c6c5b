"""What the caller's functions say of each event: that it ends the stream, is an error, progress, a duplicate.

Rule: they are asked for one event at a time, when the consumer is ready for it, and only if there are any.
Without them nobody has to look at events, and those of a chunk go to the consumer as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from everstream.core.body import Body
from everstream.core.deduplication import Dedupe, Memory
from everstream.core.ending import Ending, Until
from everstream.core.errors import EverstreamError
from everstream.core.events import Duplicate, Event, WireItem
from everstream.core.payloads import ErrorIn, Payloads, ProgressIn

__all__ = ["Looking"]


class Looking:
    """Asks the functions, and keeps what they have said of the event in hand.

    Args:
        until: What ends the stream; see `EventSource`.
        error_in: Finds errors; see `EventSource`.
        progress_in: Says which events are progress; see `EventSource`.
        dedupe: Which events to leave out.

    Attributes:
        ending: Knows `until`.
        payloads: Knows `error_in` and `progress_in`.
        memory: Knows duplicates.
        is_needed: Whether there is a function to ask, or data to compare with.
        is_progress: Whether the event in hand is progress.
        has_progressed: Whether any event was.
        end: What has ended the items that were looked at last: an event that says so, or one that is an
            error; None if nothing has.
    """

    def __init__(
        self,
        until: Until | None,
        error_in: ErrorIn | None,
        progress_in: ProgressIn | None,
        dedupe: Dedupe | None,
    ) -> None:
        self.ending = Ending(until)
        self.payloads = Payloads(error_in, progress_in)
        self.memory = Memory(dedupe)
        self.is_needed = any(option is not None for option in (until, error_in, progress_in, dedupe))
        # With the data of a sentinel alone, there is nobody to ask of each event.
        self._asks = callable(until) or any(option is not None for option in (error_in, progress_in, dedupe))
        self.is_progress = progress_in is None
        self.has_progressed = False
        self.end: Literal["until"] | EverstreamError | None = None

    def into(self, body: Body) -> Iterator[WireItem]:
        """Gives what the latest chunk of a body has finished, as a consumer is to have it, up to an `end`."""
        self.end = None
        sentinel, remembers, asks = self.ending.sentinel, self.ending.until is not None, self._asks
        for item in body.upcoming:
            if type(item) is not Event:
                yield item
                continue
            if item.data == sentinel:
                self.end = "until"
            elif asks:
                self.end = self.payloads.error_in(item)
            if self.end is not None:
                body.nothing_follows(given=False)
                return
            if is_last := asks and self.ending.is_last(item):
                body.nothing_follows(given=True)
            if remembers:
                body.remember(item)
            if asks:
                self.is_progress = self.payloads.progress_in(item)
            self.has_progressed = self.has_progressed or self.is_progress
            yield Duplicate(item) if asks and self.memory.knows(item) else item
            if is_last:
                self.end = "until"
                return
