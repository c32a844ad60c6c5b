"""A program that `test_many_streams.py` starts: a server of many streams on one thread.

Each path is a stream of its own. On its standard input it is told `rate 2`, so many events a second for each
stream, and `report`; it answers each with what it has done so far.
"""

from __future__ import annotations

import json
import os
import re
import resource
import selectors
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass

TICK = 0.02
"""Seconds between two looks at what is due."""
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_LAST_EVENT_ID = re.compile(rb"\r\nlast-event-id: *(\d+)", re.IGNORECASE)


@dataclass
class Client:
    """A connection, and what has come of its request."""

    socket: socket.socket
    head: bytes = b""
    path: str = ""


class CrowdServer:
    """Sends events to all who have asked, in turns."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(0, selectors.EVENT_READ)
        self._open: dict[str, Client] = {}
        self._turns: list[str] = []
        self._sent: Counter[str] = Counter()
        self._requests = 0
        self._rate = 0.0
        self._since = 0.0
        self._due = 0.0

    def serve(self) -> None:
        """Serves until the standard input is closed."""
        _say({"port": self._listening.getsockname()[1]})
        while True:
            for key, _ in self._selector.select(TICK if self._rate else None):
                if key.fileobj is self._listening:
                    self._accept()
                elif key.fileobj != 0:
                    self._read(key.data)
                elif not self._obey(os.read(0, 4096).decode()):
                    return
            self._send_what_is_due()

    def _obey(self, told: str) -> bool:
        for line in told.splitlines():
            command, _, value = line.partition(" ")
            if command == "rate":
                self._rate, self._since, self._due = float(value), time.monotonic(), 0.0
            _say({"open": len(self._open), "requests": self._requests, "sent": self._sent})
        return bool(told)

    def _accept(self) -> None:
        connection, _ = self._listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(connection, selectors.EVENT_READ, Client(connection))

    def _read(self, client: Client) -> None:
        try:
            received = client.socket.recv(65536)
        except ConnectionError:
            received = b""
        if not received:
            self._selector.unregister(client.socket)
            client.socket.close()
            if self._open.get(client.path) is client:
                del self._open[client.path]
        elif not client.path:
            client.head += received
            if client.head.endswith(b"\r\n\r\n"):
                self._answer(client)

    def _answer(self, client: Client) -> None:
        self._requests += 1
        client.path = client.head.split(b" ", 2)[1].decode()
        self._open[client.path] = client
        found = _LAST_EVENT_ID.search(client.head)
        first = int(found[1]) + 1 if found else 1
        missed = b"".join(_event(number) for number in range(first, self._sent[client.path] + 1))
        client.socket.sendall(_HEAD + missed)

    def _send_what_is_due(self) -> None:
        now = time.monotonic()
        self._due += (now - self._since) * self._rate * len(self._open)
        self._since = now
        while self._due >= 1 and self._open:
            self._due -= 1
            # All have had their turn: the next round is for those who are here now.
            self._turns = self._turns or list(self._open)
            client = self._open.get(self._turns.pop())
            if client is not None:
                self._sent[client.path] += 1
                client.socket.sendall(_event(self._sent[client.path]))


def _event(number: int) -> bytes:
    """Gives an event whose data is the time: this clock is the same for all processes of a machine."""
    return b"id: %d\ndata: %.6f\n\n" % (number, time.monotonic())


def _say(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    CrowdServer().serve()
