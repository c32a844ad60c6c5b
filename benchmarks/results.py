"""What the parts of the benchmarks hand over: tables, figures, goals. And how much they are to measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Figure", "Goal", "Report", "Scale", "Table", "goal_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is measured.

    Attributes:
        rounds: How often each measurement is made, every time in a fresh process.
        events: What the numbers of events of a full run are multiplied by.
        clients: The names of the clients to measure; all of them, if there is no name.
    """

    rounds: int
    events: float
    clients: tuple[str, ...] = ()

    @classmethod
    def full(cls) -> Scale:
        """Returns what the published numbers are made with."""
        return cls(rounds=5, events=1.0)

    @classmethod
    def quick(cls) -> Scale:
        """Returns what gives a first impression, in a fraction of the time."""
        return cls(rounds=2, events=0.2)

    def of(self, count: int, *, at_least: int = 1) -> int:
        """Returns the number of events at this scale, where a full run has `count`."""
        return max(at_least, round(count * self.events))

    def includes(self, client: str) -> bool:
        """Tells whether the client of that name is to be measured."""
        return not self.clients or client in self.clients


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of results.

    Attributes:
        name: The name of the place in the documentation that the table is written to.
        title: What the table shows, in one line.
        columns: The heads of the columns.
        rows: The cells; as many in each row as there are columns.
        notes: Sentences that belong below the table.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Returns the table for a terminal."""
        widths = [max(map(len, cells)) for cells in zip(self.columns, *self.rows, strict=True)]
        lines = [_aligned(cells, widths) for cells in (self.columns, *self.rows)]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([self.title, "", *lines, *self.notes])

    def as_markdown(self) -> str:
        """Returns the table, without its title, for the documentation."""
        alignment = (":--", *("--:" for _ in self.columns[1:]))
        rows = (self.columns, alignment, *self.rows)
        lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
        return "\n\n".join(["\n".join(lines), *self.notes])


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *others = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The numbers of a plot.

    Attributes:
        name: "throughput", "latency" or "storm".
        series: For each case and client the numbers. Throughput has one: the client's processor time per
            event, divided by everstream's. Latency has three, in seconds: the median, the 99th percentile,
            the maximum. The storm has the arrivals in each tenth of a second.
    """

    name: str
    series: Mapping[str, Mapping[str, tuple[float, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What was to be reached, and what was."""

    name: str
    wanted: str
    measured: str
    is_met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a part of the benchmarks found."""

    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()
    goals: tuple[Goal, ...] = ()


def goal_table(goals: tuple[Goal, ...]) -> Table:
    """Returns the table that says of each goal whether it was met."""
    return Table(
        name="goals",
        title="What was to be reached",
        columns=("goal", "wanted", "measured", "met"),
        rows=tuple((goal.name, goal.wanted, goal.measured, "yes" if goal.is_met else "NO") for goal in goals),
    )
