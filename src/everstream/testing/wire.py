"""From steps to bytes: the response head, content codings and framings.

Pure: it gives the pieces to send, and somebody else sends them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from http import HTTPStatus

from everstream.testing.steps import Connection, Encoding, End, Send

__all__ = ["Body", "response_head"]

_TOO_LONG_BY = 1_000_000
"""Not more: some clients allocate at once what a length promises."""
_BODYLESS = (204, 304)
_WINDOW_BITS = {"gzip": 31, "deflate": 15}


class Body:
    """The body of one response, piece by piece. Every piece is to be sent by itself."""

    def __init__(self, connection: Connection) -> None:
        self._framing = connection.framing
        self._chunked = connection.framing in ("chunked", "trickle")
        self._split = connection.split
        self._coding = _Coding(connection.encoding)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Gives what carries these bytes, flushed, so that the client can decode all of them."""
        coded = self._coding.encode(data)
        if self._framing == "trickle":
            yield from self._trickle(coded)
        elif coded:
            yield from map(self._framed, _split(coded, self._split))

    def end(self) -> Iterator[bytes]:
        """Gives what completes the body."""
        rest = self._coding.finish()
        if rest:
            yield self._framed(rest)
        if self._chunked:
            yield b"0\r\n\r\n"

    def cut(self, data: bytes) -> bytes:
        """Gives what begins a piece that never becomes complete."""
        coded = self._coding.encode(data) if data else b""
        return b"%X\r\n%b" % (len(coded) + 16, coded) if self._chunked else coded

    def _framed(self, data: bytes) -> bytes:
        return b"%X\r\n%b\r\n" % (len(data), data) if self._chunked else data

    def _trickle(self, data: bytes) -> Iterator[bytes]:
        if data:
            yield b"%X\r\n" % len(data)
            yield from _split(data, self._split or 1)
            yield b"\r\n"


class _Coding:
    """A content coding that is flushed after every step."""

    def __init__(self, encoding: Encoding) -> None:
        self._compressor = None if encoding == "identity" else zlib.compressobj(wbits=_WINDOW_BITS[encoding])

    def encode(self, data: bytes) -> bytes:
        if self._compressor is None:
            return data
        return self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return b"" if self._compressor is None else self._compressor.flush(zlib.Z_FINISH)


def response_head(connection: Connection) -> bytes:
    """Gives the status line and the headers, with the blank line after them."""
    fields = list(_fields(connection))
    lines = [f"HTTP/1.1 {connection.status} {_reason(connection.status)}"]
    lines += [f"{name}: {value}" for name, value in fields]
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def _fields(connection: Connection) -> Iterator[tuple[str, str]]:
    if connection.content_type is not None:
        yield "Content-Type", connection.content_type
    if connection.encoding != "identity":
        yield "Content-Encoding", connection.encoding
    if connection.status not in _BODYLESS:
        yield from _framing_fields(connection)
    if not connection.keep_alive:
        yield "Connection", "close"
    yield from connection.headers


def _framing_fields(connection: Connection) -> Iterator[tuple[str, str]]:
    if connection.framing in ("chunked", "trickle"):
        yield "Transfer-Encoding", "chunked"
    elif connection.framing == "length":
        length = _length(connection) if connection.length is None else connection.length
        yield "Content-Length", str(length)


def _length(connection: Connection) -> int:
    """Works out the length of a body; too long if it does not come to a proper end."""
    if not isinstance(connection.steps, tuple):
        return 10 * _TOO_LONG_BY
    coding = _Coding(connection.encoding)
    sends = [step for step in connection.steps if isinstance(step, Send)]
    length = sum(len(coding.encode(step.data)) for step in sends) + len(coding.finish())
    return length if isinstance(connection.steps[-1], End) else length + _TOO_LONG_BY


def _split(data: bytes, size: int | None) -> list[bytes]:
    step = size or len(data)
    return [data[start : start + step] for start in range(0, len(data), step)]


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
