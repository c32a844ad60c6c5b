"""The connection to one client, at the level of its socket."""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from everstream.testing.waiting import Bell

__all__ = ["ClientGone", "Line"]


_SIOCOUTQNSD = 0x894B
_FLUSH_WITHIN = 1.0
"""Seconds that a client may take to make room for what comes before a reset."""


class ClientGone(Exception):
    """The client closed or reset the connection."""


class Line:
    """One connection: writes, waits, notices that the client has gone, and ends in several ways."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        # Without it the second of two small writes is held until the first is acknowledged, which
        # would look like a client that delivers late.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """Sends all of the bytes.

        Raises:
            ClientGone: If the client does not take them.
        """
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise ClientGone from error

    def hold(self, seconds: float | None) -> None:
        """Waits, for ever if no time is given.

        Raises:
            ClientGone: If the client goes meanwhile.
        """
        self.hold_until(lambda: False, Bell(), seconds)

    def hold_until(self, condition: Callable[[], bool], bell: Bell, seconds: float | None) -> bool:
        """Waits until a condition is true, looking at it again each time the bell rings.

        Returns:
            False if the time ran out.

        Raises:
            ClientGone: If the client goes meanwhile.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        with bell.ear() as ear, selectors.DefaultSelector() as selector:
            selector.register(ear, selectors.EVENT_READ)
            selector.register(self._socket, selectors.EVENT_READ)
            while True:
                self.notice()
                if condition():
                    return True
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                if any(key.fileobj is ear for key, _ in selector.select(left)):
                    ear.recv(4096)

    def notice(self) -> None:
        """Looks, without waiting, whether the client is still there.

        What it sends after its request is thrown away.

        Raises:
            ClientGone: If it has closed its side, or reset the connection.
        """
        self._socket.setblocking(False)
        try:
            while self._socket.recv(65536):
                pass
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError as error:
            raise ClientGone from error
        finally:
            with suppress(OSError):
                self._socket.setblocking(True)
        raise ClientGone

    def close(self) -> None:
        """Closes the connection properly, with TLS's farewell if there is TLS."""
        if isinstance(self._socket, ssl.SSLSocket):
            # The farewell is sent at once; the client's own, which would be waited for, is not needed.
            self._socket.setblocking(False)
            with suppress(OSError, ValueError):
                self._socket.unwrap()
        self.drop()

    def drop(self) -> None:
        """Closes the connection (FIN), without any farewell of TLS."""
        self._discard_input()
        with suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def reset(self) -> None:
        """Resets the connection (RST), after everything that was sent before."""
        self._flush()
        with suppress(OSError):
            # Waiting zero seconds for unsent data makes the kernel reset instead of close. The
            # descriptor must be closed itself: the HTTP server's buffered reader shares the socket
            # object, and close() would only count one user less.
            linger = struct.pack("ii", 1, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            socket.close(self._socket.detach())

    def _flush(self) -> None:
        # A reset throws away what the kernel has not sent yet. The kernel holds back a burst of small
        # pieces until the first are acknowledged.
        deadline = time.monotonic() + _FLUSH_WITHIN
        while _unsent(self._socket) and time.monotonic() < deadline:
            time.sleep(0.001)

    def _discard_input(self) -> None:
        # Closing with unread input makes the kernel reset the connection, and the client would lose
        # what it has not read yet.
        with suppress(OSError):
            self._socket.setblocking(False)
            while socket.socket.recv(self._socket, 65536):
                pass


def _unsent(connection: socket.socket) -> int:
    """Says how many bytes the kernel has still to send; 0 where it cannot be asked."""
    if sys.platform != "linux":
        return 0
    import fcntl

    count = bytearray(4)
    with suppress(OSError):
        fcntl.ioctl(connection, _SIOCOUTQNSD, count)
    return int.from_bytes(count, sys.byteorder)
