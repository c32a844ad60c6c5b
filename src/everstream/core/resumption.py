"""How a reconnect says where the stream stopped: a cursor taken from events, put into a request.

Rule: pure values. A strategy keeps no state; the cursor is kept by `EventSourceProtocol`, which moves
it when an event is delivered, never when it is merely received.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from everstream.core.errors import ConfigurationError
from everstream.core.events import Event, Position

__all__ = ["LastEventID", "QueryCursor", "Resumption"]


class Resumption(Protocol):
    """A strategy for resuming. Write your own for a server with other ways.

    It may also have a method `request_url(cursor)`, which returns the URL to GET the rest from, or None to
    make the request that began the stream again.
    """

    def cursor_after(self, item: Event | Position, cursor: str) -> str:
        """Returns the cursor once the consumer has taken `item`.

        Args:
            item: An event, or a block that only moved the last event ID.
            cursor: The cursor before it; empty if there is none.
        """
        ...

    def request_headers(self, cursor: str) -> Mapping[str, str | bytes]:
        """Returns the header fields that ask the server to go on after `cursor`, never empty here."""
        ...

    def request_params(self, cursor: str) -> Mapping[str, str]:
        """Returns the query parameters that ask the server to go on after `cursor`, never empty here."""
        ...


@dataclass(frozen=True, slots=True)
class LastEventID:
    """Resumes as the standard does: the last event ID in the `Last-Event-ID` header."""

    def cursor_after(self, item: Event | Position, cursor: str) -> str:
        """Returns the last event ID string; an empty `id:` field has reset it."""
        return item.id

    def request_headers(self, cursor: str) -> Mapping[str, str | bytes]:
        """Returns `Last-Event-ID`, if the cursor can be a header value at all."""
        value = header_value(cursor)
        return {"Last-Event-ID": value} if value else {}

    def request_params(self, cursor: str) -> Mapping[str, str]:
        """Returns nothing."""
        return {}


@dataclass(frozen=True, slots=True)
class QueryCursor:
    """Resumes by a query parameter, such as OpenAI's `starting_after` or Kubernetes' `resourceVersion`.

    Attributes:
        param: The name of the parameter.
        of: Takes the cursor from an event; None if this event has none, so that the last one stays.
        url: A function of no arguments that gives the URL to GET the rest from, if it is not the
            request that began the stream that is to be made again.
    """

    param: str
    of: Callable[[Event], str | int | None]
    url: Callable[[], str] | None = None

    def __post_init__(self) -> None:
        functions: list[object] = [self.of] if self.url is None else [self.of, self.url]
        if not (self.param and all(map(callable, functions))):
            raise ConfigurationError("QueryCursor(param, of, url) takes a parameter's name and functions")

    def cursor_after(self, item: Event | Position, cursor: str) -> str:
        """Returns what `of` takes from the event, or the cursor as it was."""
        taken = self.of(item) if isinstance(item, Event) else None
        return cursor if taken is None else str(taken)

    def request_headers(self, cursor: str) -> Mapping[str, str | bytes]:
        """Returns nothing."""
        return {}

    def request_params(self, cursor: str) -> Mapping[str, str]:
        """Returns the one parameter."""
        return {self.param: cursor}

    def request_url(self, cursor: str) -> str | None:
        """Returns where the rest is to be had, if that is elsewhere."""
        return None if self.url is None else self.url()


def continues_elsewhere(resume: Resumption | None) -> bool:
    """Returns whether a strategy asks another URL for the rest, so that to begin again is another matter."""
    if isinstance(resume, QueryCursor):
        return resume.url is not None
    return hasattr(resume, "request_url")


def header_value(cursor: str) -> bytes:
    """Returns a cursor as the bytes of a header value.

    The value goes out as UTF-8 [spec: `Last-Event-ID`, encoded as UTF-8]: as text, HTTP libraries send
    one Latin-1 byte for é, and raise for 日本. Leading white space cannot be in a header value (RFC 9110,
    5.5) though it can be in an id; receivers strip it at both ends, so we do. CR and LF cannot be in an
    id that was parsed, but can in one that a caller passes in; NUL likewise.
    """
    return cursor.translate(_NOT_IN_HEADERS).strip("\t\v\f ").encode("utf-8", "replace")


_NOT_IN_HEADERS = {ord(character): None for character in "\r\n\0"}
