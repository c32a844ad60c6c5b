"""Keeps the tests on this machine: a connection to anywhere else is a failure, and a loud one.

Names under `.invalid` fail as a name that does not exist, at once and without asking a resolver: they are
what the tests of DNS failures use.
"""

import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

LOCAL_NAMES = frozenset({None, "", "localhost", socket.gethostname()})


class LeftTheMachine(BaseException):
    """A test wanted to connect to another machine. Not an `Exception`, so that no retry swallows it."""


@contextlib.contextmanager
def loopback_only() -> Iterator[None]:
    """Lets sockets connect to loopback addresses and nowhere else."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _require_loopback(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _require_loopback(self, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name.rstrip(".").endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name not in LOCAL_NAMES and not _is_loopback(name):
            raise LeftTheMachine(f"a test looked up {name!r}")
        return getaddrinfo(host, *args, **kwargs)

    with (
        patch.object(socket.socket, "connect", guarded_connect),
        patch.object(socket.socket, "connect_ex", guarded_connect_ex),
        patch.object(socket, "getaddrinfo", guarded_getaddrinfo),
    ):
        yield


def _require_loopback(sock: socket.socket, address: Any) -> None:
    internet = sock.family in (socket.AF_INET, socket.AF_INET6)
    if internet and address[0] not in LOCAL_NAMES and not _is_loopback(address[0]):
        raise LeftTheMachine(f"a test connected to {address!r}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
