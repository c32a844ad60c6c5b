"""Plays one connection of a script to a client."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from everstream.testing.line import Line
from everstream.testing.steps import (
    Connection,
    Cut,
    End,
    Endless,
    Garbage,
    Pause,
    Reset,
    Send,
    Silence,
    Stall,
    Status,
    Step,
    Until,
    Wait,
)
from everstream.testing.waiting import Gate
from everstream.testing.wire import Body, response_head

__all__ = ["NotReleased", "Player"]


class NotReleased(AssertionError):
    """A `pause()` that the test never released."""


class Player:
    """Plays connections to one client.

    Args:
        line: The connection to the client.
        gate: What holds its pauses.
        leaving: Called right before the server does what may make the client go.
    """

    def __init__(self, line: Line, gate: Gate, leaving: Callable[[], None]) -> None:
        self._line = line
        self._gate = gate
        self._leaving = leaving

    def play(self, connection: Connection) -> bool:
        """Plays a connection to its end.

        Returns:
            Whether the client may send another request on the same connection.

        Raises:
            ClientGone: If the client goes before the end.
            NotReleased: If a pause reaches its safety limit.
        """
        steps = iter(connection.steps)
        first = next(steps)
        if isinstance(first, Status):
            # A client may act on a status as soon as it has read the head.
            self._leaving()
            return self.play(_response(first))
        if isinstance(first, Silence):
            self._line.hold(None)
        if isinstance(first, Garbage):
            self._leaving()
            self._line.send(first.data)
            self._line.drop()
            return False
        return self._respond(connection, first, steps)

    def _respond(self, connection: Connection, first: Step, rest: Iterator[Step]) -> bool:
        body = Body(connection)
        self._line.send(response_head(connection))
        self._step(first, body)
        step = first
        for step in rest:
            self._step(step, body)
        stays_open = connection.keep_alive and isinstance(step, End)
        if isinstance(step, End) and not stays_open:
            self._line.close()
        return stays_open

    def _step(self, step: Step, body: Body) -> None:
        match step:
            case Send(data):
                self._send(body.pieces(data))
            case Pause(timeout):
                self._pause(timeout)
            case Until(condition, bell):
                self._line.hold_until(condition, bell, None)
            case Wait(seconds):
                self._line.hold(seconds)
            case Endless(data, every):
                self._repeat(body, data, every)
            case Stall() | Silence():
                self._line.hold(None)
            case End() | Cut() | Reset() | Garbage():
                self._leaving()
                self._finish(step, body)
            case Status():
                raise AssertionError(f"{step!r} must be the only step of its connection")

    def _finish(self, step: End | Cut | Reset | Garbage, body: Body) -> None:
        match step:
            case End():
                self._send(body.end())
            case Cut(data):
                self._line.send(body.cut(data))
                self._line.drop()
            case Reset():
                self._line.reset()
            case Garbage(data):
                self._line.send(data)
                self._line.drop()

    def _send(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            self._line.send(piece)

    def _pause(self, timeout: float) -> None:
        with self._gate.queued() as ticket:
            released = self._line.hold_until(
                lambda: self._gate.lets_through(ticket), self._gate.bell, timeout
            )
        if not released:
            raise NotReleased(f"pause() was not released within {timeout:g} s")

    def _repeat(self, body: Body, data: bytes, every: float) -> None:
        while True:
            self._send(body.pieces(data))
            if every:
                self._line.hold(every)


def _response(status: Status) -> Connection:
    """Gives the connection that plays a response without events."""
    body = status.body
    return Connection(
        steps=(body,) if isinstance(body, Endless) else (Send(body), End()),
        framing="chunked" if isinstance(body, Endless) else "length",
        status=status.code,
        headers=status.headers,
        content_type=status.content_type,
    )
