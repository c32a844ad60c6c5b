"""The limits on waiting for an event, while bytes may flow: `Timeouts.first_event` and `event_idle`.

Rule: times come in, in seconds of any monotonic clock. What is measured is how long the stream kept a
consumer waiting that was ready for an event; what the consumer takes for its own work does not count.
"""

from __future__ import annotations

from everstream.core.errors import StreamTimeout, TimeoutKind
from everstream.core.timeouts import Timeouts

__all__ = ["Watchdog"]


class Watchdog:
    """Watches one connection after another. A shell asks for `patience` before each read."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._kind: TimeoutKind = "event_idle"
        self._limit: float | None = None
        self._since: float | None = None

    def opened(self) -> None:
        """Notes that a connection is open, and the first event is awaited from the next `patience` on."""
        if self._timeouts.first_event is None:
            self._await("event_idle", self._timeouts.event_idle)
        else:
            self._await("first_event", self._timeouts.first_event)

    def fed(self) -> None:
        """Notes that an event came, and the next is awaited from the next `patience` on."""
        self._await("event_idle", self._timeouts.event_idle)

    def excuse(self, seconds: float) -> None:
        """Notes that the consumer was busy for so long, with something else than an event."""
        if self._since is not None:
            self._since += seconds

    def patience(self, now: float) -> float | None:
        """Returns the seconds that the next read may take; None if there is no limit.

        Args:
            now: The time in seconds, at which the consumer waits for the next event.

        Raises:
            StreamTimeout: No event came in time.
        """
        if self._limit is None:
            return None
        if self._since is None:
            self._since = now
        left = self._since + self._limit - now
        if left <= 0:
            raise StreamTimeout(kind=self._kind, seconds=self._limit)
        return left

    def _await(self, kind: TimeoutKind, limit: float | None) -> None:
        self._kind, self._limit, self._since = kind, limit, None
