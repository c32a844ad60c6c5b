"""The framings of the latency benchmark: how one event at a time is put on the wire.

An event is written in one piece or in several. Its data ends with the time, so that only the last piece,
which completes it, needs to know when it is sent.
"""

from __future__ import annotations

import zlib

from benchmarks.framings import chunk

__all__ = ["BARE", "FRAMINGS", "Framing", "sent_at"]

_BEGIN = (
    b'data: {"id":"chatcmpl-9rT4mVx2QpLw7KdHsYcB8nJf3ZaGe","object":"chat.completion.chunk","model":"gpt-4o",'
    b'"choices":[{"index":0,"delta":{"content":" stream"},"finish_reason":null}],"sent":'
)
_TIME_DIGITS = 19
_EVENTS_PER_CHUNK = 10


def sent_at(data: str) -> int:
    """Returns the time in an event's data, in nanoseconds."""
    return int(data[-_TIME_DIGITS - 1 : -1])


def _event(sent: int, end: bytes = b"\n") -> bytes:
    return b"%b%0*d}%b%b" % (_BEGIN, _TIME_DIGITS, sent, end, end)


_EVENT_BYTES = len(_event(0))
_CUTS = _EVENT_BYTES // 3, 2 * _EVENT_BYTES // 3


class Framing:
    """One event per HTTP chunk, in one write; the others differ from it.

    Attributes:
        headers: Header fields of the answer, without the content type.
        end: What comes after the last event.
    """

    headers: tuple[str, ...] = ("Transfer-Encoding: chunked",)
    end = b"0\r\n\r\n"

    def early(self, index: int) -> list[bytes]:
        """Returns the pieces of an event that go before the last."""
        del index
        return []

    def last(self, index: int, sent: int) -> bytes:
        """Returns the piece that completes an event, with the time."""
        del index
        return chunk(_event(sent))


class ChunkPerLine(Framing):
    """Each line of an event in an HTTP chunk of its own, lines ended by CRLF, in two writes."""

    def early(self, index: int) -> list[bytes]:
        """Returns the line with the event ID."""
        return [chunk(b"id: %d\r\n" % index)]

    def last(self, index: int, sent: int) -> bytes:
        """Returns the line with the data, and the blank one."""
        del index
        lines = _event(sent, end=b"\r\n")
        return chunk(lines[:-2]) + chunk(lines[-2:])


class TricklingChunk(Framing):
    """Ten events in one HTTP chunk, which is sent as they come, each event in three writes."""

    def early(self, index: int) -> list[bytes]:
        """Returns two thirds of the event, the size of the chunk before them if it begins here."""
        begins = index % _EVENTS_PER_CHUNK == 0
        size = b"%x\r\n" % (_EVENTS_PER_CHUNK * _EVENT_BYTES) if begins else b""
        return [size + _BEGIN[: _CUTS[0]], _BEGIN[_CUTS[0] : _CUTS[1]]]

    def last(self, index: int, sent: int) -> bytes:
        """Returns the rest of the event, and the end of the chunk if it is here."""
        ends = index % _EVENTS_PER_CHUNK == _EVENTS_PER_CHUNK - 1
        return _event(sent)[_CUTS[1] :] + (b"\r\n" if ends else b"")


class UntilClose(Framing):
    """The body ends with the connection."""

    headers = ("Connection: close",)
    end = b""

    def last(self, index: int, sent: int) -> bytes:
        """Returns the event."""
        del index
        return _event(sent)


class Compressed(Framing):
    """One event per HTTP chunk, compressed with gzip, flushed after each."""

    headers = (*Framing.headers, "Content-Encoding: gzip")

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)

    def last(self, index: int, sent: int) -> bytes:
        """Returns the event; to compress it is part of what is measured, for every client alike."""
        del index
        return chunk(self._compressor.compress(_event(sent)) + self._compressor.flush(zlib.Z_SYNC_FLUSH))


FRAMINGS: dict[str, type[Framing]] = {
    "one per chunk": Framing,
    "chunk per line": ChunkPerLine,
    "trickling chunk": TricklingChunk,
    "until close": UntilClose,
    "gzip": Compressed,
}
"""By the names in the table. The number of events must be a multiple of ten."""

BARE = UntilClose
"""What a loop gets that reads bytes from a socket, and knows no HTTP."""
