"""The demo as a picture of text: each connection with its part of the feed, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from everstream.cli.journey import Journey, Leg
from everstream.cli.wording import count
from everstream.testing import Fault, Verdict

__all__ = ["READ_TIMEOUT", "chart", "line", "result"]

READ_TIMEOUT = 0.6
"""Seconds of silence that the demo's client bears."""

_WIDEST_BAR = 40
_NARROWEST_BAR = 8
_COLUMNS_BESIDE_THE_BAR = 59
_FAULTS: dict[Fault, tuple[str, str, str]] = {
    "cut": ("cut between two events", "cut", "yellow"),
    "torn": ("cut inside an event", "torn event", "bright_red"),
    "reset": ("connection reset", "reset", "magenta"),
    "stall": (f"silent for {READ_TIMEOUT:g} s", "stall", "bright_blue"),
    "unavailable": ("503, Retry-After: 1", "refusal", "red"),
    "end": ("response ended", "end", "cyan"),
}
"""Of each fault how a connection ended, what that is called, and its colour."""


def chart(journey: Journey, events: int, *, width: int, rows: int | None = None) -> Table:
    """Returns the connections as rows: which part of the feed came on each, and how it ended.

    Args:
        journey: The connections.
        events: How many events there will be.
        width: Columns of the terminal.
        rows: Shows the last ones only.
    """
    bar_width = max(_NARROWEST_BAR, min(width - _COLUMNS_BESIDE_THE_BAR, _WIDEST_BAR))
    table = Table(box=SIMPLE_HEAD, header_style="dim", border_style="bright_black", padding=(0, 2, 0, 0))
    table.add_column("#", justify="right", style="dim", min_width=2, no_wrap=True)
    table.add_column("events", justify="right", min_width=9, no_wrap=True)
    table.add_column("in the feed", min_width=bar_width, no_wrap=True)
    table.add_column("how it ended", min_width=22, no_wrap=True)
    table.add_column("back after", justify="right", no_wrap=True)
    legs = list(journey.legs)
    for leg in legs if rows is None else legs[-rows:]:
        words, style = _ending(leg, events)
        bar = _bar(leg, events, bar_width, style)
        back = "" if leg.fault is None else f"{leg.delay:.2f} s"
        table.add_row(str(leg.number), _range(leg), bar, Text(words, style), back)
    return table


def _ending(leg: Leg, events: int) -> tuple[str, str]:
    if leg.fault is not None:
        words, _, style = _FAULTS[leg.fault]
        return words, style
    if leg.end == events:
        return "complete", "bold green"
    return ("open", "green") if leg.events else ("connecting", "dim")


def _range(leg: Leg) -> Text:
    return Text(f"{leg.start + 1}-{leg.end}") if leg.events else Text("-", "dim")


def _bar(leg: Leg, events: int, width: int, style: str) -> Text:
    """Draws the feed as a line, and the part of a connection on it; to half a character."""
    first, last = (round(place / events * 2 * width) for place in (leg.start, leg.end))
    if leg.events:
        last = max(last, first + 1)
    bar = Text()
    for (sign, in_leg), run in groupby(_cell(cell, first, last) for cell in range(width)):
        bar.append(sign * len(list(run)), style if in_leg else "bright_black")
    return bar


def _cell(cell: int, first: int, last: int) -> tuple[str, bool]:
    left, right = (first <= half < last for half in (2 * cell, 2 * cell + 1))
    if left == right:
        return "━", left
    return ("╸" if left else "╺"), True


def line(leg: Leg, events: int) -> str:
    """Returns one connection in words, for where no chart can be shown."""
    words, _ = _ending(leg, events)
    what = f"events {leg.start + 1} to {leg.end}" if leg.events else "no event"
    return f"connection {leg.number}: {what}; {words}; back after {leg.delay:.2f} s"


def result(journey: Journey, verdict: Verdict) -> Padding:
    """Returns the table at the end."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    hints = f"{journey.hints} began with a retry: hint" if journey.hints else ""
    table.add_row("connections", str(len(journey.legs)), Text(hints, "dim"))
    table.add_row("faults survived", str(journey.faults.total()), _survived(journey))
    table.add_row("events", str(verdict.received), Text(f"of {verdict.sent} sent", "dim"))
    for name, events in (
        ("lost", verdict.lost),
        ("duplicated", verdict.duplicated),
        ("reordered", verdict.reordered),
        ("invented", verdict.invented),
    ):
        if events or name != "invented":
            table.add_row(name, *_count(events))
    return Padding(table, (0, 0, 0, 1))


def _survived(journey: Journey) -> Text:
    survived = Text()
    for fault, (_, noun, style) in _FAULTS.items():
        if journey.faults[fault]:
            survived.append(", " if survived else "", "dim").append(count(journey.faults[fault], noun), style)
    return survived


def _count(events: Sequence[str]) -> tuple[Text, str]:
    named = ", ".join(events[:5]) + (", ..." if len(events) > 5 else "")
    return Text(str(len(events)), "bold red" if events else "bold green"), named
