"""How long to wait before the next attempt, and when to give up (behaviours 52 to 58)."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice

import pytest
from tenacity import wait_none

from everstream import (
    Comment,
    EventSource,
    EverstreamError,
    FullJitter,
    Interrupted,
    Opened,
    RetriesExhausted,
    RetryPolicy,
)
from everstream.testing import SSEServer, comment, event, no_content, pause, raw, retry, status
from tests.fakes import FakeClock
from tests.reading import data_in, everything

MakeSource = Callable[..., EventSource]
ALMOST_ONE = math.nextafter(1, 0)


def upper_bounds(**options: float) -> RetryPolicy:
    """Returns a policy whose jitter is always at its most."""
    return RetryPolicy(wait=FullJitter(random=lambda: ALMOST_ONE), **options)


class TestTheReconnectionTime:
    def test_52_it_is_the_base_of_every_delay_from_then_on(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Connections without the field, and failed ones, do not change it; the jitter comes on top."""
        sse_server.script([event("1"), [retry(50), event("2")], event("3"), status(503)])
        policy, clock = RetryPolicy(wait=FullJitter(random=lambda: 0.5)), FakeClock()
        everything(make_source(retry=policy, clock=clock))
        assert clock.waits == pytest.approx([0.5, 0.55, 0.55, 1.05])

    def test_52_the_last_one_counts(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """It may come in the middle of a connection, without an event after it."""
        sse_server.script([[retry(50), event("1"), retry(70)]])
        clock = FakeClock()
        everything(make_source(clock=clock))
        assert clock.waits == [0.07]

    def test_53_a_retry_of_zero_makes_no_busy_loop(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Over ten quick ends the delays grow."""
        sse_server.script([[retry(0)]] * 10)
        clock = FakeClock()
        everything(make_source(retry=upper_bounds(), clock=clock))
        assert clock.waits == pytest.approx([1, 2, 4, 8, 16, 30, 30, 30, 30, 30])

    def test_53_a_floor_can_be_set(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """No server makes the wait shorter."""
        sse_server.script([[retry(0), event("1")]])
        policy, clock = RetryPolicy(wait=wait_none(), min_server_delay=0.2), FakeClock()
        everything(make_source(retry=policy, clock=clock))
        assert clock.waits == [0.2]

    @pytest.mark.parametrize("digits", [30, 5000])
    def test_54_a_huge_retry_is_clamped(
        self, sse_server: SSEServer, make_source: MakeSource, digits: int
    ) -> None:
        """The event after it arrives; the wait is the cap, and the jitter."""
        sse_server.script([[raw(b"retry: " + b"9" * digits + b"\n"), event("1")], event("2")])
        clock = FakeClock()
        items = everything(make_source(retry=RetryPolicy(), clock=clock))
        assert data_in(items) == ["1", "2"]
        assert all(300 <= waited <= 301 for waited in clock.waits)
        assert len(clock.waits) == 2

    @pytest.mark.parametrize("value", [b"1000x", b"-5", b"+5", b" 5", b"1e3", b"", "٣".encode(), b"5 "])
    def test_55_an_invalid_retry_changes_nothing(
        self, sse_server: SSEServer, make_source: MakeSource, value: bytes
    ) -> None:
        """Only ASCII digits are a time."""
        sse_server.script([[retry(50), raw(b"retry: " + value + b"\n"), event("1")]])
        clock = FakeClock()
        everything(make_source(clock=clock))
        assert clock.waits == [0.05]


class TestBackoff:
    def test_56_it_grows_and_is_capped(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """While connections are refused: 1, 2, 4 ... 30 seconds at most, attempts counted from 2."""
        sse_server.refuse()
        clock = FakeClock()
        source = make_source(retry=upper_bounds(), clock=clock)
        items = list(islice(source.all(), 8))
        assert [item.delay for item in items if isinstance(item, Interrupted)] == pytest.approx(
            [1, 2, 4, 8, 16, 30, 30, 30]
        )
        assert [item.attempt for item in items if isinstance(item, Interrupted)] == [2, 3, 4, 5, 6, 7, 8, 9]
        assert clock.waits == pytest.approx([1, 2, 4, 8, 16, 30, 30])

    def test_56_it_has_jitter(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Two clients of one failed server do not come back together."""
        sse_server.refuse()
        waits: list[list[float]] = []
        for _ in range(2):
            clock = FakeClock()
            list(islice(make_source(retry=RetryPolicy(), clock=clock).all(), 8))
            waits.append(clock.waits)
        bounds = (1, 2, 4, 8, 16, 30, 30)
        assert all(0 <= wait <= bound for each in waits for wait, bound in zip(each, bounds, strict=True))
        assert waits[0] != waits[1]

    def test_57_a_mere_200_does_not_reset_it(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """A server that accepts and drops gets longer and longer waits."""
        sse_server.script([[comment("hello")]] * 5)
        clock = FakeClock()
        everything(make_source(retry=upper_bounds(), clock=clock))
        assert clock.waits == pytest.approx([1, 2, 4, 8, 16])

    def test_57_an_event_resets_it(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """The connection was healthy."""
        sse_server.script([status(503), status(503), event("1"), status(503), event("2")])
        clock = FakeClock()
        items = everything(make_source(retry=upper_bounds(), clock=clock))
        assert clock.waits == pytest.approx([1, 2, 1, 2, 1])
        assert [item.attempt for item in items if isinstance(item, Opened)] == [3, 3]

    @pytest.mark.parametrize(("open_for", "last"), [(59.0, 4), (60.0, 1)])
    def test_57_so_does_being_open_for_long_without_an_event(
        self, sse_server: SSEServer, make_source: MakeSource, open_for: float, last: float
    ) -> None:
        """For `stable_after` seconds, and not for less."""
        sse_server.script([status(503), status(503), [comment("beat"), pause()]])
        clock = FakeClock()
        for item in make_source(retry=upper_bounds(), clock=clock).all():
            if isinstance(item, Comment):
                clock.advance(open_for)
                sse_server.release()
        assert clock.waits == pytest.approx([1, 2, last])

    def test_58_a_limit_of_attempts_raises_with_the_last_cause(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Three failures in a row, three requests."""
        sse_server.script([status(503), status(500)], then=status(502))
        with pytest.raises(RetriesExhausted) as caught:
            next(make_source(retry=RetryPolicy.attempts(3, wait=wait_none())))
        error = caught.value
        assert (error.attempts, error.retryable) == (3, False)
        assert error.__cause__ is error.last_error
        assert error.last_error.status == 502  # type: ignore[attr-defined]
        assert len(sse_server.requests) == 3

    def test_58_attempts_count_within_an_outage(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """A stream that delivers may break any number of times."""
        sse_server.script([event(str(number)) for number in range(10)])
        policy = RetryPolicy.attempts(2, wait=wait_none())
        assert data_in(everything(make_source(retry=policy))) == [str(number) for number in range(10)]

    def test_58_a_limit_of_time_counts_from_the_start_of_the_outage(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """An hour of health before it does not count."""
        sse_server.script([[retry(4000), event("1"), event("2")]], then=status(503))
        clock = FakeClock()
        source = make_source(retry=RetryPolicy.within(10, wait=wait_none()), clock=clock)
        assert next(source).data == "1"
        clock.advance(3600)
        assert next(source).data == "2"
        with pytest.raises(RetriesExhausted) as caught:
            next(source)
        assert (caught.value.attempts, caught.value.elapsed) == (4, 12)
        assert clock.waits == [4, 4, 4]

    def test_58_with_never_the_failure_itself_is_raised(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Nothing was tried twice, so nothing is exhausted."""
        sse_server.script([], then=status(503))
        source = make_source(retry=RetryPolicy.never())
        with pytest.raises(EverstreamError, match="503"):
            next(source)
        assert len(sse_server.requests) == 1

    def test_no_content_on_the_way_ends_it(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """A 204 between failures is the server's word that it is over."""
        sse_server.script([status(503), no_content()], then=event("never"))
        items = everything(make_source())
        assert [type(item).__name__ for item in items] == ["Interrupted", "Closed"]
