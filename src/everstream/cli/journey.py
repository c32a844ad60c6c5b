"""What a client went through, connection by connection: data for the demo's chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from everstream import Event, Interrupted, StreamItem, StreamTimeout
from everstream.testing import Fault, PlannedConnection

__all__ = ["Journey", "Leg"]


@dataclass(slots=True)
class Leg:
    """One connection.

    Attributes:
        number: From 1.
        start: The number of the last event before it.
        end: The number of the last event on it; `start` if none came.
        fault: How it ended; None as long as it has not.
        delay: Seconds until the next attempt.
        hinted: Whether the server sent a `retry:` on it.
    """

    number: int
    start: int
    end: int
    fault: Fault | None = None
    delay: float = 0.0
    hinted: bool = False

    @property
    def events(self) -> int:
        """How many events came on it."""
        return self.end - self.start


@dataclass(slots=True)
class Journey:
    """All connections so far.

    Args:
        latest_connection: Gives what the server did on the connection that came last: the client alone
            cannot tell a cut from an end in every framing.
    """

    latest_connection: Callable[[], PlannedConnection]
    legs: list[Leg] = field(default_factory=lambda: [Leg(1, 0, 0)])
    received: list[Event] = field(default_factory=list[Event])

    def take(self, item: StreamItem) -> Leg | None:
        """Notes an item, and returns the connection that has ended with it."""
        leg = self.legs[-1]
        if isinstance(item, Event):
            self.received.append(item)
            leg.end = int(item.id)
        elif isinstance(item, Interrupted):
            plan = self.latest_connection()
            leg.fault = "stall" if isinstance(item.error, StreamTimeout) else plan.ending
            leg.hinted = plan.retry and plan.ending != "unavailable"
            leg.delay = item.delay
            self.legs.append(Leg(leg.number + 1, leg.end, leg.end))
            return leg
        return None

    @property
    def faults(self) -> Counter[Fault]:
        """How often each fault was survived: an event came on a later connection."""
        last = max((leg.number for leg in self.legs if leg.events), default=0)
        return Counter(leg.fault for leg in self.legs if leg.fault is not None and leg.number < last)

    @property
    def hints(self) -> int:
        """How often the server set a reconnection time."""
        return sum(leg.hinted for leg in self.legs)
