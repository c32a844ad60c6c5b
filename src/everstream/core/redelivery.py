"""How often an event is given to a handler that fails, and after which waits.

Rule: tenacity's strategies are the vocabulary, as in a `RetryPolicy`; `backoff` drives them. The two are
not the same value: a stream that is down is worth waiting for ever, an event that cannot be handled is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tenacity import stop_after_attempt, stop_never
from tenacity.stop import StopBaseT
from tenacity.wait import WaitBaseT

from everstream.core.arguments import require_count
from everstream.core.backoff import Backoff, FullJitter, require_strategies

__all__ = ["Attempts", "Redelivery"]


def _any_error(error: Exception) -> bool:
    return True


def _wait() -> WaitBaseT:
    return FullJitter(initial=0.5, cap=10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redelivery:
    """When to give an event to its handler again. By default three times in all.

    Attributes:
        wait: A tenacity wait strategy; by default full jitter, up to 0.5 s at first and 10 s at most.
        stop: A tenacity stop strategy; it counts the failures, and the seconds, of one event.
        retryable: Says whether an exception of the handler is worth another attempt; all are by default.
    """

    wait: WaitBaseT = field(default_factory=_wait)
    stop: StopBaseT = field(default_factory=lambda: stop_after_attempt(3))
    retryable: Callable[[Exception], bool] = _any_error

    def __post_init__(self) -> None:
        require_strategies("Redelivery", wait=self.wait, stop=self.stop, retryable=self.retryable)

    @classmethod
    def never(cls) -> Redelivery:
        """Returns a policy of one attempt."""
        return cls(stop=stop_after_attempt(1))

    @classmethod
    def attempts(cls, most: int, *, wait: WaitBaseT | None = None) -> Redelivery:
        """Returns a policy of at most so many attempts.

        Args:
            most: At least 1.
            wait: A tenacity wait strategy instead of the default.

        Raises:
            ConfigurationError: `most` is not a whole number above 0.
        """
        require_count("Redelivery.attempts()", most)
        return cls(stop=stop_after_attempt(most), wait=_wait() if wait is None else wait)

    @classmethod
    def forever(cls, *, wait: WaitBaseT | None = None) -> Redelivery:
        """Returns a policy that never gives up: an event that cannot be handled holds up all after it."""
        return cls(stop=stop_never, wait=_wait() if wait is None else wait)


class Attempts:
    """The attempts at one event.

    Attributes:
        number: The attempt under way, from 1.
    """

    def __init__(self, policy: Redelivery, now: float) -> None:
        self.number = 1
        self._policy = policy
        self._since = now
        self._backoff = Backoff("Redelivery", policy.wait, policy.stop)

    def failed(self, error: Exception, now: float) -> float | None:
        """Returns the seconds to wait before the next attempt; None if there is to be none.

        Args:
            error: What the handler raised.
            now: The time in seconds.

        Raises:
            ConfigurationError: The wait strategy gave something that is no time.
        """
        if not self._policy.retryable(error):
            return None
        delay = self._backoff.after(error, self.number, self._since, now)
        if delay is not None:
            self.number += 1
        return delay
