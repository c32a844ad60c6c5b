"""The server of large events: `/1024/16/2` gives two events of 16 MiB each, in HTTP chunks of 1024 bytes.

The answer is made when it is asked for: a client that waits spends no processor time.
"""

from __future__ import annotations

import functools
import socket

from benchmarks.framings import chunk, head
from benchmarks.payloads import Checksum
from benchmarks.server import serve

__all__ = ["MIB", "checksum"]

MIB = 1 << 20

_TEXT = b"the quick brown fox jumps over the lazy dog, "


@functools.cache
def _event(mebibytes: int) -> bytes:
    """Returns an event whose block has that size."""
    size = mebibytes * MIB - len(b"data: \n\n")
    return b"data: " + (_TEXT * (size // len(_TEXT) + 1))[:size] + b"\n\n"


def checksum(mebibytes: int) -> int:
    """Returns the checksum of the data of one event."""
    return Checksum().of([_event(mebibytes)[6:-2].decode()])


@functools.lru_cache(maxsize=1)
def _answer(path: str) -> bytes:
    size, mebibytes, count = map(int, path.strip("/").split("/"))
    body = _event(mebibytes) * count
    chunks = (chunk(body[start : start + size]) for start in range(0, len(body), size))
    return head("Transfer-Encoding: chunked") + b"".join(chunks) + b"0\r\n\r\n"


def _answer_to(connection: socket.socket, path: str) -> None:
    connection.sendall(_answer(path))


if __name__ == "__main__":
    serve(_answer_to)
