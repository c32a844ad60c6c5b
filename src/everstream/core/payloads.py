"""What payloads mean to those who know their format: errors in them, and progress.

Rule: the core knows no format. The functions are the caller's; what they say goes the way of any other
error, to the retry policy, the log and the consumer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from everstream.core.errors import ConfigurationError, EverstreamError, ResponseRejected
from everstream.core.events import Event

__all__ = ["ErrorIn", "Payloads", "ProgressIn"]

ErrorIn: TypeAlias = Callable[[Event | ResponseRejected], EverstreamError | None]
"""Returns the error that an event carries, or that a refused response means; None if there is none."""

ProgressIn: TypeAlias = Callable[[Event], bool]
"""Returns whether an event carries anything of what was asked for."""


class Payloads:
    """Asks the caller's functions.

    Args:
        error_in: Finds errors; None to find none.
        progress_in: Finds progress; None to find it in every event.

    Raises:
        ConfigurationError: One is no function.
    """

    def __init__(self, error_in: ErrorIn | None, progress_in: ProgressIn | None) -> None:
        for name, function in (("error_in", error_in), ("progress_in", progress_in)):
            if function is not None and not callable(function):
                raise ConfigurationError(f"{name}= takes a function, not a {type(function).__name__}")
        self._error_in = error_in
        self._progress_in = progress_in

    def error_in(self, event: Event) -> EverstreamError | None:
        """Returns the error that an event carries, if it carries one."""
        return None if self._error_in is None else self._error_in(event)

    def progress_in(self, event: Event) -> bool:
        """Returns whether an event is progress."""
        return self._progress_in is None or self._progress_in(event)

    def meaning_of(self, error: EverstreamError) -> EverstreamError:
        """Returns what a refused response means; any other error is what it is."""
        if self._error_in is None or not isinstance(error, ResponseRejected):
            return error
        meaning = self._error_in(error)
        if meaning is None:
            return error
        if meaning is not error and meaning.__cause__ is None:
            meaning.__cause__ = error
        return meaning
