"""How long `close()` takes, from another thread, while a client waits.

It waits for bytes, for a response, or for the next attempt.
"""

from __future__ import annotations

import socket
import statistics
from collections.abc import Sequence
from typing import cast

from benchmarks.hanging import CLIENTS, PATIENCE, Closing
from benchmarks.processes import TooSlow, in_short, measured
from benchmarks.results import Report, Scale, Table
from benchmarks.server import serving

__all__ = ["run"]

_TIMES = 50


def run(scale: Scale) -> Report:
    """Closes each client in each state, many times within one process."""
    names = [name for name in CLIENTS if scale.includes(name)]
    times = scale.of(_TIMES, at_least=5)
    with serving("benchmarks.ending") as url:
        states = {
            "reading": f"{url}/event",
            "waiting for a response": f"{url}/silence",
            "backing off": _refusing(),
        }
        rows = tuple((name, *(_cell(name, url, times) for url in states.values())) for name in names)
    table = Table(
        name="closing",
        title="close() from another thread: milliseconds until it returns / until the loop ends",
        columns=("", *states),
        rows=rows,
        notes=(
            f"The median of {times} times. *Blocks*, *goes on*: it had not ended after {PATIENCE:.0f} s.",
            "The clients are told to reconnect after 30 s, whatever happens.",
        ),
    )
    return Report(tables=(table,))


def _refusing() -> str:
    """Returns a URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/"


def _cell(name: str, url: str, times: int) -> str:
    try:
        results = cast(list[Closing], measured("hanging", name, url, times))
    except (TooSlow, RuntimeError) as failure:
        return in_short(failure)
    returned, ended = zip(*results, strict=True)
    return f"{_median(returned, 'blocks')} / {_median(ended, 'goes on')}"


def _median(seconds: Sequence[float | None], never: str) -> str:
    numbers = [number for number in seconds if number is not None]
    return f"{statistics.median(numbers) * 1e3:.2f}" if len(numbers) == len(seconds) else never
