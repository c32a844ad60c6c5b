"""Taking off the chunked transfer coding (RFC 9112, 7.1), many HTTP chunks at a time.

`http.client` reads a chunk, its size and its end in three calls, for one event mostly. Here one `recv` gives
all that has come, and the chunks in it are put together. It is the reader below `http.client` and urllib3
that is replaced: to them the body looks like one that ends with its connection, and all that they do
besides, from decompression to giving the connection back, goes on as before. Where there is nothing to
decompress, they are asked at the end only.

Rules:

- As prompt as before: payload is handed on with the `recv` that brought it, also from inside of a chunk.
- As strict as before, and more so: no end is taken for one without its last chunk, a size is hexadecimal
  digits, and a chunk ends where its size says. Payload that came before a mistake is handed on first.
- Only for a body that is chunked, of which nothing was read yet, by the reader that we know. Any other is
  left alone: `read1` then does what it always did.
"""

from __future__ import annotations

import functools
import http.client
import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

__all__ = ["reader_of", "unchunk"]

# [RFC 9112, 7.1] The CRLF behind a chunk, and of the next one: chunk-size [ chunk-ext ] CRLF. A size may also
# end in a lone LF, as http.client has it.
_BETWEEN = re.compile(rb"\r\n([0-9A-Fa-f]+)[ \t]*(?:;.*)?\r?")
# [RFC 9112, 7.1] The last chunk is followed by a trailer section, which ends with an empty line.
_END_OF_TRAILERS = re.compile(rb"(?:\A|\n)\r?\n")
_MOST_FRAMING_BYTES = 16_384
"""Of the line of one size, or of all trailers: far more than anybody sends, and little to keep."""


def reader_of(raw: BaseHTTPResponse) -> Callable[[int], bytes]:
    """Returns what gives the next bytes of a body, at most so many, decompressed; none at its end.

    Args:
        raw: The response of urllib3.
    """
    read1 = functools.partial(raw.read1, decode_content=True)
    unchunked = unchunk(raw)
    if unchunked is None or "content-encoding" in raw.headers:
        return read1

    def read(size: int) -> bytes:
        # With nothing to decompress, urllib3 and http.client would only hand on what they get.
        try:
            payload = unchunked.read1(size)
        except Exception:
            # So does urllib3, lest the connection be used again.
            raw.close()
            raise
        # The end is theirs: they may give the connection back.
        return payload or read1(size)

    return read


def unchunk(raw: BaseHTTPResponse) -> Unchunked | None:
    """Has the body read by `Unchunked`, and returns that, if it is a body that this can be done to.

    Args:
        raw: The response of urllib3.
    """
    response = getattr(raw, "_fp", None)
    if not isinstance(response, http.client.HTTPResponse):
        return None
    # What is no response of a connection may lack anything; a recorded one has no such reader.
    if type(getattr(response, "fp", None)) is not io.BufferedReader:
        return None
    # Once a chunk was begun, `chunk_left` is a number; if there can be no body, as with 204, `length` is 0.
    if not response.chunked or response.chunk_left is not None or response.length is not None:
        return None
    response.fp = unchunked = Unchunked(response.fp)  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    response.chunked = raw.chunked = False
    return unchunked


class Unchunked(io.BufferedIOBase):
    """The payload of a chunked body.

    Args:
        wire: Reads what came over the connection, after the head of the response.
    """

    def __init__(self, wire: io.BufferedReader) -> None:
        self.raw = wire.raw
        self._wire = wire
        # Before the first chunk there is no other; so it is read as if there were.
        self._rest = b"\r\n"
        self._left = 0
        self._is_in_trailers = self._is_over = self._is_broken = False

    def readable(self) -> bool:
        """Returns that it is."""
        return True

    def fileno(self) -> int:
        """Returns the descriptor of the socket."""
        return self._wire.fileno()

    def read1(self, size: int = -1, /) -> bytes:
        """Returns payload as soon as there is any, from one `recv` if that brings any; none at the end.

        Raises:
            http.client.IncompleteRead: The body was cut off, or is not chunked as it should be.
        """
        while size and not self._is_over:
            # Payload that came before a mistake was handed on: the mistake is found at the next call.
            wire = b"" if self._is_broken else self._wire.read1(size)
            if wire:
                payload = self._taken(self._rest + wire)
                if payload:
                    return payload
            elif self._is_in_trailers and not self._is_broken:
                # http.client takes the end of the connection for theirs.
                self._is_over = True
            else:
                raise http.client.IncompleteRead(b"")
        return b""

    def read(self, size: int | None = -1, /) -> bytes:
        """Returns so much payload, or all of it, however long it takes: for whoever goes on without us.

        Raises:
            http.client.IncompleteRead: As from `read1`.
        """
        wanted = -1 if size is None else size
        parts: list[bytes] = []
        while payload := self.read1(wanted):
            parts.append(payload)
            wanted -= len(payload)
        return b"".join(parts)

    def close(self) -> None:
        """Closes what it reads from."""
        super().close()
        self._wire.close()

    def _taken(self, wire: bytes) -> bytes:
        """Returns the payload in the next bytes of the wire, and keeps what is left of them."""
        position = self._left
        parts = [wire[:position]] if position else []
        is_mistaken = False
        try:
            while not self._is_in_trailers and (end := wire.find(b"\n", position + 2)) >= 0:
                size = _size(wire[position:end])
                position = end + 1 + size
                parts.append(wire[end + 1 : position])
                self._is_in_trailers = not size
        except ValueError:
            is_mistaken = True
        self._left = max(position - len(wire), 0)
        self._rest = rest = wire[position:]
        self._is_over = self._is_in_trailers and _END_OF_TRAILERS.search(rest) is not None
        self._is_broken = is_mistaken or len(rest) > _MOST_FRAMING_BYTES
        return b"".join(parts)


# A stream has chunks of few sizes.
@functools.lru_cache(maxsize=1024)
def _size(between: bytes) -> int:
    """Returns the size of the chunk that is announced between two.

    Raises:
        ValueError: None is. (An exception is not kept, nor is what it was raised for.)
    """
    match = _BETWEEN.fullmatch(between)
    if match is None or len(between) > _MOST_FRAMING_BYTES:
        raise ValueError("no size of a chunk")
    return int(match[1], 16)
