"""What the tests of requests look at: header lines as they were on the wire, and what became of them."""

from __future__ import annotations

import base64

from everstream import EventSource, Failed, RedirectRejected
from everstream.testing import SSEServer
from tests.reading import errors_in, everything

SECRET = "s3cret"


def sent(server: SSEServer, name: str) -> list[list[bytes]]:
    """Returns, for each request but the last (answered 204), the bytes of every line of this header."""
    return [request.headers.raw(name) for request in server.requests[:-1]]


def basic(credentials: str) -> bytes:
    """Returns the Authorization of a user and a password."""
    return b"Basic " + base64.b64encode(credentials.encode())


def data_of(source: EventSource) -> list[str]:
    """Reads an event source to its end; raises the error if it fails."""
    return [each.data for each in source]


def rejected(source: EventSource) -> RedirectRejected:
    """Returns the error of a stream that ends with a redirect that was not followed."""
    items = everything(source)
    assert [type(item) for item in items] == [Failed]
    error = errors_in(items)[0]
    assert isinstance(error, RedirectRejected)
    assert not error.retryable
    return error
