"""One attempt at one event, as the command makes it: whoever handles the event, and what is told of it."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from everstream import Event
from everstream.cli.pipes import is_unread
from everstream.observe.logs import StreamLog

__all__ = ["Abandoned", "Attempt", "ToldHandler", "failure_of", "place_of"]

Attempt: TypeAlias = Callable[[Event, int], object]
"""Takes an event, and the number of the attempt at it, from 1; to return is to have handled it."""

_LONGEST_MESSAGE = 1000


class Abandoned(BaseException):
    """An attempt was ended from outside: the event was not handled, and it is no fault of the event.

    It is no `Exception`, because these count as failures of the handler, and lead to the dead letters.
    """


class ToldHandler:
    """Makes attempts, and tells in the log why one has failed: its operator owns handler and log.

    Args:
        attempt: Handles an event.
        log: Where failures are told.
    """

    def __init__(self, attempt: Attempt, log: StreamLog) -> None:
        self._attempt = attempt
        self._log = log
        self._event: Event | None = None
        self._number = 0

    def __call__(self, event: Event) -> object:
        """Handles an event; it is not handled before its output is out.

        Returns:
            What the attempt gave, for the worker to judge.

        Raises:
            Abandoned: Nobody reads the output any more, or the attempt was ended.
            Exception: What the handler raised.
        """
        self._number = self._number + 1 if event is self._event else 1
        self._event = event
        try:
            answer = self._attempt(event, self._number)
            sys.stdout.flush()
        except Exception as error:
            if is_unread(sys.stdout):
                raise Abandoned from error
            self._tell(event, error)
            raise
        return answer

    def _tell(self, event: Event, error: Exception) -> None:
        self._log.write(
            "warning",
            "handler.failed",
            {
                "attempt": self._number,
                "event_id": event.id,
                "event_type": event.type,
                "error": failure_of(error),
                "where": place_of(error),
            },
        )


def place_of(error: BaseException) -> str | None:
    """Returns the file and line where it was raised; None if that was in this package."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or Path(frames[-1].filename).parent == Path(__file__).parent:
        return None
    return f"{frames[-1].filename}:{frames[-1].lineno}"


def failure_of(error: BaseException) -> str:
    """Returns what was raised, and its message, shortened."""
    text = f"{type(error).__name__}: {error}"
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 3] + "..."
