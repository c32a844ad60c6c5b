"""What goes to the consumer before the loop is asked again: one notice, or all that one chunk has finished.

With nobody to look at each event, what is to be done for one that was delivered can wait until all of its
chunk were, or until somebody asks. How far the consumer has come is all that is noted meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import length_hint

from everstream.core.body import shares_id
from everstream.core.events import Event, Outcome, Position, StreamItem, WireItem

__all__ = ["Batch"]


@dataclass(slots=True)
class Batch:
    """Items for the consumer.

    Attributes:
        upcoming: Those that were not asked for yet. A loop that was left goes on with it.
        is_wire: Whether they came from the server; if not, it is one notice of our own.
        items: All of them, if their delivery is still to be noted; else none.
        counting: The iterator which knows how many of the items were asked for; None for `upcoming`.
        is_over: Whether somebody came back after the last. To ask for an item is to have taken the one
            before.
        outcome: What follows, if the items have ended with that.
        is_cut: Whether no more of them may be given.
    """

    upcoming: Iterator[StreamItem]
    is_wire: bool = False
    items: Sequence[WireItem] = ()
    counting: Iterator[WireItem] | None = None
    is_over: bool = False
    outcome: Outcome | None = None
    is_cut: bool = False

    @property
    def delivered(self) -> Sequence[WireItem]:
        """Those of the items that were delivered."""
        if self.is_over:
            return self.items
        # The iterator knows how many were asked for, by one loop or by several in turns.
        asked_for = len(self.items) - length_hint(self.upcoming if self.counting is None else self.counting)
        return self.items[: max(asked_for - 1, 0)]

    def freeze(self) -> None:
        """Notes that no more of the items count as delivered, though they be asked for."""
        self.items, self.is_over = self.delivered, True

    def latest(self) -> Event | Position | None:
        """Returns the last delivered item that has a last event ID."""
        for item in reversed(self.delivered):
            if isinstance(item, (Event, Position)):
                return item
        return None

    def latest_alone(self) -> Event | Position | None:
        """Returns the same, but one after which no other has its id: a restart might leave that out."""
        for number in range(len(self.delivered) - 1, -1, -1):
            item = self.items[number]
            if isinstance(item, (Event, Position)) and not shares_id(self.items, number):
                return item
        return None
