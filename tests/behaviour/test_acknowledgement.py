"""Acknowledging by hand: what a restart, and what a reconnect, goes on from."""

from __future__ import annotations

import pickle
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest
from tenacity import wait_fixed

from everstream import (
    Closed,
    ConfigurationError,
    Dedupe,
    Duplicate,
    Event,
    EventSource,
    Interrupted,
    Position,
    RetryPolicy,
)
from everstream.lifeline import Lifeline
from everstream.testing import SSEServer, cut, event, log_of, no_content, pause, raw, stall
from tests.behaviour.stores import Store
from tests.fakes import FakeClock
from tests.reading import BACKING_OFF, Reading, data_in, errors_in, everything, wait_until

MakeSource = Callable[..., EventSource]
FIVE = [event(data, id=data) for data in "12345"]


@pytest.fixture
def make_manual(make_source: MakeSource) -> MakeSource:
    """Makes event sources that wait for acknowledgements."""

    def make(**options: Any) -> EventSource:
        return make_source(**{"ack": "manual", "name": "orders", **options})

    return make


class TestTheCursor:
    def test_it_moves_over_a_gapless_prefix(self, sse_server: SSEServer, make_manual: MakeSource) -> None:
        """Whatever is acknowledged behind a gap waits for the gap."""
        sse_server.script([[*FIVE, stall()]])
        store = Store()
        source = make_manual(checkpoint=store, checkpoint_interval=0)
        events = list(islice(source, 5))
        cursors = list[str]()
        for number in (2, 1, 0, 4, 3):
            source.ack(events[number])
            cursors.append(source.last_acknowledged_id)
        assert cursors == ["", "", "3", "3", "5"]
        assert store.saves == ["3", "5"]

    def test_to_come_back_is_not_to_acknowledge(self, sse_server: SSEServer, make_manual: MakeSource) -> None:
        """The two cursors are two: of what was delivered, and of what is done."""
        sse_server.script([[*FIVE]])
        store = Store("0")
        source = make_manual(checkpoint=store)
        assert len(data_in(everything(source))) == 5
        assert (source.last_event_id, source.last_acknowledged_id, store.saves) == ("5", "0", [])
        assert source.health().last_acknowledged_id == "0"

    def test_an_event_in_hand_may_be_acknowledged(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """Before the consumer comes back, and even from within another thread."""
        sse_server.script([[*FIVE, stall()]])
        source = make_manual()
        source.ack(next(source))
        assert (source.last_event_id, source.last_acknowledged_id) == ("", "1")

    def test_a_reconnect_goes_on_after_what_was_received(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """What waits for its acknowledgement is not asked for again by the same process."""
        sse_server.script([[*FIVE[:2], cut()], [*FIVE[2:], stall()]])
        store = Store()
        source = make_manual(checkpoint=store)
        events = list(islice(source, 5))
        assert [each.data for each in events] == list("12345")
        assert sse_server.requests[1].last_event_id == "2"
        source.ack(events[0])
        source.close()
        assert store.load("orders") == "1"

    def test_a_restart_goes_on_after_what_was_acknowledged(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """What was received and not acknowledged comes again."""
        sse_server.serve_log(log_of(str(n) for n in range(1, 6)), faults=())
        store = Store()
        with make_manual(checkpoint=store) as source:
            events = list(islice(source, 4))
            for number in (0, 1, 3):
                source.ack(events[number])
        assert data_in(everything(make_manual(checkpoint=store))) == ["3", "4", "5"]

    def test_positions_and_duplicates_move_it(self, sse_server: SSEServer, make_manual: MakeSource) -> None:
        """With the event before them, for there is nothing in them to acknowledge."""
        sse_server.script([[*FIVE[:1], cut()], [*FIVE[:2], raw(b"id: 7\n\n: x\n\n")]])
        source = make_manual(dedupe=Dedupe())
        seen = list[tuple[str, str]]()
        for item in source.all():
            if isinstance(item, Event):
                source.ack(item)
            if isinstance(item, (Event, Duplicate, Position)):
                seen.append((type(item).__name__, source.last_acknowledged_id))
        assert seen == [("Event", "1"), ("Duplicate", "1"), ("Event", "2"), ("Position", "7")]
        assert source.last_acknowledged_id == "7"

    def test_a_position_behind_a_gap_waits_for_it(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """A restart would leave the event before it out."""
        sse_server.script([[*FIVE[:1], raw(b"id: 7\n\n")]])
        source = make_manual()
        [one] = (item for item in everything(source) if isinstance(item, Event))
        assert source.last_acknowledged_id == ""
        source.ack(one)
        assert source.last_acknowledged_id == "7"


class TestThreads:
    def test_a_pool_may_acknowledge_in_any_order(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """Over many reconnects, with little room: everything arrives once, and all of it is saved."""
        log = sse_server.serve_log(log_of(str(n) for n in range(1, 201)), seed=3)
        store = Store()
        source = make_manual(checkpoint=store, checkpoint_interval=0, max_unacknowledged=7)
        dice, received = random.Random(5), list[Event]()
        hands = [threading.Semaphore(0) for _ in range(200)]

        def work(number: int, each: Event) -> None:
            hands[number].release()
            source.ack(each)

        with ThreadPoolExecutor(4) as pool:
            jobs = []
            held = list[tuple[int, Event]]()
            for number, each in enumerate(source):
                received.append(each)
                held.append((number, each))
                if len(held) == 3 or number == 199:
                    dice.shuffle(held)
                    jobs += [pool.submit(work, *pair) for pair in held]
                    held = []
            for job in jobs + [pool.submit(work, *pair) for pair in held]:
                job.result()
        assert log.verdict(received).ok
        assert list(map(int, store.saves)) == sorted(map(int, store.saves))
        assert store.load("orders") == source.last_acknowledged_id == "200"

    def test_what_is_acknowledged_after_the_end_is_saved(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """A pool may be slower than the stream, and than `close()`; the interval is not waited for."""
        sse_server.script([[*FIVE, stall()]])
        store = Store()
        source = make_manual(checkpoint=store, clock=FakeClock(), checkpoint_interval=3600)
        one, two, three = islice(source, 3)
        source.ack(one)
        source.close()
        source.ack(three)
        source.ack(two)
        assert store.saves == ["1", "3"]
        assert source.health().last_acknowledged_id == "3"


class TestMistakes:
    @pytest.mark.parametrize("make", [lambda each: each, lambda each: pickle.loads(pickle.dumps(each))])
    def test_an_event_is_acknowledged_once(
        self, sse_server: SSEServer, make_manual: MakeSource, make: Callable[[Event], Event]
    ) -> None:
        """The second time is a mistake, such as two consumers of one queue; by value, not by identity."""
        sse_server.script([[*FIVE]])
        source = make_manual()
        each = make(next(source))
        source.ack(each)
        with pytest.raises(ConfigurationError, match="not acknowledged yet"):
            source.ack(each)

    def test_an_event_of_another_source_is_refused(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """And nothing moves."""
        sse_server.script([[*FIVE]])
        source = make_manual()
        next(source)
        with pytest.raises(ConfigurationError):
            source.ack(Event("message", "1", "other"))
        assert source.last_acknowledged_id == ""

    def test_without_manual_there_is_nothing_to_acknowledge(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """The message says what to pass."""
        sse_server.script([[*FIVE]])
        source = make_source()
        with pytest.raises(ConfigurationError, match="ack='manual'"):
            source.ack(next(source))

    @pytest.mark.parametrize("ack", ["Manual", "", None, True])
    def test_what_is_no_way_to_acknowledge_is_refused(self, ack: Any) -> None:
        """The message names both."""
        with pytest.raises(ConfigurationError, match="'auto' or 'manual'"):
            EventSource("http://127.0.0.1:1/", ack=ack)

    @pytest.mark.parametrize("most", [0, -1, 1.5, None, True])
    def test_what_is_no_count_is_refused(self, most: Any) -> None:
        """No room at all would be no stream."""
        with pytest.raises(ConfigurationError, match="max_unacknowledged="):
            EventSource("http://127.0.0.1:1/", max_unacknowledged=most)

    def test_equal_events_are_as_many_as_came(self, sse_server: SSEServer, make_manual: MakeSource) -> None:
        """Each needs an acknowledgement, and none is refused."""
        sse_server.script([[event("x", id="1"), event("x", id="1"), event("y", id="2")]])
        source = make_manual()
        first, second, third = source
        assert first == second
        source.ack(third)
        source.ack(second)
        # A server may send both together, and then a restart at their id would leave one out.
        assert source.last_acknowledged_id in ("", "1")
        source.ack(first)
        assert source.last_acknowledged_id == "2"
        with pytest.raises(ConfigurationError):
            source.ack(first)


class TestRoom:
    def test_without_room_nothing_more_is_read(self, sse_server: SSEServer, make_manual: MakeSource) -> None:
        """The server is held back by TCP, not by a queue of ours; with room it goes on."""
        megabyte = "x" * 1_000_000
        sse_server.script([[*(event(f"{n}{megabyte}", id=str(n)) for n in range(24)), pause()]])
        source = make_manual(max_unacknowledged=3)
        reading = Reading(source)
        reading.wait_for(3)
        reading.wait_until_in(BACKING_OFF)
        assert (len(reading.data), source.stats.events) == (3, 3)
        assert source.stats.bytes < 10_000_000
        with pytest.raises(AssertionError):
            sse_server.wait_until_paused(timeout=0)
        done = 0
        while done < 24:
            reading.wait_for(done + 1)
            source.ack([item for item in list(reading.items) if isinstance(item, Event)][done])
            done += 1
        sse_server.wait_until_paused()
        sse_server.release()
        assert reading.join()[-1] == Closed("no content")
        assert errors_in(reading.items)

    def test_events_that_are_here_already_are_held_back_too(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """Of one chunk only as many are given as there is room for; the first makes room for the next."""
        sse_server.script([raw(b"".join(b"id: %d\ndata: %d\n\n" % (n, n) for n in range(1, 6)))])
        source = make_manual(max_unacknowledged=2)
        reading = Reading(source)
        for count in (2, 3, 4):
            reading.wait_for(count)
            reading.wait_until_in(BACKING_OFF)
            assert len(reading.data) == count
            source.ack([item for item in reading.items if isinstance(item, Event)][count - 2])
        reading.wait_for(5)
        assert data_in(reading.join()) == list("12345")

    def test_what_is_no_event_needs_no_room(self, sse_server: SSEServer, make_manual: MakeSource) -> None:
        """Comments and positions are given without."""
        sse_server.script([[*FIVE[:1], raw(b": x\n\nid: 7\n\nretry: 5\n\n")]])
        items = everything(make_manual(max_unacknowledged=1))
        assert {"Comment", "Position", "RetryHint"} <= {type(item).__name__ for item in items}

    def test_an_acknowledgement_behind_a_gap_makes_none(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """What is kept is bounded, from the first that waits to the latest."""
        sse_server.script([[*FIVE, stall()]])
        source = make_manual(max_unacknowledged=3)
        reading = Reading(source)
        reading.wait_for(3)
        one, two, three = (item for item in reading.items if isinstance(item, Event))
        reading.wait_until_in(BACKING_OFF)
        source.ack(three)
        source.ack(two)
        reading.wait_until_in(BACKING_OFF)
        assert len(reading.data) == 3
        source.ack(one)
        reading.wait_for(5)

    def test_closing_ends_the_wait(self, sse_server: SSEServer, make_manual: MakeSource) -> None:
        """And no event is given any more."""
        sse_server.script([[*FIVE, stall()]])
        source = make_manual(max_unacknowledged=2)
        reading = Reading(source)
        reading.wait_for(2)
        reading.wait_until_in(BACKING_OFF)
        source.close()
        assert reading.join()[-1] == Closed("close")
        assert reading.data == ["1", "2"]

    def test_a_reconnect_does_not_end_it(self, sse_server: SSEServer, make_manual: MakeSource) -> None:
        """It drops the connection, and what follows is asked for when there is room."""
        sse_server.serve_log(log_of(str(n) for n in range(1, 6)), faults=())
        source = make_manual(max_unacknowledged=2)
        reading = Reading(source)
        reading.wait_for(2)
        reading.wait_until_in(BACKING_OFF)
        source.reconnect()
        reading.wait_until_in(BACKING_OFF)
        assert reading.data == ["1", "2"]
        while len(reading.data) < 5:
            count = len(reading.data)
            source.ack([item for item in reading.items if isinstance(item, Event)][count - 2])
            reading.wait_for(count + 1)
        assert data_in(reading.join()) == list("12345")

    def test_a_server_that_goes_meanwhile_loses_nothing(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """What it could not send is asked for again."""
        log = sse_server.serve_log(log_of(f"{n} {'x' * 50_000}" for n in range(1, 25)), seed=11)
        source = make_manual(max_unacknowledged=4)
        received = list[Event]()
        for each in source:
            received.append(each)
            if len(received) % 4 == 0:
                for done in received[-4:]:
                    source.ack(done)
        assert log.verdict(received).ok

    def test_a_late_acknowledgement_does_not_end_the_wait_for_an_attempt(
        self, sse_server: SSEServer, make_manual: MakeSource
    ) -> None:
        """The bell for room is not that for the next attempt: a broken server has its backoff."""
        sse_server.script([[*FIVE[:2], cut()], no_content()])
        clock = FakeClock()
        source = make_manual(clock=clock, retry=RetryPolicy(wait=wait_fixed(7)))
        events = list[Event]()
        for item in source.all():
            if isinstance(item, Event):
                events.append(item)
            if isinstance(item, Interrupted):
                interrupted_at = clock.monotonic()
                for each in events:
                    source.ack(each)
        assert source.last_acknowledged_id == "2"
        assert clock.waits == [7.0]
        assert clock.monotonic() == interrupted_at + 7.0

    def test_the_bell_for_room_is_one_of_its_own(self) -> None:
        """Two threads acknowledge at once, the second when the reader is away: no attempt is early."""
        clock = FakeClock()
        lifeline = Lifeline(clock)
        lifeline.nudge()
        lifeline.wait(7)
        assert clock.monotonic() == 1007
        lifeline.wait_for_room(60)
        assert clock.monotonic() == 1007
        lifeline.wait_for_room(60)
        assert clock.monotonic() == 1067


class TestWaitingForLong:
    def test_it_is_told_every_minute(
        self, sse_server: SSEServer, make_manual: MakeSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A consumer that forgot to acknowledge finds the reason in its log, not more often."""
        sse_server.script([[*FIVE, stall()]])
        clock = StandingClock()
        source = make_manual(max_unacknowledged=2, clock=clock)
        reading = Reading(source)
        reading.wait_for(2)
        one, two = (item for item in reading.items if isinstance(item, Event))
        clock.wait_for_waits(1)
        clock.let_pass(59)
        clock.let_pass(0.9)
        assert told(caplog) == []
        clock.let_pass(0.1)
        wait_until(lambda: told(caplog) == [(2, 60.0)], "the first warning")
        clock.wait_for_waits(2)
        # An acknowledgement that makes no room ends the wait as well, and is no reason to tell it again.
        source.ack(two)
        clock.wait_for_waits(3)
        clock.let_pass(59)
        assert told(caplog) == [(2, 60.0)]
        clock.let_pass(1)
        wait_until(lambda: told(caplog) == [(2, 60.0), (2, 120.0)], "the second warning")
        source.ack(one)
        reading.wait_for(4)
        source.close()
        reading.join()
        assert len(told(caplog)) == 2


class StandingClock(FakeClock):
    """A clock on which a wait ends when the test lets the time pass."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = threading.Condition()

    def let_pass(self, seconds: float) -> None:
        """Lets time pass, and waiters look."""
        with self._moved:
            self.advance(seconds)
            self._moved.notify_all()

    def wait_for_waits(self, count: int) -> None:
        """Waits until so many waits have begun: time that passes before would not count for them."""
        wait_until(lambda: len(self.waits) >= count, f"wait number {count}")

    def wait(self, seconds: float, wakeups: Any) -> None:
        """Waits until so much time has passed, or `wakeups` is rung."""
        with self._moved:
            end = self.monotonic() + seconds
            self.waits.append(seconds)
            while self.monotonic() < end and not wakeups.is_rung:
                self._moved.wait(0.01)
        wakeups.silence()


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, float]]:
    """Returns what the log says of streams that stand still."""
    records = [vars(record)["everstream"] for record in caplog.records]
    return [(each["events"], each["seconds"]) for each in records if each["event"] == "stream.unacknowledged"]
