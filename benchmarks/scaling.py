"""Whether the time for an event grows with its size alone, from 1 to 64 MiB; and what it takes in memory."""

from __future__ import annotations

from typing import cast

from benchmarks import memory
from benchmarks.clients import CLIENTS, OURS
from benchmarks.growing import MIB, checksum
from benchmarks.processes import TooSlow, in_short, measured
from benchmarks.results import Goal, Report, Scale, Table
from benchmarks.server import serving

__all__ = ["Found", "growth", "run", "seconds_per_byte"]

_SIZES = (1, 4, 16, 64)
_AT_LEAST = 32
"""Mebibytes that each measurement reads: of small events, several."""

_CHUNK_BYTES = 1024
_PATIENCE = 10.0
"""Seconds that a client has for one measurement; who needs longer is not tried with larger events."""

_GOAL = 0.20

_COMPARED = (OURS, "launchdarkly-eventsource", "sseclient-py", "requests-sse")

Found = dict[int, list[float] | str]
"""For each size the seconds per byte of all rounds, or what was wrong."""

Findings = dict[str, Found]


def run(scale: Scale) -> Report:
    """Measures clients on events of growing size, round by round."""
    findings: Findings = {name: {} for name in _COMPARED if scale.includes(name)}
    sizes = [size for size in _SIZES if size == 1 or size <= _SIZES[-1] * scale.events]
    with serving("benchmarks.growing") as url:
        for _ in range(scale.rounds):
            for size in sizes:
                for name, found in findings.items():
                    _measure(name, found, url, size)
    return Report(tables=(_table(findings, sizes), memory.table(scale)), goals=_goals(findings, sizes))


def _measure(name: str, found: Found, url: str, size: int) -> None:
    if any(isinstance(finding, str) for finding in found.values()):
        found.setdefault(size, "not tried")
        return
    reading = seconds_per_byte(name, url, size)
    if isinstance(reading, str):
        found[size] = reading
    elif isinstance(before := found.get(size, []), list):
        found[size] = [*before, reading]


def seconds_per_byte(name: str, url: str, size: int) -> float | str:
    """Returns the processor time of one client for a byte of events of that size, or what was wrong."""
    module = "ours_large" if name == OURS else CLIENTS[name]
    count = max(1, _AT_LEAST // size)
    try:
        result = measured("client", module, f"{url}/{_CHUNK_BYTES}/{size}", 1, count, within=_PATIENCE)
    except (TooSlow, RuntimeError) as failure:
        return in_short(failure)
    reading = cast(dict[str, float], result)
    if (reading["checksum"], reading["timed"]) != (checksum(size), count):
        return "wrong"
    return reading["seconds"] / (count * size * MIB)


def _table(findings: Findings, sizes: list[int]) -> Table:
    return Table(
        name="scaling",
        title="Processor time for one byte of a large event, in nanoseconds, in HTTP chunks of 1 KiB",
        columns=("", *(f"{size} MiB" for size in sizes), "spread"),
        rows=tuple(
            (name, *(_cell(found[size]) for size in sizes), _spread(found, sizes))
            for name, found in findings.items()
        ),
        notes=(
            "The least of all rounds.",
            "*Spread* is how much more the slowest size takes than the fastest.",
        ),
    )


def _cell(finding: list[float] | str) -> str:
    return finding if isinstance(finding, str) else f"{min(finding) * 1e9:.1f}"


def growth(found: Found, sizes: list[int]) -> float | None:
    """Returns how much more the slowest size takes than the fastest, as a share; None without all times."""
    numbers = [min(finding) for size in sizes if not isinstance(finding := found[size], str)]
    return max(numbers) / min(numbers) - 1 if len(numbers) == len(sizes) else None


def _spread(found: Found, sizes: list[int]) -> str:
    share = growth(found, sizes)
    return "" if share is None else f"{share:.0%}"


def _goals(findings: Findings, sizes: list[int]) -> tuple[Goal, ...]:
    if OURS not in findings:
        return ()
    share = growth(findings[OURS], sizes)
    return (
        Goal(
            name="scaling",
            wanted=f"time per byte flat within {_GOAL:.0%} from 1 to {_SIZES[-1]} MiB",
            measured="not for all sizes" if share is None else f"{share:.0%} from 1 to {sizes[-1]} MiB",
            is_met=share is not None and share <= _GOAL and sizes[-1] == _SIZES[-1],
        ),
    )
