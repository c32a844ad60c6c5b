"""How events are put on the wire: the heads and bodies of HTTP/1.1 answers, as bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

__all__ = ["FRAMINGS", "Framing", "chunk", "head"]

_CHUNK = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Framing:
    """A way to put events on the wire.

    Attributes:
        name: The short name.
        headers: The headers of an answer of this kind, without the content type.
        body: Makes the body, as it is sent, from the events.
    """

    name: str
    headers: tuple[str, ...]
    body: Callable[[Iterable[bytes]], bytes]

    def answer(self, blocks: Iterable[bytes]) -> bytes:
        """Returns the whole answer with these events."""
        return head(*self.headers) + self.body(blocks)


def head(*headers: str) -> bytes:
    """Returns the head of an answer with an event stream."""
    lines = ("HTTP/1.1 200 OK", "Content-Type: text/event-stream; charset=utf-8", *headers, "", "")
    return "\r\n".join(lines).encode()


def chunk(content: bytes) -> bytes:
    """Returns a chunk of the chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def _chunked(contents: Iterable[bytes]) -> bytes:
    return b"".join(map(chunk, contents)) + b"0\r\n\r\n"


def _slices(blocks: Iterable[bytes]) -> Iterator[bytes]:
    body = b"".join(blocks)
    return (body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK))


def _compressed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(wbits=_GZIP)
    for content in _slices(blocks):
        yield compressor.compress(content) + compressor.flush(zlib.Z_SYNC_FLUSH)
    yield compressor.flush()


FRAMINGS = {
    framing.name: framing
    for framing in (
        Framing("one per chunk", ("Transfer-Encoding: chunked",), _chunked),
        Framing("64 KiB chunks", ("Transfer-Encoding: chunked",), lambda blocks: _chunked(_slices(blocks))),
        Framing("until close", ("Connection: close",), b"".join),
        Framing(
            "gzip",
            ("Transfer-Encoding: chunked", "Content-Encoding: gzip"),
            lambda blocks: _chunked(_compressed(blocks)),
        ),
    )
}
"""The framings, by name. With `gzip`, what has been compressed is flushed into a chunk every 64 KiB."""
