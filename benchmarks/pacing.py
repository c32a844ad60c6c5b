"""The server of the latency benchmark: sends events at a steady pace, each with the time of its sending.

It serves all clients at once. The time from one event to the next is divided into as many slots as there are
clients, and each client gets its event in a slot of its own: all are measured over the same seconds of the
same machine, and no two of them are woken at the same moment.

The time is that of the monotonic clock, which all processes of a Linux machine share. It is taken right
before the write that completes the event. Events are due at fixed times: one that is sent late delays no
other.

`python -m benchmarks.pacing FRAMING EVENTS CLIENTS` begins when that many clients have connected. What is no
HTTP client, but a loop that reads bytes, asks for `/bare`.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

from benchmarks.framings import head
from benchmarks.server import serve
from benchmarks.trickles import BARE, FRAMINGS, Framing

__all__ = ["EVENTS_PER_SECOND"]

EVENTS_PER_SECOND = 100

_BETWEEN_PIECES = 0.0003
"""Seconds from one write to the next of an event in several; of eight slots, each has 1.25 ms."""

_CONNECT_SECONDS = 20.0
_SETTLE_SECONDS = 0.5


def _sleep_until(due: float) -> None:
    seconds = due - time.monotonic()
    if seconds > 0:
        time.sleep(seconds)


def _send_event(connection: socket.socket, framing: Framing, index: int, due: float) -> None:
    """Sends an event so that its last piece goes at `due`, in seconds of the monotonic clock."""
    early = framing.early(index)
    for number, piece in enumerate(early):
        _sleep_until(due - (len(early) - number) * _BETWEEN_PIECES)
        connection.sendall(piece)
    _sleep_until(due)
    connection.sendall(framing.last(index, time.monotonic_ns()))


class Pacer:
    """Gives each client its events in its slot."""

    def __init__(self, framing: type[Framing], events: int, clients: int) -> None:
        self._framing = framing
        self._events = events
        self._clients = clients
        self._start = 0.0
        self._slots = iter(range(clients))
        self._lock = threading.Lock()
        self._started = threading.Event()

    def answer(self, connection: socket.socket, path: str) -> None:
        """Sends the events to one client."""
        framing = BARE() if path == "/bare" else self._framing()
        connection.sendall(head(*framing.headers))
        slot = self._slot() / self._clients
        # Whoever could not even be imported is not waited for for ever.
        self._started.wait(_CONNECT_SECONDS)
        self._begin()
        for index in range(self._events):
            _send_event(connection, framing, index, self._start + (index + slot) / EVENTS_PER_SECOND)
        connection.sendall(framing.end)

    def _slot(self) -> int:
        """Returns the number of a slot, from 0; begins with the last of them."""
        with self._lock:
            slot = next(self._slots)
        if slot == self._clients - 1:
            self._begin()
        return slot

    def _begin(self) -> None:
        with self._lock:
            if not self._started.is_set():
                self._start = time.monotonic() + _SETTLE_SECONDS
                self._started.set()


def main(framing: str, events: str, clients: str) -> None:
    """Serves until standard input ends."""
    serve(Pacer(FRAMINGS[framing], int(events), int(clients)).answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
