"""Waiting for two things at once: a socket, and a word from another thread.

A thread that holds a stream must notice at once that its client has gone, and also that the test has
released it. A `Bell` makes the second thing visible to a selector.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

__all__ = ["Bell", "Gate", "Ticket"]


class Bell:
    """Wakes threads that wait on a socket."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ropes: set[socket.socket] = set()

    def ring(self) -> None:
        """Makes every socket readable that `ear()` has given and not yet taken back."""
        with self._lock:
            for rope in self._ropes:
                with suppress(BlockingIOError):
                    rope.send(b"!")

    @contextmanager
    def ear(self) -> Generator[socket.socket, None, None]:
        """Gives a socket that becomes readable when the bell rings."""
        ear, rope = socket.socketpair()
        # A bell that rings often before anyone listens must not block the ringer.
        rope.setblocking(False)
        with self._lock:
            self._ropes.add(rope)
        try:
            yield ear
        finally:
            with self._lock:
                self._ropes.discard(rope)
            rope.close()
            ear.close()


class Ticket:
    """One pause's place in the queue of a gate."""


class Gate:
    """Lets paused streams go on, one for each release, in the order in which they came."""

    def __init__(self) -> None:
        self.bell = Bell()
        self._changed = threading.Condition()
        self._queue: list[Ticket] = []
        self._permits = 0

    def release(self, times: int) -> None:
        """Lets pauses go on; those that are not there yet will not be held."""
        with self._changed:
            self._permits += times
        self.bell.ring()

    @contextmanager
    def queued(self) -> Generator[Ticket, None, None]:
        """Gives a place in the queue, and takes it back."""
        ticket = Ticket()
        with self._changed:
            self._queue.append(ticket)
            self._changed.notify_all()
        try:
            yield ticket
        finally:
            with self._changed:
                if ticket in self._queue:
                    self._queue.remove(ticket)
            self.bell.ring()

    def lets_through(self, ticket: Ticket) -> bool:
        """Says whether this pause may go on; the permit is then used up."""
        with self._changed:
            if not self._permits or self._queue[0] is not ticket:
                return False
            self._permits -= 1
            self._queue.remove(ticket)
            return True

    def wait_until_held(self, pauses: int, timeout: float) -> bool:
        """Waits until that many pauses hold their streams; seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._queue) - self._permits >= pauses, timeout)

    def clear(self) -> None:
        """Forgets the releases that no pause has used."""
        with self._changed:
            self._permits = 0
