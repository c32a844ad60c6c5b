"""How long an event takes from the server's write to the program: 100 events a second, in five framings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import cast

from benchmarks.clients import CLIENTS, OURS
from benchmarks.listening import BARE
from benchmarks.pacing import EVENTS_PER_SECOND
from benchmarks.processes import Child, TooSlow, in_short
from benchmarks.results import Figure, Goal, Report, Scale, Table
from benchmarks.server import serving
from benchmarks.trickles import FRAMINGS

__all__ = ["Delays", "goal", "run"]

_EVENTS = 1000
_EVENTS_PER_CHUNK = 10
_PATIENCE = 60.0
"""Seconds that all processes may take to start, and to end."""

_MACHINE = "socket.recv"
_P99_GOAL, _MAX_GOAL = 0.001, 0.010
_HELD_BACK = 0.5 / EVENTS_PER_SECOND
"""Seconds: an event that is later than that, as a rule, waited for something else than its turn."""

_NOTES = (
    f"`{_MACHINE}` is a loop that reads a socket, without HTTP or framing, in the same seconds.",
    "The trickling chunk holds ten events; other chunks are sent whole, each with one event, or one line.",
    "With gzip, the server flushes after each event, and does not ask who can read it.",
)


@dataclass(frozen=True, slots=True)
class Delays:
    """How late the events of one client were, in seconds."""

    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, nanoseconds: list[int]) -> Delays:
        """Summarises the delays of single events."""
        ordered = sorted(nanoseconds)
        # The least value that is not below 50 or 99 of a hundred.
        p50, p99 = (ordered[-(-len(ordered) * share // 100) - 1] for share in (50, 99))
        return cls(p50 / 1e9, p99 / 1e9, ordered[-1] / 1e9)

    def __str__(self) -> str:
        numbers = " / ".join(_milliseconds(seconds) for seconds in (self.p50, self.p99, self.most))
        return f"held back: {numbers}" if self.p50 > _HELD_BACK else numbers


Finding = Delays | str
"""The delays, or what was wrong."""


def run(scale: Scale) -> Report:
    """Measures all clients at once, each in its own slot of time, one framing after the other."""
    events = scale.of(_EVENTS // _EVENTS_PER_CHUNK, at_least=3) * _EVENTS_PER_CHUNK
    modules = {name: module for name, module in CLIENTS.items() if scale.includes(name)} | {_MACHINE: BARE}
    findings = {framing: _findings(framing, modules, events) for framing in FRAMINGS}
    return Report(tables=(_table(findings, events),), figures=(_figure(findings),), goals=(goal(findings),))


def _findings(framing: str, modules: Mapping[str, str], events: int) -> dict[str, Finding]:
    with serving("benchmarks.pacing", framing, str(events), str(len(modules))) as url:
        children = {name: Child("listening", module, url, events) for name, module in modules.items()}
        within = _PATIENCE + events / EVENTS_PER_SECOND
        return {name: _finding(child, events, within) for name, child in children.items()}


def _finding(child: Child, events: int, within: float) -> Finding:
    try:
        delays = cast(list[int], child.result(within))
    except (TooSlow, RuntimeError) as failure:
        return in_short(failure)
    return Delays.of(delays) if len(delays) == events else f"{len(delays)} events of {events}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.2f}" if seconds < _HELD_BACK else f"{seconds * 1e3:.0f}"


def _table(findings: Mapping[str, Mapping[str, Finding]], events: int) -> Table:
    clients = next(iter(findings.values()))
    return Table(
        name="latency",
        title=f"Milliseconds from send to delivery: median / 99th percentile / maximum of {events} events",
        columns=("", *findings),
        rows=tuple((client, *(str(found[client]) for found in findings.values())) for client in clients),
        notes=_NOTES,
    )


def _worst(findings: Mapping[str, Mapping[str, Finding]], client: str) -> Delays | None:
    """Returns the greatest numbers of all framings; None if there are not numbers for all of them."""
    of_client = [found.get(client) for found in findings.values()]
    delays = [finding for finding in of_client if isinstance(finding, Delays)]
    if len(delays) < len(of_client):
        return None
    return Delays(*(max(numbers) for numbers in zip(*map(astuple, delays), strict=True)))


def _figure(findings: Mapping[str, Mapping[str, Finding]]) -> Figure:
    series = {
        framing: {
            client: (delays.p50, delays.p99, delays.most)
            for client, delays in found.items()
            if isinstance(delays, Delays)
        }
        for framing, found in findings.items()
    }
    return Figure(name="latency", series=series)


def goal(findings: Mapping[str, Mapping[str, Finding]]) -> Goal:
    """Returns whether the goal was reached in all framings."""
    ours, machine = (_worst(findings, name) for name in (OURS, _MACHINE))
    measured = "not in all framings" if ours is None else f"at worst {_p99_and_most(ours)}"
    if machine is not None:
        measured += f" (`{_MACHINE}`: {_p99_and_most(machine)})"
    return Goal(
        name="latency",
        wanted="99th percentile under 1 ms and maximum under 10 ms in all framings",
        measured=measured,
        is_met=ours is not None and ours.p99 < _P99_GOAL and ours.most < _MAX_GOAL,
    )


def _p99_and_most(delays: Delays) -> str:
    return f"{_milliseconds(delays.p99)} ms and {_milliseconds(delays.most)} ms"
