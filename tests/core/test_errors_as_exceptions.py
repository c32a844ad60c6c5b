"""How errors behave as exceptions of Python: made, compared, caught, retried."""

from __future__ import annotations

import pytest

from everstream.core.errors import (
    ConfigurationError,
    EverstreamError,
    PayloadError,
    StatusRejected,
    StreamInterrupted,
)


def test_what_was_received_is_nothing_unless_it_is_known() -> None:
    """A transport does not count; the protocol does."""
    error = StreamInterrupted(reason="eof")
    assert (error.bytes_received, error.events_received) == (0, 0)


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
