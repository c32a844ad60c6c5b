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
        return self._found_in(event)

    def progress_in(self, event: Event) -> bool:
        """Returns whether an event is progress."""
        return self._progress_in is None or bool(self._progress_in(event))

    def meaning_of(self, error: EverstreamError) -> EverstreamError:
        """Returns what a refused response means; any other error is what it is."""
        meaning = self._found_in(error) if isinstance(error, ResponseRejected) else None
        if meaning is None or meaning is error:
            return error
        if meaning.__cause__ is None:
            meaning.__cause__ = error
        if meaning.retry_after is None:
            # What the server asked for holds, whatever its refusal means.
            meaning.retry_after = error.retry_after
        return meaning

    def _found_in(self, found: Event | ResponseRejected) -> EverstreamError | None:
        if self._error_in is None:
            return None
        try:
            return _checked(self._error_in(found))
        except EverstreamError as raised:
            # Such as the `InvalidJSON` of an event that was parsed to look for one.
            return raised


def _checked(error: object) -> EverstreamError | None:
    if error is None or isinstance(error, EverstreamError):
        return error
    return ConfigurationError(f"error_in= gives an EverstreamError or None, not a {type(error).__name__}")
