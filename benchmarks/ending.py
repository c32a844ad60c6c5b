"""The server of the parts about the end of a connection: what it does with a request, the path says.

- `/event`: an event, and then nothing more
- `/silence`: no response
- `/close`: an event, and the end of the response and of the connection
"""

from __future__ import annotations

import socket

from benchmarks.framings import head
from benchmarks.server import serve

__all__: list[str] = []

_EVENT = head("Connection: close") + b"id: 1\ndata: one\n\n"


def _answer(connection: socket.socket, path: str) -> None:
    if path != "/silence":
        connection.sendall(_EVENT)
    if path != "/close":
        # Until the client goes away.
        connection.recv(1)


if __name__ == "__main__":
    serve(_answer)
