"""What is asked of a model API, and how: where, with which key, and what belongs to the stream."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from everstream.clock import Clock
from everstream.core.errors import ConfigurationError, ProviderError
from everstream.core.reconnection import RetryPolicy
from everstream.core.resumption import QueryCursor, Resumption
from everstream.core.timeouts import Timeouts
from everstream.observe.logs import LoggerLike
from everstream.source.options import MetricsLike
from everstream.transports.sync import Session

__all__ = [
    "ANEW",
    "Conversation",
    "Key",
    "ModelRequest",
    "StreamOptions",
    "base_url_of",
    "body_of",
    "conversation_of",
    "key_of",
    "require",
    "resuming",
]

Key: TypeAlias = str | Callable[[], str]
"""An API key, or a function of no arguments that gives one for each attempt."""

Conversation: TypeAlias = str | Sequence[Mapping[str, object]]
"""Messages, as the API has them; a text is one message of the user."""

_READ_SECONDS = 600.0
"""A model may think for minutes before its first byte, and a request that is given up is paid for."""

_ATTEMPTS = 3
"""Somebody waits for an answer: after these, an error says more than further waiting."""

_ATTEMPTS_TO_RESUME = 10
"""What goes on at the server is paid for already, and to ask for the rest of it costs nothing."""

_LEAST_SECRET = 8
"""Characters: servers that ask for no key are sent words such as `none`, which are no secret."""

_UNAUTHORIZED = (401, 403)
_SECRET_HEADER = re.compile(r"(?i)auth|key|token|secret")


ANEW = QueryCursor("none", of=lambda event: None)
"""Begins anew with each attempt: ids of events, if a server gives any, are no way to the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """What belongs to the stream, whatever the API.

    Attributes:
        session: A session of requests.
        timeouts: Limits on waiting; by default 5 s for a connection, and 600 s of silence.
        retry: When to try again before the first delta; by default three attempts in all.
        name: The user's name for the stream.
        logger: Where log records go.
        metrics: What measures the stream.
        clock: The time.
        keep_chunks: Whether payloads are kept.
    """

    session: Session | None
    timeouts: Timeouts | None
    retry: RetryPolicy | None
    name: str | None
    logger: LoggerLike | None
    metrics: MetricsLike | None
    clock: Clock | None
    keep_chunks: bool

    def __post_init__(self) -> None:
        if self.timeouts is None:
            object.__setattr__(self, "timeouts", Timeouts(read=_READ_SECONDS))
        if self.retry is None:
            object.__setattr__(self, "retry", RetryPolicy.attempts(_ATTEMPTS))


@dataclass(kw_only=True)
class ModelRequest:
    """One request; its representation shows none of it.

    Attributes:
        url: Where to.
        key: The API key, if there is one.
        key_header: The header that takes it.
        key_scheme: What stands before it there.
        key_variables: Where else it was looked for.
        extra_headers: Header fields of the format, and over them the caller's.
        body: The body, to be sent as JSON; None for a GET.
        params: Query parameters.
        resume: How to ask for the rest of a stream.
        last_event_id: Where to begin.
    """

    url: str = field(repr=False)
    key: Key | None = field(repr=False)
    key_header: str
    key_variables: tuple[str, ...]
    extra_headers: Mapping[str, str] = field(repr=False)
    key_scheme: str = ""
    body: Mapping[str, object] | None = field(default=None, repr=False)
    params: Mapping[str, str] | None = field(default=None, repr=False)
    resume: Resumption | None = None
    last_event_id: str | None = None
    _secrets: Sequence[str] = field(default=(), init=False, repr=False)

    @property
    def method(self) -> str:
        """The request's method."""
        return "GET" if self.body is None else "POST"

    def headers(self) -> Mapping[str, str] | Callable[[], Mapping[str, str]]:
        """Returns the header fields, or a function that gives them for each attempt if the key is one."""
        return self._headers if callable(self.key) else self._headers()

    def explain(self, error: ProviderError) -> None:
        """Takes the key out of what the server said, and says if it was missing."""
        for secret in self._secrets:
            # Some servers repeat the key that they refuse.
            error.message = _without(secret, error.message)
        if error.status in _UNAUTHORIZED and not self._secrets:
            variables = " or ".join(self.key_variables)
            error.message = f"{error.message} (no key was given, and {variables} is not set)"

    def _headers(self) -> Mapping[str, str]:
        key = _text_of(self.key() if callable(self.key) else self.key)
        own = {self.key_header: self.key_scheme + key} if key else {}
        headers = {**own, **self.extra_headers}
        values = (
            str(value).rpartition(" ")[2] for name, value in headers.items() if _SECRET_HEADER.search(name)
        )
        self._secrets = [value for value in values if value]
        return headers


def _text_of(key: object) -> str:
    if not (key is None or isinstance(key, str)):
        raise ConfigurationError(f"the function api_key= gives text, not a {type(key).__name__}")
    # Variables and files often end with a line feed, which no header can have.
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigurationError("the API key holds characters that no header can hold")
    return key


def _without(secret: str, message: str) -> str:
    if len(secret) < _LEAST_SECRET:
        return message
    message = message.replace(secret, "***")
    # What is too long for an excerpt may end inside of it.
    cut = message.removesuffix("...")
    shown = next((n for n in range(len(secret) - 1, _LEAST_SECRET - 1, -1) if cut.endswith(secret[:n])), 0)
    return f"{cut[:-shown]}***" if shown else message


def base_url_of(given: str | None, variable: str, default: str) -> str:
    """Returns where an API is: as given, or as the environment says, or its provider's."""
    return (given or os.environ.get(variable) or default).rstrip("/")


def key_of(given: Key | None, *variables: str) -> Key | None:
    """Returns the key: as given, or as the environment says; None if there is none, which some servers allow.

    Raises:
        ConfigurationError: It can be no key.
    """
    if not (given is None or isinstance(given, str) or callable(given)):
        raise ConfigurationError(f"api_key= takes text or a function, not a {type(given).__name__}")
    return given or next((value for name in variables if (value := os.environ.get(name))), None)


def require(**required: object) -> None:
    """Raises `ConfigurationError` if an argument is missing."""
    missing = [f"{name}=" for name, value in required.items() if not value]
    if missing:
        raise ConfigurationError(f"a model stream needs {' and '.join(missing)}")


def resuming(retry: RetryPolicy | None) -> RetryPolicy:
    """Returns when to try again to get the rest of what was begun, if nobody said."""
    return RetryPolicy.attempts(_ATTEMPTS_TO_RESUME) if retry is None else retry


def conversation_of(messages: Conversation) -> Sequence[Mapping[str, object]]:
    """Returns messages as the API has them."""
    return [{"role": "user", "content": messages}] if isinstance(messages, str) else messages


def body_of(parameters: Mapping[str, object]) -> Mapping[str, object]:
    """Returns the body of a request that is to be streamed; parameters that are None are left out.

    Raises:
        ConfigurationError: It is not to be streamed.
    """
    if parameters.get("stream", True) is not True:
        raise ConfigurationError("stream= is always true here")
    return {**{name: value for name, value in parameters.items() if value is not None}, "stream": True}
