"""nginx with nchan: a server without chunks and without a length that resumes by `Last-Event-ID`."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from everstream import Comment, Event, EventSource, FullJitter, Interrupted, Opened, RetryPolicy, Timeouts
from tests.integration.nchan import Nchan, require_nchan
from tests.integration.redis_server import RedisServer, require_redis
from tests.integration.relay import ResettingRelay
from tests.reading import DEADLINE, Reading

pytestmark = pytest.mark.integration

MESSAGES = 1000
RELOAD_EVERY = 200
PACE = 0.1
"""Seconds between two messages of the test of promptness."""
QUICK = RetryPolicy(wait=FullJitter(initial=0.02, cap=0.2))
LIMITS = Timeouts(connect=5, read=5)
THE_END = "the end"

READ_IN_A_FRESH_PROCESS = """
import json, sys
from everstream import EventSource
url, last_event_id = sys.argv[1:]
with EventSource(url, last_event_id=last_event_id, until="the end") as source:
    for event in source:
        print(json.dumps([event.id, event.data]), flush=True)
"""


@pytest.fixture(params=[1, 3], ids=["one worker", "three workers"])
def nchan(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nchan]:
    """nginx with nchan, running."""
    require_nchan()
    with Nchan(tmp_path, workers=request.param) as running:
        yield running


@pytest.fixture(params=[1, 3], ids=["one worker", "three workers"])
def nchan_on_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nchan]:
    """nginx with nchan, running, which keeps its messages in a redis-server."""
    require_nchan()
    require_redis()
    with (
        RedisServer(tmp_path, persistence="none") as redis,
        Nchan(tmp_path, workers=request.param, redis=redis.port) as running,
    ):
        yield running


class SleepySubscriber:
    """Reads messages in a thread of its own, and falls asleep after some of them.

    Args:
        source: The event source to read.
        naps: After which number of messages to fall asleep, and when so many are published, to wake up.
    """

    def __init__(self, source: EventSource, naps: dict[int, int]) -> None:
        self.data: list[str] = []
        self.naps = 0
        self.error: BaseException | None = None
        self._published = 0
        self._changed = threading.Condition()
        self._source = source
        self._naps = naps
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def published(self, count: int) -> None:
        """Tells it that so many messages are published, which may wake it."""
        with self._changed:
            self._published = count
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Waits until it has so many messages."""
        with self._changed:
            has_all = self._changed.wait_for(lambda: len(self.data) >= count or self.error, DEADLINE)
        assert has_all, f"{len(self.data)} of {count} messages came"
        assert self.error is None, self.error

    def join(self) -> list[str]:
        """Returns all messages, once the stream has ended."""
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), f"{len(self.data)} messages came, and no end"
        assert self.error is None, self.error
        return self.data

    def _read(self) -> None:
        try:
            for event in self._source:
                with self._changed:
                    self.data.append(event.data)
                    self._changed.notify_all()
                    self._sleep(self._naps.get(len(self.data)))
        except BaseException as error:
            self.error = error

    def _sleep(self, until_published: int | None) -> None:
        if until_published is None:
            return
        self.naps += 1
        assert self._changed.wait_for(lambda: self._published >= until_published, DEADLINE), "overslept"


def test_nothing_is_lost_over_reloads_resets_and_sleep(nchan: Nchan) -> None:
    """Of 1,000 messages all arrive, once, in order.

    Meanwhile nginx is reloaded, and each time the subscriber is asleep; connections are reset at random
    places; and now and then the subscriber does not read. nchan keeps messages in the memory of its
    workers, and a reload ends these: so each reload waits until what is in there was received.
    """
    reloads = range(RELOAD_EVERY, MESSAGES, RELOAD_EVERY)
    naps = {after: after + 60 for after in reloads} | {after - 80: after - 30 for after in reloads}
    messages = [f"message {number}" for number in range(MESSAGES)]
    with (
        ResettingRelay(nchan.address, seed=1, bytes_until_reset=(200, 4000)) as relay,
        EventSource(
            f"http://127.0.0.1:{relay.port}/events/a", retry=QUICK, timeouts=LIMITS, until=THE_END
        ) as source,
    ):
        subscriber = SleepySubscriber(source, naps)
        for count, message in enumerate(messages):
            if count in reloads:
                subscriber.wait_for(count)
                nchan.reload()
            nchan.publish("a", message)
            subscriber.published(count + 1)
        nchan.publish("a", THE_END)
        assert subscriber.join() == messages
    assert (nchan.reloads, subscriber.naps) == (4, 8)
    assert relay.resets >= 5
    assert source.stats.interruptions >= relay.resets


def test_each_message_arrives_before_the_next_is_published(
    nchan: Nchan, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Of 100 messages 100 ms apart each is there when the next one is due.

    A machine under load may be late: then the next one waits for it. So a client that gives an event
    with the one after it, or in batches, never passes.
    """
    latencies: list[float] = []
    expected = ["0"]
    with EventSource(nchan.url("b"), timeouts=LIMITS) as source:
        subscriber = SleepySubscriber(source, naps={})
        # Several workers need up to a second before a new channel's first message is given to anybody.
        nchan.publish("b", "0")
        subscriber.wait_for(1)
        for number in range(1, 101):
            started = time.monotonic()
            nchan.publish("b", str(number))
            expected.append(str(number))
            subscriber.wait_for(len(expected))
            latencies.append(time.monotonic() - started)
            threading.Event().wait(max(0.0, started + PACE - time.monotonic()))
            assert subscriber.data == expected
    assert source.stats.interruptions == 0
    late = sum(latency > PACE for latency in latencies)
    assert statistics.median(latencies) < PACE
    said = (
        f"publish to receive: median {statistics.median(latencies) * 1000:.2f} ms, "
        f"greatest {max(latencies) * 1000:.2f} ms, {late} of 100 late"
    )
    record_property("latency", said)
    with capsys.disabled():
        print(f"\n  {said}")


def test_a_fresh_process_resumes_where_another_has_stopped(nchan: Nchan) -> None:
    """The id of the last event is all that a new process needs."""
    ids = [nchan.publish("c", f"message {number}") for number in range(10)]
    with EventSource(nchan.url("c"), timeouts=LIMITS) as source:
        first = [next(source) for _ in range(4)]
    nchan.publish("c", THE_END)
    command = [sys.executable, "-c", READ_IN_A_FRESH_PROCESS, nchan.url("c"), first[-1].id]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=2 * DEADLINE).stdout
    rest = [json.loads(line) for line in output.splitlines()]
    expected = [[ids[number], f"message {number}"] for number in range(10)]
    assert [[event.id, event.data] for event in first] == expected[:4]
    assert rest == expected[4:]


def test_messages_in_redis_survive_reloads_while_nobody_reads(nchan_on_redis: Nchan) -> None:
    """A subscriber goes, nginx is reloaded three times, and all that was not read yet comes, once, in order.

    Messages are published right before and right after a reload; the ids go on, also within a second.
    """
    nchan = nchan_on_redis
    url = nchan.url("e")
    ids = [nchan.publish("e", f"message {number}") for number in range(100)]
    with EventSource(url, timeouts=LIMITS, retry=QUICK) as source:
        first = [next(source) for _ in range(40)]
    for begin in (100, 200):
        nchan.reload()
        ids += [nchan.publish("e", f"message {number}") for number in range(begin, begin + 100)]
    nchan.reload()
    with EventSource(url, last_event_id=first[-1].id, timeouts=LIMITS, retry=QUICK, until=THE_END) as source:
        reading = Reading(source)
        reading.wait_for(260)
        nchan.publish("e", THE_END)
        rest = reading.join()
    events = first + [item for item in rest if isinstance(item, Event)]
    assert [event.data for event in events] == [f"message {number}" for number in range(300)]
    assert [event.id for event in events] == ids
    assert len(set(ids)) == 300


def test_a_reload_ends_the_response_properly_and_says_so(nchan: Nchan) -> None:
    """What is known of nchan: its framing, its ids, its greeting and its farewell are as documented."""
    with EventSource(nchan.url("d"), timeouts=LIMITS, retry=QUICK) as source:
        reading = Reading(source)
        published = nchan.publish("d", "before")
        reading.wait_for(1)
        nchan.reload()
        nchan.publish("d", "after")
        reading.wait_for(2)
    opened, greeting, event, farewell, interrupted, reopened, *_ = reading.join()
    assert isinstance(opened, Opened)
    assert not {"content-length", "transfer-encoding"} & set(opened.headers)
    assert greeting == Comment("hi")
    assert event == Event("message", "before", published)
    assert re.fullmatch(r"\d{10,}:\d+", published)
    assert farewell == Comment("410: 410 Gone")
    assert isinstance(interrupted, Interrupted)
    assert str(interrupted.error.reason) == "eof"  # type: ignore[attr-defined]
    assert isinstance(reopened, Opened)
    assert reopened.last_event_id == published
    assert reading.data == ["before", "after"]
