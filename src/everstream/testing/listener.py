"""The HTTP server below the scripted one: pytest-httpserver's, opened up.

It listens and reads requests. It can stop listening and begin again on the same port while its
connections go on. A request is answered by whoever gets it, on the raw socket: werkzeug takes a
`ConnectionError` of its application for a dropped connection, and then writes nothing of its own.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

try:
    from pytest_httpserver.httpserver import HTTPServerBase
except ImportError as error:
    raise ImportError(
        'everstream.testing needs pytest-httpserver: pip install "everstream[testing]"'
    ) from error

from werkzeug import Request, Response

from everstream.testing.acceptor import Acceptor, Arrival, Conversation, Conversations

__all__ = ["Listener"]

_BACKLOG = 128


class Answered(ConnectionError):
    """Says that a request was answered on the raw socket."""


class Listener(HTTPServerBase):
    """Listens, and has every request answered, on a thread for each connection.

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
        self._tls = ssl_context
        self._reserved: socket.socket | None = None
        self._started = False
        self._switching = threading.RLock()
        self._conversations = Conversations()

    @property
    def accepted(self) -> int:
        """How many connections were accepted so far."""
        return self._conversations.begun

    def start(self) -> None:
        """Listens. The port stays the same, and taken, until `stop()`."""
        if not self._started:
            self._reserve()
            self._started = True
        self.listen()

    def stop(self) -> None:
        """Ends everything: the listening, and every connection with its thread."""
        with self._switching:
            self._started = False
            self.refuse()
        self._conversations.stop()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def listen(self) -> None:
        """Accepts connections (again), unless it has been stopped meanwhile."""
        with self._switching:
            if self.is_running() or not self._started:
                return
            with self._bound() as listening:
                listening.listen(_BACKLOG)
                self.server = Acceptor(listening, self._application, self._conversations, self._tls)
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
        conversation: Conversation = request.environ["everstream.conversation"]
        stays_open = self._answer(conversation.arrival(request))
        conversation.close_connection = not stays_open
        raise Answered

    def _application(self, request: Request) -> Response:
        # The inherited `application` is a WSGI application in some versions and not in others.
        request.get_data()
        return self.dispatch(request)

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
