"""Whether to reconnect, and after how long: one function, `Reconnector.interrupted`.

Rules of this module:

- tenacity's `wait` and `stop` strategies are the vocabulary of a `RetryPolicy`; `backoff` drives them.
- Time comes in as an argument, in seconds of any monotonic clock.
- An *outage* is a run of failures. It ends when a connection delivers an event or stays open for
  `stable_after` seconds; then attempts and elapsed time start again. (A `stop_after_delay` on the
  whole life of a stream would give one that was healthy for an hour no retry at all. A reset at every
  200 would make a tight loop with a server that accepts and drops.)
- delay = server floor + `policy.wait`. A sum, not the larger of the two: the larger would strip the
  jitter and bring all clients of a restarted server back in the same instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from tenacity import stop_after_attempt, stop_after_delay, stop_any, stop_never
from tenacity.stop import StopBaseT, stop_base
from tenacity.wait import WaitBaseT

from everstream.core.arguments import require_count, require_seconds
from everstream.core.backoff import Backoff, FullJitter, require_strategies
from everstream.core.errors import ConfigurationError, EverstreamError, RetriesExhausted

__all__ = ["Decision", "Fail", "Reconnect", "Reconnector", "RetryPolicy", "is_retryable"]


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Try again.

    Attributes:
        delay: Seconds to wait first.
        attempt: The number of the attempt to come, in this outage.
    """

    delay: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Fail:
    """Do not try again.

    Attributes:
        error: What to tell the caller.
    """

    error: EverstreamError


Decision: TypeAlias = Reconnect | Fail


def is_retryable(error: EverstreamError) -> bool:
    """Returns what the error says of itself: the default of `RetryPolicy.retryable`."""
    return error.retryable


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When to reconnect. The default never gives up on what may succeed later.

    Attributes:
        wait: A tenacity wait strategy; what it gives comes on top of the server's wish.
        stop: A tenacity stop strategy; it counts the failures, and the seconds, of one outage.
        retryable: Says whether an error may be retried at all.
        stable_after: Seconds a connection must stay open to end an outage though no event came.
        min_server_delay: Seconds, the least that `retry:` and `Retry-After` count for.
        max_server_delay: Seconds, the most that they count for: a server cannot park a client for ever.
    """

    wait: WaitBaseT = field(default_factory=FullJitter)
    stop: StopBaseT = stop_never
    retryable: Callable[[EverstreamError], bool] = is_retryable
    stable_after: float = 60.0
    min_server_delay: float = 0.0
    max_server_delay: float = 300.0

    def __post_init__(self) -> None:
        require_strategies("RetryPolicy", wait=self.wait, stop=self.stop, retryable=self.retryable)
        require_seconds(
            "RetryPolicy",
            stable_after=self.stable_after,
            min_server_delay=self.min_server_delay,
            max_server_delay=self.max_server_delay,
        )
        if self.min_server_delay > self.max_server_delay:
            raise ConfigurationError("RetryPolicy(min_server_delay=...) is above max_server_delay")

    @classmethod
    def forever(cls, *, wait: WaitBaseT | None = None) -> RetryPolicy:
        """Returns the default policy: reconnect for as long as it takes."""
        return cls(wait=FullJitter() if wait is None else wait)

    @classmethod
    def never(cls) -> RetryPolicy:
        """Returns a policy of one connection: its end is the end of the stream."""
        return cls(stop=stop_after_attempt(1))

    @classmethod
    def attempts(cls, most: int, *, wait: WaitBaseT | None = None) -> RetryPolicy:
        """Returns a policy that gives up after `most` failures in a row.

        Args:
            most: At least 1. A connection that was healthy and then broke counts as the first.
            wait: A tenacity wait strategy instead of `FullJitter()`.

        Raises:
            ConfigurationError: `most` is not a whole number above 0.
        """
        require_count("RetryPolicy.attempts()", most)
        return cls(stop=stop_after_attempt(most), wait=FullJitter() if wait is None else wait)

    @classmethod
    def within(cls, seconds: float, *, wait: WaitBaseT | None = None) -> RetryPolicy:
        """Returns a policy that gives up when an outage has lasted `seconds`.

        Args:
            seconds: How long, measured at a failure: the last wait may pass it.
            wait: A tenacity wait strategy instead of `FullJitter()`.

        Raises:
            ConfigurationError: `seconds` is not a number of seconds.
        """
        require_seconds("RetryPolicy.within", seconds=seconds)
        return cls(stop=stop_after_delay(seconds), wait=FullJitter() if wait is None else wait)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> RetryPolicy:
        """Returns the policy that a mapping describes, as from a file; what it leaves out is as by default.

        Args:
            mapping: Of these keys, any: `initial_delay_seconds` and `max_delay_seconds`, for
                `FullJitter`; `max_attempts` and `max_outage_seconds`, as with `attempts()` and
                `within()`, and with both whichever comes first; `stable_after_seconds`,
                `min_server_delay_seconds`, `max_server_delay_seconds`. A value is a number or the text
                of one; `max_attempts` and `max_outage_seconds` may be None or the text "none".

        Raises:
            ConfigurationError: Keys are unknown, or values are wrong; the message names all of them.
        """
        # Operators' numbers are read by few programs, and to get ready for them takes its time.
        from everstream.core.mappings import read_retry

        numbers = read_retry(mapping)
        return cls(
            wait=FullJitter(initial=numbers["initial_delay_seconds"], cap=numbers["max_delay_seconds"]),
            stop=_stop_after(numbers["max_attempts"], numbers["max_outage_seconds"]),
            stable_after=numbers["stable_after_seconds"],
            min_server_delay=numbers["min_server_delay_seconds"],
            max_server_delay=numbers["max_server_delay_seconds"],
        )


def _stop_after(attempts: int | None, seconds: float | None) -> StopBaseT:
    stops: list[stop_base] = []
    if attempts is not None:
        stops.append(stop_after_attempt(attempts))
    if seconds is not None:
        stops.append(stop_after_delay(seconds))
    return stop_any(*stops) if stops else stop_never


class Reconnector:
    """The state of an outage, and the decision.

    Tell it what happens to the connections (`connecting`, `opened`, `delivered_event`), and ask it
    when one fails (`interrupted`). It is not asked again after a `Fail`.

    Attributes:
        attempt: The number of the attempt under way or to come, in this outage; from 1.
        reconnection_time: The server's `retry:` in seconds, or None. It outlives connections.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy
        self.reconnection_time: float | None = None
        self.attempt = 1
        self._outage_since: float | None = None
        self._opened_at: float | None = None
        self._before: tuple[int, float | None] = (1, None)
        self._backoff = Backoff("RetryPolicy", policy.wait, policy.stop)

    def connecting(self, now: float) -> None:
        """Notes that an attempt begins."""
        if self._outage_since is None:
            self._outage_since = now
        self._before = self.attempt, self._outage_since

    def opened(self, now: float) -> None:
        """Notes that the connection is announced. This alone does not end an outage."""
        self._opened_at = now

    def delivered_event(self) -> None:
        """Notes that an event reached the consumer: the outage, if there was one, is over."""
        self.attempt = 1
        self._outage_since = None

    def found_error(self) -> None:
        """Notes that this connection delivered an error: what came before it ended no outage."""
        attempt, outage_since = self._before
        if attempt > 1:
            # If there was none, it begins now: a stream that was well for an hour has not been down for one.
            self.attempt, self._outage_since = attempt, outage_since

    def interrupted(self, error: EverstreamError, now: float, *, at_once: bool = False) -> Decision:
        """Decides what follows a failure.

        Args:
            error: What failed.
            now: The time of the failure, in seconds.
            at_once: The next request differs in what made this one fail, a refused credential or cursor:
                make it without a wait, though the error is not retryable.

        Returns:
            `Reconnect`, or `Fail` with the error for the caller: this error itself if the policy does
            not retry it or allows no second attempt, else `RetriesExhausted`, caused by this error.
        """
        started = self._outage_start(now)
        if not (at_once or self.policy.retryable(error)):
            return Fail(error)
        floor = None if at_once else self._server_floor(error)
        try:
            delay = self._backoff.after(error, self.attempt, started, now, floor=floor)
        except ConfigurationError as bad_wait:
            return Fail(bad_wait)
        if delay is None:
            return Fail(self._exhausted(error, now - started))
        self.attempt += 1
        return Reconnect(delay, self.attempt)

    def _outage_start(self, now: float) -> float:
        opened_at, self._opened_at = self._opened_at, None
        if opened_at is not None and now - opened_at >= self.policy.stable_after:
            self.delivered_event()
        if self._outage_since is None:
            self._outage_since = now
        return self._outage_since

    def _server_floor(self, error: EverstreamError) -> float:
        wishes = [wish for wish in (self.reconnection_time, error.retry_after) if wish is not None]
        if not wishes:
            return 0.0
        return min(max(*wishes, self.policy.min_server_delay), self.policy.max_server_delay)

    def _exhausted(self, error: EverstreamError, elapsed: float) -> EverstreamError:
        if self.attempt == 1:
            # Nothing was tried twice, so the error itself says more.
            return error
        exhausted = RetriesExhausted(attempts=self.attempt, elapsed=elapsed, last_error=error)
        exhausted.__cause__ = error
        return exhausted
