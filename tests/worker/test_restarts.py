"""Streams that are cut, handlers that fail, and workers that stop or die: what is handled, and how often."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from tenacity import wait_none

from everstream import Event, EventSource, HandlerFailed, Redelivery, RetryPolicy, Worker
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer, log_of
from tests.reading import DEADLINE, wait_until
from tests.worker.working import Kept

EVENTS = 60


class Died(BaseException):
    """What ends a worker as a crash would, after the work is done and before the cursor has moved."""


class Work:
    """A handler whose work can be looked at, and that fails before it or dies after it, by a seed.

    Attributes:
        done: The numbers of the events whose work was done, in order.
        deaths: How often it died.
        worker: The worker that calls it.
    """

    def __init__(self, dice: random.Random) -> None:
        self.done: list[int] = []
        self.deaths = 0
        self.worker: Worker | None = None
        self._dice = dice

    def __call__(self, event: Event) -> None:
        """Handles an event."""
        fate = self._dice.random()
        if fate < 0.2:
            raise ValueError
        self.done.append(int(event.data))
        if fate < 0.25:
            self.deaths += 1
            raise Died
        if fate < 0.3:
            assert self.worker is not None
            self.worker.request_stop()


@pytest.mark.parametrize("seed", range(30))
def test_all_is_handled_in_order_and_at_most_one_event_again_for_each_death(
    sse_server: SSEServer, kept: Kept, seed: int
) -> None:
    """With each event's checkpoint saved; a stop in order repeats nothing."""
    dice = random.Random(seed)
    log = sse_server.serve_log(log_of(str(n) for n in range(1, EVENTS + 1)), seed=seed)
    store, work = MemoryCheckpoint(), Work(dice)
    while store.load("log") != str(EVENTS):
        worker = work.worker = Worker(
            EventSource(
                sse_server.url,
                retry=RetryPolicy(wait=wait_none()),
                checkpoint=store,
                checkpoint_key="log",
                checkpoint_interval=0.0,
                ack=dice.choice(["auto", "manual"]),
                logger=kept,
            ),
            work,
            retry=Redelivery.attempts(3, wait=wait_none()),
        )
        live(worker, work, until=len(work.done) + dice.randint(1, 25))
        assert isinstance(worker.failure, (HandlerFailed, Died, type(None)))
    assert log.verdict(map(str, dict.fromkeys(work.done))).ok
    assert all(after in (before, before + 1) for before, after in pairwise(work.done))
    assert len(work.done) - EVENTS <= work.deaths


def live(worker: Worker, work: Work, until: int) -> None:
    """Lets a worker work until it ends by itself, or so much is done in all, and stops it."""
    worker.start()
    wait_until(lambda: worker.is_over or len(work.done) >= until, "the worker to work")
    worker.stop(DEADLINE)
    assert worker.join(0)
