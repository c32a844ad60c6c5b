"""How long one read may take: changed between two reads of the same body.

The read timeout of requests is for the whole body. Where a read must end earlier, for want of an event,
the socket itself is told; it lies three layers down. Where it is not found, as behind a session with an
adapter of its own kind, nothing is changed: the limit is then looked at when the next bytes come.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

__all__ = ["Patience"]


class Patience:
    """The limit on the reads of one response.

    Args:
        raw: The response.
        read: The read timeout in seconds; None for no limit.
    """

    def __init__(self, raw: BaseHTTPResponse, read: float | None) -> None:
        self._socket = _socket_of(raw)
        self._read = self._set = read

    def limit(self, within: float | None) -> None:
        """Makes the next read end after `within` seconds at the latest, or after the read timeout."""
        limits = [seconds for seconds in (self._read, within) if seconds is not None]
        seconds = min(limits, default=None)
        if seconds != self._set and self._socket is not None:
            # It may be closed meanwhile, and then the read says so.
            with contextlib.suppress(OSError):
                self._socket.settimeout(seconds)
            self._set = seconds


def _socket_of(raw: BaseHTTPResponse) -> socket.socket | None:
    found: object = raw
    # urllib3's response, that of http.client, its buffered reader, the reader's SocketIO, the socket.
    for name in ("_fp", "fp", "raw", "_sock"):
        found = getattr(found, name, None)
    return found if isinstance(found, socket.socket) else None
