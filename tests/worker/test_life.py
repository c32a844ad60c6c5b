"""A worker's life: one thread, from `start()` to the end of its stream."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from everstream import (
    ConfigurationError,
    Event,
    EventSource,
    Redelivery,
    RetriesExhausted,
    RetryPolicy,
    StatusRejected,
    Worker,
)
from everstream.testing import SSEServer, cut, event, stall, status
from tests.reading import DEADLINE, wait_until
from tests.worker.working import Failing, Held, Kept, Seen, is_running, threads

MakeWorker = Callable[..., Worker]
MakeSource = Callable[..., EventSource]


class TestStarting:
    def test_no_thread_is_started_at_import_or_at_construction(self) -> None:
        """Nor by a group, nor by asking how they are."""
        code = (
            "import threading\n"
            "from everstream import EventSource, Redelivery, Worker, WorkerGroup\n"
            "workers = [Worker(EventSource(f'http://127.0.0.1:9/{n}'), print) for n in range(3)]\n"
            "group = WorkerGroup(workers)\n"
            "group.health(), repr(workers), group.stop(), group.join()\n"
            "print(threading.active_count())"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stdout == "1\n"

    def test_events_are_handled_in_order_on_one_thread(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """Across reconnects; the thread is not the caller's, and bears the stream's name."""
        sse_server.script([[event("1", id="1"), event("2", id="2"), cut()], [event("3", id="3")]])
        seen = Seen()
        worker = make_worker(seen)
        worker.start()
        assert worker.join(DEADLINE)
        assert seen.data == ["1", "2", "3"]
        (thread,) = seen.threads
        assert thread is not threading.current_thread()
        assert thread.name == f"everstream {sse_server.url}"

    def test_the_thread_does_not_keep_the_process(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """It is a daemon."""
        sse_server.script([[stall()]])
        make_worker(Seen()).start()
        (thread,) = threads()
        assert thread.daemon

    def test_it_is_started_once(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """The second start is an error, and the first goes on."""
        sse_server.script([[event("1"), stall()]])
        seen = Seen()
        worker = make_worker(seen)
        worker.start()
        with pytest.raises(ConfigurationError, match="started once; make a new one"):
            worker.start()
        seen.wait_for(1)
        assert len(threads()) == 1
        assert len(sse_server.requests) == 1

    def test_started_by_many_threads_it_is_started_once(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """All but one are told so."""
        sse_server.script([], then=[stall()])
        worker = make_worker(Seen())
        barrier, errors = threading.Barrier(8), list[ConfigurationError]()

        def start() -> None:
            barrier.wait(DEADLINE)
            try:
                worker.start()
            except ConfigurationError as error:
                errors.append(error)

        starters = [threading.Thread(target=start) for _ in range(8)]
        for each in starters:
            each.start()
        for each in starters:
            each.join()
        assert len(errors) == 7
        assert len(threads()) == 1

    @pytest.mark.parametrize("started", [True, False])
    def test_after_stop_it_is_not_started(
        self, sse_server: SSEServer, make_worker: MakeWorker, started: bool
    ) -> None:
        """Whether or not it ever ran."""
        sse_server.script([], then=[stall()])
        worker = make_worker(Seen())
        if started:
            worker.start()
        assert worker.stop(DEADLINE)
        with pytest.raises(ConfigurationError, match="started once"):
            worker.start()
        with pytest.raises(ConfigurationError, match="started once"):
            worker.run()
        assert threads() == set()

    def test_one_that_was_never_started_is_stopped_and_joined_at_once(self, make_worker: MakeWorker) -> None:
        """There is nothing to wait for."""
        worker = make_worker(Seen())
        assert worker.join()
        assert worker.stop()
        assert worker.join()
        assert not worker.is_over

    def test_if_the_system_has_no_thread_it_says_so_and_can_be_tried_again(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """What fails here would fail for want of memory or of process numbers."""
        sse_server.script([[event("1")]])
        seen = Seen()
        worker = make_worker(seen)
        before = threading.stack_size(1 << 46)
        try:
            with pytest.raises(RuntimeError, match="can't start new thread"):
                worker.start()
        finally:
            threading.stack_size(before)
        assert worker.health().alive
        assert worker.join(0)
        worker.start()
        assert worker.join(DEADLINE)
        assert seen.data == ["1"]


class TestEnding:
    @pytest.mark.parametrize("how", ["no content", "until"])
    def test_the_end_of_the_stream_is_the_end_of_the_worker(
        self, sse_server: SSEServer, make_worker: MakeWorker, make_source: MakeSource, how: str
    ) -> None:
        """And no failure."""
        sse_server.script([[event("1"), event("[DONE]"), stall()]] if how == "until" else [[event("1")]])
        seen = Seen()
        worker = make_worker(seen, make_source(until="[DONE]" if how == "until" else None))
        worker.start()
        assert worker.join(DEADLINE)
        assert (worker.is_over, worker.failure, seen.data) == (True, None, ["1"])
        worker.raise_failure()
        assert worker.stop()

    def test_a_stream_that_fails_for_good_is_the_workers_failure(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """`stop()` is true, for no event was in hand; whoever asks for the failure gets it."""
        sse_server.script([[event("1")], status(403)])
        worker = make_worker(Seen())
        worker.start()
        assert worker.join(DEADLINE)
        assert isinstance(worker.failure, StatusRejected)
        assert worker.stop()
        with pytest.raises(StatusRejected):
            worker.raise_failure()

    def test_a_policy_that_gives_up_is_a_failure(
        self, sse_server: SSEServer, make_worker: MakeWorker, make_source: MakeSource
    ) -> None:
        """As it is for whoever iterates."""
        sse_server.script([], then=status(503))
        worker = make_worker(Seen(), make_source(retry=RetryPolicy.attempts(2)))
        with pytest.raises(RetriesExhausted):
            worker.run()

    def test_a_with_block_runs_it_and_stops_it(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """For the time of the block."""
        sse_server.script([[event("1"), stall()]])
        seen = Seen()
        with make_worker(seen) as worker:
            seen.wait_for(1)
            assert is_running(worker)
        assert worker.is_over
        sse_server.wait_until_client_gone(0)

    def test_a_with_block_raises_the_failure(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """At its end."""
        sse_server.script([status(403)])
        with pytest.raises(StatusRejected), make_worker(Seen()) as worker:
            wait_until(lambda: worker.is_over, "the worker to fail")

    def test_what_the_block_raises_comes_first(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """The worker is stopped, and its failure can still be asked for."""
        sse_server.script([status(403)])
        worker = make_worker(Seen())
        with pytest.raises(KeyError), worker:
            wait_until(lambda: worker.is_over, "the worker to fail")
            raise KeyError
        assert isinstance(worker.failure, StatusRejected)

    @pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
    def test_a_handler_may_end_the_program(
        self,
        sse_server: SSEServer,
        make_worker: MakeWorker,
        make_source: MakeSource,
        kind: type[BaseException],
    ) -> None:
        """What is no `Exception` is not retried: whoever waits for the worker gets it as it was raised."""
        sse_server.script([[event("1", id="1"), event("2", id="2"), stall()]])
        raised, calls = kind(3), list[str]()

        def handler(item: Event) -> None:
            calls.append(item.data)
            if item.data == "2":
                raise raised

        source = make_source()
        worker = make_worker(handler, source, on_poison="skip")
        worker.start()
        assert worker.join(DEADLINE)
        with pytest.raises(kind) as caught:
            worker.raise_failure()
        assert caught.value is raised
        assert not worker.stop()
        assert calls == ["1", "2"]
        assert source.last_acknowledged_id == "1"
        sse_server.wait_until_client_gone(0)

    @pytest.mark.parametrize("record", ["worker.started", "worker.stopped"])
    def test_a_logger_that_raises_ends_the_worker_and_not_in_silence(
        self, sse_server: SSEServer, make_worker: MakeWorker, make_source: MakeSource, record: str
    ) -> None:
        """Nobody waits for it in vain."""
        sse_server.script([[event("1")]])

        class Raises(Kept):
            def info(self, event: str, **fields: object) -> None:
                if event == record:
                    raise OSError("disk full")

        worker = make_worker(Seen(), make_source(logger=Raises()))
        with pytest.raises(OSError, match="disk full"):
            worker.run()
        assert not worker.health().alive

    def test_it_says_what_it_is(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """New, running, over."""
        sse_server.script([[stall()]])
        worker = Worker(make_source(name="prices"), Seen())
        shown = [repr(worker)]
        worker.start()
        shown.append(repr(worker))
        worker.stop()
        shown.append(repr(worker))
        assert shown == ["<Worker prices new>", "<Worker prices running>", "<Worker prices over>"]


def test_backpressure_is_that_of_the_connection(
    sse_server: SSEServer, make_worker: MakeWorker, kept: Kept
) -> None:
    """While a handler works nothing is read: of what the server sends, the rest stays where it is."""
    size = 100_000
    sse_server.script([[*(event("x" * size, id=f"{n}") for n in range(200)), stall()]])
    held = Held()
    worker = make_worker(held)
    worker.start()
    held.wait_for(1)
    read = worker.source.stats.bytes
    assert read < 10 * size
    held.let_go(1)
    held.wait_for(2)
    assert worker.source.stats.events == 2
    held.let_go(200)


def test_events_that_failed_before_are_followed_by_the_next(
    sse_server: SSEServer, make_worker: MakeWorker, make_source: MakeSource
) -> None:
    """In order, whatever failed in between."""
    sse_server.script([[event("1", id="1"), event("2", id="2"), event("3", id="3")]])
    failing = Failing({"1": 1, "3": 1})
    source = make_source()
    worker = make_worker(failing, source, retry=Redelivery.attempts(2, wait=lambda _: 0.0))
    assert worker.run()
    assert failing.data == ["1", "1", "2", "3", "3"]
    assert source.last_acknowledged_id == "3"
