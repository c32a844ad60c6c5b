"""Times in which connections are refused, as part of a script."""

from __future__ import annotations

import threading

from everstream.testing.listener import Listener

__all__ = ["Refusals"]


class Refusals:
    """Stops a listener for some seconds, as often as it is told."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._timers: list[threading.Timer] = []

    def begin(self, seconds: float) -> None:
        """Refuses connections from now on, for some seconds."""
        self._listener.refuse()
        timer = threading.Timer(seconds, self._listener.listen)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def stop(self) -> None:
        """Cancels what is still to come."""
        while self._timers:
            timer = self._timers.pop()
            timer.cancel()
            timer.join()
