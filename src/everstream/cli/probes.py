"""A small HTTP server for the probes of an orchestrator: `/livez` and `/readyz`.

Rule: one thread serves all, and nobody makes it wait. A client has some seconds and a few kilobytes to ask;
of too many at once, the one that has been there longest has to go.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import cast

from everstream import ConfigurationError, WorkerHealth
from everstream.cli.report import health_report

__all__ = ["answering_probes"]

_Health = Callable[[], WorkerHealth]
_SECONDS = 5.0
_LONGEST_HEAD = 8192
_MOST_CLIENTS = 64


@contextmanager
def answering_probes(host: str, port: int, health: _Health) -> Generator[str, None, None]:
    """Answers probes during this block, and gives the server's URL.

    Args:
        host: A name or address of this machine.
        port: The port; 0 for any that is free.
        health: Gives the worker's health.

    Raises:
        ConfigurationError: It cannot listen there.
    """
    listener = _listener(host, port)
    loop, over = asyncio.new_event_loop(), asyncio.Event()
    server = threading.Thread(
        target=lambda: loop.run_until_complete(_serve(listener, health, over)), name="probes", daemon=True
    )
    server.start()
    try:
        yield _url(listener)
    finally:
        loop.call_soon_threadsafe(over.set)
        server.join()
        loop.close()
        listener.close()


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no name of a host"
        raise ConfigurationError(f"--health-port: cannot listen on {host}, port {port}: {reason}") from error


def _url(listener: socket.socket) -> str:
    address: tuple[str, int] = listener.getsockname()[:2]
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"http://{host}:{address[1]}"


async def _serve(listener: socket.socket, health: _Health, over: asyncio.Event) -> None:
    clients: list[asyncio.Transport] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Client(clients, health), sock=listener)
    await over.wait()
    server.close()
    for client in clients:
        client.abort()
    await asyncio.sleep(0)  # in which they are told


class _Client(asyncio.Protocol):
    """One connection: one request, one answer."""

    def __init__(self, clients: list[asyncio.Transport], health: _Health) -> None:
        self._clients = clients
        self._health = health
        self._head = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admits a client."""
        self._transport = cast("asyncio.Transport", transport)
        self._limit = asyncio.get_running_loop().call_later(_SECONDS, self._transport.abort)
        self._clients.append(self._transport)
        if len(self._clients) > _MOST_CLIENTS:
            self._clients[0].abort()

    def data_received(self, data: bytes) -> None:
        """Answers when the whole head is there."""
        if self._transport.is_closing():
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            self._transport.write(_answer(bytes(self._head), self._health()))
            self._transport.close()
        elif len(self._head) > _LONGEST_HEAD:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets a client."""
        self._limit.cancel()
        self._clients.remove(self._transport)


def _answer(head: bytes, health: WorkerHealth) -> bytes:
    method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
    path = rest.partition(b" ")[0].partition(b"?")[0]
    answers = {b"/livez": health.alive, b"/readyz": health.ready}
    if method not in (b"GET", b"HEAD"):
        status = HTTPStatus.METHOD_NOT_ALLOWED
    elif path not in answers:
        status = HTTPStatus.NOT_FOUND
    else:
        status = HTTPStatus.OK if answers[path] else HTTPStatus.SERVICE_UNAVAILABLE
    is_known = status in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE)
    body = (health_report(health) if is_known else f"{status.phrase}\n").encode()
    fields = {
        "Content-Type": "application/json" if is_known else "text/plain",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **({"Allow": "GET, HEAD"} if status is HTTPStatus.METHOD_NOT_ALLOWED else {}),
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {fields[name]}" for name in fields)]
    return "\r\n".join([*lines, "", ""]).encode() + (b"" if method == b"HEAD" else body)
