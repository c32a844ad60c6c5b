"""When an event is given to its handler again."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest
from tenacity import (
    stop_after_attempt,
    stop_after_delay,
    stop_never,
    wait_fixed,
    wait_incrementing,
    wait_none,
)

from everstream import ConfigurationError, Event, FullJitter, HandlerFailed, Redelivery, RetryPolicy
from everstream.core.redelivery import Attempts

EVENT = Event("order", "the secret data", "17")


def delays(policy: Redelivery, *, most: int = 20, seconds: float = 0.0) -> list[float]:
    """Returns the waits between attempts that fail after so many seconds each, up to so many."""
    now, found = 100.0, list[float]()
    attempts = Attempts(policy, now)
    while len(found) < most:
        now += seconds
        delay = attempts.failed(ValueError(), now)
        if delay is None:
            break
        now += delay
        found.append(delay)
    return found


def test_by_default_there_are_three_attempts() -> None:
    """Two waits, of full jitter up to half a second, and up to one."""
    always = [delays(Redelivery()) for _ in range(200)]
    assert {len(waits) for waits in always} == {2}
    assert all(0 <= first <= 0.5 and 0 <= second <= 1 for first, second in always)
    assert max(first for first, _ in always) > 0.25


def test_the_wait_has_a_cap() -> None:
    """Ten seconds, however often it failed."""
    assert Redelivery().wait == FullJitter(initial=0.5, cap=10.0)


@pytest.mark.parametrize("most", [1, 2, 7])
def test_attempts_are_counted_with_the_first(most: int) -> None:
    """Seven attempts have six waits between them."""
    assert len(delays(Redelivery.attempts(most, wait=wait_none()))) == most - 1


def test_never_is_one_attempt() -> None:
    """It gives up at the first failure."""
    assert delays(Redelivery.never()) == []


def test_forever_never_gives_up() -> None:
    """Nor does it after hours."""
    assert len(delays(Redelivery.forever(wait=wait_fixed(3600)), most=1000)) == 1000


def test_the_wait_strategy_sees_the_attempt_and_the_error() -> None:
    """It is tenacity's, driven with the state of this event alone."""
    seen = []

    def wait(state: object) -> float:
        seen.append((state.attempt_number, state.outcome.exception()))  # type: ignore[attr-defined]
        return 0.0

    error = KeyError("k")
    attempts = Attempts(Redelivery.attempts(3, wait=wait), 0.0)
    assert [attempts.failed(error, 0.0) for _ in range(3)] == [0.0, 0.0, None]
    assert seen == [(1, error), (2, error), (3, error)]
    assert delays(Redelivery.attempts(4, wait=wait_incrementing(start=1, increment=2))) == [1, 3, 5]


def test_seconds_count_from_the_first_attempt_on_this_event() -> None:
    """On the clock that is passed in, with the time that attempts take."""
    assert len(delays(Redelivery(wait=wait_fixed(1), stop=stop_after_delay(10)), seconds=1.0)) == 5
    assert delays(Redelivery(wait=wait_fixed(1), stop=stop_after_delay(10)), seconds=11.0) == []


def test_an_error_that_is_not_retryable_ends_it_at_once() -> None:
    """The function is asked about each failure."""
    policy = Redelivery(stop=stop_never, wait=wait_none(), retryable=lambda error: isinstance(error, OSError))
    attempts = Attempts(policy, 0.0)
    assert attempts.failed(OSError(), 0.0) == 0.0
    assert attempts.failed(ValueError(), 0.0) is None


def test_the_number_is_that_of_the_attempt_under_way() -> None:
    """From one; it stays where it is when no other follows."""
    attempts = Attempts(Redelivery.attempts(2, wait=wait_none()), 0.0)
    numbers = [attempts.number]
    for _ in range(2):
        attempts.failed(ValueError(), 0.0)
        numbers.append(attempts.number)
    assert numbers == [1, 2, 2]


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf"), None, "soon", True])
def test_a_wait_that_is_no_time_is_an_error(bad: object) -> None:
    """And says whose strategy it is."""
    policy = Redelivery(wait=lambda _: bad)  # type: ignore[arg-type, return-value]
    with pytest.raises(ConfigurationError, match="wait strategy of the Redelivery gave"):
        Attempts(policy, 0.0).failed(ValueError(), 0.0)


@pytest.mark.parametrize("name", ["wait", "stop", "retryable"])
def test_what_cannot_be_called_is_refused_when_it_is_passed(name: str) -> None:
    """A number is a likely mistake."""
    with pytest.raises(ConfigurationError, match=rf"Redelivery\({name}=\.\.\.\) takes a callable, not 3"):
        Redelivery(**{name: 3})  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "3", None])
def test_a_number_of_attempts_is_a_whole_number_above_zero(most: object) -> None:
    """Anything else is refused."""
    with pytest.raises(ConfigurationError, match=r"Redelivery\.attempts\(\) takes a whole number above 0"):
        Redelivery.attempts(most)  # type: ignore[arg-type]


def test_a_policy_is_a_frozen_value() -> None:
    """It can be shared by workers, and changed with `replace`."""
    policy = Redelivery.attempts(5, wait=wait_none())
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.stop = stop_never  # type: ignore[misc]
    assert len(delays(dataclasses.replace(policy, stop=stop_after_attempt(2)))) == 1


def test_it_is_not_a_policy_of_reconnecting() -> None:
    """The defaults are opposites, so the types are, too."""
    assert not isinstance(Redelivery(), RetryPolicy)


class TestHandlerFailed:
    def test_its_message_names_the_event_and_the_kind_of_error(self) -> None:
        """Neither the event's data nor the message of the error is in it."""
        error = HandlerFailed(event=EVENT, attempts=3)
        error.__cause__ = ValueError("the secret data")
        assert str(error) == (
            "an event of type order with id '17' could not be handled in 3 attempts: ValueError"
        )
        assert "secret" not in repr(error)

    def test_without_a_cause_it_says_what_it_can(self) -> None:
        """One attempt is one attempt."""
        assert str(HandlerFailed(event=EVENT, attempts=1)).endswith("could not be handled in 1 attempt")

    def test_it_can_be_copied_and_pickled(self) -> None:
        """With its event."""
        error = HandlerFailed(event=EVENT, attempts=3)
        for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert (twin.event, twin.attempts, str(twin)) == (EVENT, 3, str(error))

    def test_it_is_not_retryable(self) -> None:
        """The worker has tried."""
        assert not HandlerFailed(event=EVENT, attempts=3).retryable
