"""What the tests of workers share: workers on the scripted server, stopped at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tenacity import wait_none

from everstream import EventSource, RetryPolicy, Timeouts, Worker
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer
from tests.reading import DEADLINE
from tests.worker.working import Kept, threads


@pytest.fixture
def kept() -> Kept:
    """The log of all streams of the test."""
    return Kept()


@pytest.fixture
def store() -> MemoryCheckpoint:
    """A checkpoint that outlives workers."""
    return MemoryCheckpoint()


@pytest.fixture
def make_source(sse_server: SSEServer, kept: Kept) -> Callable[..., EventSource]:
    """Makes event sources on the scripted server, which do not wait between attempts."""

    def make(path: str = "/events", **options: Any) -> EventSource:
        defaults: dict[str, Any] = {
            "retry": RetryPolicy(wait=wait_none()),
            "timeouts": Timeouts(connect=DEADLINE, read=2 * DEADLINE),
            "logger": kept,
        }
        return EventSource(sse_server.url_for(path), **{**defaults, **options})

    return make


@pytest.fixture
def make_worker(make_source: Callable[..., EventSource]) -> Iterator[Callable[..., Worker]]:
    """Makes workers; at the end of the test they are stopped, and no thread of theirs may be left.

    Without a source, each has a new one on the scripted server.
    """
    with ExitStack() as stack:

        def make(handler: Callable[..., object], source: EventSource | None = None, **options: Any) -> Worker:
            worker = Worker(make_source() if source is None else source, handler, **options)
            stack.callback(worker.stop, 0)
            return worker

        yield make
    for thread in threads():
        thread.join(DEADLINE)
    assert threads() == set()
