"""How errors behave as exceptions of Python: made, compared, caught, retried."""

from __future__ import annotations

import pytest

from everstream.core.errors import (
    ConfigurationError,
    EventTooLarge,
    EverstreamError,
    PayloadError,
    StatusRejected,
    StreamInterrupted,
)


def test_what_an_error_carries_is_given_by_name() -> None:
    """Two numbers cannot change places; numbers that are not known are 0."""
    with pytest.raises(TypeError):
        StreamInterrupted("eof", 1, 2)  # type: ignore[misc]
    error = StreamInterrupted(reason="eof")
    assert (error.bytes_received, error.events_received) == (0, 0)


def test_an_error_is_equal_to_itself_alone() -> None:
    """An exception is what happened once, not what can be said about it."""
    one, other = EventTooLarge(limit=1), EventTooLarge(limit=1)
    assert one != other
    assert len({one, other, one}) == 2


def test_a_wrong_argument_is_a_value_error_too() -> None:
    """As everywhere in Python."""
    with pytest.raises(ValueError, match="no scheme"):
        raise ConfigurationError("`url` has no scheme")


@pytest.mark.parametrize("base", [EverstreamError, PayloadError])
def test_a_base_without_more_is_no_promise(base: type[EverstreamError]) -> None:
    """Unless an error says otherwise, trying again does not help."""
    assert base.retryable is False
    assert repr(base()) == f"{base.__name__}('')"


def test_these_seven_of_all_statuses_are_retryable() -> None:
    """Timeouts, too early, too many, and a server in trouble."""
    retryable = {status for status in range(100, 600) if StatusRejected(status=status).retryable}
    assert retryable == {408, 425, 429, 500, 502, 503, 504}
