"""A bad network: a relay on this machine that resets each connection after some bytes."""

from __future__ import annotations

import random
import selectors
import socket
import struct
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from tests.reading import DEADLINE

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["ResettingRelay"]

_LINGER_ZERO = struct.pack("ii", 1, 0)
"""Closing a socket with this resets its connection."""


class ResettingRelay:
    """Relays connections to a server, and resets each after so many bytes as the dice say.

    Args:
        server: The address of the server.
        seed: What all chance comes from.
        bytes_until_reset: The least and the greatest number of bytes from the server that get through.
    """

    def __init__(self, server: tuple[str, int], seed: int, bytes_until_reset: tuple[int, int]) -> None:
        self.resets = 0
        self._server = server
        self._dice = random.Random(seed)
        self._range = bytes_until_reset
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._stopped, self._stop = socket.socketpair()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.close()
        for thread in self._threads:
            thread.join(DEADLINE)
        self._stopped.close()
        self._listening.close()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._listening.getsockname()[1]
        return port

    def _accept(self) -> None:
        while self._stopped not in _readable(self._listening, self._stopped):
            client, _ = self._listening.accept()
            budget = self._dice.randint(*self._range)
            thread = threading.Thread(target=self._relay, args=(client, budget), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _relay(self, client: socket.socket, budget: int) -> None:
        # One thread for both directions: a socket that another thread reads is not reset by closing it.
        with ExitStack() as stack:
            stack.enter_context(client)
            server = stack.enter_context(socket.create_connection(self._server, DEADLINE))
            stack.enter_context(suppress(OSError))
            while self._stopped not in (readable := _readable(client, server, self._stopped)):
                if client in readable and not _pass_on(client, server, budget=None):
                    return
                if server in readable:
                    passed = _pass_on(server, client, budget)
                    budget -= passed
                    if not passed or not budget:
                        break
            if not budget:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
                self.resets += 1


def _readable(*sockets: socket.socket) -> set[object]:
    with selectors.DefaultSelector() as selector:
        for one in sockets:
            selector.register(one, selectors.EVENT_READ)
        return {key.fileobj for key, _ in selector.select()}


def _pass_on(source: socket.socket, target: socket.socket, budget: int | None) -> int:
    received = source.recv(65536 if budget is None else min(budget, 65536))
    target.sendall(received)
    return len(received)
