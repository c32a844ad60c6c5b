"""Which refusals another request may overcome."""

from __future__ import annotations

from typing import Any

import pytest

from everstream.core.errors import (
    ConfigurationError,
    ConnectFailed,
    ContentTypeRejected,
    EverstreamError,
    RedirectRejected,
    StatusRejected,
)
from everstream.core.events import ResumeRejected
from everstream.core.refusals import RESUME_REJECTED_ON, Refusals


def refusals(**options: Any) -> Refusals:
    """Makes one with the defaults of an event source."""
    defaults: dict[str, Any] = {
        "credentials_renewed": False,
        "resume_rejected_on": RESUME_REJECTED_ON,
        "on_resume_rejected": "fail",
    }
    return Refusals(**{**defaults, **options})


class TestOfACursor:
    @pytest.mark.parametrize("status", [404, 409, 410, 412])
    @pytest.mark.parametrize("choice", ["fail", "restart"])
    def test_the_statuses_of_real_servers_refuse_it(self, status: int, choice: str) -> None:
        """The consumer is told which refusal, of which cursor, and what was chosen."""
        error = StatusRejected(status=status)
        rejected = refusals(on_resume_rejected=choice).of_cursor(error, "7")
        assert rejected == ResumeRejected(error, "7", restarts=choice == "restart")

    def test_without_a_cursor_nothing_refuses_it(self) -> None:
        """A 404 is then a 404."""
        assert refusals().of_cursor(StatusRejected(status=404), "") is None

    @pytest.mark.parametrize(
        "error",
        [
            *(StatusRejected(status=code) for code in range(100, 600) if code not in RESUME_REJECTED_ON),
            ContentTypeRejected(status=200),
            RedirectRejected(status=410, reason="odd"),
            ConnectFailed(host="a", reason="b"),
        ],
        ids=str,
    )
    def test_nothing_else_refuses_it(self, error: EverstreamError) -> None:
        """Neither another status nor another error."""
        assert refusals().of_cursor(error, "7") is None

    def test_the_statuses_are_the_callers(self) -> None:
        """In place of ours; none of them, if none is wished."""
        error = StatusRejected(status=400)
        own = refusals(resume_rejected_on={400})
        assert own.of_cursor(error, "7") is not None
        assert own.of_cursor(StatusRejected(status=410), "7") is None
        assert refusals(resume_rejected_on=()).of_cursor(StatusRejected(status=410), "7") is None

    @pytest.mark.parametrize(
        "statuses", [410, None, "410", ["410"], [200], [204], [99], [600], [410, None], [4.1], [True]]
    )
    def test_what_is_no_set_of_statuses_is_refused(self, statuses: object) -> None:
        """And so is a success: it refuses nothing."""
        with pytest.raises(ConfigurationError, match="resume_rejected_on="):
            refusals(resume_rejected_on=statuses)

    @pytest.mark.parametrize("choice", ["", "stop", None, True])
    def test_what_is_no_choice_is_refused(self, choice: object) -> None:
        """The message names both."""
        with pytest.raises(ConfigurationError, match="'fail' or 'restart'"):
            refusals(on_resume_rejected=choice)


class TestOfACredential:
    def test_renewed_ones_are_worth_one_more_request(self) -> None:
        """Once in a row: the second refusal is an answer; and again after a request was accepted."""
        refused = StatusRejected(status=401)
        judge = refusals(credentials_renewed=True)
        assert [judge.is_worth_new_credentials(refused) for _ in range(3)] == [True, False, False]
        judge.opened()
        assert [judge.is_worth_new_credentials(refused) for _ in range(2)] == [True, False]
        judge.opened()
        assert judge.is_worth_new_credentials(refused)

    def test_fixed_ones_are_not(self) -> None:
        """They would be refused again."""
        assert not refusals().is_worth_new_credentials(StatusRejected(status=401))

    @pytest.mark.parametrize("error", [StatusRejected(status=403), ConnectFailed(host="a", reason="b")])
    def test_nothing_but_401_asks_for_new_ones(self, error: EverstreamError) -> None:
        """403 says that it would not help."""
        assert not refusals(credentials_renewed=True).is_worth_new_credentials(error)
