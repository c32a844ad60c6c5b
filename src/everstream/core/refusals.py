"""Refusals that another request may overcome: of a credential that is renewed, of a cursor that is gone.

Rule: it judges errors, and keeps no more than whether a credential was refused just now.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from everstream.core.errors import ConfigurationError, EverstreamError, StatusRejected
from everstream.core.events import ResumeRejected

__all__ = ["RESUME_REJECTED_ON", "OnResumeRejected", "Refusals"]

RESUME_REJECTED_ON = (404, 409, 410, 412)
"""Statuses by which real servers say that they no longer have what a cursor asks for."""

OnResumeRejected = Literal["fail", "restart"]
"""What follows when a server refuses the cursor: the end, or a start without it, with a gap."""


class Refusals:
    """What the refusals of one event source mean.

    Args:
        credentials_renewed: Whether each request has fresh credentials.
        resume_rejected_on: The statuses that refuse a cursor, if one was sent.
        on_resume_rejected: What then follows.

    Raises:
        ConfigurationError: An argument cannot work.
    """

    def __init__(
        self,
        credentials_renewed: bool,
        resume_rejected_on: Collection[int],
        on_resume_rejected: OnResumeRejected,
    ) -> None:
        if on_resume_rejected not in get_args(OnResumeRejected):
            raise ConfigurationError(
                f"on_resume_rejected= takes 'fail' or 'restart', not {on_resume_rejected!r}"
            )
        self._statuses = _statuses(resume_rejected_on)
        self._restarts = on_resume_rejected == "restart"
        self._credentials_renewed = credentials_renewed
        self._refused_credentials = False

    def opened(self) -> None:
        """Notes that a request was accepted."""
        self._refused_credentials = False

    def of_cursor(self, error: EverstreamError, cursor: str) -> ResumeRejected | None:
        """Returns what to tell the consumer if an error refuses the cursor that was sent, else None."""
        if not (cursor and isinstance(error, StatusRejected) and error.status in self._statuses):
            return None
        return ResumeRejected(error, cursor, self._restarts)

    def is_worth_new_credentials(self, error: EverstreamError) -> bool:
        """Returns whether a refused credential may be followed by one more request."""
        if not (self._credentials_renewed and isinstance(error, StatusRejected) and error.status == 401):
            return False
        # Once in a row: the second refusal is an answer.
        first, self._refused_credentials = not self._refused_credentials, True
        return first


def _statuses(given: Collection[int]) -> frozenset[int]:
    try:
        statuses = frozenset(given)
    except TypeError:
        statuses = frozenset({0})
    # 200 and 204 are no refusals, and what is no status at all would be a mistake in silence.
    if not all(type(status) is int and 205 <= status <= 599 for status in statuses):
        raise ConfigurationError(f"resume_rejected_on= takes a set of HTTP statuses, not {given!r}")
    return statuses
