"""What `close()` and `reconnect()` do to a stream that another thread is reading.

Rule: nothing here waits for a lock. Both may be called from a signal handler that has interrupted the reader
at any line.
"""

from __future__ import annotations

from typing import Protocol

from everstream.clock import Clock, Wakeups

__all__ = ["Lifeline"]


class Abortable(Protocol):
    """A connection that can be given up from outside."""

    def abort(self) -> None:
        """Gives it up; its reader ends at once."""
        ...


class Lifeline:
    """Ends whatever a reader waits for: bytes, a response, or the next attempt.

    Attributes:
        is_closing: Whether `close` was called. It never goes back.
        is_cut: Whether what was received already must not be given any more: it was closed, or this is a fork
            of the process that received it.
    """

    def __init__(self, clock: Clock) -> None:
        self.is_closing = self.is_cut = False
        self._clock = clock
        self._connection: Abortable | None = None
        self._wakeups = Wakeups()
        self._room = Wakeups()

    def attach(self, connection: Abortable) -> None:
        """Names the connection that the reader is about to open. Then look at `is_closing`."""
        # What was rung for an earlier connection must not shorten the wait after this one.
        self._wakeups.silence()
        self._connection = connection

    def detach(self) -> None:
        """Says that the connection is gone."""
        self._connection = None

    def nudge(self) -> None:
        """Ends the wait for room, if there is one: not that for the next attempt, though it come late."""
        self._room.ring()

    def wait(self, seconds: float) -> None:
        """Waits until the time is over or somebody calls."""
        if not self.is_closing:
            self._clock.wait(seconds, self._wakeups)

    def wait_for_room(self, seconds: float) -> None:
        """Waits until the time is over, `nudge` is called or the stream is closed. It may end too early."""
        if not self.is_closing:
            self._clock.wait(seconds, self._room)

    def close(self) -> None:
        """Ends the stream: the connection under way, the wait under way, and all to come."""
        # The order matters: whoever attaches a connection after this line sees it.
        self.is_cut = self.is_closing = True
        self.nudge()
        self.reconnect()

    def reconnect(self) -> None:
        """Ends the connection under way, or the wait under way."""
        connection = self._connection
        if connection is not None:
            connection.abort()
        self._wakeups.ring()
