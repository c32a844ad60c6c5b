"""Errors as labels of metrics: from what can go wrong to closed lists of words.

Rule: a label is one of the words that stand here, whatever the error holds. Each list is closed by a word
for what is not known yet, so that these functions are total. The tables in the documentation are checked
against these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeVar

from everstream.core.errors import (
    CertificateInvalid,
    CheckpointError,
    ConfigurationError,
    ConnectFailed,
    ContentTypeRejected,
    EventTooLarge,
    EverstreamError,
    InterruptionReason,
    PayloadError,
    RedirectRejected,
    ResponseRejected,
    RetriesExhausted,
    StatusRejected,
    StreamIncomplete,
    StreamInterrupted,
    StreamTimeout,
    TimeoutKind,
)
from everstream.core.events import CloseReason

__all__ = ["END_OF", "ConnectOutcome", "ConnectionLoss", "StreamEnd", "loss_of", "outcome_of"]

ConnectOutcome = Literal[
    "opened",
    "no_content",
    "status_4xx",
    "status_5xx",
    "not_a_stream",
    "redirect",
    "resume_rejected",
    "unreachable",
    "certificate",
    "timeout",
    "checkpoint",
    "invalid_request",
    "given_up",
    "other",
]
"""What became of an attempt to connect."""

ConnectionLoss = Literal[
    "eof",
    "unfinished_block",
    "reset",
    "broken_chunk",
    "short_body",
    "undecodable_body",
    "read_timeout",
    "first_event_timeout",
    "event_idle_timeout",
    "event_too_large",
    "incomplete",
    "error_event",
    "checkpoint",
    "other",
]
"""Why an open connection was lost."""

StreamEnd = Literal["close", "eof", "no_content", "until", "failed"]
"""How a stream ended, for good."""

_OUTCOMES: Mapping[type[EverstreamError], ConnectOutcome] = {
    StatusRejected: "not_a_stream",  # those of 400 and above are told apart below
    ContentTypeRejected: "not_a_stream",
    RedirectRejected: "redirect",
    ConnectFailed: "unreachable",
    CertificateInvalid: "certificate",
    StreamTimeout: "timeout",
    CheckpointError: "checkpoint",
    ConfigurationError: "invalid_request",
}
_OUTCOMES_BY_STATUS: Mapping[int, ConnectOutcome] = {4: "status_4xx", 5: "status_5xx"}

_LOSSES: Mapping[type[EverstreamError], ConnectionLoss] = {
    EventTooLarge: "event_too_large",
    StreamIncomplete: "incomplete",
    PayloadError: "error_event",
    CheckpointError: "checkpoint",
}
_LOSSES_BY_REASON: Mapping[InterruptionReason, ConnectionLoss] = {
    "eof": "eof",
    "unfinished block": "unfinished_block",
    "reset": "reset",
    "broken chunk": "broken_chunk",
    "short body": "short_body",
    "undecodable body": "undecodable_body",
}
_LOSSES_BY_TIMEOUT: Mapping[TimeoutKind, ConnectionLoss] = {
    "read": "read_timeout",
    "first_event": "first_event_timeout",
    "event_idle": "event_idle_timeout",
}

END_OF: Mapping[CloseReason, StreamEnd] = {
    "close": "close",
    "eof": "eof",
    "no content": "no_content",
    "until": "until",
}
"""The words for normal ends."""

Label = TypeVar("Label", ConnectOutcome, ConnectionLoss)


def outcome_of(error: EverstreamError) -> ConnectOutcome:
    """Returns the outcome of an attempt that ended with this error before a stream was open."""
    error = _last_of(error)
    if isinstance(error.__cause__, ResponseRejected):
        # What the refusal means is told apart by its words, which are no labels.
        error = error.__cause__
    if isinstance(error, StatusRejected) and error.status // 100 in _OUTCOMES_BY_STATUS:
        return _OUTCOMES_BY_STATUS[error.status // 100]
    return _nearest(error, _OUTCOMES) or "other"


def loss_of(error: EverstreamError) -> ConnectionLoss:
    """Returns why a connection was lost that ended with this error after it was open."""
    error = _last_of(error)
    if isinstance(error, StreamInterrupted):
        return _LOSSES_BY_REASON.get(error.reason, "other")
    if isinstance(error, StreamTimeout):
        return _LOSSES_BY_TIMEOUT.get(error.kind, "other")
    return _nearest(error, _LOSSES) or "other"


def _last_of(error: EverstreamError) -> EverstreamError:
    # That the policy gave up is another matter than what befell the last connection.
    while isinstance(error, RetriesExhausted):
        error = error.last_error
    return error


def _nearest(error: EverstreamError, labels: Mapping[type[EverstreamError], Label]) -> Label | None:
    return next((labels[kind] for kind in type(error).__mro__ if kind in labels), None)
