"""tenacity's strategies, asked about one failure at a time, on a clock of ours."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from tenacity import (
    RetryCallState,
    stop_after_attempt,
    stop_after_delay,
    stop_never,
    wait_fixed,
    wait_incrementing,
    wait_none,
)

from everstream.core.backoff import Backoff, FullJitter, require_strategies
from everstream.core.errors import ConfigurationError

FAILURE = RuntimeError("x")


def as_long_as_its_message(state: RetryCallState) -> float:
    """A wait strategy that looks at the error, as tenacity's `wait_exception` does from 9.1 on."""
    assert state.outcome is not None
    return len(str(state.outcome.exception())) + 1.0


class TestFullJitter:
    @pytest.mark.parametrize(("attempt", "bound"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 3.0), (5000, 3.0)])
    def test_the_bound_doubles_up_to_the_cap(self, attempt: int, bound: float) -> None:
        """However many failures there were."""
        backoff = Backoff("RetryPolicy", FullJitter(initial=0.5, cap=3.0, random=lambda: 0.5), stop_never)
        assert backoff.after(FAILURE, attempt, 0.0, 1.0) == bound / 2

    def test_by_default_it_is_any_time_up_to_the_bound(self) -> None:
        """Different each time, so that a crowd of clients does not come back at once."""
        backoff = Backoff("RetryPolicy", FullJitter(), stop_never)
        waits = {backoff.after(FAILURE, 3, 0.0, 1.0) or 0.0 for _ in range(100)}
        assert len(waits) > 50
        assert all(0 <= wait < 4 for wait in waits)

    @pytest.mark.parametrize("seconds", [-1, math.inf, math.nan, "1", None, True])
    def test_what_is_no_time_is_refused(self, seconds: object) -> None:
        """When it is passed."""
        with pytest.raises(ConfigurationError, match=r"FullJitter\(initial="):
            FullJitter(initial=seconds)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match=r"FullJitter\(cap="):
            FullJitter(cap=seconds)  # type: ignore[arg-type]

    def test_two_of_the_same_bounds_are_equal(self) -> None:
        """Whatever their dice."""
        assert FullJitter(1, 2, random=lambda: 0.0) == FullJitter(1, 2)
        assert repr(FullJitter(1, 2)) == "FullJitter(initial=1, cap=2)"


class TestBackoff:
    def test_the_floor_comes_on_top(self) -> None:
        """A sum, so that the jitter stays."""
        assert Backoff("p", wait_fixed(2), stop_never).after(FAILURE, 1, 0.0, 0.0, floor=3.0) == 5.0

    def test_without_a_floor_there_is_no_wait_at_all(self) -> None:
        """And the wait strategy is not asked."""

        def never(_state: RetryCallState) -> float:
            raise AssertionError("asked")

        backoff = Backoff("p", never, stop_after_attempt(3))
        assert backoff.after(FAILURE, 2, 0.0, 0.0, floor=None) == 0.0
        assert backoff.after(FAILURE, 3, 0.0, 0.0, floor=None) is None

    def test_the_attempts_are_counted_by_the_caller(self) -> None:
        """It keeps nothing between two calls."""
        backoff = Backoff("p", wait_incrementing(start=1, increment=1), stop_after_attempt(3))
        assert [backoff.after(FAILURE, number, 0.0, 0.0) for number in (1, 3, 2)] == [1, None, 2]

    def test_the_time_is_the_callers(self) -> None:
        """The real clock says nothing."""
        backoff = Backoff("p", wait_none(), stop_after_delay(10))
        assert backoff.after(FAILURE, 1, 5000.0, 5009.9) == 0.0
        assert backoff.after(FAILURE, 2, 5000.0, 5010.0) is None

    def test_strategies_see_the_failure_and_the_wait(self) -> None:
        """All that tenacity promises them."""
        seen: list[tuple[object, float]] = []

        def stop(state: RetryCallState) -> bool:
            assert state.outcome is not None
            seen.append((state.outcome.exception(), state.upcoming_sleep))
            return False

        backoff = Backoff("p", as_long_as_its_message, stop)
        assert backoff.after(FAILURE, 1, 0.0, 0.0, floor=1.0) == 3.0
        assert seen == [(FAILURE, 3.0)]

    @pytest.mark.parametrize("wait", [-1.0, math.nan, math.inf, None, "1", True])
    def test_a_wait_that_is_no_time_is_an_error_that_names_the_policy(self, wait: float) -> None:
        """Rather than a thread that sleeps for ever, or a TypeError from the depths."""
        with pytest.raises(ConfigurationError, match="the wait strategy of the RetryPolicy gave"):
            Backoff("RetryPolicy", lambda _state: wait, stop_never).after(FAILURE, 1, 0.0, 0.0)


@pytest.mark.parametrize("strategy", [None, 1, "wait", wait_fixed(1)])
def test_what_cannot_be_called_is_no_strategy(strategy: Callable[..., float] | None) -> None:
    """The message says whose argument it was."""
    if callable(strategy):
        require_strategies("RetryPolicy", wait=strategy)
    else:
        with pytest.raises(ConfigurationError, match=r"RetryPolicy\(wait=\.\.\.\) takes a callable"):
            require_strategies("RetryPolicy", wait=strategy)
