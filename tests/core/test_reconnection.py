"""The decision to reconnect: arithmetic, with the time as an argument."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import (
    RetryCallState,
    stop_after_attempt,
    stop_after_delay,
    stop_before_delay,
    wait_chain,
    wait_exponential,
    wait_exponential_jitter,
    wait_fixed,
    wait_none,
    wait_random_exponential,
)

from everstream import (
    ConfigurationError,
    ConnectFailed,
    EventTooLarge,
    EverstreamError,
    Fail,
    FullJitter,
    Reconnect,
    Reconnector,
    RetriesExhausted,
    RetryPolicy,
    StatusRejected,
    StreamInterrupted,
)

PASSING = StreamInterrupted(reason="reset")
FOR_GOOD = EventTooLarge(limit=1)


def rejected(retry_after: float | None, status: int = 503) -> StatusRejected:
    """Returns an answer that may ask to wait."""
    return StatusRejected(status=status, retry_after=retry_after)


def delay_of(reconnector: Reconnector, error: EverstreamError, now: float = 0.0) -> float:
    """Returns the delay that is decided on."""
    decision = reconnector.interrupted(error, now)
    assert isinstance(decision, Reconnect)
    return decision.delay


class TestTheError:
    """What the error says of itself comes first."""

    def test_a_permanent_error_fails_with_itself(self) -> None:
        """No wait, no second attempt, no error around it."""
        assert Reconnector(RetryPolicy()).interrupted(FOR_GOOD, 0.0) == Fail(FOR_GOOD)

    def test_the_policy_may_call_any_error_retryable(self) -> None:
        """`retryable` replaces what the errors say."""
        policy = RetryPolicy(retryable=lambda error: error is FOR_GOOD, wait=wait_none())
        assert Reconnector(policy).interrupted(FOR_GOOD, 0.0) == Reconnect(0.0, 2)
        assert Reconnector(policy).interrupted(PASSING, 0.0) == Fail(PASSING)

    def test_fresh_credentials_are_tried_at_once(self) -> None:
        """A permanent error is retried without a wait if the next request has new credentials."""
        refused = StatusRejected(status=401)
        policy = RetryPolicy(wait=wait_fixed(9))
        decision = Reconnector(policy).interrupted(refused, 0.0, at_once=True)
        assert decision == Reconnect(0.0, 2)

    def test_fresh_credentials_do_not_outvote_stop(self) -> None:
        """A policy of one connection makes one request."""
        refused = StatusRejected(status=401)
        decision = Reconnector(RetryPolicy.never()).interrupted(refused, 0.0, at_once=True)
        assert decision == Fail(refused)


class TestTheDelay:
    """delay = server floor + wait."""

    def test_the_wait_alone_without_a_wish_of_the_server(self) -> None:
        """There is no floor if the server has asked for nothing."""
        policy = RetryPolicy(wait=wait_fixed(2), min_server_delay=1.0)
        assert delay_of(Reconnector(policy), PASSING) == 2.0

    def test_the_reconnection_time_is_added_to_the_wait(self) -> None:
        """A sum: the larger of the two would have no jitter left."""
        reconnector = Reconnector(RetryPolicy(wait=wait_fixed(2)))
        reconnector.reconnection_time = 3.0
        assert delay_of(reconnector, PASSING) == 5.0
        assert delay_of(reconnector, PASSING) == 5.0

    def test_retry_after_counts_for_the_attempt_that_follows_it_only(self) -> None:
        """It belongs to a response, the reconnection time to the event source."""
        reconnector = Reconnector(RetryPolicy(wait=wait_fixed(2)))
        assert delay_of(reconnector, rejected(7.0)) == 9.0
        assert delay_of(reconnector, PASSING) == 2.0

    def test_the_larger_wish_is_the_floor(self) -> None:
        """`retry:` and `Retry-After` are both minima."""
        reconnector = Reconnector(RetryPolicy(wait=wait_none()))
        reconnector.reconnection_time = 5.0
        assert delay_of(reconnector, rejected(1.0)) == 5.0
        assert delay_of(reconnector, rejected(8.0)) == 8.0

    @pytest.mark.parametrize(("wish", "floor"), [(0.0, 0.5), (0.2, 0.5), (3.0, 3.0), (1e300, 60.0)])
    def test_a_wish_is_clamped(self, wish: float, floor: float) -> None:
        """A server can neither make a tight loop nor park a client for ever."""
        reconnector = Reconnector(RetryPolicy(wait=wait_none(), min_server_delay=0.5, max_server_delay=60.0))
        reconnector.reconnection_time = wish
        assert delay_of(reconnector, PASSING) == floor

    def test_the_wait_sees_the_attempt_and_the_error(self) -> None:
        """Strategies of tenacity that look at the state work."""
        seen: list[tuple[int, BaseException | None]] = []

        def wait(state: RetryCallState) -> float:
            assert state.outcome is not None
            seen.append((state.attempt_number, state.outcome.exception()))
            return 0.0

        reconnector = Reconnector(RetryPolicy(wait=wait))
        reconnector.interrupted(PASSING, 0.0)
        reconnector.interrupted(FOR_GOOD, 0.0)
        reconnector.interrupted(PASSING, 0.0)
        assert seen == [(1, PASSING), (2, PASSING)]

    def test_strategies_compose(self) -> None:
        """The default is a strategy like any other."""
        policy = RetryPolicy(wait=FullJitter(initial=0.0) + wait_fixed(3))
        assert delay_of(Reconnector(policy), PASSING) == 3.0
        chain = RetryPolicy(wait=wait_chain(wait_fixed(1), wait_fixed(5)))
        reconnector = Reconnector(chain)
        assert [delay_of(reconnector, PASSING) for _ in range(3)] == [1.0, 5.0, 5.0]

    @pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
    def test_a_wait_that_is_no_time_is_an_error_of_configuration(self, bad: float) -> None:
        """It ends the stream instead of being slept."""
        decision = Reconnector(RetryPolicy(wait=lambda _state: bad)).interrupted(PASSING, 0.0)
        assert isinstance(decision, Fail)
        assert isinstance(decision.error, ConfigurationError)


class TestFullJitter:
    """The default wait."""

    def test_the_bound_doubles_up_to_the_cap(self) -> None:
        """With randomness at its greatest, the bound itself is seen."""
        reconnector = Reconnector(RetryPolicy(wait=FullJitter(initial=1.0, cap=30.0, random=lambda: 1.0)))
        delays = [delay_of(reconnector, PASSING) for _ in range(8)]
        assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]

    def test_the_first_reconnect_has_jitter_too(self) -> None:
        """A thousand clients do not come back at once."""
        rng = random.Random(7)
        policy = RetryPolicy(wait=FullJitter(random=rng.random))
        firsts = {round(delay_of(Reconnector(policy), PASSING), 9) for _ in range(1000)}
        assert len(firsts) > 990
        assert min(firsts) < 0.01
        assert 0.99 < max(firsts) < 1.0

    @pytest.mark.parametrize(
        "arguments", [{"initial": -1.0}, {"cap": math.inf}, {"initial": math.nan}, {"cap": True}]
    )
    def test_bad_numbers_are_refused(self, arguments: dict[str, float]) -> None:
        """The error names the argument."""
        with pytest.raises(ConfigurationError, match=rf"FullJitter\({next(iter(arguments))}="):
            FullJitter(**arguments)


class TestOutages:
    """An outage is a run of failures."""

    def test_attempts_are_counted_through_an_outage(self) -> None:
        """The attempt after the n-th failure is the n+1-th."""
        reconnector = Reconnector(RetryPolicy(wait=wait_none()))
        attempts = [reconnector.interrupted(PASSING, 0.0) for _ in range(3)]
        assert attempts == [Reconnect(0.0, 2), Reconnect(0.0, 3), Reconnect(0.0, 4)]

    def test_a_delivered_event_ends_it(self) -> None:
        """Attempts and elapsed time start again."""
        reconnector = Reconnector(
            RetryPolicy(wait=wait_none(), stop=stop_after_delay(10) | stop_after_attempt(3))
        )
        reconnector.connecting(0.0)
        reconnector.interrupted(PASSING, 9.0)
        reconnector.interrupted(PASSING, 9.5)
        reconnector.opened(9.6)
        reconnector.delivered_event()
        assert reconnector.attempt == 1
        assert reconnector.interrupted(PASSING, 1000.0) == Reconnect(0.0, 2)

    def test_an_open_connection_alone_does_not_end_it(self) -> None:
        """A server that accepts and drops must not be asked in a tight loop."""
        reconnector = Reconnector(RetryPolicy(wait=wait_none(), stable_after=60.0))
        reconnector.interrupted(PASSING, 0.0)
        reconnector.opened(1.0)
        assert reconnector.interrupted(PASSING, 60.9) == Reconnect(0.0, 3)

    def test_a_connection_that_stays_open_ends_it(self) -> None:
        """A quiet stream is a healthy one."""
        reconnector = Reconnector(RetryPolicy(wait=wait_none(), stable_after=60.0))
        reconnector.interrupted(PASSING, 0.0)
        reconnector.opened(1.0)
        assert reconnector.interrupted(PASSING, 61.0) == Reconnect(0.0, 2)
        assert reconnector.interrupted(PASSING, 200.0) == Reconnect(0.0, 3)

    def test_an_hour_of_health_leaves_the_budget_whole(self) -> None:
        """`stop_after_delay` counts the outage, not the life of the stream."""
        reconnector = Reconnector(RetryPolicy.within(30.0, wait=wait_none()))
        reconnector.connecting(0.0)
        reconnector.opened(0.1)
        assert reconnector.interrupted(PASSING, 3600.0) == Reconnect(0.0, 2)
        assert reconnector.interrupted(PASSING, 3629.9) == Reconnect(0.0, 3)
        assert isinstance(reconnector.interrupted(PASSING, 3630.0), Fail)


class TestAnErrorThatWasDelivered:
    """A connection that gave events, and then an error."""

    def failing(self, reconnector: Reconnector, now: float, *, events: bool) -> Reconnect | Fail:
        """Makes such a connection."""
        reconnector.connecting(now)
        reconnector.opened(now)
        if events:
            reconnector.delivered_event()
        reconnector.found_error()
        return reconnector.interrupted(PASSING, now)

    @pytest.mark.parametrize("events", [True, False])
    def test_it_goes_on_counting(self, events: bool) -> None:
        """Whether or not there were events."""
        reconnector = Reconnector(RetryPolicy(wait=wait_none()))
        attempts = [self.failing(reconnector, float(now), events=events) for now in range(4)]
        assert attempts == [Reconnect(0.0, attempt) for attempt in (2, 3, 4, 5)]

    def test_the_first_one_is_the_beginning_of_an_outage(self) -> None:
        """What came before it was health."""
        reconnector = Reconnector(RetryPolicy(wait=wait_none(), stop=stop_after_delay(10)))
        reconnector.connecting(0.0)
        reconnector.opened(0.0)
        reconnector.delivered_event()
        reconnector.found_error()
        assert reconnector.interrupted(PASSING, 30.0) == Reconnect(0.0, 2)
        assert self.failing(reconnector, 35.0, events=True) == Reconnect(0.0, 3)
        assert isinstance(self.failing(reconnector, 40.0, events=True), Fail)


class TestGivingUp:
    """`stop` says when."""

    def test_it_says_after_how_many_and_why(self) -> None:
        """The last failure is the cause."""
        reconnector = Reconnector(RetryPolicy.attempts(3, wait=wait_none()))
        reconnector.connecting(1.0)
        reconnector.interrupted(rejected(None), 2.0)
        reconnector.interrupted(rejected(None), 3.0)
        decision = reconnector.interrupted(PASSING, 4.5)
        assert isinstance(decision, Fail)
        error = decision.error
        assert isinstance(error, RetriesExhausted)
        assert (error.attempts, error.elapsed, error.last_error) == (3, 3.5, PASSING)
        assert error.__cause__ is PASSING

    @pytest.mark.parametrize("policy", [RetryPolicy.never(), RetryPolicy.attempts(1)])
    def test_the_error_itself_if_nothing_was_tried_twice(self, policy: RetryPolicy) -> None:
        """Giving up after one failure is no giving up."""
        assert Reconnector(policy).interrupted(PASSING, 0.0) == Fail(PASSING)

    def test_stop_sees_the_wait_to_come(self) -> None:
        """`stop_before_delay` does not start a wait that would pass the limit."""
        policy = RetryPolicy(wait=wait_fixed(4), stop=stop_before_delay(10))
        reconnector = Reconnector(policy)
        reconnector.connecting(0.0)
        assert reconnector.interrupted(PASSING, 0.0) == Reconnect(4.0, 2)
        assert reconnector.interrupted(PASSING, 4.0) == Reconnect(4.0, 3)
        assert isinstance(reconnector.interrupted(PASSING, 8.0), Fail)

    def test_the_default_never_gives_up(self) -> None:
        """Nor does it overflow."""
        reconnector = Reconnector(RetryPolicy())
        for count in range(2000):
            assert isinstance(reconnector.interrupted(PASSING, float(count)), Reconnect)


class TestThePolicy:
    """A frozen value, checked when it is made."""

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: RetryPolicy(wait=3), "wait"),  # type: ignore[arg-type]
            (lambda: RetryPolicy(stop=3), "stop"),  # type: ignore[arg-type]
            (lambda: RetryPolicy(retryable=True), "retryable"),  # type: ignore[arg-type]
            (lambda: RetryPolicy(stable_after=-1), "stable_after"),
            (lambda: RetryPolicy(min_server_delay="1"), "min_server_delay"),  # type: ignore[arg-type]
            (lambda: RetryPolicy(max_server_delay=math.nan), "max_server_delay"),
            (lambda: RetryPolicy(min_server_delay=9, max_server_delay=8), "above max_server_delay"),
            (lambda: RetryPolicy.attempts(0), "above 0"),
            (lambda: RetryPolicy.attempts(2.5), "whole number"),  # type: ignore[arg-type]
            (lambda: RetryPolicy.within(-1), "within"),
        ],
    )
    def test_what_cannot_work_is_refused(self, make: object, message: str) -> None:
        """The error names the argument."""
        assert callable(make)
        with pytest.raises(ConfigurationError, match=message):
            make()

    def test_the_presets_take_another_wait(self) -> None:
        """Each keeps its own stop."""
        wait = wait_fixed(1)
        assert RetryPolicy.forever(wait=wait).wait is wait
        assert RetryPolicy.attempts(2, wait=wait).wait is wait
        assert RetryPolicy.within(2, wait=wait).wait is wait
        assert RetryPolicy.forever() == RetryPolicy()


outcomes = st.one_of(
    st.just("reset"),
    st.just("event"),
    st.tuples(st.just("open"), st.floats(0, 100)),
    st.tuples(st.just("retry"), st.floats(0, 1e12)),
    st.tuples(st.just("503"), st.none() | st.floats(0, 1e12)),
)
waits = st.sampled_from(
    [
        FullJitter(0.5, 20.0),
        wait_random_exponential(multiplier=0.5, max=20),
        wait_exponential(max=20),
        wait_exponential_jitter(max=20),
        wait_none(),
        wait_fixed(20),
    ]
)


@given(st.lists(outcomes, max_size=60), waits, st.integers(1, 8))
def test_for_any_history_the_delay_is_bounded_and_the_end_comes_once(
    history: list[object], wait: FullJitter, most: int
) -> None:
    """It lies between floor and floor + cap, and the n-th failure in a row is the end, no other."""
    policy = RetryPolicy(
        wait=wait, stop=stop_after_attempt(most), min_server_delay=0.1, max_server_delay=40.0
    )
    reconnector = Reconnector(policy)
    now, hint, failures, opened_at = 0.0, None, 0, None
    for outcome in history:
        kind, value = outcome if isinstance(outcome, tuple) else (outcome, None)
        now += 1.0
        if kind == "event":
            reconnector.delivered_event()
            failures = 0
        elif kind == "retry":
            reconnector.reconnection_time = hint = value
        elif kind == "open":
            reconnector.connecting(now)
            reconnector.opened(now)
            opened_at = now
            now += value
        else:
            if opened_at is not None and now - opened_at >= policy.stable_after:
                failures = 0
            opened_at = None
            failures += 1
            error = rejected(value) if kind == "503" else PASSING
            decision = reconnector.interrupted(error, now)
            assert isinstance(decision, Fail) == (failures == most)
            if isinstance(decision, Fail):
                return
            wishes = [wish for wish in (hint, value if kind == "503" else None) if wish is not None]
            floor = min(max(*wishes, 0.1), 40.0) if wishes else 0.0
            assert floor <= decision.delay <= floor + 20.0
            assert decision.attempt == failures + 1


@given(waits, st.sampled_from([9_999, 10_000, 1_000_000]))
def test_no_attempt_is_too_far(wait: FullJitter, attempt: int) -> None:
    """A stream that reconnects for ever gets there."""
    reconnector = Reconnector(RetryPolicy(wait=wait))
    reconnector.attempt = attempt
    assert 0.0 <= delay_of(reconnector, PASSING) <= 20.0


@given(st.lists(st.floats(0, 1000), min_size=2, max_size=30))
def test_without_jitter_delays_never_shrink_in_an_outage(times: list[float]) -> None:
    """Backoff grows, whenever the failures come."""
    reconnector = Reconnector(RetryPolicy(wait=wait_exponential(max=30)))
    delays = [delay_of(reconnector, ConnectFailed(host="h", reason="r"), now) for now in sorted(times)]
    assert delays == sorted(delays)
