"""A program that `test_soak.py` starts: it reads a stream that ends after every event, and weighs itself.

After each number of connections that it is given it says on its standard output what it holds. After the last
but one it begins to trace its allocations, which makes it slow and heavy: the weights before are free of it.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
import tracemalloc
from collections import Counter
from pathlib import Path

from tenacity import wait_none

from everstream import EventSource, Interrupted, Opened, RetryPolicy, StreamItem, Timeouts
from everstream.checkpoints import SQLiteCheckpoint

SHOWN = 10


def main(url: str, file: str, *connections: int) -> None:
    """Reads until there were so many connections."""
    seen: Counter[str] = Counter()
    weighings = list(connections)
    earlier: tracemalloc.Snapshot | None = None
    with EventSource(
        url,
        retry=RetryPolicy(wait=wait_none()),
        timeouts=Timeouts(connect=5, read=5),
        checkpoint=SQLiteCheckpoint(file),
        checkpoint_interval=0,
    ) as source:
        for item in source.all():
            seen[kind_of(item)] += 1
            if not (isinstance(item, Opened) and seen["Opened"] == weighings[0]):
                continue
            print(json.dumps(weight() | {"seen": seen, "last": source.last_event_id}), flush=True)
            del weighings[0]
            if not weighings:
                break
            if len(weighings) == 2:
                tracemalloc.start()
            if len(weighings) == 1:
                earlier = tracemalloc.take_snapshot()
    assert earlier is not None
    print(json.dumps(grown(earlier)))


def kind_of(item: StreamItem) -> str:
    """Names an item, an interruption by its reason."""
    return (
        str(getattr(item.error, "reason", item.error))
        if isinstance(item, Interrupted)
        else type(item).__name__
    )


def weight() -> dict[str, object]:
    """Tells what this process holds."""
    gc.collect()
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "blocks": sys.getallocatedblocks(),
        "resident": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
    }


def grown(earlier: tracemalloc.Snapshot) -> dict[str, object]:
    """Tells how many bytes more are allocated than before, and where the most of them."""
    gc.collect()
    differences = tracemalloc.take_snapshot().compare_to(earlier, "traceback")
    biggest = [f"{one.size_diff} bytes: {one.traceback}" for one in differences[:SHOWN] if one.size_diff > 0]
    return {"grown": sum(one.size_diff for one in differences), "where": biggest}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
