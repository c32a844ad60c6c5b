"""Stopping a worker: what it has in hand, how long it takes, and what `stop()` says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tenacity import wait_fixed

from everstream import Event, EventSource, HandlerFailed, Redelivery, RetryPolicy, Worker
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer, connection, event, log_of, silence, stall, status
from everstream.testing.steps import Connection, Step
from tests.reading import BACKING_OFF, DEADLINE, RECEIVING, wait_until
from tests.worker.working import (
    Failing,
    Held,
    Kept,
    Record,
    Seen,
    Stopping,
    is_running,
    threads,
    wait_until_in,
)

MakeWorker = Callable[..., Worker]
MakeSource = Callable[..., EventSource]
SLOWLY = Redelivery.forever(wait=wait_fixed(3600))


@pytest.fixture(params=["auto", "manual"])
def resumable(
    request: pytest.FixtureRequest, sse_server: SSEServer, make_source: MakeSource, store: MemoryCheckpoint
) -> Callable[[], EventSource]:
    """Makes sources of a log of three events, which go on where the last one stopped; saved seldom."""
    sse_server.serve_log(log_of(["1", "2", "3"]), faults=())

    def make() -> EventSource:
        return make_source(name="log", checkpoint=store, checkpoint_interval=3600.0, ack=request.param)

    return make


class TestTheEventInHand:
    def test_is_finished_and_its_checkpoint_saved(
        self,
        resumable: Callable[[], EventSource],
        make_worker: MakeWorker,
        store: MemoryCheckpoint,
        kept: Kept,
    ) -> None:
        """`stop()` is true then, and a restart goes on with the next event."""
        held = Held()
        worker = make_worker(held, resumable())
        worker.start()
        held.let_go()
        held.wait_for(2)
        stopping = Stopping(worker)
        assert is_running(worker)
        assert stopping.finished is None
        held.let_go()
        assert stopping.join() is True
        assert (held.data, held.finished) == (["1", "2"], ["1", "2"])
        assert store.load("log") == "2"
        assert worker.failure is None
        assert kept.of_workers()[-1] == Record("info", "worker.stopped", {"handled": 2, "finished": True})
        again = Seen()
        assert make_worker(again, resumable()).run()
        assert again.data == ["3"]

    def test_that_is_not_finished_in_time_comes_again(
        self, resumable: Callable[[], EventSource], make_worker: MakeWorker, store: MemoryCheckpoint
    ) -> None:
        """`stop()` is false then; the checkpoint of all before the event is saved nevertheless."""
        held = Held()
        worker = make_worker(held, resumable())
        worker.start()
        held.let_go(2)
        held.wait_for(3)
        assert store.load("log") == "1"
        assert worker.stop(0.01) is False
        assert is_running(worker)
        assert store.load("log") == "2"
        again = Seen()
        assert make_worker(again, resumable()).run()
        assert again.data == ["3"]
        held.let_go()

    def test_may_be_finished_late(
        self, resumable: Callable[[], EventSource], make_worker: MakeWorker, store: MemoryCheckpoint
    ) -> None:
        """After a `stop()` that was false, another one tells that it was finished after all."""
        held = Held()
        worker = make_worker(held, resumable(), stop_timeout=0.01)
        worker.start()
        held.wait_for(1)
        assert worker.stop() is False
        held.let_go()
        assert worker.stop(DEADLINE) is True
        assert store.load("log") == "1"

    @pytest.mark.parametrize("timeout", [None, DEADLINE])
    def test_that_waits_for_its_next_attempt_is_left(
        self,
        resumable: Callable[[], EventSource],
        make_worker: MakeWorker,
        store: MemoryCheckpoint,
        kept: Kept,
        timeout: float | None,
    ) -> None:
        """At once, and not as if it had been handled: `stop()` is false, and it comes again."""
        failing = Failing({"2": 1})
        worker = make_worker(failing, resumable(), retry=SLOWLY, stop_timeout=DEADLINE)
        worker.start()
        failing.wait_for(2)
        wait_until_in(BACKING_OFF)
        assert worker.stop(timeout) is False
        assert worker.join(0)
        assert worker.failure is None
        assert kept.of_workers()[-1] == Record("info", "worker.stopped", {"handled": 1, "finished": False})
        assert failing.data == ["1", "2"]
        assert store.load("log") == "1"
        again = Seen()
        assert make_worker(again, resumable()).run()
        assert again.data == ["2", "3"]

    def test_that_fails_while_it_is_stopped_is_not_tried_again(
        self, resumable: Callable[[], EventSource], make_worker: MakeWorker, store: MemoryCheckpoint
    ) -> None:
        """There may be no time for it."""
        held = Held()

        def fails(item: Event) -> None:
            held(item)
            raise ValueError

        worker = make_worker(fails, resumable(), retry=SLOWLY)
        worker.start()
        held.wait_for(1)
        stopping = Stopping(worker)
        held.let_go()
        assert stopping.join() is False
        assert held.data == ["1"]
        assert store.load("log") is None

    @pytest.mark.parametrize(("on_poison", "finished", "saved"), [("skip", True, "1"), ("stop", False, None)])
    def test_whose_last_attempt_fails_meanwhile_goes_the_way_of_all_poison(
        self,
        resumable: Callable[[], EventSource],
        make_worker: MakeWorker,
        store: MemoryCheckpoint,
        on_poison: str,
        finished: bool,
        saved: str | None,
    ) -> None:
        """That does not take time."""
        held = Held()

        def fails(item: Event) -> None:
            held(item)
            raise ValueError

        worker = make_worker(fails, resumable(), retry=Redelivery.never(), on_poison=on_poison)
        worker.start()
        held.wait_for(1)
        stopping = Stopping(worker)
        held.let_go()
        assert stopping.join() is finished
        assert isinstance(worker.failure, HandlerFailed) is (on_poison == "stop")
        assert store.load("log") == saved


WAITS: list[tuple[Connection | Step, set[str]]] = [
    (connection(event("1"), stall()), RECEIVING),
    (silence(), RECEIVING),
    (status(503, retry_after=300), BACKING_OFF),
]


class TestWithNothingInHand:
    @pytest.mark.parametrize(("step", "functions"), WAITS, ids=["bytes", "head", "backoff"])
    def test_it_ends_at_once_wherever_it_waits(
        self,
        sse_server: SSEServer,
        make_worker: MakeWorker,
        make_source: MakeSource,
        step: Connection | Step,
        functions: set[str],
    ) -> None:
        """Long before the stream would have given a sign."""
        sse_server.script([step])
        worker = make_worker(Seen(), make_source(retry=RetryPolicy()))
        worker.start()
        sse_server.wait_for_requests(1)
        if functions is BACKING_OFF:
            wait_until(lambda: worker.health().stream.state == "backing off", "the answer")
        wait_until_in(functions)
        assert worker.stop(DEADLINE) is True
        assert threads() == set()
        assert len(sse_server.requests) == 1

    def test_it_may_be_stopped_before_it_has_connected(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """However early: no event is handled afterwards."""
        sse_server.script([], then=connection(event("1"), stall()))
        for _ in range(50):
            seen = Seen()
            worker = make_worker(seen)
            worker.start()
            assert worker.stop(DEADLINE) is True
            assert worker.is_over
            assert worker.failure is None
