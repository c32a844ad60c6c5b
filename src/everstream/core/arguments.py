"""Checks of arguments, so that what cannot work is said when it is passed, and by its name."""

from __future__ import annotations

import math
from typing import TypeGuard

from everstream.core.errors import ConfigurationError

__all__ = ["LONGEST_WAIT", "is_number", "require_count", "require_kind", "require_seconds"]


LONGEST_WAIT = 2_000_000
"""Seconds, 23 days: the system counts a socket's timeout in milliseconds, in 31 bits, and a longer one
would pass at once."""


def require_kind(kind: type, **arguments: object) -> None:
    """Raises `ConfigurationError` unless each argument is a `kind`, or None."""
    for name, value in arguments.items():
        if value is not None and not isinstance(value, kind):
            raise ConfigurationError(f"{name}= takes a {kind.__name__}, not a {type(value).__name__}")


def require_seconds(owner: str, **arguments: object) -> None:
    """Raises `ConfigurationError` unless each argument is a finite number of seconds, 0 or more."""
    for name, value in arguments.items():
        if not is_number(value) or value < 0:
            raise ConfigurationError(f"{owner}({name}=...) takes seconds, 0 or more, not {value!r}")


def require_count(what: str, value: object) -> None:
    """Raises `ConfigurationError` unless a value is a whole number above 0."""
    if not is_number(value) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{what} takes a whole number above 0, not {value!r}")


def is_number(value: object) -> TypeGuard[float]:
    """Returns whether a value is a finite number, for which a bool is too odd."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False
