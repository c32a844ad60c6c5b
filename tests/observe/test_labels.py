"""Errors as words of closed lists."""

from __future__ import annotations

import typing

import pytest

from everstream import (
    ConnectFailed,
    ContentTypeRejected,
    ProviderError,
    RetriesExhausted,
    StatusRejected,
    StreamInterrupted,
    StreamTimeout,
)
from everstream.core.errors import EverstreamError
from everstream.core.events import CloseReason
from everstream.observe.labels import END_OF, StreamEnd, loss_of, outcome_of
from tests.observe.measuring import ATTEMPT_ERRORS, HOSTILE, LOSSES, UnknownError


@pytest.mark.parametrize(("outcome", "error"), ATTEMPT_ERRORS.items(), ids=list(ATTEMPT_ERRORS))
def test_an_error_before_a_stream_is_open_has_an_outcome(outcome: str, error: EverstreamError) -> None:
    """Each kind of error has its word."""
    assert outcome_of(error) == outcome


@pytest.mark.parametrize(("loss", "error"), LOSSES.items(), ids=list(LOSSES))
def test_an_error_of_an_open_stream_has_a_reason(loss: str, error: EverstreamError) -> None:
    """Each kind of error has its word."""
    assert loss_of(error) == loss


def test_every_normal_end_has_a_word() -> None:
    """The words for ends are those of the reasons to close, and one for a failure."""
    assert set(END_OF) == set(typing.get_args(CloseReason))
    assert {*END_OF.values(), "failed"} == set(typing.get_args(StreamEnd))


def test_giving_up_is_labelled_by_the_last_failure() -> None:
    """`RetriesExhausted` says nothing of what befell the connection; its last error does."""
    inner = RetriesExhausted(attempts=2, elapsed=1.0, last_error=StreamTimeout(kind="read", seconds=1.0))
    outer = RetriesExhausted(attempts=2, elapsed=1.0, last_error=inner)
    assert outcome_of(outer) == "timeout"
    assert loss_of(outer) == "read_timeout"


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        (StatusRejected(status=404), "status_4xx"),
        (StatusRejected(status=529), "status_5xx"),
        (ContentTypeRejected(status=200), "not_a_stream"),
    ],
)
def test_a_refusal_is_labelled_as_one_whatever_it_means(
    refusal: StatusRejected | ContentTypeRejected, outcome: str
) -> None:
    """`error_in` gives an error of the server's own words; the response is its cause."""
    meaning = ProviderError(message=HOSTILE)
    meaning.__cause__ = refusal
    assert outcome_of(meaning) == outcome
    exhausted = RetriesExhausted(attempts=2, elapsed=1.0, last_error=meaning)
    exhausted.__cause__ = meaning
    assert outcome_of(exhausted) == outcome


def test_an_error_with_another_cause_is_labelled_by_itself() -> None:
    """Only a response says what became of an attempt."""
    error = ConnectFailed(host="a", reason="b")
    error.__cause__ = OSError("refused")
    assert outcome_of(error) == "unreachable"
    unknown = UnknownError(HOSTILE)
    unknown.__cause__ = StreamTimeout(kind="read", seconds=1.0)
    assert outcome_of(unknown) == "other"


def error_classes(kind: type[EverstreamError] = EverstreamError) -> set[type[EverstreamError]]:
    """Returns an error with all those below it."""
    return {kind}.union(*map(error_classes, kind.__subclasses__()))


def test_every_error_of_ours_has_a_label() -> None:
    """An error that is new is given its words, or its place among those that end no connection."""
    examples = [*ATTEMPT_ERRORS.values(), *LOSSES.values()]
    labelled = {type(error) for error in examples if {outcome_of(error), loss_of(error)} != {"other"}}
    bases = {"EverstreamError", "ResponseRejected", "PayloadError"}
    end_no_connection = {"InvalidJSON", "HandlerFailed", "AnswerIncomplete"}
    unwrapped = {"RetriesExhausted"}
    ours = {kind for kind in error_classes() if kind.__module__.startswith("everstream.")}
    assert {kind.__name__ for kind in ours - labelled} <= bases | end_no_connection | unwrapped


@pytest.mark.parametrize("status", [100, 204, 304, 399, 600, 999, 0, -1])
def test_a_status_of_no_known_class_has_a_label(status: int) -> None:
    """Only those of 400 to 599 are told apart."""
    assert outcome_of(StatusRejected(status=status)) == "not_a_stream"


def test_a_class_below_ours_has_the_label_of_ours() -> None:
    """A more exact error of a later release, or of a caller, is labelled as what it is one of."""

    class ProxyFailed(ConnectFailed):
        pass

    assert outcome_of(ProxyFailed(host="a", reason="b")) == "unreachable"


def test_what_is_not_in_the_lists_is_other() -> None:
    """Reasons and kinds that no list has do not come through."""
    hostile = typing.cast("typing.Any", HOSTILE)
    assert loss_of(StreamInterrupted(reason=hostile)) == "other"
    assert loss_of(StreamTimeout(kind=hostile, seconds=1.0)) == "other"
    assert loss_of(UnknownError(HOSTILE)) == "other"
