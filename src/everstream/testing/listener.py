"""The HTTP server below the scripted one: pytest-httpserver's, opened up at three places.

It listens, and reads requests; that is all that is wanted of it. What is different here:

- it can stop listening and begin again on the same port while connections go on;
- the head of a request is kept as it was on the wire;
- a request is answered by whoever gets it, on the raw socket. Werkzeug takes a `ConnectionError` of
  its application for a dropped connection and then writes nothing of its own.
"""

from __future__ import annotations

import io
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

try:
    from pytest_httpserver.httpserver import HTTPServerBase
    from werkzeug import Request
    from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
except ImportError as error:
    raise ImportError(
        'everstream.testing needs pytest-httpserver: pip install "everstream[testing]"'
    ) from error

__all__ = ["Arrival", "Listener"]

_STOP_WITHIN = 5.0
"""Seconds that a connection's thread may take to end after its socket was shut down."""


@dataclass(frozen=True)
class Arrival:
    """A request that has been read and waits for its answer."""

    connection: socket.socket
    head: bytes
    body: bytes
    peer: tuple[str, int]


class Answered(ConnectionError):
    """Says that a request was answered on the raw socket."""


class Listener(HTTPServerBase):
    """Listens, and gives every request to a function, on a thread for each connection.

    Args:
        host: The address to listen on.
        port: The port, or 0 for any free one.
        ssl_context: Makes it a TLS server.
        answer: Answers a request; returns whether the connection stays open for another.
    """

    def __init__(
        self,
        host: str,
        port: int,
        ssl_context: ssl.SSLContext | None,
        answer: Callable[[Arrival], bool],
    ) -> None:
        super().__init__(host, port, ssl_context=ssl_context, threaded=True)
        self._answer = answer
        self._reserved: socket.socket | None = None
        self._switching = threading.RLock()
        self._conversations = _Conversations()

    @property
    def accepted(self) -> int:
        """How many connections were accepted so far."""
        return self._conversations.begun

    def start(self) -> None:
        """Listens. The port stays the same, and taken, until `stop()`."""
        if self._reserved is None:
            self._reserve()
        self.listen()

    def stop(self) -> None:
        """Ends everything: the listening, and every connection with its thread."""
        self.refuse()
        self._conversations.stop()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def listen(self) -> None:
        """Accepts connections (again)."""
        with self._switching:
            if self.is_running():
                return
            with self._bound() as listening:
                listening.listen(128)
                self.server = _Acceptor(self, listening.fileno())
            self.server_thread = threading.Thread(target=self.thread_target, name="sse-server", daemon=True)
            self.server_thread.start()

    def refuse(self) -> None:
        """Refuses new connections; those that are open go on."""
        with self._switching:
            if self.server is None or self.server_thread is None:
                return
            # Wakes the accepting thread, which would otherwise look up only twice a second.
            with suppress(OSError):
                socket.socket.shutdown(self.server.socket, socket.SHUT_RDWR)
            self.server.shutdown()
            self.server_thread.join()
            self.server = self.server_thread = None

    def dispatch(self, request: Request) -> NoReturn:
        """Has a request answered."""
        conversation = request.environ["everstream.conversation"]
        assert isinstance(conversation, _Conversation)
        conversation.close_connection = not self._answer(conversation.arrival(request))
        raise Answered

    def _reserve(self) -> None:
        # Holds the port also while connections are refused. Without this, another process could be
        # given it, and on Linux a client that connects to a closed port of the ephemeral range can
        # even be connected to itself.
        reserved = self._bound()
        self.port = reserved.getsockname()[1]
        if sys.platform == "linux":
            self._reserved = reserved
        else:
            reserved.close()

    def _bound(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self.host, self.port))
        except OSError:
            bound.close()
            raise
        return bound


class _Conversations:
    """The open connections, each with its thread."""

    def __init__(self) -> None:
        self.begun = 0
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}

    def begin(self, conversation: Callable[[], None], connection: socket.socket) -> None:
        def converse() -> None:
            try:
                conversation()
            finally:
                with self._lock:
                    del self._open[thread]

        thread = threading.Thread(target=converse, name="sse-connection", daemon=True)
        with self._lock:
            self.begun += 1
            self._open[thread] = connection
        thread.start()

    def stop(self) -> None:
        """Shuts all sockets down, which ends every wait, and then waits for the threads."""
        with self._lock:
            conversations = dict(self._open)
        for connection in conversations.values():
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in conversations:
            if thread is not threading.current_thread():
                thread.join(_STOP_WITHIN)


class _Acceptor(ThreadedWSGIServer):
    """Accepts connections on one listening socket."""

    def __init__(self, listener: Listener, descriptor: int) -> None:
        super().__init__(
            listener.host,
            listener.port,
            Request.application(listener.application),
            _Conversation,
            fd=descriptor,
        )
        self._listener = listener
        self.ssl_context = listener.ssl_context
        if self.ssl_context is not None:
            # A handshake belongs to the connection's own thread; here, a client that is slow with it
            # would keep out all others.
            self.socket = self.ssl_context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def process_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._listener._conversations.begin(  # noqa: SLF001
            lambda: self.process_request_thread(request, client_address), request
        )


class _Conversation(WSGIRequestHandler):
    """Reads the requests of one connection."""

    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        self._reader = _HeadKeeper(self.connection.makefile("rb", buffering=0))
        self.rfile = self._reader

    def handle(self) -> None:
        # A client may go at any time; with TLS, also because it does not trust the certificate.
        with suppress(OSError):
            if isinstance(self.connection, ssl.SSLSocket):
                self.connection.do_handshake()
            super().handle()

    def handle_one_request(self) -> None:
        self._reader.head = b""
        super().handle_one_request()

    def make_environ(self) -> dict[str, object]:
        return {**super().make_environ(), "everstream.conversation": self}

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Keeps quiet: what the server saw is in its recorded requests."""

    def arrival(self, request: Request) -> Arrival:
        return Arrival(self.connection, self._reader.head, request.get_data(), self.client_address[:2])


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
