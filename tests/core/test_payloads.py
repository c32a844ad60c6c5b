"""What functions of the caller find in payloads, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from everstream import ConfigurationError, Event, EverstreamError, InvalidJSON, ProviderError, StatusRejected
from everstream.core.errors import ConnectFailed
from everstream.core.payloads import Payloads

EVENT = Event("message", "a", "1")
BUSY = ProviderError(message="busy", retryable=True)


def finding(found: object) -> Payloads:
    """Payloads in which this is found, whatever they are."""
    return Payloads(lambda _found: found, None)  # type: ignore[arg-type, return-value]


def raising(error: BaseException) -> Payloads:
    """Payloads of which to look for an error raises this."""

    def error_in(_found: object) -> None:
        raise error

    return Payloads(error_in, None)


class TestErrors:
    def test_without_a_function_there_are_none(self) -> None:
        """And a refusal means what it is."""
        payloads, refusal = Payloads(None, None), StatusRejected(status=503)
        assert payloads.error_in(EVENT) is None
        assert payloads.meaning_of(refusal) is refusal

    def test_what_the_function_finds_is_the_error(self) -> None:
        """It is asked about events, and about refusals."""
        asked: list[object] = []

        def error_in(found: object) -> EverstreamError:
            asked.append(found)
            return BUSY

        refusal = StatusRejected(status=503)
        payloads = Payloads(error_in, None)
        assert payloads.error_in(EVENT) is BUSY
        assert payloads.meaning_of(refusal) is BUSY
        assert asked == [EVENT, refusal]

    def test_nothing_is_asked_about_what_is_no_response(self) -> None:
        """Whoever cannot connect has not been refused."""
        error = ConnectFailed(host="a", reason="b")
        assert raising(AssertionError("asked")).meaning_of(error) is error

    @pytest.mark.parametrize("error", [InvalidJSON(event=EVENT), ConfigurationError("x"), BUSY])
    def test_an_error_of_ours_that_is_raised_is_found(self, error: EverstreamError) -> None:
        """As that of an event that was parsed to look for one."""
        assert raising(error).error_in(EVENT) is error
        assert raising(error).meaning_of(StatusRejected(status=503)) is error

    @pytest.mark.parametrize("error", [KeyError("x"), KeyboardInterrupt()])
    def test_any_other_goes_through(self, error: BaseException) -> None:
        """It is a bug of its own."""
        with pytest.raises(type(error)):
            raising(error).error_in(EVENT)

    @pytest.mark.parametrize("found", [True, False, "busy", ValueError("x"), ProviderError, 0, {}], ids=repr)
    def test_what_is_no_error_of_ours_is_a_mistake(self, found: object) -> None:
        """It is said, with what came, and not taken for none."""
        for error in (finding(found).error_in(EVENT), finding(found).meaning_of(StatusRejected(status=500))):
            assert isinstance(error, ConfigurationError)
            assert f"not a {type(found).__name__}" in str(error)


class TestRefusals:
    def test_none_leaves_the_refusal(self) -> None:
        """As does the refusal itself."""
        refusal = StatusRejected(status=503)
        assert finding(None).meaning_of(refusal) is refusal
        assert finding(refusal).meaning_of(refusal) is refusal
        assert refusal.__cause__ is None

    def test_it_is_the_cause_of_what_it_means(self) -> None:
        """With its status, its headers and its body."""
        meaning, refusal = ProviderError(message="no"), StatusRejected(status=503)
        assert finding(meaning).meaning_of(refusal).__cause__ is refusal

    def test_a_cause_that_is_there_stays(self) -> None:
        """The function knew better."""
        meaning, cause = ProviderError(message="no"), ValueError("x")
        meaning.__cause__ = cause
        assert finding(meaning).meaning_of(StatusRejected(status=503)).__cause__ is cause

    @pytest.mark.parametrize(("own", "wait"), [(None, 7.0), (2.0, 2.0), (0.0, 0.0)])
    def test_the_wait_that_the_server_asked_for_holds(self, own: float | None, wait: float) -> None:
        """Unless the error has one of its own."""
        meaning = ProviderError(message="no", retry_after=own)
        assert finding(meaning).meaning_of(StatusRejected(status=503, retry_after=7.0)).retry_after == wait


class TestProgress:
    def test_by_default_every_event_is(self) -> None:
        """A stream lives if it gives something."""
        assert Payloads(None, None).progress_in(EVENT)

    @pytest.mark.parametrize("answer", [True, False])
    def test_the_function_says_so(self, answer: bool) -> None:
        """Of each event."""
        assert Payloads(None, lambda event: event is EVENT and answer).progress_in(EVENT) is answer


@pytest.mark.parametrize("name", ["error_in", "progress_in"])
@pytest.mark.parametrize("value", ["x", 0, False, {}, BUSY], ids=repr)
def test_what_is_no_function_is_refused(name: str, value: Any) -> None:
    """By the name of the argument."""
    with pytest.raises(ConfigurationError, match=f"{name}= takes a function"):
        Payloads(**{"error_in": None, "progress_in": None, name: value})
