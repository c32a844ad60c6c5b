"""Credentials, taken out of what servers say: some repeat the key that they refuse."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import cast
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["secrets_of_auth", "secrets_of_headers", "secrets_of_url", "without"]

_SECRET_NAME = re.compile(r"(?i)auth|key|token|secret")

_LEAST_SECRET = 8
"""Characters: servers that ask for no key are sent words such as `none`, which are no secret."""


def secrets_of_headers(headers: Mapping[str, str] | Mapping[str, str | bytes]) -> Iterator[str]:
    """Yields the credentials in header fields, without the scheme before them."""
    for name, value in headers.items():
        if _SECRET_NAME.search(_text_of(name)) and (secret := _text_of(value).rpartition(" ")[2]):
            yield secret


def secrets_of_auth(auth: object) -> Iterator[str]:
    """Yields the credentials in what a session of requests has as `auth`, as far as they can be known."""
    if isinstance(auth, tuple):
        yield from _basic(*map(_text_of, cast("tuple[object, ...]", auth)))
    else:
        yield from _basic(_text_of(getattr(auth, "username", "")), _text_of(getattr(auth, "password", "")))
        yield from filter(None, [_text_of(getattr(auth, "token", ""))])


def secrets_of_url(url: str) -> Iterator[str]:
    """Yields the credentials in a URL: the password, and parameters by the names of keys."""
    try:
        parts = urlsplit(url)
    except ValueError:
        # It can be no URL, and nothing was sent.
        return
    yield from _basic(unquote(parts.username or ""), unquote(parts.password or ""))
    yield from (value for name, value in parse_qsl(parts.query) if _SECRET_NAME.search(name))


def without(secrets: Iterable[str], message: str) -> str:
    """Returns a message without credentials."""
    # The longest first: one may hold another.
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _LEAST_SECRET:
            message = _without(secret, message)
    return message


def _without(secret: str, message: str) -> str:
    message = message.replace(secret, "***")
    # What is too long for an excerpt may end inside of it.
    cut = message.removesuffix("...")
    shown = next((n for n in range(len(secret) - 1, _LEAST_SECRET - 1, -1) if cut.endswith(secret[:n])), 0)
    return f"{cut[:-shown]}***" if shown else message


def _basic(user: str = "", password: str = "", *_: str) -> Iterator[str]:
    if password:
        yield password
        yield b64encode(f"{user}:{password}".encode()).decode()


def _text_of(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value if isinstance(value, str) else ""
