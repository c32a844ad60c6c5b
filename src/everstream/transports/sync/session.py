"""A session of our own, whose sockets can be shut down at any moment.

A reader that waits in `recv` is freed by shutting the socket down; closing it from another thread does
not free it, and `Response.close()` waits for the reader. After the response's head urllib3 hands the
socket's `shutdown` out; before it, during the TLS handshake and while the head is awaited, nobody does.
So our connections show each socket, when it is made, to whoever watches in this context.

They also notice a head that is cut off. `http.client` takes the end of the connection for the end of the
head: a server that dies at that moment would seem to have answered 200 without a content type, for good.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from io import BufferedReader

    from urllib3.poolmanager import PoolManager, ProxyManager

__all__ = ["own_session", "watching"]

Watch = Callable[[socket.socket], None]

_watch: ContextVar[Watch | None] = ContextVar("everstream_socket_watch", default=None)


@contextmanager
def watching(watch: Watch) -> Generator[None, None, None]:
    """Shows each socket that our own session makes in this block, right after it is connected.

    Args:
        watch: Takes the socket, before TLS; it may duplicate it, and may raise to stop the request.
    """
    token = _watch.set(watch)
    try:
        yield
    finally:
        _watch.reset(token)


def own_session() -> requests.Session:
    """Returns a session whose sockets `watching` sees. Like any session it keeps cookies."""
    session = requests.Session()
    adapter = _Adapter()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _HTTPResponse(http.client.HTTPResponse):
    def begin(self) -> None:
        lines = self.fp
        self.fp = _WholeLines(lines)  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
        try:
            super().begin()
        finally:
            if self.fp is not None:  # pyright: ignore[reportUnnecessaryComparison]
                self.fp = lines


class _WholeLines:
    """Lines of a head, the last of which is the empty one."""

    def __init__(self, lines: BufferedReader) -> None:
        self._lines = lines
        self.close = lines.close

    def readline(self, limit: int) -> bytes:
        line = self._lines.readline(limit)
        if len(line) < limit and not line.endswith(b"\n"):
            raise http.client.RemoteDisconnected("the connection was closed inside the response's head")
        return line


class _HTTPConnection(HTTPConnection):
    response_class = _HTTPResponse

    def _new_conn(self) -> socket.socket:
        return _shown(super()._new_conn())


class _HTTPSConnection(HTTPSConnection):
    response_class = _HTTPResponse

    def _new_conn(self) -> socket.socket:
        return _shown(super()._new_conn())


def _shown(connected: socket.socket) -> socket.socket:
    # A second net below the read timeout: a peer that has vanished is noticed even if that is off.
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    watch = _watch.get()
    if watch is not None:
        try:
            watch(connected)
        except BaseException:
            connected.close()
            raise
    return connected


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPConnection  # pyright: ignore[reportAssignmentType]


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection  # pyright: ignore[reportAssignmentType]


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _HTTPPool, "https": _HTTPSPool}


class _Adapter(HTTPAdapter):
    # It retries nothing: a second layer of retries would multiply the attempts of the policy.

    def init_poolmanager(self, *args: object, **kwargs: object) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[arg-type]
        self.poolmanager: PoolManager
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: object, **kwargs: object) -> ProxyManager:
        proxies: ProxyManager = super().proxy_manager_for(*args, **kwargs)  # type: ignore[arg-type]
        proxies.pool_classes_by_scheme = _POOLS
        return proxies
