"""Serves a log from the position a client asks for, with faults."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from everstream.testing.faults import Fault, PlannedConnection, planned
from everstream.testing.log import EventLog
from everstream.testing.recording import RecordedRequest
from everstream.testing.script import cut, end, no_content, reset, retry, stall, status
from everstream.testing.steps import Connection, Send, Status, Step, Until, connection

__all__ = ["Replay", "last_event_id"]

_RETRY_MS = 20


def last_event_id(request: RecordedRequest) -> str | None:
    """Gives the position a client asks for, as the standard has it."""
    return request.last_event_id


@dataclass
class Replay:
    """Directs a server to serve a log.

    A client that has got all of it and comes back is answered 204, unless it is followed.
    """

    log: EventLog
    faults: Collection[Fault]
    seed: int
    follow: bool
    longest_run: int
    retry_after: int
    cursor: Callable[[RecordedRequest], str | None]
    _place: int = field(default=0, init=False)

    def next(self, request: RecordedRequest) -> Connection:
        """Goes on where the client stands."""
        start = self._start(request)
        if isinstance(start, Status):
            return connection(start)
        number = len(self.log.connections)
        plan = planned(self.seed, number, self.faults, self.longest_run)
        self.log.connections.append(plan)
        if plan.ending == "unavailable":
            return connection(status(503, retry_after=self.retry_after))
        return Connection(
            self._steps(start, plan),
            framing=plan.framing,
            encoding=plan.encoding,
            split=plan.split,
        )

    def leaving(self) -> float | None:
        """Refuses nothing."""
        return None

    def unplayed(self) -> int:
        """Plans nothing ahead."""
        return 0

    def _start(self, request: RecordedRequest) -> int | Status:
        position = self.cursor(request)
        # Without ids, a position is known to the server only: what it has sent completely.
        place = self.log.place_after(position) if position else self._place_without_id()
        if place is None:
            self.log.unknown_ids.append(position or "")
            return status(410, body=b"no such position")
        return no_content() if place == len(self.log) and not self.follow else place

    def _place_without_id(self) -> int:
        return 0 if self.log.has_ids else self._place

    def _steps(self, start: int, plan: PlannedConnection) -> Iterator[Step]:
        if plan.retry:
            yield retry(_RETRY_MS)
        place = start
        while place - start < plan.events or not self.log.can_resume_at(place):
            if place < len(self.log):
                yield Send(self.log.wire(place))
                place += 1
                self._place = place
            elif self.follow:
                yield Until(self.log.longer_than(place), self.log.bell)
            else:
                break
        yield self._ending(plan.ending, place)

    def _ending(self, ending: Fault, place: int) -> Step:
        match ending:
            case "cut":
                return cut()
            case "torn":
                wire = self.log.wire(place) if place < len(self.log) else b""
                return cut(wire[: len(wire) // 2])
            case "reset":
                return reset()
            case "stall":
                return stall()
            case _:
                return end()
