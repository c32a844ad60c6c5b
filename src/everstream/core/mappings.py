"""Numbers that come by name, as from a file or an environment.

Rule: this module reads and checks. What is made of the numbers, `Timeouts` and `RetryPolicy` know, and what
an environment is, `settings`.

Whoever writes such a name sees no signature. So the unit is part of the name, a name that nobody knows is
an error, and all that is wrong is said at once; in one line, since logs cut at the ends of lines.

What stands in the wrong place may be a secret that got there by mistake, and errors end up in logs. So a
message shows a value only if it is as short and plain as an attempt at a number (`5s`, `1,5`, `off`). Of
everything else it tells the kind and the length.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypedDict, TypeGuard, cast

from everstream.core.arguments import LONGEST_WAIT, is_number
from everstream.core.errors import ConfigurationError
from everstream.core.wording import count, printable

__all__ = [
    "RETRY",
    "TIMEOUTS",
    "RetryNumbers",
    "Setting",
    "TimeoutNumbers",
    "read",
    "read_retry",
    "read_timeouts",
]

_BEYOND_MEASURE = 10**12
"""Greater than any number that is meant, and small enough for a float and for arithmetic."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""Less than `float` takes: no `1_000`, no `nan`, and no digits but these ten."""

_ATTEMPT = re.compile(
    r"[+-]?[0-9][0-9.,]{0,8} ?(?:[a-z%]{0,3}|seconds?|minutes?|hours?)|[+-]?(?:nan|inf|infinity)"
    r"|none|null|nil|true|false|yes|no|on|off|never|forever|unlimited|infinite|default",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A number that is set by name.

    Attributes:
        key: The name, with the unit, as in `read_seconds`.
        default: The number if it is not set. None: no limit.
        above_zero: Whether 0 is too little.
        most: The greatest number.
        whole: Whether it is a count, and not a time.
        or_none: Whether None, or the word "none", takes the limit off.
        at_most: The key of the setting that it must not be above, if there is one.
    """

    key: str
    default: float | None
    above_zero: bool = False
    most: int = _BEYOND_MEASURE
    whole: bool = False
    or_none: bool = False
    at_most: str | None = None

    @property
    def takes(self) -> str:
        """What it takes, in words."""
        words = "a whole number" if self.whole else "seconds"
        words += " above 0" if self.above_zero else ", 0 or more"
        if self.most < _BEYOND_MEASURE:
            words += f", at most {self.most}"
        return words + (', or "none" for no limit' if self.or_none else "")

    def accepts(self, value: object) -> TypeGuard[float | None]:
        """Returns whether a value, if it is no text, is a number that this setting takes."""
        if value is None:
            return self.or_none
        if not _is_measurable(value) or (self.whole and not isinstance(value, int)):
            return False
        return value <= self.most and (value > 0 if self.above_zero else value >= 0)


def _limit(key: str, default: float | None) -> Setting:
    return Setting(key=key, default=default, above_zero=True, most=LONGEST_WAIT, or_none=True)


def _wait(key: str, default: float, *, at_most: str | None = None, above_zero: bool = True) -> Setting:
    return Setting(key=key, default=default, above_zero=above_zero, most=LONGEST_WAIT, at_most=at_most)


TIMEOUTS = (
    _limit("connect_seconds", 5.0),
    _limit("read_seconds", 60.0),
    _limit("first_event_seconds", None),
    _limit("event_idle_seconds", None),
)
"""What `Timeouts.from_mapping` takes."""

# A wait of 0 would be a loop that spins at a server that is down. Who wants that can say it in code.
RETRY = (
    _wait("initial_delay_seconds", 1.0, at_most="max_delay_seconds"),
    _wait("max_delay_seconds", 30.0),
    Setting(key="max_attempts", default=None, above_zero=True, whole=True, or_none=True),
    Setting(key="max_outage_seconds", default=None, or_none=True),
    Setting(key="stable_after_seconds", default=60.0),
    _wait("min_server_delay_seconds", 0.0, at_most="max_server_delay_seconds", above_zero=False),
    _wait("max_server_delay_seconds", 300.0, above_zero=False),
)
"""What `RetryPolicy.from_mapping` takes."""


class TimeoutNumbers(TypedDict):
    """What `TIMEOUTS` gives."""

    connect_seconds: float | None
    read_seconds: float | None
    first_event_seconds: float | None
    event_idle_seconds: float | None


class RetryNumbers(TypedDict):
    """What `RETRY` gives."""

    initial_delay_seconds: float
    max_delay_seconds: float
    max_attempts: int | None
    max_outage_seconds: float | None
    stable_after_seconds: float
    min_server_delay_seconds: float
    max_server_delay_seconds: float


def read_timeouts(mapping: object) -> TimeoutNumbers:
    """Returns the numbers of `Timeouts.from_mapping`; see `read`."""
    return cast("TimeoutNumbers", read(mapping, TIMEOUTS, reader="Timeouts.from_mapping()"))


def read_retry(mapping: object) -> RetryNumbers:
    """Returns the numbers of `RetryPolicy.from_mapping`; see `read`."""
    return cast("RetryNumbers", read(mapping, RETRY, reader="RetryPolicy.from_mapping()"))


def read(
    mapping: object, settings: Iterable[Setting], *, reader: str, prefix: str = ""
) -> dict[str, float | None]:
    """Returns the numbers of all settings by key: those that the mapping has, and for the rest the defaults.

    Args:
        mapping: Numbers, or texts of numbers, by key.
        settings: What is known.
        reader: Who takes the mapping, for the message.
        prefix: What stands before each key where people see it.

    Raises:
        ConfigurationError: Something is wrong. The message tells everything that is.
    """
    if not isinstance(mapping, Mapping):
        raise ConfigurationError(f"{reader} takes a mapping, not {_described(mapping)}")
    given = cast("Mapping[object, object]", mapping)
    known = {setting.key: setting for setting in settings}
    numbers: dict[str, float | None] = {}
    problems: list[str] = []
    for key, setting in known.items():
        value = _without_text(given[key]) if key in given else setting.default
        if setting.accepts(value):
            numbers[key] = value
        else:
            problems.append(f"{prefix}{key} takes {setting.takes}, not {_described(given[key])}")
    # Which of two is greater can be said once both are numbers.
    problems = problems or list(_out_of_order(given, known, numbers, prefix))
    problems += _unknown(given, known, prefix)
    if problems:
        raise ConfigurationError(f"{reader}: {'; '.join(problems)}")
    return numbers


def _without_text(value: object) -> object:
    """Returns the number that a text is, None for "none", an int for 2.0, and anything else itself."""
    if isinstance(value, str):
        text = value.strip()
        if text.lower() == "none":
            return None
        if _WHOLE.fullmatch(text):
            return int(text)
        value = float(text) if _NUMBER.fullmatch(text) else text
    # Templates write whole numbers as 2.0 or 1e+06.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _is_measurable(value: object) -> TypeGuard[float]:
    # Compared first: a whole number may be too large for `math.isfinite`.
    return isinstance(value, (int, float)) and abs(value) <= _BEYOND_MEASURE and is_number(value)


def _out_of_order(
    given: Mapping[object, object],
    known: Mapping[str, Setting],
    numbers: Mapping[str, float | None],
    prefix: str,
) -> Iterator[str]:
    for key, setting in known.items():
        # A default is never in the way: a small max_delay_seconds alone is a wish that can be met.
        if key not in given or setting.at_most is None:
            continue
        lower, upper = numbers[key], numbers[setting.at_most]
        if lower is not None and upper is not None and lower > upper:
            unset = "" if setting.at_most in given else ", as it is unless set"
            yield f"{prefix}{key} ({lower:g}) is above {prefix}{setting.at_most} ({upper:g}{unset})"


def _unknown(given: Mapping[object, object], known: Mapping[str, Setting], prefix: str) -> Iterator[str]:
    strangers = [key for key in given if key not in known]
    yield from (_stranger(key, known, prefix) for key in strangers)
    if strangers:
        yield f"known are {', '.join(sorted(prefix + key for key in known))}"


def _stranger(key: object, known: Iterable[str], prefix: str) -> str:
    if not isinstance(key, str):
        return f"a key is {_described(key)}, not text"
    # Long enough for every name there is; difflib takes its time over long ones.
    likely = difflib.get_close_matches(key[:64], known, n=1, cutoff=0.5)
    hint = f" (did you mean {prefix}{likely[0]}?)" if likely else ""
    return f"{printable(prefix + key, 200)} is unknown{hint}"


def _described(value: object) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, (int, float)):
        return "a number beyond measure" if abs(value) > _BEYOND_MEASURE else repr(value)
    if not isinstance(value, str):
        return f"a {type(value).__name__}"
    text = value.strip()
    if not text:
        return "empty text"
    return repr(text) if _ATTEMPT.fullmatch(text) else f"text of {count(len(text), 'character')}"
