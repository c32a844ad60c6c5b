"""The plots of the page about performance: one SVG for each figure.

They have no background, and greys and colours of middling brightness, to be readable on light and dark pages.
Nothing in a file depends on the day, the machine or chance: only other numbers make another picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from benchmarks.clients import CLIENTS, OURS
from benchmarks.crowd import WINDOW
from benchmarks.results import Figure

__all__ = ["draw"]

GOAL = 1.5
"""What the best peer is to need, as a multiple of our processor time."""
_GREY = "#7d8590"
_OUR_COLOUR = "#2f81d6"
_COLOURS = ("#d9822b", "#3a9d6c", "#a371c9", "#c9505a", "#8b7a3e", "#4aa3b5", "#7d8590", "#b8658f")
_MARKERS = "osD^vP*Xd<>"
_STYLE = {
    "axes.edgecolor": _GREY,
    "axes.grid": True,
    "axes.labelcolor": _GREY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": _GREY,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "font.size": 10,
    "grid.alpha": 0.25,
    "grid.color": _GREY,
    "legend.frameon": False,
    "legend.labelcolor": _GREY,
    "svg.fonttype": "none",
    "svg.hashsalt": "everstream",
    "text.color": _GREY,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
}
_EDGE = 20.0
"""The multiple where the plot of throughput ends; what is beyond is drawn there, with its number."""
_WIDTH = 8.0
"""Inches; at 72 points each, about the width of a page."""

_Series = Mapping[str, Mapping[str, tuple[float, ...]]]


def draw(figure: Figure, folder: Path) -> Path:
    """Draws a figure into a file of the folder; returns its path."""
    path = folder / f"performance-{figure.name}.svg"
    with mpl.rc_context(_STYLE):
        canvas = _PLOTS[figure.name](figure.series)
        canvas.savefig(path, transparent=True, metadata={"Date": None, "Creator": None})
    return path


def _throughput(series: _Series) -> Canvas:
    canvas = Canvas(figsize=(_WIDTH, 1.6 + 0.36 * len(series)), layout="constrained")
    axes = canvas.subplots()
    axes.axvline(1.0, color=_OUR_COLOUR, linewidth=2, label=OURS)
    axes.axvline(GOAL, color=_GREY, linewidth=0.8, linestyle="--", label="1.5 times: the goal")
    for client, colour, marker in _looks(
        [name for name in CLIENTS if name in _clients(series) and name != OURS]
    ):
        at = {row: values[client][0] for row, values in enumerate(series.values()) if client in values}
        # Some are so far off that the others would be one heap.
        axes.plot([min(x, _EDGE) for x in at.values()], at.keys(), marker, color=colour, label=client)
    for row, values in enumerate(series.values()):
        far = sorted(values[name][0] for name in CLIENTS if name in values and values[name][0] > _EDGE)
        axes.text(_EDGE, row - 0.3, ", ".join(f"{x:,.0f}" for x in far), ha="right", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(right=_EDGE * 1.15)
    axes.set_xlabel("processor time per event, as a multiple of everstream's: further right is slower")
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    axes.xaxis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:e}"[0] in "25" else "")
    _name_rows(axes, list(series))
    axes.grid(visible=True, axis="y")
    _legend(canvas)
    return canvas


def _looks(clients: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yields each client with a colour and a marker."""
    for number, client in enumerate(clients):
        yield client, _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]


def _latency(series: _Series) -> Canvas:
    clients = _clients(series)
    canvas = Canvas(figsize=(_WIDTH, 1.2 + 0.22 * (len(clients) + 1) * len(series)), layout="constrained")
    panels = canvas.subplots(len(series), sharex=True, squeeze=False)[:, 0]
    for axes, (framing, values) in zip(panels, series.items(), strict=True):
        axes.set_title(framing)
        for row, client in enumerate(values):
            _range(axes, row, values[client], _OUR_COLOUR if client == OURS else _GREY)
        for limit in (1e-3, 1e-2):
            axes.axvline(limit, color=_GREY, linestyle="--", linewidth=0.8)
        _name_rows(axes, list(values))
    panels[-1].set_xscale("log")
    panels[-1].minorticks_off()
    panels[-1].xaxis.set_major_formatter(lambda x, _: _seconds(x))
    panels[-1].set_xlabel("from sending to delivery: median (dot), 99th percentile (bar), maximum (tick)")
    return canvas


def _storm(series: _Series) -> Canvas:
    canvas = Canvas(figsize=(_WIDTH, 1.8 * len(series) + 0.6), layout="constrained")
    panels = canvas.subplots(len(series), sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, (scenario, values) in zip(panels, series.items(), strict=True):
        axes.set_title(scenario)
        for number, client in enumerate(values):
            is_ours = client == OURS
            seconds = [number * WINDOW for number in range(len(values[client]) + 1)]
            axes.stairs(
                values[client],
                seconds,
                color=_OUR_COLOUR if is_ours else (_GREY, *_COLOURS)[number],
                fill=is_ours,
                alpha=0.9 if is_ours else 0.8,
                label=client if axes is panels[0] else None,
            )
        axes.margins(x=0)
        axes.set_xticks(range(0, round(seconds[-1]) + 1, 5))
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda y, _: f"{y:,.0f}")
    panels[len(panels) // 2].set_ylabel("arrivals in each 100 ms")
    panels[-1].set_xlabel("seconds after the loss")
    _legend(canvas)
    return canvas


_PLOTS: Mapping[str, Callable[[_Series], Canvas]] = {
    "throughput": _throughput,
    "latency": _latency,
    "storm": _storm,
}


def _clients(series: _Series) -> list[str]:
    """Returns the clients of all cases, each once, in the order of their first case."""
    return list(dict.fromkeys(client for values in series.values() for client in values))


def _range(axes: Axes, row: int, values: tuple[float, ...], colour: str) -> None:
    if not all(map(math.isfinite, values)):
        axes.text(1e-3, row, "  does not deliver", va="center", color=colour)
        return
    median, high, most = values
    axes.plot([median, most], [row, row], color=colour, linewidth=1)
    axes.plot([median, high], [row, row], color=colour, linewidth=4, solid_capstyle="butt")
    axes.plot([median], [row], "o", color=colour, markersize=6)
    axes.plot([most], [row], "|", color=colour, markersize=9)


def _name_rows(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size * 0.999:
            return f"{value / size:g} {unit}"
    return f"{value:g} s"


def _legend(canvas: Canvas) -> None:
    canvas.legend(loc="outside upper left", ncols=3, columnspacing=1.2, handletextpad=0.5)
