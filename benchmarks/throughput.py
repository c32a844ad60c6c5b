"""How much processor time an event costs: the whole client with its HTTP, beside its peers and the limits."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from importlib.metadata import version

from benchmarks.clients import CLIENTS, DISTRIBUTIONS, LIMITS, OURS
from benchmarks.measuring import Case, Finding, compared
from benchmarks.results import Figure, Goal, Report, Scale, Table

__all__ = ["CASES", "run"]

CASES = (
    Case(title="chat, one per chunk", payload="chat", framing="one per chunk", count=50_000),
    Case(title="chat, 64 KiB chunks", payload="chat", framing="64 KiB chunks", count=100_000),
    Case(title="chat, until close", payload="chat", framing="until close", count=100_000),
    Case(title="chat, gzip", payload="chat", framing="gzip", count=100_000),
    Case(title="wiki, one per chunk", payload="changes", framing="one per chunk", count=30_000),
    Case(title="wiki, 64 KiB chunks", payload="changes", framing="64 KiB chunks", count=50_000),
    Case(title="ticks, 64 KiB chunks", payload="ticks", framing="64 KiB chunks", count=200_000),
    Case(title="8 lines, 64 KiB chunks", payload="lines", framing="64 KiB chunks", count=50_000),
    Case(title="1 MiB, 64 KiB chunks", payload="large", framing="64 KiB chunks", count=24),
)

_AHEAD = 1.5
_ABOVE_THE_LIMIT = 3.0
_NEAR_THE_LIMIT = ("chat, 64 KiB chunks", "wiki, 64 KiB chunks")

Findings = Mapping[str, Finding]


def run(scale: Scale) -> Report:
    """Measures all cases."""
    return report({case.title: compared(case, scale) for case in CASES})


def report(found: Mapping[str, Findings]) -> Report:
    """Returns the tables, the figure and the goals for what was found about each case."""
    names = tuple(next(iter(found.values())))
    peers = tuple(name for name in CLIENTS if name in names and name != OURS)
    limits = tuple(name for name in LIMITS if name in names)
    return Report(
        tables=(_peer_table(found, peers), *([_limit_table(found, limits)] if limits else [])),
        figures=(Figure(name="throughput", series={title: _ratios(row) for title, row in found.items()}),),
        goals=(*_goals_beside_peers(found, peers), *_goals_beside_the_limit(found)),
    )


def _peer_table(found: Mapping[str, Findings], peers: tuple[str, ...]) -> Table:
    return Table(
        name="throughput",
        title="Processor time per event, of the whole client with its HTTP",
        columns=("", f"{OURS}, µs", *peers, "spread"),
        rows=tuple(
            (
                title,
                _micros(row[OURS]),
                *(row[peer].wrong or _times(_ratio(row, peer)) for peer in peers),
                f"{_spread(row):.0%}",
            )
            for title, row in found.items()
        ),
        notes=(
            "For the peers: how many times everstream's. The least of several rounds; the spread is how much "
            "more than that the middle round took, for the middle one of the clients. " + _versions(peers),
        ),
    )


def _limit_table(found: Mapping[str, Findings], limits: tuple[str, ...]) -> Table:
    return Table(
        name="limits",
        title="everstream beside programs that only read the bytes",
        columns=(
            "",
            *(f"{limit}, µs" for limit in limits),
            *(f"{OURS} / {limit}" for limit in limits),
            "MB/s",
        ),
        rows=tuple(
            (
                title,
                *(_micros(row[limit]) for limit in limits),
                *(_times(1 / _ratio(row, limit)) for limit in limits),
                f"{row[limits[0]].speed / 1e6:,.0f}",
            )
            for title, row in found.items()
        ),
        notes=(f"µs are processor time per event; MB/s is what {limits[0]} received in its best round.",),
    )


def _goals_beside_peers(found: Mapping[str, Findings], peers: tuple[str, ...]) -> list[Goal]:
    goals = []
    for title, row in found.items():
        right = [peer for peer in peers if not row[peer].wrong]
        if right:
            best = min(right, key=lambda peer: row[peer].least)
            ratio = _ratio(row, best)
            goals.append(
                Goal(
                    name=f"processor time per event of the best peer: {title}",
                    wanted=f"at least {_AHEAD} times everstream's",
                    measured=f"{_times(ratio)} times ({best})",
                    is_met=ratio >= _AHEAD,
                )
            )
    return goals


def _goals_beside_the_limit(found: Mapping[str, Findings]) -> list[Goal]:
    goals = []
    for title in _NEAR_THE_LIMIT:
        if "socket.recv" in found[title]:
            ratio = 1 / _ratio(found[title], "socket.recv")
            goals.append(
                Goal(
                    name=f"processor time per event beside socket.recv: {title}",
                    wanted=f"at most {_ABOVE_THE_LIMIT:.0f} times as much",
                    measured=f"{_times(ratio)} times",
                    is_met=ratio <= _ABOVE_THE_LIMIT,
                )
            )
    return goals


def _ratios(row: Findings) -> dict[str, tuple[float, ...]]:
    return {name: (_ratio(row, name),) for name, finding in row.items() if not finding.wrong}


def _ratio(row: Findings, name: str) -> float:
    return row[name].least / row[OURS].least


def _micros(finding: Finding) -> str:
    micros = finding.least * 1e6
    return f"{micros:.2g}" if micros < 1 else f"{micros:,.{1 if micros < 100 else 0}f}"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.0f}"


def _spread(row: Findings) -> float:
    return statistics.median(finding.spread for finding in row.values() if not finding.wrong)


def _versions(peers: tuple[str, ...]) -> str:
    names = [name for peer in peers if (name := DISTRIBUTIONS.get(peer))]
    return "Versions: " + ", ".join(f"{name} {version(name)}" for name in names) + "."
