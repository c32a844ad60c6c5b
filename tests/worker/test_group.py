"""Many streams: started together, stopped together, and none restarted in silence."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from everstream import (
    ConfigurationError,
    Event,
    EventSource,
    Worker,
    WorkerGroup,
)
from everstream.clock import SystemClock
from everstream.testing import SSEServer, connection, event, stall
from tests.reading import DEADLINE, wait_until
from tests.worker.working import Held, Kept, Seen, is_running, threads

MakeWorker = Callable[..., Worker]
MakeSource = Callable[..., EventSource]
STREAM = connection(event("1", id="1"), stall())


class TestTogether:
    def test_all_are_started_and_stopped(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """Each on a thread of its own; afterwards none is left."""
        sse_server.script([], then=STREAM)
        seen = [Seen() for _ in range(20)]
        group = WorkerGroup(make_worker(each) for each in seen)
        group.start()
        for each in seen:
            each.wait_for(1)
        assert len(threads()) == 20
        assert not group.join(0)
        assert group.stop(DEADLINE) is True
        assert group.join(0)
        assert threads() == set()
        assert len(sse_server.requests) == 20

    def test_a_with_block_runs_them(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """For the time of the block."""
        sse_server.script([], then=STREAM)
        seen = Seen()
        with WorkerGroup([make_worker(seen), make_worker(seen)]) as group:
            seen.wait_for(2)
            assert not group.is_over
        assert group.is_over

    def test_all_are_asked_before_any_is_waited_for(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """So the slowest decides how long it takes, not the sum."""
        sse_server.script([], then=STREAM)
        held = [Held() for _ in range(3)]
        workers = [make_worker(each) for each in held]
        group = WorkerGroup(workers)
        group.start()
        for each in held:
            each.wait_for(1)
        stopping = threading.Thread(target=group.stop, args=(DEADLINE,))
        stopping.start()
        wait_until(lambda: all(w.source.health().state == "closed" for w in workers), "all to be asked")
        for each in held:
            each.let_go()
        stopping.join(DEADLINE)
        assert not stopping.is_alive()
        assert threads() == set()

    def test_the_time_to_stop_is_shared(
        self, sse_server: SSEServer, make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The waits of all are one, and the answer is that of the least."""
        sse_server.script([], then=STREAM)
        held, seen = Held(), Seen()
        workers = [make_worker(handler, stop_timeout=3600) for handler in (held, held, seen)]
        group = WorkerGroup(workers, stop_timeout=0.01)
        waits: list[float] = []
        join = threading.Thread.join

        def joined(thread: threading.Thread, timeout: float | None = None) -> None:
            waits.append(timeout or 0.0)
            join(thread, timeout)

        group.start()
        held.wait_for(2)
        seen.wait_for(1)
        monkeypatch.setattr(threading.Thread, "join", joined)
        assert group.stop() is False
        monkeypatch.undo()
        assert len(waits) == 3
        assert max(waits) <= 0.01
        assert waits == sorted(waits, reverse=True)
        assert [is_running(worker) for worker in workers] == [True, True, False]
        held.let_go(2)

    def test_joining_shares_its_time_too(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """And says whether all have ended."""
        sse_server.script([STREAM], then=None)
        group = WorkerGroup([make_worker(Seen()), make_worker(Seen())])
        group.start()
        assert group.join(0.01) is False
        group.stop()
        assert group.join() is True

    def test_many_threads_may_stop_it(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """All are told the same, and none waits for another."""
        sse_server.script([], then=STREAM)
        seen = Seen()
        group = WorkerGroup([make_worker(seen) for _ in range(10)])
        group.start()
        seen.wait_for(10)
        barrier, finished = threading.Barrier(8), list[bool]()

        def stop() -> None:
            barrier.wait(DEADLINE)
            finished.append(group.stop(DEADLINE))

        stoppers = [threading.Thread(target=stop) for _ in range(8)]
        for each in stoppers:
            each.start()
        for each in stoppers:
            each.join(3 * DEADLINE)
        assert finished == [True] * 8
        assert threads() == set()

    def test_it_ends_when_all_have_ended(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """Not before; and `run()` returns then."""
        sse_server.script([[event("1")], [event("2")]])
        seen = Seen()
        group = WorkerGroup([make_worker(seen), make_worker(seen)])
        assert group.run() is True
        assert sorted(seen.data) == ["1", "2"]
        assert group.is_over


class TestStarting:
    def test_if_one_cannot_be_started_none_runs(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """The error is that of the one."""
        sse_server.script([], then=STREAM)
        workers = [make_worker(Seen()) for _ in range(3)]
        workers[1].stop()
        with pytest.raises(ConfigurationError, match="started once"):
            WorkerGroup(workers).start()
        assert threads() == set()
        assert [worker.is_over for worker in workers] == [True, False, False]

    def test_if_the_system_has_no_thread_left_none_runs(
        self, sse_server: SSEServer, make_worker: MakeWorker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Those that were started are stopped, and the error is the system's."""
        sse_server.script([], then=STREAM)
        workers = [make_worker(Seen()) for _ in range(4)]
        start, left = threading.Thread.start, iter([True, True])

        def scarce(thread: threading.Thread) -> None:
            if thread.name.startswith("everstream ") and not next(left, False):
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", scarce)
        with pytest.raises(RuntimeError, match="can't start new thread"), WorkerGroup(workers):
            pytest.fail("it was entered")
        assert threads() == set()
        assert [worker.is_over for worker in workers] == [True, True, False, False]

    def test_it_is_started_once(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """As each of its workers."""
        group = WorkerGroup([make_worker(Seen())])
        group.stop()
        with pytest.raises(ConfigurationError, match="started once"):
            group.start()
        with pytest.raises(ConfigurationError, match="started once"):
            group.run()

    def test_it_needs_a_worker(self) -> None:
        """One at least."""
        with pytest.raises(ConfigurationError, match="at least one worker"):
            WorkerGroup([])

    @pytest.mark.parametrize("same", ["worker", "source"])
    def test_a_source_is_one_workers(
        self, make_worker: MakeWorker, make_source: MakeSource, same: str
    ) -> None:
        """Two would share its events, and each miss some."""
        source = make_source()
        first = make_worker(Seen(), source)
        second = first if same == "worker" else make_worker(Seen(), source)
        with pytest.raises(ConfigurationError, match="an event source of its own"):
            WorkerGroup([first, second])

    @pytest.mark.parametrize("bad", [-1, None, "30", float("nan")])
    def test_a_time_to_stop_is_a_number_of_seconds(self, make_worker: MakeWorker, bad: object) -> None:
        """0 or more."""
        with pytest.raises(ConfigurationError, match=r"WorkerGroup\(stop_timeout=\.\.\.\) takes seconds"):
            WorkerGroup([make_worker(Seen())], stop_timeout=bad)  # type: ignore[arg-type]


class TestHandlers:
    @pytest.mark.parametrize("word", ["stop", "join"])
    def test_a_handler_cannot_wait_for_the_group(
        self, sse_server: SSEServer, make_worker: MakeWorker, word: str
    ) -> None:
        """Its own end is part of that. The call does nothing else: the other worker goes on."""
        sse_server.script([], then=STREAM)
        seen = Seen()
        errors: list[BaseException | None] = []

        def handler(_: Event) -> None:
            seen.wait_for(1)
            try:
                getattr(group, word)()
            except ConfigurationError as error:
                errors.append(error)
            errors.append(None)

        other = make_worker(seen)
        group = WorkerGroup([other, make_worker(handler)])
        group.start()
        wait_until(lambda: None in errors, "the handler to return")
        assert "a handler cannot wait for its own end" in str(errors[0])
        assert is_running(other)

    def test_a_handler_may_ask_for_the_end(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """Of all."""
        sse_server.script([], then=STREAM)
        seen = Seen()

        def handler(_: Event) -> None:
            seen.wait_for(1)
            group.request_stop()

        group = WorkerGroup([make_worker(seen), make_worker(handler)])
        assert group.run() is True


def test_a_group_logs_through_its_streams(sse_server: SSEServer, make_worker: MakeWorker, kept: Kept) -> None:
    """Each worker says that it started and stopped."""
    sse_server.script([], then=STREAM)
    seen = Seen()
    with WorkerGroup([make_worker(seen, clock=SystemClock()) for _ in range(3)]):
        seen.wait_for(3)
    names = [record.name for record in kept.of_workers()]
    assert sorted(names) == ["worker.started"] * 3 + ["worker.stopped"] * 3
