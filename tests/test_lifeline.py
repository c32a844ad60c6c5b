"""What ends the waits of a reader, and the clock on which it waits."""

from __future__ import annotations

import math
import signal
import threading
import time

import pytest

from everstream.clock import SystemClock, Wakeups
from everstream.lifeline import Lifeline
from tests.fakes import FakeClock
from tests.reading import DEADLINE, is_in, wait_until


class Line:
    """A connection that counts how often it was given up, and asks what was known then."""

    def __init__(self, lifeline: Lifeline) -> None:
        self.aborted: list[bool] = []
        self._lifeline = lifeline

    def abort(self) -> None:
        """Notes whether the stream was closing by then."""
        self.aborted.append(self._lifeline.is_closing)


class RingingClock(FakeClock):
    """A clock that notes at each wait whether it was rung for."""

    def __init__(self) -> None:
        super().__init__()
        self.rung: list[bool] = []

    def wait(self, seconds: float, wakeups: Wakeups) -> None:
        """Notes it."""
        self.rung.append(wakeups.is_rung)
        super().wait(seconds, wakeups)


class TestLifeline:
    def test_it_is_not_closing_to_begin_with(self) -> None:
        """A wait is a wait."""
        clock = RingingClock()
        lifeline = Lifeline(clock)
        lifeline.wait(5)
        assert not lifeline.is_closing
        assert (clock.waits, clock.rung) == ([5], [False])

    def test_close_gives_up_the_connection_that_is_attached(self) -> None:
        """By then the stream is known to be closing, so that the reader takes it for what it is."""
        lifeline = Lifeline(FakeClock())
        line = Line(lifeline)
        lifeline.attach(line)
        lifeline.close()
        assert line.aborted == [True]
        assert lifeline.is_closing

    def test_reconnect_gives_it_up_without_closing(self) -> None:
        """The stream goes on."""
        lifeline = Lifeline(FakeClock())
        line = Line(lifeline)
        lifeline.attach(line)
        lifeline.reconnect()
        assert line.aborted == [False]
        assert not lifeline.is_closing

    def test_a_connection_that_was_detached_is_left_alone(self) -> None:
        """It is gone already."""
        lifeline = Lifeline(FakeClock())
        line = Line(lifeline)
        lifeline.attach(line)
        lifeline.detach()
        lifeline.reconnect()
        lifeline.close()
        assert line.aborted == []

    def test_only_the_connection_attached_last_is_given_up(self) -> None:
        """There is one at a time."""
        lifeline = Lifeline(FakeClock())
        first, second = Line(lifeline), Line(lifeline)
        lifeline.attach(first)
        lifeline.attach(second)
        lifeline.reconnect()
        assert (first.aborted, second.aborted) == ([], [False])

    def test_a_reconnect_between_a_connection_and_its_wait_ends_the_wait(self) -> None:
        """It comes while the consumer looks at the interruption."""
        clock = RingingClock()
        lifeline = Lifeline(clock)
        lifeline.attach(Line(lifeline))
        lifeline.detach()
        lifeline.reconnect()
        lifeline.wait(60)
        assert clock.rung == [True]
        assert clock.monotonic() == 1000

    def test_a_reconnect_of_an_earlier_connection_does_not_shorten_a_later_wait(self) -> None:
        """What was rung for it is forgotten when the next one is attached."""
        clock = RingingClock()
        lifeline = Lifeline(clock)
        lifeline.attach(Line(lifeline))
        lifeline.reconnect()
        lifeline.reconnect()
        lifeline.attach(Line(lifeline))
        lifeline.detach()
        lifeline.wait(60)
        assert clock.rung == [False]
        assert clock.monotonic() == 1060

    def test_after_close_nothing_is_waited_for(self) -> None:
        """Not even for the time that it takes to look."""
        clock = RingingClock()
        lifeline = Lifeline(clock)
        lifeline.close()
        lifeline.wait(60)
        assert clock.waits == []

    def test_close_twice_is_close(self) -> None:
        """It never goes back."""
        lifeline = Lifeline(FakeClock())
        lifeline.close()
        lifeline.close()
        lifeline.reconnect()
        assert lifeline.is_closing

    @pytest.mark.parametrize("call", [Lifeline.close, Lifeline.reconnect])
    def test_a_wait_in_another_thread_ends_at_once(self, call: object) -> None:
        """On the real clock."""
        lifeline = Lifeline(SystemClock())
        waiting = threading.Thread(target=lifeline.wait, args=(600,), daemon=True)
        waiting.start()
        wait_until(lambda: is_in(waiting.ident, {"wait"}), "the thread to wait")
        assert callable(call)
        call(lifeline)
        waiting.join(DEADLINE)
        assert not waiting.is_alive()


class TestWakeups:
    def test_it_is_silent_until_it_is_rung(self) -> None:
        """And stays rung, however often."""
        wakeups = Wakeups()
        assert not wakeups.is_rung
        wakeups.ring()
        wakeups.ring()
        assert wakeups.is_rung

    @pytest.mark.parametrize("times", [1, 3])
    def test_a_wait_uses_it_up(self, times: int) -> None:
        """Whether it was rung once or more."""
        wakeups = Wakeups()
        for _ in range(times):
            wakeups.ring()
        wakeups.wait(600)
        assert not wakeups.is_rung

    def test_silencing_forgets_it(self) -> None:
        """Also where there is nothing to forget."""
        wakeups = Wakeups()
        wakeups.silence()
        wakeups.ring()
        wakeups.silence()
        assert not wakeups.is_rung

    def test_a_time_that_runs_out_during_a_signal_handler_ends_the_wait(self) -> None:
        """Whoever's handler it is: the wait does not become one for ever."""
        wakeups, ran = Wakeups(), []

        def handler(*_: object) -> None:
            # Until the time is over that was to be waited.
            ran.append(wait_until(lambda: time.monotonic() > began + 0.1, "the time to run out"))

        previous = signal.signal(signal.SIGALRM, handler)
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, 0.03)
        try:
            wakeups.wait(0.1)
        finally:
            signal.signal(signal.SIGALRM, previous)
        assert len(ran) == 1

    def test_a_signal_handler_may_ring_it_at_any_moment(self) -> None:
        """Thousands of times, in the middle of whatever the thread does with it."""
        wakeups, rung = Wakeups(), []
        previous = signal.signal(signal.SIGALRM, lambda *_: rung.append(wakeups.ring()))
        signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
        try:
            while len(rung) < 2000:
                wakeups.wait(0.0)
                wakeups.wait(0.001)
                wakeups.silence()
                wakeups.ring()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        assert len(rung) >= 2000


class TestSystemClock:
    def test_a_wait_comes_to_its_end(self) -> None:
        """Without any wake-up, and not before."""
        clock = SystemClock()
        began = clock.monotonic()
        clock.wait(0.02, Wakeups())
        assert clock.monotonic() - began >= 0.02

    @pytest.mark.parametrize("seconds", [0.0, 600.0, 1e10, 1e300, math.nextafter(math.inf, 0)])
    def test_a_wake_up_that_came_first_ends_it(self, seconds: float) -> None:
        """Of any length that a policy may give, also above what the system can count."""
        wakeups = Wakeups()
        wakeups.ring()
        SystemClock().wait(seconds, wakeups)
        assert not wakeups.is_rung

    def test_its_times_are_those_of_the_system(self) -> None:
        """One that never goes back, one since the epoch."""
        clock = SystemClock()
        assert clock.monotonic() <= clock.monotonic()
        assert clock.time() > 1_700_000_000
