"""Work as the whole of a program: until it ends by itself, or SIGTERM or SIGINT comes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Protocol

from everstream.clock import Wakeups
from everstream.core.errors import ConfigurationError
from everstream.signals import StopSignals

__all__ = ["Work", "run_in_foreground"]

_LONGEST_WAIT = 1.0
"""Seconds. Python runs a signal handler between two steps of the main thread: one that is due just before a
wait begins is run when the wait is over. So no wait is long."""


class Work(Protocol):
    """A worker, or a group."""

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to wait for."""
        ...

    def start(self) -> None:
        """Starts it."""
        ...

    def stop(self, timeout: float | None = None) -> bool:
        """Stops it."""
        ...

    def ring_when_ended(self, bell: Wakeups) -> None:
        """Rings a bell whenever a worker has ended."""
        ...


def run_in_foreground(work: Work, on_tick: Callable[[], None] | None = None, every: float = math.inf) -> bool:
    """Starts work, waits for its end or a signal, and stops it.

    Args:
        work: What to run.
        on_tick: Called now and then while it runs.
        every: The most seconds between two such calls.

    Returns:
        Whether every event in hand was finished in time.

    Raises:
        ConfigurationError: This is not the main thread, where signals are handled.
    """
    if threading.current_thread() is not threading.main_thread():
        raise ConfigurationError("run() handles signals, so it must be in the main thread; use start()")
    bell = Wakeups()
    work.ring_when_ended(bell)
    with StopSignals(bell.ring) as signals:
        work.start()
        try:
            while not work.is_over and signals.received is None:
                if on_tick is not None:
                    on_tick()
                bell.wait(min(every, _LONGEST_WAIT))
        finally:
            finished = work.stop()
        return finished
