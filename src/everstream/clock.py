"""Time, in one place, so that a test can bring its own."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock", "Wakeups"]


class Wakeups:
    """Ends a wait: a bell that stays rung until somebody has waited on it.

    It may be rung by any thread, and by a signal handler that interrupted the very thread that waits:
    a lock is released in one step, while `threading.Event.set` takes a lock of its own and would wait for
    itself. `queue.SimpleQueue.put` is reentrant too, but its `get`, up to Python 3.12, waits for ever if
    the time runs out while a signal handler runs.
    """

    def __init__(self) -> None:
        self._silent = threading.Lock()
        self.silence()

    @property
    def is_rung(self) -> bool:
        """Whether a wait would end at once."""
        return not self._silent.locked()

    def ring(self) -> None:
        """Ends the wait under way, or else the next one."""
        with contextlib.suppress(RuntimeError):  # it is rung already
            self._silent.release()

    def silence(self) -> None:
        """Forgets that it was rung."""
        self._silent.acquire(blocking=False)

    def wait(self, seconds: float) -> None:
        """Returns after `seconds`, or when it is rung; it is silent then."""
        # Longer than the greatest the system can count is for ever either way.
        self._silent.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))


class Clock(Protocol):
    """Where an event source takes its time from."""

    def monotonic(self) -> float:
        """Returns seconds that never go back."""
        ...

    def time(self) -> float:
        """Returns seconds since the epoch."""
        ...

    def wait(self, seconds: float, wakeups: Wakeups) -> None:
        """Returns after `seconds`, or as soon as `wakeups` is rung."""
        ...


class SystemClock:
    """The real one."""

    # The functions themselves, as one of them is called for each event.
    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    def wait(self, seconds: float, wakeups: Wakeups) -> None:
        """Waits on the bell itself."""
        wakeups.wait(seconds)
