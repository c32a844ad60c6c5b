"""The process that closes a client in one thread while another reads, and prints how long both take.

`python -m benchmarks.hanging CLIENT URL TIMES` prints, for each time, the seconds until `close()` returned
and until the loop had ended. What does not end is null; such a client is not tried again.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

__all__ = ["CLIENTS", "PATIENCE", "Closing"]

PATIENCE = 1.0
"""Seconds that `close()` may take, and that a loop may go on."""

_SETTLE_SECONDS = 0.05
"""After these the reader waits for what does not come."""

_BACKOFF_SECONDS = 30.0

Closing: TypeAlias = tuple[float | None, float | None]
"""The seconds until `close()` returned, and until the loop had ended."""


@dataclass(frozen=True, slots=True)
class Closable:
    """A client that can be closed while it is read.

    Attributes:
        items: Its loop.
        close: Ends it, from another thread.
    """

    items: Iterator[object]
    close: Callable[[], None]


def everstream(url: str) -> Closable:
    """Returns everstream, with a long time from one attempt to the next."""
    import tenacity

    from everstream import EventSource, RetryPolicy

    source = EventSource(url, retry=RetryPolicy(wait=tenacity.wait_fixed(_BACKOFF_SECONDS)))
    return Closable(iter(source), source.close)


def launchdarkly(url: str) -> Closable:
    """Returns launchdarkly-eventsource, told to go on whatever happens, with a long time between attempts."""
    from ld_eventsource import SSEClient
    from ld_eventsource.config import ErrorStrategy

    strategy = ErrorStrategy.always_continue()
    client = SSEClient(url, initial_retry_delay=2 * _BACKOFF_SECONDS, error_strategy=strategy)
    return Closable(iter(client.events), client.close)


def requests_sse(url: str) -> Closable:
    """Returns requests-sse, with a long reconnection time."""
    from requests_sse import EventSource

    source = EventSource(url, reconnection_time=timedelta(seconds=_BACKOFF_SECONDS))

    def items() -> Iterator[object]:
        with source:
            yield from source

    return Closable(items(), source.close)


CLIENTS: dict[str, Callable[[str], Closable]] = {
    "everstream": everstream,
    "launchdarkly-eventsource": launchdarkly,
    "requests-sse": requests_sse,
}
"""Those that reconnect, by name: the others have no lifetime of their own."""


class Activity(threading.Thread):
    """Runs something in a thread, and says when it ended, whatever ended it."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._act = act
        self.began = self.ended = 0.0

    def run(self) -> None:
        """Does it."""
        self.began = time.perf_counter()
        with contextlib.suppress(Exception):
            self._act()
        self.ended = time.perf_counter()

    def seconds_since(self, start: float) -> float | None:
        """Returns the seconds from `start` to the end; None if it has not ended by `PATIENCE` after it."""
        self.join(max(0.0, start + PATIENCE - time.perf_counter()))
        return self.ended - start if self.ended else None


def closed(client: Closable) -> Closing:
    """Returns how long it takes to close a client that another thread reads."""
    # A queue without room takes what comes, and keeps nothing.
    reader = Activity(functools.partial(collections.deque, client.items, 0))
    reader.start()
    time.sleep(_SETTLE_SECONDS)
    closer = Activity(client.close)
    closer.start()
    closer.join(PATIENCE)
    return closer.seconds_since(closer.began), reader.seconds_since(closer.began)


def main(name: str, url: str, times: str) -> None:
    """Measures as often as was asked for, or until something does not end."""
    results: list[Closing] = []
    while len(results) < int(times) and None not in (results[-1] if results else ()):
        results.append(closed(CLIENTS[name](url)))
    print(json.dumps(results), flush=True)
    # Not to wait for those that go on.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
