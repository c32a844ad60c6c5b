"""How a worker is: what operators mean by alive and by ready."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tenacity import wait_fixed

from everstream import EventSource, HandlerFailed, Redelivery, RetryPolicy, Worker, WorkerGroup, WorkerHealth
from everstream.testing import SSEServer, event, stall, status
from tests.fakes import FakeClock
from tests.reading import DEADLINE, wait_until
from tests.worker.working import SECRET, Failing, Held, Seen

MakeWorker = Callable[..., Worker]
MakeSource = Callable[..., EventSource]


def signs(health: WorkerHealth) -> tuple[bool, bool]:
    """Returns whether it is alive, and ready."""
    return health.alive, health.ready


def test_a_new_worker_is_alive_and_not_ready(make_worker: MakeWorker) -> None:
    """It may still be started."""
    health = make_worker(Seen()).health()
    assert signs(health) == (True, False)
    assert (health.handled, health.poisoned, health.handling_since, health.failure) == (0, 0, None, None)
    assert health.stream.state == "connecting"


def test_one_that_was_stopped_before_it_was_started_is_not_alive(make_worker: MakeWorker) -> None:
    """It never will be."""
    worker = make_worker(Seen())
    worker.stop()
    assert signs(worker.health()) == (False, False)


def test_one_that_is_connected_is_ready(sse_server: SSEServer, make_worker: MakeWorker) -> None:
    """Between events, too."""
    sse_server.script([[event("1", id="1"), stall()]])
    worker = make_worker(Seen())
    worker.start()
    wait_until(lambda: worker.health().handled == 1, "the event to be handled")
    wait_until(lambda: worker.health().stream.last_acknowledged_id == "1", "the worker to come back")
    health = worker.health()
    assert signs(health) == (True, True)
    assert (health.stream.state, health.handling_since) == ("open", None)


def test_one_that_backs_off_is_alive_and_not_ready(
    sse_server: SSEServer, make_worker: MakeWorker, make_source: MakeSource
) -> None:
    """To restart its process would not help."""
    sse_server.script([], then=status(503, retry_after=300))
    worker = make_worker(Seen(), make_source(retry=RetryPolicy()))
    worker.start()
    wait_until(lambda: worker.health().stream.state == "backing off", "the wait for the next attempt")
    health = worker.health()
    assert signs(health) == (True, False)
    assert (health.stream.state, health.stream.attempts) == ("backing off", 1)


def test_the_event_in_hand_is_told_with_its_time(sse_server: SSEServer, make_worker: MakeWorker) -> None:
    """In seconds since the epoch, of the worker's clock; it does not move while time goes on."""
    sse_server.script([[event("1"), stall()]])
    clock, held = FakeClock(time=1_700_000_000.0), Held()
    worker = make_worker(held, clock=clock)
    worker.start()
    held.wait_for(1)
    assert worker.health().handling_since == 1_700_000_000.0
    clock.advance(86_400)
    assert worker.health().handling_since == 1_700_000_000.0
    assert worker.health().alive
    held.let_go()
    wait_until(lambda: worker.health().handling_since is None, "the handler to return")


def test_one_that_is_stuck_is_not_alive(sse_server: SSEServer, make_worker: MakeWorker) -> None:
    """After `stuck_after` seconds with one event, and until the handler returns."""
    sse_server.script([[event("1"), event("2"), stall()]])
    clock, held = FakeClock(), Held()
    worker = make_worker(held, stuck_after=60, clock=clock)
    worker.start()
    held.wait_for(1)
    clock.advance(60)
    assert signs(worker.health()) == (True, True)
    clock.advance(1)
    assert signs(worker.health()) == (False, False)
    held.let_go()
    held.wait_for(2)
    assert signs(worker.health()) == (True, True)
    held.let_go()


def test_the_waits_between_attempts_count(sse_server: SSEServer, make_worker: MakeWorker) -> None:
    """`stuck_after` is about the event, not about one call."""
    sse_server.script([[event("1"), stall()]])
    clock = FakeClock()
    health: list[WorkerHealth] = []

    def handler(_: object) -> None:
        health.append(worker.health())
        if len(health) < 4:
            raise ValueError

    worker = make_worker(
        handler, retry=Redelivery.attempts(4, wait=wait_fixed(25)), stuck_after=60, clock=clock
    )
    worker.start()
    wait_until(lambda: worker.health().handled == 1, "the event to be handled")
    assert [each.alive for each in health] == [True, True, True, False]
    assert {each.handling_since for each in health} == {1_700_000_000.0}
    assert worker.health().alive


def test_between_events_nothing_is_stuck(sse_server: SSEServer, make_worker: MakeWorker) -> None:
    """However long the stream is silent."""
    sse_server.script([[event("1"), stall()]])
    clock = FakeClock()
    worker = make_worker(Seen(), stuck_after=60, clock=clock)
    worker.start()
    wait_until(lambda: worker.health().handled == 1, "the event to be handled")
    wait_until(lambda: worker.health().handling_since is None, "the handler to return")
    clock.advance(1_000_000)
    assert worker.health().alive


def test_one_that_is_stopping_is_alive_and_not_ready(sse_server: SSEServer, make_worker: MakeWorker) -> None:
    """As long as it has an event in hand; then it is over, and neither."""
    sse_server.script([[event("1"), stall()]])
    held = Held()
    worker = make_worker(held)
    worker.start()
    held.wait_for(1)
    worker.request_stop()
    assert signs(worker.health()) == (True, False)
    held.let_go()
    assert worker.join(DEADLINE)
    assert signs(worker.health()) == (False, False)
    assert worker.health().failure is None


def test_one_that_failed_says_over_what(sse_server: SSEServer, make_worker: MakeWorker) -> None:
    """By kind and message; neither the event's data nor what the handler said is in it."""
    sse_server.script([[event("1", id="17")]])
    worker = make_worker(Failing({"1": 1}), retry=Redelivery.never())
    with pytest.raises(HandlerFailed):
        worker.run()
    health = worker.health()
    assert signs(health) == (False, False)
    assert health.failure == (
        "HandlerFailed: an event of type message with id '17' could not be handled in 1 attempt: ValueError"
    )
    assert SECRET not in str(health)


@pytest.mark.parametrize("when", ["new", "in hand", "failed"])
def test_it_is_plain_data(sse_server: SSEServer, make_worker: MakeWorker, when: str) -> None:
    """Ready for JSON, and back."""
    sse_server.script([[event("1", id="1")], status(403)])
    held = Held()
    worker = make_worker(held)
    if when != "new":
        worker.start()
        held.wait_for(1)
    if when == "failed":
        held.let_go()
        worker.join(DEADLINE)
    health = worker.health()
    data = health.as_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["alive"] is health.alive
    assert data["stream"] == health.stream.as_dict()
    held.let_go()


def test_a_group_is_as_well_as_its_least_worker(
    sse_server: SSEServer, make_worker: MakeWorker, make_source: MakeSource
) -> None:
    """Alive if all are, ready if all are; each is told in order."""
    sse_server.script([[event("1"), stall()], [event("2"), stall()]])
    clock = FakeClock()
    held = [Held(), Held()]
    group = WorkerGroup(
        [
            make_worker(held[0], make_source(name="first"), clock=clock, stuck_after=60),
            make_worker(held[1], make_source(name="second"), clock=clock),
        ]
    )
    assert (group.health().alive, group.health().ready) == (True, False)
    group.start()
    for each in held:
        each.wait_for(1)
    assert (group.health().alive, group.health().ready) == (True, True)
    clock.advance(61)
    health = group.health()
    assert (health.alive, health.ready) == (False, False)
    assert [(each.stream.stream, each.alive) for each in health.workers] == [
        ("first", False),
        ("second", True),
    ]
    data = health.as_dict()
    assert json.loads(json.dumps(data))["workers"] == [each.as_dict() for each in health.workers]
    for each in held:
        each.let_go()
    assert group.stop(DEADLINE)
    assert not group.health().alive
