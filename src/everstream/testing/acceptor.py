"""Werkzeug's server, opened up: it accepts connections and reads requests, and nothing more.

What is different here: the head of a request is kept as it was on the wire; the threads and sockets
of all connections are known, so that they can be ended; a slow TLS handshake keeps out no one else.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from werkzeug import Request, Response
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

__all__ = ["Acceptor", "Arrival", "Conversation", "Conversations"]

_STOP_WITHIN = 5.0
"""Seconds that a connection's thread may take to end after its socket was shut down."""


@dataclass(frozen=True)
class Arrival:
    """A request that has been read and waits for its answer."""

    connection: socket.socket
    head: bytes
    body: bytes
    peer: tuple[str, int]


class Conversations:
    """The open connections, each with its thread."""

    def __init__(self) -> None:
        self.begun = 0
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}

    def begin(self, converse: Callable[[], None], connection: socket.socket) -> None:
        """Starts a thread for a connection."""

        def run() -> None:
            try:
                converse()
            finally:
                with self._lock:
                    del self._open[thread]

        thread = threading.Thread(target=run, name="sse-connection", daemon=True)
        with self._lock:
            self.begun += 1
            self._open[thread] = connection
        thread.start()

    def stop(self) -> None:
        """Shuts all sockets down, which ends every wait on them, and waits for the threads."""
        with self._lock:
            conversations = dict(self._open)
        for connection in conversations.values():
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in conversations:
            if thread is not threading.current_thread():
                thread.join(_STOP_WITHIN)


class Acceptor(ThreadedWSGIServer):
    """Accepts connections on a listening socket, which it takes over.

    Args:
        listening: The socket.
        application: Answers a request whose body has been read.
        conversations: Where the connections are kept.
        ssl_context: Makes it a TLS server.
    """

    def __init__(
        self,
        listening: socket.socket,
        application: Callable[[Request], Response],
        conversations: Conversations,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        host, port = listening.getsockname()[:2]
        app = Request.application(application)
        # An error of ours is not to be made a response of, but to be seen: it ends the thread.
        super().__init__(host, port, app, Conversation, passthrough_errors=True, fd=listening.fileno())
        self._conversations = conversations
        if ssl_context is not None:
            self.ssl_context = ssl_context
            self.socket = ssl_context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def process_request(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: object
    ) -> None:
        """Gives a new connection to a thread of its own."""
        connection = cast("socket.socket", request)
        self._conversations.begin(lambda: self.process_request_thread(connection, client_address), connection)


class Conversation(WSGIRequestHandler):
    """Reads the requests of one connection."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Reads through what keeps the head of each request."""
        super().setup()
        self.rfile.close()
        self._reader = _HeadKeeper(self.connection.makefile("rb", buffering=0))
        self.rfile = self._reader

    def handle(self) -> None:
        """Talks until the connection ends, in whatever way it does."""
        # A client may go at any time; with TLS, also because it does not trust the certificate.
        with suppress(OSError):
            if isinstance(self.connection, ssl.SSLSocket):
                self.connection.do_handshake()
            super().handle()

    def handle_one_request(self) -> None:
        """Reads one request and has it answered."""
        self._reader.head = b""
        super().handle_one_request()

    def make_environ(self) -> dict[str, object]:
        """Adds this conversation, which the answer needs."""
        return {**super().make_environ(), "everstream.conversation": self}

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Keeps quiet: what the server saw is in its recorded requests."""

    def arrival(self, request: Request) -> Arrival:
        """Gives what is known of the request that was just read."""
        host, port = self.client_address[:2]
        body = request.get_data()
        return Arrival(self.connection, self._reader.head, body, (str(host), int(port)))


class _HeadKeeper(io.BufferedReader):
    """Keeps the head of a request as it was on the wire.

    A line that the standard library would refuse for its length (64 KiB) reaches it shortened, so
    that the script decides what becomes of such a request.
    """

    _LONGEST = 64 * 1024
    _LIMIT = 16 * 1024 * 1024

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self.head = b""

    def readline(self, size: int | None = -1, /) -> bytes:
        if self.head.endswith((b"\r\n\r\n", b"\n\n")):
            return super().readline(size)
        line = super().readline(self._LIMIT)
        self.head += line
        return line if len(line) <= self._LONGEST else line[: self._LONGEST - 2] + b"\r\n"
