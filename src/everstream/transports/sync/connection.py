"""One connection: open it, read it, and give it up from any thread.

Reading. Only `raw.read1` is used: it hands on what is there. `iter_content`, `iter_lines` and
`raw.stream` wait for a buffer to fill on any body without chunked encoding. Below it `unchunking.py` takes
the chunks off, where it can.

Giving up. `abort()` may come from another thread, or from a signal handler in the middle of any line of
this file, so it takes no lock. It sets `aborted` and shuts the socket down, which ends a `recv` at once.
Closing the response while a thread reads it would wait for that thread; so a reader says that it is busy,
and whoever comes second, the reader or `abort`, closes. Both orders were thought through:

- the reader sets `_busy`, then looks at `aborted`; `abort` sets `aborted`, then looks at `_busy`. At
  least one of them sees the other, and if both do, closing twice does no harm.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import requests

from everstream.core.errors import ConfigurationError, EverstreamError, RedirectRejected, StreamInterrupted
from everstream.core.events import Connecting
from everstream.core.headers import Headers
from everstream.core.timeouts import Timeouts
from everstream.transports.sync.patience import Patience
from everstream.transports.sync.redirects import is_redirect, redirected, sent
from everstream.transports.sync.request import RequestTemplate
from everstream.transports.sync.session import own_session, watching
from everstream.transports.sync.translation import (
    FOREIGN_ERRORS,
    root_cause,
    translated_body_error,
    translated_request_error,
    translated_source_error,
)
from everstream.transports.sync.unchunking import reader_of

if TYPE_CHECKING:
    from typing_extensions import TypeIs
    from urllib3 import BaseHTTPResponse

__all__ = ["Connection", "Response", "Transport", "is_response", "response_chunks"]

Response: TypeAlias = requests.Response
"""A response of the caller's own."""

# As much as can be had without paying for memory: for 128 KiB and more, glibc asks the system each time.
_READ_BYTES = 98_304
_EXCERPT_BYTES = 1024
_EXCERPT_SECONDS = 1.0


class Transport:
    """Makes connections with one session: the caller's, which stays open, or one of our own."""

    def __init__(self, session: requests.Session | None, timeouts: Timeouts) -> None:
        self.session = own_session() if session is None else session
        self.is_own_session = session is None
        self.timeouts = timeouts

    def connection(self) -> Connection:
        """Returns a connection that is not open yet, but can be aborted already."""
        return Connection(self)


class Connection:
    """A request and its response.

    Attributes:
        aborted: Whether it was given up on purpose: whatever then fails is no interruption.
        status: The status code, once open.
        headers: The response's header fields, once open.
        crossed_origin: Whether a redirect led to another origin, so that nothing of the caller's, and
            no cursor, reached the server that answered.
    """

    def __init__(self, transport: Transport) -> None:
        self.aborted = False
        self.status = 0
        self.headers = Headers()
        self.crossed_origin = False
        self._transport = transport
        self._timeouts = transport.timeouts
        self._response: requests.Response | None = None
        self._read1: Callable[[int], bytes] | None = None
        self._socket: socket.socket | None = None
        self._patience: Patience | None = None
        self._busy = False
        self._closed = threading.Lock()

    def open(self, template: RequestTemplate, connecting: Connecting) -> None:
        """Sends the request, follows redirects, and waits for the head of the response.

        Raises:
            EverstreamError: No response came, or only a redirect that was not followed.
        """
        self._busy = True
        try:
            with watching(self._watch):
                self._open(template, connecting)
            self._require_wanted()
        except Exception as error:
            if self.aborted and not isinstance(error, EverstreamError):
                # A socket that is shut down in the middle of a handshake fails in many ways.
                raise StreamInterrupted(reason="reset") from None
            raise
        finally:
            self._not_busy()

    def read(self, within: float | None = None) -> bytes:
        """Returns the next bytes of the body, decompressed, as soon as there are any; none at its end.

        Args:
            within: Seconds that it may take, if that is less than the read timeout.

        Raises:
            StreamTimeout: No byte came in time.
            StreamInterrupted: The connection broke.
        """
        self._busy = True
        try:
            if self.aborted or self._read1 is None:
                return b""
            if within is not None or self._patience is not None:
                self._be_patient(within)
            return self._read1(_READ_BYTES) or b""
        except Exception as error:
            if self.aborted:
                # A socket that is shut down in mid-read fails in many ways.
                return b""
            if not isinstance(error, FOREIGN_ERRORS):
                raise
            raise translated_body_error(error, self._timeouts) from root_cause(error)
        finally:
            self._not_busy()

    def excerpt(self) -> bytes:
        """Returns the first bytes of a rejected body: what came within a second, at most 1 KiB."""
        # A body may be endless, or never come.
        limit = threading.Timer(_EXCERPT_SECONDS, self._shut_down)
        limit.start()
        excerpt = b""
        try:
            while len(excerpt) < _EXCERPT_BYTES and (chunk := self.read()):
                excerpt += chunk
        except EverstreamError:
            pass
        finally:
            limit.cancel()
            limit.join()
        return excerpt[:_EXCERPT_BYTES]

    def abort(self) -> None:
        """Gives the connection up, from any thread or signal handler; a reader ends at once."""
        self.aborted = True
        self._shut_down()
        if not self._busy:
            self.close()

    def close(self) -> None:
        """Closes the connection and what belongs to it. Not while another thread reads: see `abort`."""
        if not self._closed.acquire(blocking=False):
            return
        if self._response is not None:
            self._response.close()
        if self._socket is not None:
            self._socket.close()
        if self._transport.is_own_session:
            # No connection is used twice, so that each one is watched; the cookies stay.
            self._transport.session.close()

    def _open(self, template: RequestTemplate, connecting: Connecting) -> None:
        session = self._transport.session
        request = self._prepared(template, connecting)
        for _ in range(session.max_redirects + 1):
            self._response = response = self._send(session, request)
            self.status, self.headers = response.status_code, Headers(response.headers)
            if not is_redirect(response):
                self._read1 = reader_of(_require_read1(response))
                return
            response.close()
            request, crossed = redirected(session, request, response, has_crossed=self.crossed_origin)
            self.crossed_origin = self.crossed_origin or crossed
        reason = f"there were more than {session.max_redirects}"
        raise RedirectRejected(status=self.status, reason=reason, headers=self.headers)

    def _be_patient(self, within: float | None) -> None:
        if self._patience is None and self._response is not None:
            self._patience = Patience(self._response.raw, self._timeouts.read)
        if self._patience is not None:
            self._patience.limit(within)

    def _prepared(self, template: RequestTemplate, connecting: Connecting) -> requests.PreparedRequest:
        try:
            return template.prepare(self._transport.session, connecting, _user_agent())
        except FOREIGN_ERRORS as error:
            raise translated_source_error(error, template.url) from root_cause(error)

    def _send(self, session: requests.Session, request: requests.PreparedRequest) -> requests.Response:
        self._require_wanted()
        # With the session's own `verify`, which requests would let REQUESTS_CA_BUNDLE replace.
        settings = session.merge_environment_settings(request.url or "", {}, True, session.verify, None)
        if self.crossed_origin:
            # The certificate is the caller's too.
            settings["cert"] = None
        timeout = (self._timeouts.connect, self._timeouts.read)
        try:
            return sent(functools.partial(session.send, timeout=timeout, **settings), request)
        except FOREIGN_ERRORS as error:
            raise translated_request_error(error, request.url or "", self._timeouts) from root_cause(error)

    def _watch(self, connected: socket.socket) -> None:
        # A duplicate, since TLS takes the descriptor out of the object; shutting it down shuts down both.
        self._socket, previous = connected.dup(), self._socket
        if previous is not None:
            previous.close()
        self._require_wanted()

    def _require_wanted(self) -> None:
        if self.aborted:
            raise StreamInterrupted(reason="reset")

    def _shut_down(self) -> None:
        # Anything may have happened to the socket meanwhile: it is gone, or not there yet.
        with contextlib.suppress(OSError, ValueError, RuntimeError, AttributeError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
            elif self._response is not None:
                self._response.raw.shutdown()

    def _not_busy(self) -> None:
        self._busy = False
        if self.aborted:
            self.close()


def is_response(source: object) -> TypeIs[Response]:
    """Returns whether a thing is a response of requests."""
    return isinstance(source, requests.Response)


def response_chunks(response: requests.Response) -> Iterator[bytes]:
    """Gives the body of a caller's response, as it comes, decompressed.

    Raises:
        ConfigurationError: The body was read before, by other means.
        StreamTimeout: No byte came within the caller's own limit.
        StreamInterrupted: The connection broke.
    """
    raw = _require_read1(response)
    if raw.closed:
        yield from _content(response)
        return
    read1 = reader_of(raw)
    while True:
        try:
            chunk = read1(_READ_BYTES)
        except FOREIGN_ERRORS as error:
            raise translated_body_error(error, Timeouts(read=None)) from root_cause(error)
        if not chunk:
            return
        yield chunk


def _content(response: requests.Response) -> Iterator[bytes]:
    # Made without stream=True, requests has read the body already, and has kept it.
    try:
        content = response.content
    except RuntimeError:
        raise ConfigurationError("the body of the response was read before") from None
    if content:
        yield content


def _require_read1(response: requests.Response) -> BaseHTTPResponse:
    if not hasattr(response.raw, "read1"):
        # Older urllib3, or an adapter with a stand-in for it. Any other way to read holds events back.
        raise ConfigurationError(
            "the session's adapter gives responses without read1 (urllib3 2.2 and later have it)"
        )
    raw: BaseHTTPResponse = response.raw
    return raw


@functools.cache
def _user_agent() -> str:
    return f"everstream/{importlib.metadata.version('everstream')}"
