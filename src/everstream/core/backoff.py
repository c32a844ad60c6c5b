"""How long to wait after a failure, and when it was enough: tenacity's strategies on a clock of ours.

Rules of this module:

- With `reconnection` and `redelivery`, whose policies name strategies, it is the only importer of
  tenacity. The strategies are driven with a state whose fields come from our own clock: `Retrying.iter`
  reads the real one, and a `@retry` on a generator does nothing, so neither is used. No
  `tenacity.RetryError` reaches a user.
- Time comes in as an argument, in seconds of any monotonic clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tenacity import RetryCallState, Retrying
from tenacity.stop import StopBaseT
from tenacity.wait import WaitBaseT, wait_base

from everstream.core.arguments import is_number, require_seconds
from everstream.core.errors import ConfigurationError

__all__ = ["Backoff", "FullJitter", "require_strategies"]


@dataclass(frozen=True)
class FullJitter(wait_base):
    """A wait strategy: any time between 0 and a bound that doubles with each attempt, up to a cap.

    Of the usual forms of jitter it spreads a crowd of clients best. Being a tenacity strategy, it can
    be added to others: `FullJitter() + wait_fixed(1)`.

    Attributes:
        initial: Seconds, the bound of the first wait.
        cap: Seconds, the greatest bound.
        random: Gives floats in [0, 1); for tests and simulations.
    """

    initial: float = 1.0
    cap: float = 30.0
    random: Callable[[], float] = field(default=random.random, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_seconds("FullJitter", initial=self.initial, cap=self.cap)

    def __call__(self, retry_state: RetryCallState) -> float:
        """Returns the seconds to wait after `retry_state.attempt_number` failures."""
        # 2.0 ** 1024 overflows, and a stream that reconnects for ever gets there. Long before, the
        # cap is what counts.
        doublings = min(retry_state.attempt_number - 1, 64)
        return self.random() * min(self.cap, self.initial * 2.0**doublings)


class Backoff:
    """A wait and a stop strategy, asked about one failure at a time.

    Args:
        owner: The policy they belong to, for messages.
        wait: A tenacity wait strategy.
        stop: A tenacity stop strategy.
    """

    def __init__(self, owner: str, wait: WaitBaseT, stop: StopBaseT) -> None:
        self._owner = owner
        self._wait = wait
        self._stop = stop
        self._retrying = Retrying()

    def after(
        self, error: BaseException, attempt: int, since: float, now: float, *, floor: float | None = 0.0
    ) -> float | None:
        """Returns the seconds to wait before the next attempt; None if there is to be none.

        Args:
            error: What failed; strategies such as `wait_exception` look at it.
            attempt: The number of the attempt that failed, from 1.
            since: When the first attempt began, in seconds.
            now: When this one failed, in seconds.
            floor: Seconds that come on top of what `wait` gives. None: no wait at all.

        Raises:
            ConfigurationError: The wait strategy gave something that is no time.
        """
        state = RetryCallState(self._retrying, None, (), {})
        state.attempt_number = attempt
        state.set_exception((type(error), error, error.__traceback__))
        # After set_exception, which reads the real clock.
        state.start_time, state.outcome_timestamp = since, now
        delay = 0.0 if floor is None else floor + self._seconds(state)
        state.upcoming_sleep = delay
        return None if self._stop(state) else delay

    def _seconds(self, state: RetryCallState) -> float:
        wait = self._wait(state)
        if not (is_number(wait) and wait >= 0):
            raise ConfigurationError(f"the wait strategy of the {self._owner} gave {wait!r}, not seconds")
        return wait


def require_strategies(owner: str, **strategies: object) -> None:
    """Raises `ConfigurationError` unless each is a callable."""
    for name, strategy in strategies.items():
        if not callable(strategy):
            raise ConfigurationError(f"{owner}({name}=...) takes a callable, not {strategy!r}")
