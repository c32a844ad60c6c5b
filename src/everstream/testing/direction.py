"""Who says what the server does next: a script, or anything else with the same two methods."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

from everstream.testing.recording import RecordedRequest
from everstream.testing.script import no_content
from everstream.testing.steps import Connection, Refusal, Step, connection

__all__ = ["ConnectionLike", "Direction", "Script"]

ConnectionLike: TypeAlias = Connection | Step | Sequence[Step]
"""A connection, or the steps of one with the usual framing, or its only step."""


class Direction(Protocol):
    """Decides what the server does with each request. Called by one thread at a time."""

    def next(self, request: RecordedRequest) -> Connection:
        """Gives what happens on the connection that brought this request."""
        ...

    def leaving(self) -> float | None:
        """Gives the seconds for which connections are to be refused from now on, if at all."""
        ...

    def unplayed(self) -> int:
        """Says how many connections are planned and have not come yet."""
        ...


class Script:
    """A list of connections, and what happens when it has run out."""

    def __init__(
        self,
        connections: Iterable[ConnectionLike | Refusal] = (),
        then: ConnectionLike | None = None,
    ) -> None:
        self._waiting = deque(
            entry if isinstance(entry, Refusal) else _connection(entry) for entry in connections
        )
        self._then = _connection(no_content() if then is None else then)

    def next(self, request: RecordedRequest) -> Connection:
        """Gives the script's next connection."""
        while self._waiting:
            entry = self._waiting.popleft()
            if isinstance(entry, Connection):
                return entry
        return self._then

    def leaving(self) -> float | None:
        """Gives the time of the refusal that comes next in the script, if one does."""
        entry = self._waiting[0] if self._waiting else None
        if not isinstance(entry, Refusal):
            return None
        self._waiting.popleft()
        return entry.seconds

    def unplayed(self) -> int:
        """Says how many connections of the script have not come yet."""
        return sum(isinstance(entry, Connection) for entry in self._waiting)


def _connection(entry: ConnectionLike) -> Connection:
    if isinstance(entry, Connection):
        return entry
    return connection(*entry) if isinstance(entry, Sequence) else connection(entry)
