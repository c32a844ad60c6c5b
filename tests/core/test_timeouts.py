"""The limits on waiting."""

from __future__ import annotations

import math

import pytest

from everstream import ConfigurationError, Timeouts


def test_both_are_finite_by_default() -> None:
    """A half-open connection must not hang for ever."""
    assert Timeouts() == Timeouts(connect=5.0, read=60.0)


def test_the_longest_is_one_that_a_socket_can_count() -> None:
    """It has 31 bits for milliseconds: 4,294,968 seconds would be over in less than one."""
    assert Timeouts(read=2_000_000).read == 2_000_000


def test_none_takes_a_limit_off() -> None:
    """Each on its own."""
    assert Timeouts(read=None).connect == 5.0
    assert Timeouts(connect=None, read=1).read == 1


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, "5", True, (5, 60), 2_000_001, 10**400])
@pytest.mark.parametrize("name", ["connect", "read", "first_event", "event_idle"])
def test_what_is_no_time_is_refused(name: str, seconds: object) -> None:
    """The error names the argument and the unit."""
    with pytest.raises(ConfigurationError, match=rf"Timeouts\({name}=...\) takes seconds"):
        Timeouts(**{name: seconds})  # type: ignore[arg-type]
