"""The process whose memory is measured: keeps events in a list, or reads one, and prints bytes as JSON.

`python -m benchmarks.holding kept MODULE URL EVENTS` prints the bytes of each event that is kept;
`python -m benchmarks.holding peak MODULE URL 1` prints the most that was held while one was read.
Both are what Python's allocators gave out, as `tracemalloc` counts it.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import json
import sys
import tracemalloc

from benchmarks.clients import Client, EventT

__all__: list[str] = []


def _taken(client: Client[EventT], url: str, count: int) -> list[EventT]:
    with client.reading(url) as source:
        return list(itertools.islice(source, count))


def _held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def kept(client: Client[EventT], url: str, count: int) -> float:
    """Returns the bytes of an event, its data and all that belongs to it, among many in a list."""
    # The first reading loads everything that stays.
    _taken(client, url, count)
    before = _held()
    events = _taken(client, url, count)
    after = _held()
    return (after - before) / len(events)


def peak(client: Client[EventT], url: str, count: int) -> float:
    """Returns the most bytes that were held at once while events were read."""
    before = _held()
    tracemalloc.reset_peak()
    _taken(client, url, count)
    return float(tracemalloc.get_traced_memory()[1] - before)


def main(kind: str, module: str, url: str, count: str) -> None:
    """Measures once."""
    client = importlib.import_module(f"benchmarks.clients.{module}")
    tracemalloc.start()
    print(json.dumps((kept if kind == "kept" else peak)(client, url, int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
