"""What tests bring in place of the real thing: time."""

from __future__ import annotations

from everstream.clock import Wakeups


class FakeClock:
    """A clock on which waiting takes no time: it notes each wait, and is that much later.

    Attributes:
        waits: The waits so far, in seconds.
    """

    def __init__(self, monotonic: float = 1000.0, time: float = 1_700_000_000.0) -> None:
        self.waits: list[float] = []
        self._monotonic = monotonic
        self._time = time

    def monotonic(self) -> float:
        """Returns the seconds that it stands at."""
        return self._monotonic

    def time(self) -> float:
        """Returns the same as seconds since the epoch."""
        return self._time

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self._monotonic += seconds
        self._time += seconds

    def wait(self, seconds: float, wakeups: Wakeups) -> None:
        """Notes the wait, and returns at its end, or now if `wakeups` is rung."""
        self.waits.append(seconds)
        if not wakeups.is_rung:
            self.advance(seconds)
        wakeups.silence()
