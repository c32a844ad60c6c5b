"""Taking off the chunked transfer coding (RFC 9112, 7.1), many HTTP chunks at a time.

`http.client` reads a chunk, its size and its end in three calls, for one event mostly. Here one `recv` gives
all that has come, and the chunks in it are put together. It is the reader below `http.client` and urllib3
that is replaced: to them the body looks like one that ends with its connection, and all that they do
besides, from decompression to giving the connection back, goes on as before.

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
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

__all__ = ["unchunk"]

# [RFC 9112, 7.1] The CRLF behind a chunk, and of the next one: chunk-size [ chunk-ext ] CRLF. A size may also
# end in a lone LF, as http.client has it.
_BETWEEN = re.compile(rb"\r\n([0-9A-Fa-f]+)[ \t]*(?:;.*)?\r?")
_MOST_FRAMING_BYTES = 65_536
"""Of one line: as in http.client."""


def unchunk(raw: BaseHTTPResponse) -> None:
    """Has the a body read by `Unchunked`, if it is one that this can be done to.

    Args:
        raw: The response of urllib3.
    """
    response = getattr(raw, "_fp", None)
    if not isinstance(response, http.client.HTTPResponse):
        return
    # Once a chunk was begun, `chunk_left` is a number.
    if response.chunked and response.chunk_left is None and type(response.fp) is io.BufferedReader:
        response.fp = Unchunked(response.fp)  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
        response.chunked = False
        raw.chunked = False


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

    def read1(self, size: int = -1, /) -> bytes:
        """Returns payload as soon as there is any, from one `recv` if that brings any; none at the end.

        Raises:
            http.client.IncompleteRead: The body was cut off, or is not chunked as it should be.
        """
        while not self._is_over:
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

    def flush(self) -> None:
        """Does nothing: there is nothing to write."""

    def close(self) -> None:
        """Closes what it reads from."""
        super().close()
        self._wire.close()

    def _taken(self, wire: bytes) -> bytes:
        """Returns the payload in the next bytes of the wire, and keeps what is left of them."""
        parts = [wire[: self._left]]
        position = self._left
        while position <= len(wire) and not self._is_in_trailers:
            end = wire.find(b"\n", position + 2)
            if end < 0:
                self._is_broken = len(wire) - position > _MOST_FRAMING_BYTES
                break
            size = _size(wire[position:end])
            if size < 0:
                self._is_broken = True
                break
            self._is_in_trailers = size == 0
            position = end + 1 + size
            parts.append(wire[end + 1 : position])
        self._rest = wire[position:]
        self._left = max(position - len(wire), 0)
        if self._is_in_trailers:
            self._discard_trailers()
        return b"".join(parts)

    def _discard_trailers(self) -> None:
        # [RFC 9112, 7.1.2] A recipient may discard them. They end with an empty line.
        *lines, self._rest = self._rest.split(b"\n")
        self._is_over = b"" in lines or b"\r" in lines
        self._is_broken = len(self._rest) > _MOST_FRAMING_BYTES


# A stream has chunks of few sizes.
@functools.lru_cache(maxsize=1024)
def _size(between: bytes) -> int:
    """Returns the size of the chunk that is announced between two; -1 if none is."""
    match = _BETWEEN.fullmatch(between)
    return -1 if match is None else int(match[1], 16)
