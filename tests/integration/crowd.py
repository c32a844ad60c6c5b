"""A program that `test_many_streams.py` starts: many streams in one `WorkerGroup`, and what they cost.

On its standard input it is told `start`, `weigh`, `stop` and `handled`; it answers each.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from everstream import Event, EventSource, Worker, WorkerGroup
from everstream.checkpoints import SQLiteCheckpoint


class Crowd:
    """Workers, each with a stream of its own and all with one checkpoint file.

    Args:
        url: What the streams' URLs begin with.
        file: The checkpoint file.
        streams: How many.
    """

    def __init__(self, url: str, file: str, streams: int) -> None:
        self._urls = [f"{url}/{number}" for number in range(streams)]
        self._store = SQLiteCheckpoint(file)
        self._handled: dict[str, list[int]] = {url: [] for url in self._urls}
        self._latest = 0.0

    def start(self) -> dict[str, object]:
        """Makes all, and starts them."""
        began = time.monotonic()
        self._group = WorkerGroup(
            Worker(EventSource(url, checkpoint=self._store), self._handler(self._handled[url]))
            for url in self._urls
        )
        self._group.start()
        return {"seconds": time.monotonic() - began}

    def weigh(self) -> dict[str, object]:
        """Tells what this process holds, what it has used, and how many events it has handled."""
        return {
            "resident": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
            "threads": threading.active_count(),
            "descriptors": len(list(Path("/proc/self/fd").iterdir())),
            "processor": time.process_time(),
            "time": time.monotonic(),
            "handled": sum(map(len, self._handled.values())),
            "latest": self._latest,
        }

    def stop(self) -> dict[str, object]:
        """Stops all, and tells whether each has finished its event."""
        began = time.monotonic()
        finished = self._group.stop(timeout=30)
        return {"finished": finished, "seconds": time.monotonic() - began}

    def handled(self) -> dict[str, list[int]]:
        """Tells the events of each stream, by its URL."""
        return self._handled

    def _handler(self, handled: list[int]) -> Callable[[Event], None]:
        def handle(event: Event) -> None:
            handled.append(int(event.id))
            self._latest = max(self._latest, time.monotonic() - float(event.data))

        return handle


def main(url: str, file: str, streams: int, descriptors: int) -> None:
    """Does what it is told until its standard input is closed."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    crowd = Crowd(url, file, streams)
    commands: dict[str, Callable[[], object]] = {
        "start": crowd.start,
        "weigh": crowd.weigh,
        "stop": crowd.stop,
        "handled": crowd.handled,
    }
    for line in sys.stdin:
        print(json.dumps(commands[line.strip()]()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
