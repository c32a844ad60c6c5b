"""Arguments that cannot work are named when they are passed."""

from __future__ import annotations

import math

import pytest

from everstream.core.arguments import is_number, require_count, require_kind, require_seconds
from everstream.core.errors import ConfigurationError


def test_a_value_of_another_kind_is_refused_by_its_name() -> None:
    """None stands for the default."""
    require_kind(str, name="prices", until=None)
    with pytest.raises(ConfigurationError) as caught:
        require_kind(str, name="prices", until=b"x")
    assert str(caught.value) == "until= takes a str, not a bytes"


@pytest.mark.parametrize("value", [0, 0.0, 1, 2.5])
def test_seconds_are_numbers_from_0_on(value: float) -> None:
    """Whole or not."""
    require_seconds("Policy", wait=value)


@pytest.mark.parametrize("value", [-0.1, math.inf, math.nan, "1", None, True, [1]])
def test_what_is_no_time_is_refused(value: object) -> None:
    """The message says whose argument it is."""
    with pytest.raises(ConfigurationError) as caught:
        require_seconds("Policy", wait=value)
    assert str(caught.value) == f"Policy(wait=...) takes seconds, 0 or more, not {value!r}"


@pytest.mark.parametrize("value", [0, -1, 1.0, 1.5, math.inf, "1", None, True])
def test_what_is_no_count_is_refused(value: object) -> None:
    """A count is a whole number, and there is at least one."""
    require_count("size=", 1)
    with pytest.raises(ConfigurationError) as caught:
        require_count("size=", value)
    assert str(caught.value) == f"size= takes a whole number above 0, not {value!r}"


@pytest.mark.parametrize(
    ("value", "is_one"),
    [(1, True), (0.5, True), (-3, True), (True, False), (math.nan, False), (math.inf, False), ("1", False)],
)
def test_a_bool_is_no_number(value: object, is_one: bool) -> None:
    """`timeout=True` is a mistake, though Python counts with it."""
    assert is_number(value) is is_one
