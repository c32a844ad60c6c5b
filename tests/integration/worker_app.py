"""A program that `test_sigterm.py` starts: workers in the foreground, with a handler that waits to be told.

The handler says on its standard output which event it has begun, waits for a line on its standard input, and
says that it has finished. The program's exit status is 0 if every event in hand was finished, else 1.
"""

from __future__ import annotations

import json
import os
import sys

from everstream import Event, EventSource, FullJitter, RetryPolicy, Worker, WorkerGroup
from everstream.checkpoints import SQLiteCheckpoint


def handle(event: Event) -> None:
    """Handles an event, for as long as the test likes."""
    say({"began": event.data})
    os.read(0, 1)
    say({"finished": event.data})


def say(what: dict[str, str]) -> None:
    """Says something, a line of its own whoever else says something."""
    os.write(1, json.dumps(what).encode() + b"\n")


def main(file: str, stop_timeout: float, *urls: str) -> bool:
    """Works until a signal comes."""
    store = SQLiteCheckpoint(file)
    retry = RetryPolicy(wait=FullJitter(initial=0.02, cap=0.2))
    sources = [EventSource(url, checkpoint=store, retry=retry) for url in urls]
    workers = [Worker(source, handle, stop_timeout=stop_timeout) for source in sources]
    return workers[0].run() if len(workers) == 1 else WorkerGroup(workers, stop_timeout=stop_timeout).run()


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:]) else 1)
