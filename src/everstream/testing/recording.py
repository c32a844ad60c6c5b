"""What the server saw: requests, with their headers as they were on the wire."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["RecordedRequest", "RequestHeaders", "recorded"]


class RequestHeaders(Mapping[str, str]):
    """The header fields of a request, in order, with duplicates, and without regard to case.

    As a mapping it gives text (Latin-1, as HTTP says), the values of a repeated field joined by
    ``", "``. `raw()` gives the bytes.
    """

    def __init__(self, fields: list[tuple[bytes, bytes]]) -> None:
        self.fields = tuple(fields)
        """Every field as (name, value), as it was on the wire, spaces around the value removed."""

    def raw(self, name: str) -> list[bytes]:
        """Gives the bytes of every field with this name."""
        wanted = name.lower().encode("latin-1")
        return [value for field_name, value in self.fields if field_name.lower() == wanted]

    def count(self, name: str) -> int:
        """Says how often a field was sent."""
        return len(self.raw(name))

    def __getitem__(self, name: str) -> str:
        values = self.raw(name)
        if not values:
            raise KeyError(name)
        return b", ".join(values).decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.lower().decode("latin-1") for name, _ in self.fields))

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self.fields})

    def __repr__(self) -> str:
        return f"RequestHeaders({list(self.fields)!r})"


@dataclass(eq=False)
class RecordedRequest:
    """One request, and what became of it."""

    number: int
    """Its place in `SSEServer.requests`, from 0."""

    method: str

    target: str
    """Path and query as they were in the request line."""

    headers: RequestHeaders

    body: bytes = field(repr=False)

    time: float
    """When it arrived; seconds of `time.monotonic()`."""

    peer: tuple[str, int]
    """The client's address and port: equal for requests on one and the same connection."""

    ended: float | None = None
    """When the server was done with it; seconds of `time.monotonic()`, or ``None``."""

    client_gone: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set when the server noticed that the client had closed or reset the connection."""

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one, the last."""
        return dict(self.query_pairs)

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        """The query's parameters, in order, with duplicates and empty ones."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def raw_last_event_id(self) -> bytes | None:
        """The bytes of the ``Last-Event-ID`` header; ``None`` if there was none."""
        values = self.headers.raw("Last-Event-ID")
        return values[0] if values else None

    @property
    def last_event_id(self) -> str | None:
        """The ``Last-Event-ID`` header, decoded as UTF-8; ``None`` if there was none.

        Bytes that are not UTF-8 become lone surrogates, so that they equal no id that was sent.
        """
        value = self.raw_last_event_id
        return None if value is None else value.decode("utf-8", "surrogateescape")

    def __str__(self) -> str:
        position = self.last_event_id
        return f"{self.method} {self.target}" + (
            "" if position is None else f" (Last-Event-ID: {position!r})"
        )


def recorded(head: bytes, body: bytes, peer: tuple[str, int], number: int, time: float) -> RecordedRequest:
    """Reads a request's head as it was on the wire."""
    request_line, *lines = head.split(b"\n")
    method, _, rest = request_line.decode("latin-1").strip().partition(" ")
    return RecordedRequest(
        number=number,
        method=method,
        target=rest.rpartition(" ")[0],
        headers=RequestHeaders(list(_fields(lines))),
        body=body,
        time=time,
        peer=peer,
    )


def _fields(lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for line in lines:
        name, colon, value = line.rstrip(b"\r").partition(b":")
        if colon:
            yield name, value.strip(b" \t")
