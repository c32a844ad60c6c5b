"""Time, in one place, so that a test can bring its own."""

from __future__ import annotations

import queue
import threading
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock", "Wakeups"]

Wakeups = queue.SimpleQueue[None]
"""Whatever is put in ends a wait. Unlike `threading.Event.set`, `put` may be called by a signal handler
that interrupted the very thread that waits: it is documented as reentrant."""


class Clock(Protocol):
    """Where an event source takes its time from."""

    def monotonic(self) -> float:
        """Returns seconds that never go back."""
        ...

    def time(self) -> float:
        """Returns seconds since the epoch."""
        ...

    def wait(self, seconds: float, wakeups: Wakeups) -> None:
        """Returns after `seconds`, or as soon as there is something in `wakeups`."""
        ...


class SystemClock:
    """The real one."""

    def monotonic(self) -> float:
        """Returns `time.monotonic()`."""
        return time.monotonic()

    def time(self) -> float:
        """Returns `time.time()`."""
        return time.time()

    def wait(self, seconds: float, wakeups: Wakeups) -> None:
        """Waits on the queue, so that a wake-up ends it at once."""
        try:
            # Longer than the greatest the system can count is for ever either way.
            wakeups.get(timeout=min(seconds, threading.TIMEOUT_MAX))
        except queue.Empty:
            return
