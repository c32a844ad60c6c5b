"""Workers and metrics as a typed program uses them. Never run; `make types` checks it, as it does api.py."""

from __future__ import annotations

import json
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from tenacity import stop_after_attempt, stop_after_delay, wait_fixed

from everstream import (
    Clock,
    Event,
    EventSource,
    GroupHealth,
    Health,
    Metrics,
    Observation,
    Observer,
    Redelivery,
    Worker,
    WorkerGroup,
    WorkerHealth,
)

URL = "https://stream.example/events"


def handle(event: Event) -> None:
    """A handler may return anything."""
    print(event.data)


def put_aside(event: Event, error: Exception) -> int:
    """So may a dead letter."""
    return Path("dead").write_text(f"{event.id} {error}")


def policies() -> list[Redelivery]:
    """All ways to say when a handler is called again."""
    return [
        Redelivery(),
        Redelivery(wait=wait_fixed(1), stop=stop_after_attempt(3) | stop_after_delay(60)),
        Redelivery(retryable=lambda error: isinstance(error, OSError)),
        Redelivery.never(),
        Redelivery.attempts(5, wait=wait_fixed(1)),
        Redelivery.forever(),
    ]


def workers() -> list[Worker]:
    """What becomes of an event that cannot be handled is a word or a function."""
    return [
        Worker(EventSource(URL), handle),
        Worker(EventSource(URL), lambda event: event.json(), on_poison="skip", stuck_after=60),
        Worker(EventSource(URL), handle, retry=Redelivery.attempts(2), on_poison=put_aside, stop_timeout=5),
    ]


def in_the_background(worker: Worker) -> tuple[bool, bool, BaseException | None]:
    """Started and stopped by hand, or by a block."""
    worker.start()
    finished: bool = worker.stop(timeout=10)
    ended: bool = worker.join()
    with Worker(EventSource(URL), handle) as other:
        health: WorkerHealth = other.health()
        stream: Health = health.stream
        print(json.dumps(health.as_dict()), stream.state, health.handling_since)
    return finished, ended, worker.failure


def in_the_foreground() -> bool:
    """A group is used as a worker is."""
    group = WorkerGroup(workers(), stop_on_failure=False, stop_timeout=20)
    health: GroupHealth = group.health()
    print(health.alive and health.ready, [worker.handled for worker in health.workers])
    return group.run()


def measured() -> EventSource:
    """The provider and the time of an event are the caller's."""

    def timestamp(event: Event) -> float | None:
        return float(event.data) if event.data else None

    metrics = Metrics(MeterProvider(), timestamp=timestamp)
    observer: Observer = metrics.observer("orders")
    print(observer)
    return EventSource(URL, name="orders", metrics=metrics)


class Notes:
    """An observer of one's own, for each stream."""

    def observer(self, stream: str) -> Observer:
        """Any function of an item and a clock is one."""

        def note(item: Observation, clock: Clock) -> None:
            print(stream, item, clock.time())

        return note


def noted() -> EventSource:
    """It goes where metrics go."""
    return EventSource(URL, name="orders", metrics=Notes())
