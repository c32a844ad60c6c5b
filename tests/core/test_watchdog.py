"""The limits on waiting for an event: what counts, and what does not."""

from __future__ import annotations

import pytest

from everstream.core.errors import StreamTimeout, TimeoutKind
from everstream.core.timeouts import Timeouts
from everstream.core.watchdog import Watchdog

BOTH = Timeouts(first_event=10, event_idle=3)


def struck(watchdog: Watchdog, now: float) -> tuple[TimeoutKind, float | None]:
    """Returns which limit has passed, and its value."""
    with pytest.raises(StreamTimeout) as caught:
        watchdog.patience(now)
    assert caught.value.retryable
    return caught.value.kind, caught.value.seconds


class TestTheLimits:
    def test_by_default_there_is_none(self) -> None:
        """A stream may be silent for ever, as long as bytes come."""
        watchdog = Watchdog(Timeouts())
        assert watchdog.patience(0) is None
        watchdog.opened()
        assert watchdog.patience(1e9) is None
        watchdog.fed()
        assert watchdog.patience(2e9) is None

    def test_the_first_event_has_a_limit_of_its_own(self) -> None:
        """From the first wait on; and the next one has the other."""
        watchdog = Watchdog(BOTH)
        watchdog.opened()
        assert watchdog.patience(100) == 10
        assert watchdog.patience(104) == 6
        watchdog.fed()
        assert watchdog.patience(105) == 3
        assert struck(watchdog, 108) == ("event_idle", 3)

    def test_the_first_event_may_fail_to_come(self) -> None:
        """At the limit, not only after it."""
        watchdog = Watchdog(BOTH)
        watchdog.opened()
        assert watchdog.patience(100) == 10
        assert watchdog.patience(109.5) == 0.5
        assert struck(watchdog, 110) == ("first_event", 10)

    def test_without_a_limit_for_the_first_it_is_as_any_other(self) -> None:
        """`event_idle` alone is enough for a stream that is opened and forgotten."""
        watchdog = Watchdog(Timeouts(event_idle=3))
        watchdog.opened()
        assert watchdog.patience(100) == 3
        assert struck(watchdog, 103.5) == ("event_idle", 3)

    def test_without_a_limit_for_the_others_the_first_is_enough(self) -> None:
        """Once an event has come, there is nothing more to wait for."""
        watchdog = Watchdog(Timeouts(first_event=10))
        watchdog.opened()
        assert watchdog.patience(100) == 10
        watchdog.fed()
        assert watchdog.patience(1e9) is None

    def test_each_connection_begins_anew(self) -> None:
        """Neither the time nor the kind of the one before counts."""
        watchdog = Watchdog(BOTH)
        watchdog.opened()
        watchdog.patience(100)
        watchdog.fed()
        watchdog.patience(200)
        watchdog.opened()
        assert watchdog.patience(1000) == 10
        assert struck(watchdog, 1010) == ("first_event", 10)

    def test_it_strikes_again_until_somebody_acts(self) -> None:
        """To look is not to feed."""
        watchdog = Watchdog(BOTH)
        watchdog.opened()
        watchdog.patience(0)
        assert struck(watchdog, 10) == struck(watchdog, 11) == ("first_event", 10)


class TestTheConsumer:
    def test_its_work_on_an_event_does_not_count(self) -> None:
        """The time begins when it waits for the next one."""
        watchdog = Watchdog(BOTH)
        watchdog.opened()
        watchdog.patience(0)
        watchdog.fed()
        assert watchdog.patience(1e6) == 3

    def test_its_work_on_anything_else_does_not_count(self) -> None:
        """A consumer of comments may take its time over each."""
        watchdog = Watchdog(BOTH)
        watchdog.opened()
        assert watchdog.patience(0) == 10
        watchdog.excuse(100)
        assert watchdog.patience(101) == 9
        assert struck(watchdog, 110) == ("first_event", 10)

    def test_an_excuse_before_the_wait_has_begun_is_none(self) -> None:
        """What was not counted need not be taken off."""
        watchdog = Watchdog(BOTH)
        watchdog.opened()
        watchdog.excuse(100)
        assert watchdog.patience(0) == 10
        watchdog.fed()
        watchdog.excuse(100)
        assert watchdog.patience(0) == 3
