"""How long other clients wait before they reconnect, each as a pure function, with where it was read.

These are the rules as the packages have them when nothing is configured, with two mercies: limits on the
number of attempts are lifted, so that no client drops out early, and where a package does not reconnect at
all, its rule for requests or the recipe of its documentation stands in for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

__all__ = ["EXACT", "RULES", "DelayRule", "Failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a client knows when it has to wait.

    Attributes:
        attempt: Which failure in a row this is, from 1: the loss of the connection.
        hint: Seconds of `retry:`, if the stream had one.
        status: The status of a refused response; None if there was no response.
        retry_after: Seconds of its `Retry-After`, if it had one.
    """

    attempt: int
    hint: float | None = None
    status: int | None = None
    retry_after: float | None = None


DelayRule: TypeAlias = Callable[[Failure, Random], float | None]
"""Returns the seconds to wait after a failure, or None to give up."""


def obeys_the_hint_exactly(failure: Failure, random: Random) -> float:
    """Waits as long as the server says, without it 3 s.

    The standard asks no more than that. 3 s are the default of Chromium (`kDefaultReconnectDelay` of its
    `EventSource`) and of eventsource of npm (src/EventSource.ts, `#reconnectInterval`). They give up at a
    503; this client does not, and heeds `Retry-After`.
    """
    return max(3.0 if failure.hint is None else failure.hint, failure.retry_after or 0.0)


def tutorial_loop(failure: Failure, random: Random) -> float:
    """Connects again at once: `while True:` around the loop of the tutorials.

    So does a loop around sseclient-py 1.9.0, which has `retry` as an attribute of its events and no
    reconnecting.
    """
    return 0.0


def requests_sse(failure: Failure, random: Random) -> float | None:
    """Doubles 5 s, or the hint, before the first wait already; a refused response ends it.

    requests-sse 0.5.3, client.py: `EventSource.__next__`, `connect` and `DEFAULT_RECONNECTION_TIME`.
    """
    if failure.status is not None:
        return None
    base = 5.0 if failure.hint is None else failure.hint
    return base * 2.0**failure.attempt


def launchdarkly(failure: Failure, random: Random) -> float:
    """Waits 1 s and doubles it, without a bound and without jitter; heeds no hint.

    launchdarkly-eventsource 1.7.4, sse_client.py: `SSEClient.__init__`, `_compute_next_retry_delay`, and
    config/retry_delay_strategy.py: `RetryDelayStrategy.default`, whose `jitter_multiplier` is 0 unless it
    is given. (It reconnects with `ErrorStrategy.always_continue()` only.)
    """
    return 2.0 ** (failure.attempt - 1)


def launchdarkly_with_jitter(failure: Failure, random: Random) -> float:
    """The same with `max_delay=30, jitter_multiplier=0.5`, as LaunchDarkly's own SDK sets them.

    The SDK: launchdarkly-server-sdk, ldclient/impl/datasource/streaming.py, `JITTER_RATIO`.
    """
    delay = min(30.0, 2.0 ** (failure.attempt - 1))
    return delay - random.random() * 0.5 * delay


def openai_sdk(failure: Failure, random: Random) -> float:
    """Takes away up to a quarter of 0.5 s, doubled up to 8 s; heeds `Retry-After` exactly.

    openai 3.54.0, _base_client.py: `BaseClient._calculate_retry_timeout`. It is the rule for requests: the
    SDK does not reconnect streams, but programs that use it may.
    """
    if failure.retry_after is not None and 0 < failure.retry_after <= 120:
        return failure.retry_after
    return min(0.5 * 2.0 ** (failure.attempt - 1), 8.0) * (1 - 0.25 * random.random())


def httpx_sse_recipe(failure: Failure, random: Random) -> float:
    """Adds backoff with jitter to the hint; knows nothing of `Retry-After`.

    httpx-sse 0.4.3, README, "Handling reconnections", with the defaults of `stamina.retry` (_core.py):
    `wait_exponential_jitter(initial=0.1, max=5.0, exp_base=2.0, jitter=1.0)` of tenacity. As the recipe
    means it: it retries read errors only, here everything.
    """
    jittered = 0.1 * 2.0 ** (failure.attempt - 1) + random.uniform(0.0, 1.0)
    return (failure.hint or 0.0) + min(5.0, jittered)


EXACT = "obeys the hint exactly"
"""The client that the goal speaks of."""

RULES: Mapping[str, DelayRule] = {
    EXACT: obeys_the_hint_exactly,
    "tutorial loop, at once": tutorial_loop,
    "requests-sse": requests_sse,
    "launchdarkly-eventsource": launchdarkly,
    "launchdarkly-eventsource, jitter set": launchdarkly_with_jitter,
    "OpenAI SDK, rule for requests": openai_sdk,
    "httpx-sse, recipe with stamina": httpx_sse_recipe,
}
