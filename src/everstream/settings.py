"""Arguments of an event source from environment variables, for those who operate what others wrote.

Rule: the environment is read here, when somebody asks for it, and nowhere else in the library. What a value
may be, `core/mappings` says.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypedDict, cast

from everstream.core.errors import ConfigurationError
from everstream.core.mappings import RETRY, TIMEOUTS, Setting, read
from everstream.core.parsing import DEFAULT_MAX_EVENT_BYTES
from everstream.core.reconnection import RetryPolicy
from everstream.core.timeouts import Timeouts
from everstream.core.wording import printable

__all__ = ["VARIABLES", "Settings", "settings_from_env"]


class Settings(TypedDict, total=False):
    """Arguments of `EventSource`: only those that were set, and values of them without gaps.

    Attributes:
        timeouts: If any of its numbers was set; the others have their defaults.
        retry: If any of its numbers was set; the others have their defaults.
        checkpoint_interval: Seconds between two saves of the cursor.
        max_event_bytes: The most bytes that an event, or a line, may have.
        max_unacknowledged: The most events that may wait for their acknowledgement.
    """

    timeouts: Timeouts
    retry: RetryPolicy
    checkpoint_interval: float
    max_event_bytes: int
    max_unacknowledged: int


_PREFIX = re.compile(r"[A-Z][A-Z0-9_]*_")

_OF_KUBERNETES = re.compile(
    r"(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
"""What Kubernetes sets in each container for each service. A service `orders-stream`, which others may add at
any time, gives `ORDERS_STREAM_PORT`: no typing error of anybody, and no reason not to start."""


def _variables(group: str, settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """Returns settings by the names of their variables, without the prefix."""
    return tuple(
        replace(
            setting,
            key=group + setting.key.upper(),
            at_most=None if setting.at_most is None else group + setting.at_most.upper(),
        )
        for setting in settings
    )


_OWN = {
    "checkpoint_interval": Setting(key="CHECKPOINT_INTERVAL_SECONDS", default=1.0),
    "max_event_bytes": Setting(
        key="MAX_EVENT_BYTES", default=DEFAULT_MAX_EVENT_BYTES, above_zero=True, whole=True
    ),
    "max_unacknowledged": Setting(key="MAX_UNACKNOWLEDGED", default=1000, above_zero=True, whole=True),
}

VARIABLES = (*_variables("TIMEOUT_", TIMEOUTS), *_variables("RETRY_", RETRY), *_OWN.values())
"""What `settings_from_env` takes, by the names after the prefix."""


def settings_from_env(prefix: str, environ: Mapping[str, str] | None = None) -> Settings:
    """Returns arguments for an `EventSource` from the environment variables that begin with a prefix.

    As in `EventSource(url, **settings_from_env("ORDERS_STREAM_"))`; only what is set is among them.

    Every variable with the prefix must be known, so that a misspelt one is not passed over; take a
    prefix that is used for nothing else. (Those that Kubernetes sets for its services, such as
    `ORDERS_STREAM_SERVICE_HOST`, are passed over.)

    Args:
        prefix: What the names begin with: capitals, digits and underscores, an underscore at the end.
        environ: The variables; those of the process by default.

    Raises:
        ConfigurationError: The prefix is none; a variable is unknown, or its value is wrong. The message
            names all such variables.
    """
    if not _PREFIX.fullmatch(str(prefix)):
        raise ConfigurationError(
            f"a prefix of environment variables is in capitals and ends in an underscore, as in "
            f"'ORDERS_STREAM_'; it is not '{printable(str(prefix))}'"
        )
    given = {
        name.removeprefix(prefix): value
        for name, value in (os.environ if environ is None else environ).items()
        if name.startswith(prefix) and not _OF_KUBERNETES.fullmatch(name, len(prefix))
    }
    numbers = read(given, VARIABLES, reader="the environment", prefix=prefix)
    settings: dict[str, object] = {
        argument: numbers[setting.key] for argument, setting in _OWN.items() if setting.key in given
    }
    if timeouts := _part(given, "TIMEOUT_"):
        settings["timeouts"] = Timeouts.from_mapping(timeouts)
    if retry := _part(given, "RETRY_"):
        settings["retry"] = RetryPolicy.from_mapping(retry)
    return cast("Settings", settings)


def _part(given: Mapping[str, str], group: str) -> dict[str, str]:
    return {name.removeprefix(group).lower(): text for name, text in given.items() if name.startswith(group)}
