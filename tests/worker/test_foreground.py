"""A worker as the whole of a program: `run()`, until it ends by itself, or a signal comes."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from everstream import (
    ConfigurationError,
    Event,
    EventSource,
    HandlerFailed,
    ReadyState,
    Redelivery,
    Worker,
    WorkerGroup,
)
from everstream.checkpoints import MemoryCheckpoint
from everstream.clock import Wakeups
from everstream.testing import SSEServer, event, stall
from everstream.worker.foreground import Work, run_in_foreground
from tests.reading import DEADLINE, wait_until
from tests.worker.working import Failing, Held, Seen, line_from, program, threads

MakeWorker = Callable[..., Worker]
MakeSource = Callable[..., EventSource]
BOTH = [signal.SIGTERM, signal.SIGINT]

PROGRAM = """
import os, signal, sys
from everstream import EventSource, Worker, WorkerGroup
url, kind, ignored = sys.argv[1:]
if ignored:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

def handler(event):
    print("began", event.data)
    sys.stdin.readline()
    print("finished", event.data)

worker = Worker(EventSource(url), handler)
work = worker if kind == "worker" else WorkerGroup([worker])
print("returned", work.run())
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, signal.getsignal(signal.SIGINT) is (
    signal.SIG_IGN if ignored else signal.default_int_handler))
sys.exit(7)
"""


@pytest.fixture(params=["worker", "group"])
def kind(request: pytest.FixtureRequest) -> str:
    """What is run."""
    return str(request.param)


@pytest.fixture
def make_work(make_worker: MakeWorker, kind: str) -> Callable[..., Worker | WorkerGroup]:
    """Makes a worker, or a group of one."""

    def make(handler: Callable[..., object], **options: object) -> Worker | WorkerGroup:
        worker = make_worker(handler, **options)
        return worker if kind == "worker" else WorkerGroup([worker])

    return make


@pytest.fixture(autouse=True)
def signals_are_as_before() -> Iterator[None]:
    """Whatever a test did, the handlers of signals are the same afterwards."""
    before = [signal.getsignal(number) for number in BOTH]
    yield
    assert [signal.getsignal(number) for number in BOTH] == before


class TestWithoutSignals:
    def test_it_returns_at_the_end_of_the_stream(
        self, sse_server: SSEServer, make_work: Callable[..., Work]
    ) -> None:
        """True: nothing was left."""
        sse_server.script([[event("1")]])
        seen = Seen()
        assert make_work(seen).run() is True  # type: ignore[attr-defined]
        assert seen.data == ["1"]
        assert threading.main_thread() not in seen.threads

    def test_it_raises_what_the_worker_failed_with(
        self, sse_server: SSEServer, make_work: Callable[..., Worker]
    ) -> None:
        """After it was stopped."""
        sse_server.script([[event("1"), stall()]])
        with pytest.raises(HandlerFailed):
            make_work(Failing({"1": 1}), retry=Redelivery.never()).run()
        assert threads() == set()

    def test_a_handler_may_end_the_program(
        self, sse_server: SSEServer, make_work: Callable[..., Worker]
    ) -> None:
        """With the exit status of its choice."""
        sse_server.script([[event("1"), stall()]])

        def handler(_: Event) -> None:
            raise SystemExit(5)

        with pytest.raises(SystemExit) as caught:
            make_work(handler).run()
        assert caught.value.code == 5

    def test_only_the_main_thread_can_run_it(self, make_work: Callable[..., Worker]) -> None:
        """Signals are handled there; and nothing is started."""
        work, errors = make_work(Seen()), list[str]()

        def run() -> None:
            try:
                work.run()
            except ConfigurationError as error:
                errors.append(str(error))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert errors == ["run() handles signals, so it must be in the main thread; use start()"]
        assert threads() == set()

    def test_whoever_waits_for_the_end_is_told(
        self, sse_server: SSEServer, make_work: Callable[..., Worker]
    ) -> None:
        """By a bell; `run()` waits on one."""
        sse_server.script([[event("1")]])
        bell, work = Wakeups(), make_work(Seen())
        work.ring_when_ended(bell)
        work.start()
        assert work.join(DEADLINE)
        assert bell.is_rung

    def test_a_tick_comes_at_the_start_and_now_and_then(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """As long as it runs."""
        sse_server.script([[event("1"), stall()]])
        held = Held()
        worker, ticks = make_worker(held), list[bool]()

        def tick() -> None:
            ticks.append(worker.health().alive)
            if len(ticks) == 5:
                held.let_go()
                worker.request_stop()

        assert run_in_foreground(worker, tick, every=0.01)
        assert len(ticks) >= 5
        assert ticks[0]

    def test_a_tick_that_fails_stops_it(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """No thread goes on behind the back of a program that ends."""
        sse_server.script([[event("1"), stall()]])

        def tick() -> None:
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            run_in_foreground(make_worker(Seen()), tick, every=1)
        assert threads() == set()


class TestWithSignals:
    @pytest.mark.parametrize("number", BOTH)
    def test_the_event_in_hand_is_finished(
        self, sse_server: SSEServer, make_worker: MakeWorker, make_source: MakeSource, number: int
    ) -> None:
        """And its checkpoint is saved; the next event is not handled."""
        sse_server.script([[event("1", id="1"), event("2", id="2"), event("3", id="3"), stall()]])
        store, seen = MemoryCheckpoint(), Seen()

        def handler(item: Event) -> None:
            if item.data == "2":
                os.kill(os.getpid(), number)
                wait_until(lambda: worker.source.state is ReadyState.CLOSED, "the signal to be seen")
            seen(item)

        worker = make_worker(handler, make_source(checkpoint=store, checkpoint_key="log"))
        assert worker.run() is True
        assert seen.data == ["1", "2"]
        assert store.load("log") == "2"

    def test_that_is_not_finished_in_time_is_told(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """`run()` is false then, after `stop_timeout` seconds."""
        sse_server.script([[event("1"), stall()]])
        held = Held()

        def handler(item: Event) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            held(item)

        assert make_worker(handler, stop_timeout=0.01).run() is False
        held.let_go()

    @pytest.mark.parametrize("number", BOTH)
    def test_a_program_ends_as_it_likes(
        self, sse_server: SSEServer, kind: str, number: signal.Signals
    ) -> None:
        """The handlers that were there before are there again, and the exit is the program's own."""
        sse_server.script([[event("1"), event("2"), stall()]])
        with program(PROGRAM, sse_server.url, kind, "") as process:
            assert line_from(process) == "began 1"
            process.send_signal(number)
            sse_server.wait_until_client_gone(0)
            done = ended(process, "\n")
        assert done == (7, ["finished 1", "returned True", "True True"], "")

    @pytest.mark.parametrize("number", BOTH)
    def test_the_same_signal_again_kills(
        self, sse_server: SSEServer, kind: str, number: signal.Signals
    ) -> None:
        """For a handler that never returns."""
        sse_server.script([[event("1"), stall()]])
        with program(PROGRAM, sse_server.url, kind, "") as process:
            assert line_from(process) == "began 1"
            process.send_signal(number)
            sse_server.wait_until_client_gone(0)
            process.send_signal(number)
            assert ended(process) == (-number, [], "")

    def test_with_no_event_in_hand_it_ends_at_once(self, sse_server: SSEServer, kind: str) -> None:
        """Wherever the stream waits."""
        sse_server.script([[event("1"), stall()]])
        with program(PROGRAM, sse_server.url, kind, "") as process:
            assert line_from(process) == "began 1"
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert line_from(process) == "finished 1"
            process.send_signal(signal.SIGTERM)
            assert ended(process) == (7, ["returned True", "True True"], "")

    def test_an_interrupt_that_was_ignored_stays_ignored(self, sse_server: SSEServer, kind: str) -> None:
        """A shell that starts a job in the background wants it so."""
        sse_server.script([[event("1"), event("2"), stall()]])
        with program(PROGRAM, sse_server.url, kind, "ignored") as process:
            assert line_from(process) == "began 1"
            process.send_signal(signal.SIGINT)
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            assert [line_from(process), line_from(process)] == ["finished 1", "began 2"]
            process.send_signal(signal.SIGTERM)
            sse_server.wait_until_client_gone(0)
            assert ended(process, "\n") == (7, ["finished 2", "returned True", "True True"], "")


def ended(process: subprocess.Popen[str], says: str | None = None) -> tuple[int, list[str], str]:
    """Returns the exit status, the lines and the errors of a program that ends, told something."""
    out, err = process.communicate(says, timeout=3 * DEADLINE)
    return process.returncode, out.splitlines(), err
