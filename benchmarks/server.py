"""The server of a measurement: a process of its own, which sends bytes prepared beforehand.

`python -m benchmarks.server PAYLOAD FRAMING COUNT...` prepares an answer for each count, prints its URL, and
gives the answer with 1,000 events to whoever asks for `/1000`. It ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.framings import FRAMINGS
from benchmarks.payloads import PAYLOADS

__all__ = ["PROJECT", "serve", "serving"]

PROJECT = Path(__file__).resolve().parent.parent
"""The folder in which `python -m benchmarks...` finds itself."""


@contextlib.contextmanager
def serving(module: str, *arguments: str) -> Iterator[str]:
    """Runs a module that calls `serve`, in a process of its own; gives its URL, without a path."""
    command = [sys.executable, "-m", module, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as server:
        try:
            yield _announced(server)
        finally:
            server.communicate()  # closes its standard input


def _announced(server: subprocess.Popen[str]) -> str:
    url = server.stdout.readline().strip() if server.stdout else ""
    if not url:
        raise RuntimeError("the server of the measurement did not start")
    return url


def serve(answer: Callable[[socket.socket, str], None]) -> None:
    """Listens on a free port of 127.0.0.1, prints the URL, and answers until standard input ends.

    Args:
        answer: Is called in a thread of its own with the connection and the path that was asked for. When it
            returns, the end is sent, and the client's close is awaited.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()


def _end_with_standard_input() -> None:
    sys.stdin.read()
    os._exit(0)


def _answer(connection: socket.socket, answer: Callable[[socket.socket, str], None]) -> None:
    # Whoever has enough may leave in the middle.
    with connection, contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answer(connection, _path(connection))
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


def _path(connection: socket.socket) -> str:
    request = b""
    while b"\r\n\r\n" not in request:
        received = connection.recv(4096)
        if not received:
            raise ConnectionResetError
        request += received
    return request.split(maxsplit=2)[1].decode()


def main(payload: str, framing: str, *counts: str) -> None:
    """Sends the events of a payload in a framing, as many as the path says."""
    answers = {
        f"/{count}": FRAMINGS[framing].answer(PAYLOADS[payload].blocks(int(count))) for count in counts
    }
    serve(lambda connection, path: connection.sendall(answers[path]))


if __name__ == "__main__":
    main(*sys.argv[1:])
