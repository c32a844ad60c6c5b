"""What an import costs, beside `import requests`.

Every import is timed within a fresh interpreter, whose own start does not count. All of them take turns, and
the least of each counts: the rest is the machine. Byte code is there, and in the cache of the file system,
since a first turn is thrown away.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys

from benchmarks.results import Goal, Report, Scale, Table

__all__ = ["OURS", "REFERENCE", "goal", "run"]

REFERENCE = "import requests"
OURS = "from everstream import EventSource"
_STATEMENTS = (
    REFERENCE,
    OURS,
    "import sseclient",
    "from requests_sse import EventSource",
    "from ld_eventsource import SSEClient",
    "import httpx, httpx_sse",
)
_WITHOUT_RICH = "sys.modules['rich'] = None"
"""Whoever imports it, if it is there, finds that it is not."""

_TIMED = """
import sys, time
{before}
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""
_ROUNDS = 12
_GOAL_SECONDS = 0.040


def run(scale: Scale) -> Report:
    """Measures the imports of this library, with and without rich, and of its peers."""
    cases = [(statement, _WITHOUT_RICH) for statement in _STATEMENTS if _is_installed(statement)]
    if importlib.util.find_spec("rich"):
        cases += [(statement, "") for statement in (REFERENCE, OURS)]
    times: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
    for turn in range(1 + scale.of(_ROUNDS, at_least=3)):
        for case in cases:
            seconds = _seconds(*case)
            if turn > 0:
                times[case].append(seconds)
    return Report(tables=(_table(times),), goals=(goal(times),))


def _is_installed(statement: str) -> bool:
    modules = statement.split(" import ")[0].removeprefix("from ").removeprefix("import ")
    return all(importlib.util.find_spec(module) for module in modules.split(", "))


def _seconds(statement: str, before: str) -> float:
    program = _TIMED.format(statement=statement, before=before)
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # Isolated, so that nothing is looked for in the current folder.
    command = [sys.executable, "-I", "-c", program]
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return float(output)


def _table(times: dict[tuple[str, str], list[float]]) -> Table:
    rows = []
    for (statement, before), seconds in times.items():
        over = min(seconds) - min(times[REFERENCE, before])
        rows.append(
            (
                f"`{statement}`" + ("" if before else ", rich installed"),
                f"{min(seconds) * 1e3:.0f} ms",
                f"{statistics.median(seconds) * 1e3:.0f} ms",
                "" if statement == REFERENCE else f"{over * 1e3:+.0f} ms",
            )
        )
    return Table(
        name="importing",
        title="Import, in fresh processes",
        columns=("statement", "least", "median", "over `import requests`"),
        rows=tuple(rows),
    )


def goal(times: dict[tuple[str, str], list[float]]) -> Goal:
    """Returns whether the goal was reached; the worst case counts."""
    over = max(
        min(seconds) - min(times[REFERENCE, before])
        for (statement, before), seconds in times.items()
        if statement == OURS
    )
    return Goal(
        name="import",
        wanted="at most 40 ms over `import requests`",
        measured=f"{over * 1e3:.0f} ms",
        is_met=over <= _GOAL_SECONDS,
    )
