"""One event in a handler's hands: attempts at it, and what becomes of it if all of them fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tenacity import stop_after_delay, stop_never, wait_fixed, wait_incrementing, wait_none

from everstream import ConfigurationError, Event, EventSource, HandlerFailed, ReadyState, Redelivery, Worker
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer, event, log_of, stall
from tests.fakes import FakeClock
from tests.reading import DEADLINE
from tests.worker.working import SECRET, Failing, Kept, Record, Seen

MakeWorker = Callable[..., Worker]
MakeSource = Callable[..., EventSource]

TWICE = Redelivery.attempts(2, wait=wait_none())
ALWAYS = float("inf")


@pytest.fixture(params=["auto", "manual"])
def resumable(
    request: pytest.FixtureRequest, sse_server: SSEServer, make_source: MakeSource, store: MemoryCheckpoint
) -> Callable[[], EventSource]:
    """Makes sources of a log of four events, which go on where the last one stopped."""
    sse_server.serve_log(log_of(["1", "2", "3", "4"]), faults=())

    def make() -> EventSource:
        return make_source(name="log", checkpoint=store, checkpoint_interval=0.0, ack=request.param)

    return make


class TestRetrying:
    def test_a_handler_is_called_again_after_the_waits_of_the_strategy(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """On the worker's clock; the next event begins anew."""
        sse_server.script([[event("1"), event("2"), event("3")]])
        clock, failing = FakeClock(), Failing({"1": 2, "3": 1})
        retry = Redelivery.attempts(3, wait=wait_incrementing(start=5, increment=5))
        worker = make_worker(failing, retry=retry, clock=clock)
        assert worker.run()
        assert failing.data == ["1", "1", "1", "2", "3", "3"]
        assert clock.waits == [5, 10, 5]
        assert (worker.health().handled, worker.health().poisoned) == (3, 0)

    def test_seconds_are_those_of_one_event(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """A limit on them begins with the event, not with the worker."""
        sse_server.script([[event("1"), event("2")]])
        clock, failing = FakeClock(), Failing({"1": ALWAYS, "2": ALWAYS})
        retry = Redelivery(wait=wait_fixed(10), stop=stop_after_delay(25))
        worker = make_worker(failing, retry=retry, on_poison="skip", clock=clock)
        assert worker.run()
        assert failing.data == ["1"] * 4 + ["2"] * 4

    def test_a_patient_policy_never_gives_up(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """What comes after waits for the event."""
        sse_server.script([[event("1"), event("2")]])
        failing = Failing({"1": 500})
        worker = make_worker(failing, retry=Redelivery.forever(), clock=FakeClock())
        assert worker.run()
        assert failing.data == ["1"] * 501 + ["2"]

    def test_what_is_not_retryable_is_not_tried_again(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """The function sees what the handler raised."""
        sse_server.script([[event("1")]])
        asked: list[Exception] = []

        def retryable(error: Exception) -> bool:
            asked.append(error)
            return False

        worker = make_worker(Failing({"1": 1}), retry=Redelivery(stop=stop_never, retryable=retryable))
        with pytest.raises(HandlerFailed, match="in 1 attempt: ValueError") as caught:
            worker.run()
        assert asked == [caught.value.__cause__]

    @pytest.mark.parametrize(
        ("policy", "error"),
        [
            (Redelivery(wait=lambda _: -1.0), ConfigurationError),
            (Redelivery(retryable=lambda error: error.args[7]), IndexError),
        ],
        ids=["wait", "retryable"],
    )
    def test_a_policy_that_cannot_work_ends_the_worker(
        self,
        resumable: Callable[[], EventSource],
        make_worker: MakeWorker,
        store: MemoryCheckpoint,
        policy: Redelivery,
        error: type[Exception],
    ) -> None:
        """The event is not lost over it."""
        worker = make_worker(Failing({"2": 1}), resumable(), retry=policy, on_poison="skip")
        with pytest.raises(error):
            worker.run()
        assert store.load("log") == "1"


class TestPoison:
    def test_by_default_the_worker_stops_and_the_event_comes_again(
        self, resumable: Callable[[], EventSource], make_worker: MakeWorker, store: MemoryCheckpoint
    ) -> None:
        """Neither the cursor nor the checkpoint is past it; what the handler raised is the cause."""
        source, failing = resumable(), Failing({"3": ALWAYS})
        worker = make_worker(failing, source, retry=TWICE)
        worker.start()
        assert worker.join(DEADLINE)
        assert not worker.stop()
        with pytest.raises(HandlerFailed) as caught:
            worker.raise_failure()
        assert (caught.value.event.data, caught.value.attempts) == ("3", 2)
        assert isinstance(caught.value.__cause__, ValueError)
        assert failing.data == ["1", "2", "3", "3"]
        assert (source.last_acknowledged_id, store.load("log")) == ("2", "2")
        again = Seen()
        assert make_worker(again, resumable()).run()
        assert again.data == ["3", "4"]

    def test_nobody_need_stop_it_for_its_connection_to_be_closed(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """It has failed, and that is its end."""
        sse_server.script([[event("1"), stall()]])
        worker = make_worker(Failing({"1": 1}), retry=Redelivery.never())
        worker.start()
        sse_server.wait_until_client_gone(0)
        assert worker.join(DEADLINE)
        assert worker.source.state is ReadyState.CLOSED

    def test_it_can_be_skipped(
        self, resumable: Callable[[], EventSource], make_worker: MakeWorker, store: MemoryCheckpoint
    ) -> None:
        """Then the cursor moves past it, and it is counted apart."""
        failing = Failing({"2": ALWAYS, "4": ALWAYS})
        worker = make_worker(failing, resumable(), retry=TWICE, on_poison="skip")
        assert worker.run()
        assert failing.data == ["1", "2", "2", "3", "4", "4"]
        assert (worker.health().handled, worker.health().poisoned) == (2, 2)
        assert store.load("log") == "4"

    def test_it_can_be_put_aside(
        self, resumable: Callable[[], EventSource], make_worker: MakeWorker, store: MemoryCheckpoint
    ) -> None:
        """A function gets the event, and what the handler raised at last."""
        letters: list[tuple[str, str, str | None]] = []

        def keep(item: Event, error: Exception) -> None:
            letters.append((item.data, str(error), store.load("log")))

        worker = make_worker(Failing({"2": ALWAYS}), resumable(), retry=TWICE, on_poison=keep)
        assert worker.run()
        assert letters == [("2", f"{SECRET} 2", "1")]
        assert (worker.health().handled, worker.health().poisoned) == (3, 1)
        assert store.load("log") == "4"

    def test_if_it_cannot_be_put_aside_the_worker_stops(
        self, resumable: Callable[[], EventSource], make_worker: MakeWorker, store: MemoryCheckpoint
    ) -> None:
        """It is not lost; the cause is that failure, and the handler's is behind it."""

        def keep(_: Event, error: Exception) -> None:
            raise OSError("disk full") from error

        worker = make_worker(Failing({"2": ALWAYS}), resumable(), retry=TWICE, on_poison=keep)
        with pytest.raises(HandlerFailed, match="in 2 attempts: OSError") as caught:
            worker.run()
        cause = caught.value.__cause__
        assert isinstance(cause, OSError)
        assert isinstance(cause.__cause__, ValueError)
        assert worker.health().poisoned == 0
        assert store.load("log") == "1"

    def test_a_worker_acknowledges_what_it_was_given(
        self, sse_server: SSEServer, make_worker: MakeWorker, make_source: MakeSource
    ) -> None:
        """With `ack="manual"`, as soon as the handler returns: not only when the next event comes."""
        sse_server.script([[event("1", id="1"), event("2", id="2"), stall()]])
        source = make_source(ack="manual", max_unacknowledged=1)
        seen = Seen()
        with make_worker(seen, source):
            seen.wait_for(2)
        assert source.last_acknowledged_id == "2"

    def test_a_source_that_fails_at_its_checkpoint_fails_the_worker(
        self, sse_server: SSEServer, make_worker: MakeWorker, make_source: MakeSource
    ) -> None:
        """If it was required; the handler is not called any more."""
        sse_server.script([[event("1", id="1"), event("2", id="2"), event("3", id="3"), stall()]])

        class Full(MemoryCheckpoint):
            def save(self, key: str, last_event_id: str) -> None:
                raise OSError("disk full")

        seen = Seen()
        source = make_source(checkpoint=Full(), checkpoint_interval=0.0, checkpoint_required=True)
        with pytest.raises(Exception, match="Full") as caught:
            make_worker(seen, source).run()
        assert type(caught.value).__name__ == "CheckpointError"
        assert seen.data == ["1"]


def _fields(**fields: Any) -> dict[str, Any]:
    return {**fields, "event_id": "2", "event_type": "order", "error_type": "ValueError"}


class TestLog:
    @pytest.fixture(autouse=True)
    def _three_events(self, sse_server: SSEServer) -> None:
        sse_server.script([[event(str(n), id=str(n), type="order") for n in (1, 2, 3)]])

    def test_a_retry_is_told_before_the_wait(self, make_worker: MakeWorker, kept: Kept) -> None:
        """With the number of the attempt to come."""
        retry = Redelivery.attempts(3, wait=wait_fixed(1.23456))
        make_worker(Failing({"2": 2}), retry=retry, clock=FakeClock()).run()
        assert kept.of_workers() == [
            Record("info", "worker.started", {}),
            Record("warning", "worker.retrying", _fields(attempt=2, delay=1.235)),
            Record("warning", "worker.retrying", _fields(attempt=3, delay=1.235)),
            Record("info", "worker.stopped", {"handled": 3, "finished": True}),
        ]

    @pytest.mark.parametrize("action", ["skip", "call"])
    def test_an_event_that_is_given_up_is_told(
        self, make_worker: MakeWorker, kept: Kept, action: str
    ) -> None:
        """With what is done about it."""
        on_poison = "skip" if action == "skip" else print
        make_worker(Failing({"2": ALWAYS}), retry=Redelivery.never(), on_poison=on_poison).run()
        assert kept.of_workers() == [
            Record("info", "worker.started", {}),
            Record("error", "worker.poisoned", _fields(attempts=1, on_poison=action)),
            Record("info", "worker.stopped", {"handled": 2, "finished": True}),
        ]

    def test_a_worker_that_fails_says_so(self, make_worker: MakeWorker, kept: Kept) -> None:
        """Last, and in place of having stopped."""
        with pytest.raises(HandlerFailed):
            make_worker(Failing({"2": ALWAYS}), retry=Redelivery.never()).run()
        assert kept.of_workers() == [
            Record("info", "worker.started", {}),
            Record("error", "worker.poisoned", _fields(attempts=1, on_poison="stop")),
            Record("error", "worker.failed", {"error_type": "HandlerFailed"}),
        ]

    def test_it_is_the_log_of_the_stream(self, make_worker: MakeWorker, make_source: MakeSource) -> None:
        """Its logger, its name, and the URL without a query."""
        own = Kept()
        make_worker(Seen(), make_source("/events?token=x", name="orders", logger=own)).run()
        (started,) = [record for record in own.records if record.name == "worker.started"]
        assert started.fields["stream"] == "orders"
        assert str(started.fields["url"]).endswith("/events")

    def test_neither_data_nor_messages_are_in_it(
        self, sse_server: SSEServer, make_worker: MakeWorker, kept: Kept
    ) -> None:
        """The message of an exception may quote the event."""
        data = f"{SECRET} order"
        sse_server.script([[event(data, id="1"), event(data, id="2")]])

        def keep(_: Event, error: Exception) -> None:
            raise OSError(SECRET) from error

        with pytest.raises(HandlerFailed):
            make_worker(Failing({data: ALWAYS}), retry=TWICE, on_poison=keep).run()
        assert [record.name for record in kept.of_workers()] == [
            "worker.started",
            "worker.retrying",
            "worker.poisoned",
            "worker.failed",
        ]
        assert SECRET not in str(kept.records)
