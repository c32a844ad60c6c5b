"""What an attempt to reconnect costs: the server ends each response after one event, and nobody waits."""

from __future__ import annotations

from typing import cast

from benchmarks.looping import LOOPS
from benchmarks.processes import TooSlow, measured
from benchmarks.results import Report, Scale, Table
from benchmarks.server import serving

__all__ = ["run"]

_ATTEMPTS = 500
_REFERENCE = "requests.Session"
_PEERS = ("launchdarkly-eventsource", "requests-sse")


def run(scale: Scale) -> Report:
    """Measures clients that reconnect, and loops that only connect, round by round."""
    names = [name for name in LOOPS if name not in _PEERS or scale.includes(name)]
    findings: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    with serving("benchmarks.ending") as url:
        for _ in range(scale.rounds):
            for name in names:
                findings[name] += _finding(name, f"{url}/close", scale.of(_ATTEMPTS))
    return Report(tables=(_table(findings),))


def _finding(name: str, url: str, attempts: int) -> list[tuple[float, float]]:
    try:
        seconds, elapsed = cast(list[float], measured("looping", name, url, attempts))
    except (TooSlow, RuntimeError):
        return []
    return [(seconds, elapsed)]


def _table(findings: dict[str, list[tuple[float, float]]]) -> Table:
    reference = min(seconds for seconds, _ in findings[_REFERENCE])
    return Table(
        name="reconnecting",
        title="One connection, with one event: microseconds",
        columns=("", "processor time", "time", "processor time, relative"),
        rows=tuple((name, *_cells(numbers, reference)) for name, numbers in findings.items()),
        notes=(
            "The last three are loops that connect, send the request, read the response, and parse nothing.",
            f"Relative to `{_REFERENCE}`. All make a new connection each time: the server closes it.",
        ),
    )


def _cells(numbers: list[tuple[float, float]], reference: float) -> tuple[str, str, str]:
    if not numbers:
        return "failed", "", ""
    seconds, elapsed = (min(column) for column in zip(*numbers, strict=True))
    return f"{seconds * 1e6:.0f}", f"{elapsed * 1e6:.0f}", f"{seconds / reference:.2f}"
