"""How long a server may ask a client to wait: Retry-After (behaviour 32)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from everstream import EventSource, FullJitter, RetryPolicy
from everstream.testing import SSEServer, event, retry, status
from tests.fakes import FakeClock

MakeSource = Callable[..., EventSource]


class TestRetryAfter:
    DATE = "Sun, 06 Nov 1994 08:49:37 GMT"

    def waits(self, server: SSEServer, make_source: MakeSource, *refusals: Any, **policy: Any) -> list[float]:
        """Returns the delays after these refusals; the jitter is half of its bound."""
        clock = FakeClock(time=784_111_777.0)  # DATE
        policy.setdefault("wait", FullJitter(random=lambda: 0.5))
        server.script([*refusals, event("1")])
        assert next(make_source(clock=clock, retry=RetryPolicy(**policy))).data == "1"
        return clock.waits

    @pytest.mark.parametrize("code", [429, 503])
    @pytest.mark.parametrize(
        ("value", "floor"),
        [
            *[("1", 1), (" 20 ", 20), ("007", 7), ("0", 0)],
            *[("99999999", 300), ("9" * 5000, 300)],
            *[("", 0), ("garbage", 0), ("-5", 0), ("1.5", 0), ("1e9", 0), ("1 s", 0), ("٣", 0), ("∞", 0)],
        ],
    )
    def test_32_seconds_are_the_floor_of_the_delay(
        self, sse_server: SSEServer, make_source: MakeSource, code: int, value: str, floor: float
    ) -> None:
        """The jitter comes on top; there is a cap, and garbage leaves the usual backoff."""
        waits = self.waits(sse_server, make_source, status(code, retry_after=value))
        assert waits == [floor + 0.5]

    @pytest.mark.parametrize("date", [DATE, None], ids=["with Date", "without Date"])
    @pytest.mark.parametrize(
        ("value", "floor"),
        [
            ("Sun, 06 Nov 1994 08:49:57 GMT", 20),
            ("Sunday, 06-Nov-94 08:49:57 GMT", 20),
            ("Sun Nov  6 08:49:57 1994", 20),
            ("Sun, 06 Nov 1994 08:49:17 GMT", 0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 300),
            ("Sun, 99 Nov 1994 08:49:57 GMT", 0),
        ],
        ids=["usual", "RFC 850", "asctime", "past", "far future", "no date"],
    )
    def test_32_a_date_is_compared_with_the_servers_own(
        self, sse_server: SSEServer, make_source: MakeSource, value: str, floor: float, date: str | None
    ) -> None:
        """In all three forms; without a Date it is compared with our clock."""
        headers = {} if date is None else {"Date": date}
        waits = self.waits(sse_server, make_source, status(503, retry_after=value, headers=headers))
        assert waits == [floor + 0.5]

    def test_32_a_clock_that_is_wrong_does_not_matter(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """The server's clock is years ahead of ours."""
        headers = {"Date": "Tue, 01 Jan 2030 00:00:00 GMT"}
        refusal = status(503, retry_after="Tue, 01 Jan 2030 00:00:09 GMT", headers=headers)
        assert self.waits(sse_server, make_source, refusal) == [9.5]

    def test_32_it_counts_for_one_delay_and_on_top_comes_the_growing_backoff(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """The next failure has a floor of its own, or none."""
        refusals = [status(503, retry_after=10), status(503), status(503, retry_after=10)]
        assert self.waits(sse_server, make_source, *refusals) == [10.5, 1.0, 12.0]

    def test_32_the_larger_of_it_and_the_reconnection_time_is_the_floor(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Both are wishes of the server."""
        refusals = [retry(5000), status(503, retry_after=10), status(503, retry_after=2)]
        assert self.waits(sse_server, make_source, *refusals) == [5.5, 11.0, 7.0]

    def test_32_the_policy_clamps_it(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """At both ends."""
        refusals = [status(503, retry_after=1), status(503, retry_after=60)]
        waits = self.waits(sse_server, make_source, *refusals, min_server_delay=4, max_server_delay=8)
        assert waits == [4.5, 9.0]

    @pytest.mark.parametrize("jitter", [0.0, math.nextafter(1, 0)])
    def test_32_every_delay_lies_between_the_floor_and_the_jitters_bound(
        self, sse_server: SSEServer, make_source: MakeSource, jitter: float
    ) -> None:
        """The floor itself at the least: jitter never takes from it."""
        refusals = [status(429, retry_after=3)] * 8
        waits = self.waits(sse_server, make_source, *refusals, wait=FullJitter(random=lambda: jitter))
        bounds = [1, 2, 4, 8, 16, 30, 30, 30]
        assert waits == pytest.approx([3 + jitter * bound for bound in bounds])

    def test_32_the_default_policy_keeps_to_the_same_bounds(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """With real randomness."""
        waits = self.waits(sse_server, make_source, *[status(429, retry_after=3)] * 8, wait=FullJitter())
        bounds = [1, 2, 4, 8, 16, 30, 30, 30]
        assert all(3 <= wait <= 3 + bound for wait, bound in zip(waits, bounds, strict=True))
        assert len(set(waits)) > 1
