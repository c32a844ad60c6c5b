"""What the values of options mean that several commands have."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from everstream import ConfigurationError, FullJitter, RetryPolicy, Timeouts

__all__ = ["Fields", "header_fields", "is_named", "limits", "retry_policy", "token_in"]

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_NOT_IN_A_VALUE = re.compile("[\r\n\0]")

Fields = dict[str, bytes]
"""Header fields."""


def header_fields(headers: Sequence[str]) -> Fields:
    """Returns header fields from the values of `--header`.

    Raises:
        ConfigurationError: One of them is none.
    """
    fields: Fields = {}
    spellings: dict[str, str] = {}
    for header in headers:
        name, value = _parsed(header)
        name = spellings.setdefault(name.lower(), name)
        # A repeated field is a list (RFC 9110, 5.3); cookies have a separator of their own.
        separator = b"; " if name.lower() == "cookie" else b", "
        fields[name] = fields[name] + separator + value if name in fields else value
    if "content-type" in spellings:
        fields["Content-Type"] = fields.pop(spellings["content-type"])
    return fields


def is_named(name: str, fields: Fields) -> bool:
    """Returns whether a field of this name, in lower case, is among some."""
    return any(field.lower() == name for field in fields)


def _parsed(header: str) -> tuple[str, bytes]:
    name, colon, value = header.partition(":")
    if not colon or not _FIELD_NAME.fullmatch(name) or _NOT_IN_A_VALUE.search(value):
        # What was given is not repeated: it may be a token.
        raise ConfigurationError("--header takes 'Name: value'")
    return name, os.fsencode(value.strip(" \t"))


def token_in(variable: str, *, named_by: str) -> bytes:
    """Returns the token that an environment variable holds.

    Args:
        variable: The variable.
        named_by: What the user said to have it looked for, for the message.

    Raises:
        ConfigurationError: There is none.
    """
    token = os.environ.get(variable, "").strip()
    if not token or _NOT_IN_A_VALUE.search(token):
        raise ConfigurationError(f"{named_by}: the environment variable is not set, or holds no token")
    return os.fsencode(token)


def limits(said: Mapping[str, str | None], **defaults: float) -> Timeouts:
    """Returns limits on waiting.

    Args:
        said: What the options said, by the name of the limit.
        defaults: Seconds, where they are not those of `Timeouts`.

    Raises:
        ConfigurationError: A value is no limit; the message names the option.
    """
    return Timeouts(**{
        **defaults,
        **{
            name: _seconds(f"--{name.replace('_', '-')}-timeout", text)
            for name, text in said.items()
            if text is not None
        },
    })  # fmt: skip


def _seconds(option: str, text: str) -> float | None:
    if text.lower() == "none":
        return None
    try:
        return Timeouts(read=float(text)).read
    except ValueError:  # a ConfigurationError is one, too
        raise ConfigurationError(f"{option} takes seconds above 0, or none for no limit") from None


def retry_policy(attempts: int | None, delay: float | None) -> RetryPolicy:
    """Returns when to try again, by `--max-attempts` and `--max-delay`."""
    wait = FullJitter() if delay is None else FullJitter(cap=delay)
    policy = RetryPolicy.forever(wait=wait) if attempts is None else RetryPolicy.attempts(attempts, wait=wait)
    return policy if delay is None else replace(policy, max_server_delay=delay)
