"""What the tests of requests look at: header lines as they were on the wire."""

from __future__ import annotations

import base64

from everstream import EventSource
from everstream.testing import SSEServer


def sent(server: SSEServer, name: str) -> list[list[bytes]]:
    """Returns, for each request but the last (answered 204), the bytes of every line of this header."""
    return [request.headers.raw(name) for request in server.requests[:-1]]


def basic(credentials: str) -> bytes:
    """Returns the Authorization of a user and a password."""
    return b"Basic " + base64.b64encode(credentials.encode())


def data_of(source: EventSource) -> list[str]:
    """Reads an event source to its end; raises the error if it fails."""
    return [each.data for each in source]
