"""The fixture `sse_server`, for every pytest session where everstream is installed.

Imported by pytest at its start, so nothing but pytest is imported here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from everstream.testing.server import SSEServer


@pytest.fixture
def sse_server() -> Iterator[SSEServer]:
    """A scripted SSE server on loopback, new for each test.

    An error in the playing of its script fails the test at the end.
    """
    from everstream.testing.server import SSEServer

    server = SSEServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
    server.check()
