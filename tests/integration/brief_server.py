"""A server whose connections are brief: one event each, then an end, in turns a proper one and a reset."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.reading import DEADLINE

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["BriefServer"]

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_LINGER_ZERO = struct.pack("ii", 1, 0)
"""Closing a socket with this resets its connection."""


class BriefServer:
    """Answers one request after the other, on one thread, and keeps nothing. Use it as a context manager.

    It asks for nothing but the end of a request's head: the event on connection 7 has the id 7.
    """

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Wakes the thread, which a close alone would not.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE)
        self._listening.close()

    @property
    def url(self) -> str:
        """The URL of the stream."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/events"

    def _serve(self) -> None:
        number = 0
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                number += 1
                with connection, suppress(ConnectionError):
                    _answer(connection, number)


def _answer(connection: socket.socket, number: int) -> None:
    # A client that hangs must not hang the server.
    connection.settimeout(DEADLINE)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        received = connection.recv(65536)
        if not received:
            return
        head += received
    connection.sendall(_HEAD + b"id: %d\ndata: %d\n\n" % (number, number))
    if number % 2:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
