"""A group of which one fails: nobody restarts it in silence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from everstream import Event, HandlerFailed, Redelivery, StatusRejected, Worker, WorkerGroup
from everstream.testing import SSEServer, connection, event, stall, status
from tests.reading import DEADLINE, wait_until
from tests.worker.working import Failing, Held, Seen, is_running, threads

MakeWorker = Callable[..., Worker]
STREAM = connection(event("1", id="1"), stall())


class TestFailing:
    def test_one_that_fails_stops_all(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """`run()` raises what it failed with; the others have finished what they had in hand."""
        sse_server.script([], then=STREAM)
        held = Held()

        def fails(_: Event) -> None:
            held.wait_for(1)
            held.let_go()
            raise ValueError

        workers = [make_worker(held), make_worker(fails, retry=Redelivery.never())]
        with pytest.raises(HandlerFailed):
            WorkerGroup(workers).run()
        assert held.finished == ["1"]
        assert [type(worker.failure).__name__ for worker in workers] == ["NoneType", "HandlerFailed"]
        assert threads() == set()

    def test_or_the_others_go_on(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """Nobody starts the one that failed again; when all have ended, its failure is raised."""
        sse_server.script([], then=STREAM)
        failing = make_worker(Failing({"1": 1}), retry=Redelivery.never())
        seen = Seen()

        def lasts(item: Event) -> None:
            wait_until(lambda: failing.is_over, "the other to fail")
            seen(item)
            lasting.request_stop()

        lasting = make_worker(lasts)
        group = WorkerGroup([failing, lasting], stop_on_failure=False)
        with pytest.raises(HandlerFailed):
            group.run()
        assert seen.data == ["1"]
        assert len(sse_server.requests) == 2
        assert lasting.failure is None

    def test_the_first_failure_in_their_order_is_raised(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """All are in the log, and each with its worker."""
        sse_server.script([], then=status(403))
        workers = [make_worker(Seen()) for _ in range(3)]
        with pytest.raises(StatusRejected) as caught, WorkerGroup(workers):
            wait_until(lambda: all(worker.is_over for worker in workers), "all to fail")
        assert caught.value is workers[0].failure
        assert all(isinstance(worker.failure, StatusRejected) for worker in workers)

    def test_one_that_ends_normally_stops_nobody(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """Its stream is over, and the others' is not."""
        sse_server.script([[event("1"), stall()], status(204)])
        seen = Seen()
        first = make_worker(seen)
        first.start()
        seen.wait_for(1)
        second = make_worker(Seen())
        group = WorkerGroup([second])
        assert group.run() is True
        assert is_running(first)
        assert not WorkerGroup([first, second]).is_over

    def test_what_the_block_raises_comes_first(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """All are stopped nevertheless."""
        sse_server.script([], then=status(403))
        with pytest.raises(KeyError), WorkerGroup([make_worker(Seen())]) as group:
            group.join(DEADLINE)
            raise KeyError
        assert threads() == set()
