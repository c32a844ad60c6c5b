"""Clients of the standard library, to judge the scripted server with."""

import http.client
import socket
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from everstream.testing import SSEServer

DEADLINE = 10.0
"""Seconds after which a read fails, so that nothing waits for ever."""


@contextmanager
def get(
    server: SSEServer,
    path: str = "/events",
    headers: Mapping[str, str | bytes] | None = None,
    method: str = "GET",
    body: bytes | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """Sends a request and gives the response; closes the connection at the end."""
    address = ("127.0.0.1", server.port)
    connection = (
        http.client.HTTPConnection(*address, timeout=DEADLINE)
        if tls is None
        else http.client.HTTPSConnection(*address, timeout=DEADLINE, context=tls)
    )
    try:
        connection.request(method, path, body=body, headers=headers or {})
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


@contextmanager
def raw_get(
    server: SSEServer, head: bytes = b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n"
) -> Iterator[socket.socket]:
    """Sends these bytes as a request and gives the socket."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as connection:
        connection.sendall(head)
        yield connection


def everything(connection: socket.socket) -> bytes:
    """Reads until the server closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def read_until(response: http.client.HTTPResponse, expected: bytes) -> bytes:
    """Reads until the decoded body ends with these bytes, not waiting for any byte more."""
    decode = decoder(response.getheader("Content-Encoding"))
    body = b""
    while not body.endswith(expected):
        piece = response.read1(65536)
        assert piece, f"the response ended after {body!r}"
        body += decode(piece)
    return body


def decoder(encoding: str | None) -> Callable[[bytes], bytes]:
    """Gives what decodes the pieces of a body."""
    window = {"gzip": 31, "deflate": 15}
    return (lambda piece: piece) if encoding is None else zlib.decompressobj(window[encoding]).decompress
