"""Measures many clients on one stream: in fresh processes, one after the other, round by round."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from benchmarks.client import Reading
from benchmarks.clients import CLIENTS, LIMITS, OURS
from benchmarks.payloads import PAYLOADS
from benchmarks.processes import TooSlow, measured
from benchmarks.results import Scale
from benchmarks.server import serving

__all__ = ["PATIENCE", "Case", "Finding", "compared"]

PATIENCE = 60.0
"""The seconds that a client has for one measurement."""

_LENGTHY = 1.0
"""A client that takes more seconds is so far behind that one round says enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A stream that all clients read.

    Attributes:
        title: What it is called in the tables.
        payload: The kind of events.
        framing: How they are put on the wire.
        count: How many events are timed in a full run.
    """

    title: str
    payload: str
    framing: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found about one client, or limit, in one case.

    Attributes:
        seconds: The processor time per event in each round, in seconds.
        speed: The bytes per second that a limit read in its fastest round.
        wrong: What was wrong with the events that came; empty if nothing was.
    """

    seconds: tuple[float, ...] = ()
    speed: float = 0.0
    wrong: str = ""

    @property
    def least(self) -> float:
        """The processor time per event of the best round, in seconds."""
        return min(self.seconds)

    @property
    def spread(self) -> float:
        """How much more than the best round the middle one took, as a share of it."""
        return statistics.median(self.seconds) / self.least - 1


@dataclass(frozen=True, slots=True)
class _Course:
    case: Case
    few: int
    many: int
    checksum: int

    def run(self, url: str, name: str, before: Finding) -> Finding:
        """Measures once more, where that is of use."""
        if before.wrong or sum(before.seconds) * self.many > _LENGTHY * max(1, len(before.seconds)):
            return before
        module = (CLIENTS | LIMITS)[name]
        try:
            result = measured("client", module, url, self.few, self.many, within=PATIENCE)
        except TooSlow:
            return Finding(wrong=f"> {PATIENCE:.0f} s")
        reading = Reading(**cast(dict[str, Any], result))
        wrong = reading.error or (self._wrong(reading) if name in CLIENTS else "")
        if wrong and name == OURS:
            raise RuntimeError(f"everstream, {self.case.title}: {wrong}")
        if wrong:
            return Finding(wrong=wrong)
        speed = max(before.speed, reading.timed / reading.elapsed) if name in LIMITS else 0.0
        return replace(before, seconds=(*before.seconds, reading.seconds / self.many), speed=speed)

    def _wrong(self, reading: Reading) -> str:
        if reading.checked != self.few or reading.timed != self.many:
            return "wrong count"
        return "" if reading.checksum == self.checksum else "wrong data"


def compared(case: Case, scale: Scale) -> dict[str, Finding]:
    """Returns the finding about each client and limit.

    Every round measures each of them once, in a fresh process, and begins with another one. Those that were
    wrong, or take very long, take no further part.

    Raises:
        RuntimeError: It is everstream that was wrong. Then nothing else is of interest.
    """
    names = tuple(name for name in CLIENTS | LIMITS if scale.includes(name))
    findings = dict.fromkeys(names, Finding())
    many = scale.of(case.count, at_least=4)
    few = max(2, many // 20)
    course = _Course(case, few, many, PAYLOADS[case.payload].checksum(few))
    with serving("benchmarks.server", case.payload, case.framing, str(few), str(many)) as url:
        for number in range(scale.rounds):
            for name in _rotated(names, number):
                findings[name] = course.run(url, name, findings[name])
    return findings


def _rotated(names: Sequence[str], by: int) -> Sequence[str]:
    start = by % len(names)
    return (*names[start:], *names[:start])
