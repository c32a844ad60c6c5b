"""Sockets that misbehave below HTTP, where no scripted server can."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

__all__ = ["full_backlog"]


@contextmanager
def full_backlog() -> Generator[int, None, None]:
    """Gives a port on which nobody accepts and no connection has room any more."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
