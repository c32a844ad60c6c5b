"""Handlers that can be held, and that fail; a log that is kept; and where a worker's thread is."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from everstream import Event, Worker
from tests.reading import DEADLINE, is_in, wait_until

__all__ = [
    "SECRET",
    "Failing",
    "Held",
    "Kept",
    "Record",
    "Seen",
    "Stopping",
    "is_running",
    "line_from",
    "program",
    "threads",
    "wait_until_in",
]

SECRET = "hunter2"
"""What exceptions and events say, and logs must not."""


class Seen:
    """A handler that notes what it gets.

    Attributes:
        data: The data of the events.
        threads: The threads it was called on.
    """

    def __init__(self) -> None:
        self.data: list[str] = []
        self.threads: set[threading.Thread] = set()

    def __call__(self, event: Event) -> None:
        """Notes the event, and on which thread it came."""
        self.threads.add(threading.current_thread())
        self.data.append(event.data)

    def wait_for(self, count: int) -> None:
        """Waits until it has got so many events."""
        wait_until(lambda: len(self.data) >= count, f"{count} events, got {self.data}")


class Failing(Seen):
    """A handler that notes what it gets, and fails at some of it.

    Args:
        failures: How often it fails at an event of this data; at any other it never does.
    """

    def __init__(self, failures: Mapping[str, float]) -> None:
        super().__init__()
        self._failures = dict(failures)

    def __call__(self, event: Event) -> None:
        """Notes the event, and may fail."""
        super().__call__(event)
        left = self._failures.get(event.data, 0)
        if left > 0:
            self._failures[event.data] = left - 1
            raise ValueError(f"{SECRET} {event.data}")


class Held(Seen):
    """A handler that holds each event in its hands until it is let go.

    Attributes:
        finished: The data of the events that it has let go.
    """

    def __init__(self) -> None:
        super().__init__()
        self.finished: list[str] = []
        self._permits = threading.Semaphore(0)

    def __call__(self, event: Event) -> None:
        """Notes the event, and waits."""
        super().__call__(event)
        assert self._permits.acquire(timeout=2 * DEADLINE), "the test never let it go"
        self.finished.append(event.data)

    def let_go(self, events: int = 1) -> None:
        """Lets it finish so many events, the one in hand and coming ones."""
        self._permits.release(events)


class Stopping:
    """Stops a worker in another thread.

    Attributes:
        finished: What `stop()` returned.
    """

    def __init__(self, worker: Worker, timeout: float | None = None) -> None:
        self.finished: bool | None = None
        self._thread = threading.Thread(target=self._stop, args=(worker, timeout))
        self._thread.start()
        wait_until(lambda: worker.source.health().state == "closed", "stop() to have begun")

    def _stop(self, worker: Worker, timeout: float | None) -> None:
        self.finished = worker.stop(timeout)

    def join(self) -> bool | None:
        """Returns what `stop()` returned."""
        self._thread.join(DEADLINE)
        return self.finished


@dataclass(frozen=True)
class Record:
    """A log record."""

    level: str
    name: str
    fields: dict[str, object]


class Kept:
    """A logger that keeps its records."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def debug(self, event: str, **fields: object) -> None:
        """Keeps a record."""
        self.records.append(Record("debug", event, fields))

    def info(self, event: str, **fields: object) -> None:
        """Keeps a record."""
        self.records.append(Record("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        """Keeps a record."""
        self.records.append(Record("warning", event, fields))

    def error(self, event: str, **fields: object) -> None:
        """Keeps a record."""
        self.records.append(Record("error", event, fields))

    def of_workers(self) -> list[Record]:
        """Returns the records of workers, without what is bound to the stream."""
        bound = ("url", "stream")
        return [
            Record(r.level, r.name, {name: value for name, value in r.fields.items() if name not in bound})
            for r in self.records
            if r.name.startswith("worker.")
        ]


def threads() -> set[threading.Thread]:
    """Returns the threads of workers that run."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("everstream ")}


def is_running(worker: Worker) -> bool:
    """Returns whether a worker's thread runs."""
    return not worker.join(0)


def wait_until_in(functions: Collection[str]) -> None:
    """Waits until the only worker's thread is in one of these functions."""

    def there() -> bool:
        (thread,) = threads()
        return is_in(thread.ident, functions)

    wait_until(there, f"the worker to be in {functions}")


@contextmanager
def program(code: str, *arguments: str) -> Generator[subprocess.Popen[str]]:
    """Runs a script in a process of its own, with its output in pipes; it is killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_from(process: subprocess.Popen[str]) -> str:
    """Returns the next line that a script prints, which must come before the deadline."""
    assert process.stdout is not None
    line = b""
    # Past the stream's own buffer, where a second line would be hidden from select().
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([process.stdout], [], [], 3 * DEADLINE)
        assert readable, f"no line came in time, only {line!r}"
        byte = os.read(process.stdout.fileno(), 1)
        assert byte, f"the output ended with {line!r}; {process.communicate(timeout=DEADLINE)[1]}"
        line += byte
    return line.decode().rstrip()
