"""The command: `python -m benchmarks [PART]... [--quick] [--write]`."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable

from benchmarks.results import Report, Scale, goal_table

PARTS = ("throughput", "latency", "scaling", "importing", "closing", "reconnecting", "storm", "profile")
"""The modules of this package that have a `run`, in the order in which they run."""


def main() -> None:
    """Runs the parts that were named, or all; prints their tables, and writes them if that is wanted."""
    options = _options()
    scale = Scale.quick() if options.quick else Scale.full()
    reports: list[Report] = []
    for part in options.parts or PARTS:
        reports.append(_part(part)(scale))
        for table in reports[-1].tables:
            print(table.as_text(), end="\n\n", flush=True)
    whole = merged(reports)
    print(goal_table(whole.goals).as_text())
    if options.write:
        importlib.import_module("benchmarks.page").write(whole)


def merged(reports: list[Report]) -> Report:
    """Returns one report with all that the others have."""
    return Report(
        tables=tuple(table for report in reports for table in report.tables),
        figures=tuple(figure for report in reports for figure in report.figures),
        goals=tuple(goal for report in reports for goal in report.goals),
    )


def _part(name: str) -> Callable[[Scale], Report]:
    run: Callable[[Scale], Report] = importlib.import_module(f"benchmarks.{name}").run
    return run


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="measure little, for a first impression")
    parser.add_argument(
        "--write", action="store_true", help="write the tables and plots into the documentation"
    )
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    main()
