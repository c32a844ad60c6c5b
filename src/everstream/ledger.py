"""What was handed out and is not acknowledged yet, in order.

Acknowledgements may come in any order and from any thread. The cursor moves only over a gapless prefix:
past an event when it and all before it are acknowledged, so that a restart leaves none out.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from everstream.core.errors import ConfigurationError
from everstream.core.events import Event

__all__ = ["Ledger"]


@dataclass(slots=True)
class _Entry:
    cursor: str | None
    is_acknowledged: bool = False


class Ledger:
    """Keeps the events that wait for an acknowledgement, and those behind them that have it already.

    Attributes:
        cursor: Where a restart would go on: after the gapless prefix.
    """

    def __init__(self, cursor: str = "") -> None:
        self.cursor = cursor
        self._lock = threading.Lock()
        self._entries: deque[_Entry] = deque()
        self._waiting: dict[Event, deque[_Entry]] = {}

    def __len__(self) -> int:
        """Returns how many events there are from the first that waits to the latest."""
        return len(self._entries)

    def handed(self, event: Event, cursor: str | None) -> None:
        """Notes an event that is handed out now, and the cursor after it; None if that stays where it is."""
        entry = _Entry(cursor)
        with self._lock:
            self._entries.append(entry)
            # By value: an event may have been to another process and back. Of equal ones it makes no
            # difference which is meant.
            self._waiting.setdefault(event, deque()).append(entry)

    def passed(self, cursor: str) -> None:
        """Notes that the cursor moves without an event that would have to be acknowledged."""
        with self._lock:
            if self._entries:
                # Nothing lies between: with the last event, this is passed as well.
                self._entries[-1].cursor = cursor
            else:
                self.cursor = cursor

    def ack(self, event: Event) -> None:
        """Notes that an event is acknowledged.

        Raises:
            ConfigurationError: It does not wait for that.
        """
        with self._lock:
            entries = self._waiting.get(event)
            if entries is None:
                raise ConfigurationError("ack() takes an event of this source that is not acknowledged yet")
            entries.popleft().is_acknowledged = True
            if not entries:
                del self._waiting[event]
            self._advance()

    def _advance(self) -> None:
        while self._entries and self._entries[0].is_acknowledged:
            cursor = self._entries.popleft().cursor
            if cursor is not None:
                self.cursor = cursor
