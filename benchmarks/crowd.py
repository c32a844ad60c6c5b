"""A crowd of clients that loses its server at once, in simulated time.

Simulated are the time, the network and the server. A client is at a fixed distance from the server, a round
trip of 10 to 100 ms: it learns of everything half a round trip later, and its request arrives half a round
trip after it was sent. So nobody, however exact, arrives in the very instant of another. The server refuses
connections, or answers 503, or accepts; it takes no time for that.

Real are the clients that are called everstream: each is an `EventSourceProtocol` with the default policy,
which is all that decides about waits in the library. Others are the rules of `delay_rules`.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeAlias

from benchmarks.delay_rules import DelayRule, Failure
from everstream.core.backoff import FullJitter
from everstream.core.errors import ConnectFailed, EverstreamError, ResponseRejected, StreamInterrupted
from everstream.core.events import Closed, Event, Failed, Interrupted, Position
from everstream.core.headers import Headers
from everstream.core.protocol import EventSourceProtocol
from everstream.core.reconnection import RetryPolicy

__all__ = [
    "WINDOW",
    "Client",
    "Course",
    "MakeClient",
    "Scenario",
    "course_of",
    "everstream_client",
    "rule_client",
]

WINDOW = 0.1
"""Seconds, in which arrivals are counted."""
_ROUND_TRIP = (0.01, 0.1)
_OPEN_FOR = 3600.0
_END = 3600.0
"""Seconds, after which a simulation stops, though somebody may still wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What the server does after all connections were lost at time 0.

    Attributes:
        name: For the tables.
        title: For the plot.
        hint: Seconds of the `retry:` that the lost streams had given, if any.
        down_for: Seconds, in which nothing is accepted.
        is_fronted: Whether a proxy answers 503 in that time; else connections are refused.
        room: Connections that are accepted in each 100 ms; the others get a 503. None: all of them.
        retry_after: Seconds of `Retry-After` in each 503.
    """

    name: str
    title: str
    hint: float | None = None
    down_for: float = 0.0
    is_fronted: bool = False
    room: int | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What happened in a scenario.

    Attributes:
        arrivals: When a request or a connection attempt reached the server, in seconds, in order.
        returned: When a client was connected again, in order.
        clients: How many there were.
    """

    arrivals: Sequence[float]
    returned: Sequence[float]
    clients: int

    @property
    def peak(self) -> int:
        """The most arrivals within any 100 ms, wherever they begin."""
        most = first = 0
        for last, at in enumerate(self.arrivals):
            while at - self.arrivals[first] >= WINDOW:
                first += 1
            most = max(most, last - first + 1)
        return most

    def per_window(self, until: float) -> tuple[int, ...]:
        """Returns the arrivals in each 100 ms from the loss on, for `until` seconds."""
        counts = Counter(map(_window, self.arrivals))
        return tuple(counts[number] for number in range(_window(until)))


class Client(Protocol):
    """Decides what follows a failure."""

    def lost(self, now: float) -> float | None:
        """Notes the loss of the connection; returns the seconds to wait, or None to give up."""

    def refused(self, now: float) -> float | None:
        """Notes that no connection could be made."""

    def rejected(self, now: float, retry_after: float | None) -> float | None:
        """Notes a 503."""


MakeClient: TypeAlias = Callable[[Scenario, Random], Client]


class _RuleClient:
    def __init__(self, rule: DelayRule, hint: float | None, random: Random) -> None:
        self._rule = rule
        self._hint = hint
        self._random = random
        self._failures = 0

    def lost(self, now: float) -> float | None:
        return self._after(None, None)

    def refused(self, now: float) -> float | None:
        return self._after(None, None)

    def rejected(self, now: float, retry_after: float | None) -> float | None:
        return self._after(503, retry_after)

    def _after(self, status: int | None, retry_after: float | None) -> float | None:
        self._failures += 1
        failure = Failure(attempt=self._failures, hint=self._hint, status=status, retry_after=retry_after)
        return self._rule(failure, self._random)


class _EverstreamClient:
    def __init__(self, hint: float | None, random: Random) -> None:
        self._protocol = EventSourceProtocol(retry=RetryPolicy(wait=FullJitter(random=random.random)))
        stream = b"data: healthy\n\n" if hint is None else b"retry: %d\ndata: healthy\n\n" % (hint * 1000)
        self._protocol.connecting(-_OPEN_FOR)
        self._protocol.opened(200, Headers({"Content-Type": "text/event-stream"}), -_OPEN_FOR)
        for item in self._protocol.receive(stream, -_OPEN_FOR):
            if isinstance(item, (Event, Position)):
                self._protocol.delivered(item)

    def lost(self, now: float) -> float | None:
        return self._after(StreamInterrupted(reason="reset"), now)

    def refused(self, now: float) -> float | None:
        self._protocol.connecting(now)
        return self._after(ConnectFailed(host="a.example", reason="connection refused"), now)

    def rejected(self, now: float, retry_after: float | None) -> float | None:
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}
        self._protocol.connecting(now)
        try:
            self._protocol.opened(503, Headers(headers), now)
        except ResponseRejected as error:
            return self._after(error, now)
        raise AssertionError("a 503 was accepted")

    def _after(self, error: EverstreamError, now: float) -> float | None:
        outcome: Interrupted | Closed | Failed = self._protocol.interrupted(error, now)
        return outcome.delay if isinstance(outcome, Interrupted) else None


def rule_client(rule: DelayRule) -> MakeClient:
    """Returns what makes clients that follow a rule."""
    return lambda scenario, random: _RuleClient(rule, scenario.hint, random)


def everstream_client(scenario: Scenario, random: Random) -> Client:
    """Returns an event source of this library, connected an hour before the loss."""
    return _EverstreamClient(scenario.hint, random)


def course_of(scenario: Scenario, make_client: MakeClient, clients: int, seed: int = 1) -> Course:
    """Simulates a scenario with a crowd of equal clients.

    Args:
        scenario: What the server does.
        make_client: Makes one client, with dice of its own.
        clients: How many.
        seed: Of all dice; with the same one, everything happens again.
    """
    random = Random(seed)
    server = _Server(scenario)
    crowd = [
        _Member(make_client(scenario, Random(random.random())), random.uniform(*_ROUND_TRIP) / 2)
        for _ in range(clients)
    ]
    arrivals: list[float] = []
    returned: list[float] = []
    waiting = [(at, number) for number, member in enumerate(crowd) if (at := member.lost()) is not None]
    heapq.heapify(waiting)
    while waiting and waiting[0][0] < _END:
        at, number = heapq.heappop(waiting)
        arrivals.append(at)
        if server.accepts(at):
            returned.append(at)
        elif (again := crowd[number].failed(scenario, at)) is not None:
            heapq.heappush(waiting, (again, number))
    return Course(arrivals=arrivals, returned=returned, clients=clients)


class _Server:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._accepted: Counter[int] = Counter()

    def accepts(self, at: float) -> bool:
        if at < self._scenario.down_for:
            return False
        window = _window(at)
        self._accepted[window] += 1
        return self._scenario.room is None or self._accepted[window] <= self._scenario.room


def _window(at: float) -> int:
    return int(at * round(1 / WINDOW))


@dataclass(frozen=True, slots=True)
class _Member:
    """A client at its distance from the server, half a round trip in seconds."""

    client: Client
    distance: float

    def lost(self) -> float | None:
        """Returns when its first request arrives."""
        return self._arrival(self.distance, self.client.lost(self.distance))

    def failed(self, scenario: Scenario, at: float) -> float | None:
        """Returns when its next request arrives, after one that arrived at a time and failed."""
        now = at + self.distance
        if at < scenario.down_for and not scenario.is_fronted:
            return self._arrival(now, self.client.refused(now))
        return self._arrival(now, self.client.rejected(now, scenario.retry_after))

    def _arrival(self, now: float, delay: float | None) -> float | None:
        return None if delay is None else now + delay + self.distance
