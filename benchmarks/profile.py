"""Where the time of an event goes: stages that are measured one upon the other, and samples of the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import cast

from benchmarks.processes import measured
from benchmarks.results import Report, Scale, Table
from benchmarks.server import serving

__all__ = ["run", "stage_table"]

_STAGES = {
    "received": "the bytes: `socket.recv`",
    "unframed": "and HTTP: the request, the head, the chunks taken off",
    "decoded": "and UTF-8 decoded",
    "parsed": "and lines, fields, events made",
    "decided": "and the cursor moved, the end looked for",
    "delivered": "and delivered: limits, counts, observers, `close()` from anywhere",
}
_ROUNDS = 3
_FEW = 2_000
_MANY = 50_000
_SAMPLED_SECONDS = 3.0
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class _Case:
    title: str
    framing: str


_CASES = (_Case("64 KiB chunks", "64 KiB chunks"), _Case("one per chunk", "one per chunk"))

_Times = Mapping[str, float]
"""Seconds of processor time for an event, by stage."""
_Shares = Mapping[str, float]
"""Shares of the processor time, by function."""


def run(scale: Scale) -> Report:
    """Measures the stages on the tokens of a chat, in both framings."""
    times: dict[str, _Times] = {}
    shares: dict[str, _Shares] = {}
    few, many = scale.of(_FEW, at_least=10), scale.of(_MANY, at_least=100)
    for case in _CASES:
        with serving("benchmarks.server", "chat", case.framing, str(few), str(many)) as url:
            times[case.title] = _times(url, few, many, min(scale.rounds, _ROUNDS))
            shares[case.title] = _shares(url, many, _SAMPLED_SECONDS * scale.events)
    return Report(tables=(stage_table(times), _function_table(shares)))


def _times(url: str, few: int, many: int, rounds: int) -> _Times:
    found: dict[str, list[float]] = {stage: [] for stage in _STAGES}
    for _ in range(rounds):
        for stage, seconds in found.items():
            seconds.append(cast(float, measured("stages", stage, url, few, many)) / many)
    return {stage: min(seconds) for stage, seconds in found.items()}


def _shares(url: str, many: int, seconds: float) -> _Shares:
    counts = cast(dict[str, int], measured("stages", "sampled", url, many, seconds))
    total = sum(counts.values())
    return {function: count / total for function, count in counts.items()}


def stage_table(times: Mapping[str, _Times]) -> Table:
    """Returns the table of the stages, in all cases."""
    titles = chain.from_iterable((title, "adds") for title in times)
    return Table(
        name="profile",
        title="Microseconds of processor time for an event of 230 bytes",
        columns=("what is done", *titles),
        rows=tuple(_stage_row(stage, list(times.values())) for stage in _STAGES),
    )


def _stage_row(stage: str, times: Sequence[_Times]) -> tuple[str, ...]:
    number = list(_STAGES).index(stage)
    cells: list[str] = []
    for seconds in times:
        before = list(seconds.values())[number - 1] if number else 0.0
        cells += (f"{seconds[stage] * 1e6:.2f}", f"{(seconds[stage] - before) * 1e6:.2f}")
    return (_STAGES[stage], *cells)


def _function_table(shares: Mapping[str, _Shares]) -> Table:
    functions = {function for found in shares.values() for function in found}
    most = sorted(functions, key=lambda name: -max(found.get(name, 0.0) for found in shares.values()))
    return Table(
        name="profile-functions",
        title="Where the interpreter was, sampled",
        columns=("function", *shares),
        rows=tuple(
            (f"`{name}`", *(f"{found.get(name, 0.0):.0%}" for found in shares.values()))
            for name in most[:_SHOWN]
        ),
        notes=("What is written in C, a `recv` for example, counts for the function that called it.",),
    )
