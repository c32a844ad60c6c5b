"""What is asked of a model API, and how: where, with which key, and what belongs to the stream."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

from everstream.clock import Clock
from everstream.core.errors import ConfigurationError, ContentTypeRejected, ProviderError, ResponseRejected
from everstream.core.errors.payload import MESSAGE_CHARACTERS
from everstream.core.reconnection import RetryPolicy
from everstream.core.resumption import QueryCursor, Resumption
from everstream.core.timeouts import Timeouts
from everstream.llm.arguments import Conversation, body_of, conversation_of, parameters_of, require
from everstream.llm.redaction import secrets_of_auth, secrets_of_headers, secrets_of_url, without
from everstream.observe.logs import LoggerLike, public_url
from everstream.source.options import MetricsLike
from everstream.transports.sync import Session

__all__ = [
    "ANEW",
    "ATTEMPTS",
    "LONGEST_FLOOR",
    "READ_SECONDS",
    "Conversation",
    "Key",
    "ModelRequest",
    "StreamOptions",
    "base_url_of",
    "body_of",
    "conversation_of",
    "endpoint_of",
    "key_of",
    "parameters_of",
    "require",
    "resuming",
    "under",
]

Key: TypeAlias = str | Callable[[], str]
"""An API key, or a function of no arguments that gives one for each attempt."""

READ_SECONDS = 600.0
"""A model may think for minutes before its first byte, and a request that is given up is paid for."""

ATTEMPTS = 3
"""Somebody waits for an answer: after these, an error says more than further waiting."""

_ATTEMPTS_TO_RESUME = 10
"""What goes on at the server is paid for already, and to ask for the rest of it costs nothing."""

LONGEST_FLOOR = 60.0
"""Seconds: who asks for a longer wait, as for the rest of a day, had better be told than waited for."""

_UNAUTHORIZED = (401, 403)
_OF_A_WRONG_URL = (404, 405)


ANEW = QueryCursor("none", of=lambda event: None)
"""Begins anew with each attempt: ids of events, if a server gives any, are no way to the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """What belongs to the stream, whatever the API.

    Attributes:
        session: A session of requests.
        timeouts: Limits on waiting; by default 5 s for a connection, and 600 s of silence.
        retry: When to try again before the first delta; by default three attempts in all, and no
            wait of more than 60 s because a server asks for it.
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
            object.__setattr__(self, "timeouts", Timeouts(read=READ_SECONDS))
        if self.retry is None:
            policy = replace(RetryPolicy.attempts(ATTEMPTS), max_server_delay=LONGEST_FLOOR)
            object.__setattr__(self, "retry", policy)


@dataclass(kw_only=True)
class ModelRequest:
    """One request; its representation shows none of it.

    Attributes:
        url: Where to.
        key: The API key, if there is one.
        key_header: The header that takes it.
        key_scheme: What stands before it there.
        key_variables: Where else it was looked for.
        own_headers: Header fields of the format.
        extra_headers: The caller's, over all others.
        body: The body, to be sent as JSON; None for a GET.
        params: Query parameters.
        resume: How to ask for the rest of a stream.
        last_event_id: Where to begin.
        session: The caller's session, which may bring credentials of its own.
    """

    url: str = field(repr=False)
    key: Key | None = field(repr=False)
    key_header: str
    key_variables: tuple[str, ...]
    extra_headers: Mapping[str, str] = field(repr=False)
    key_scheme: str = ""
    own_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, object] | None = field(default=None, repr=False)
    params: Mapping[str, str] | None = field(default=None, repr=False)
    resume: Resumption | None = None
    last_event_id: str | None = None
    session: Session | None = field(default=None, repr=False)
    _secrets: Sequence[str] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        _require_mapping(self.extra_headers)

    @property
    def method(self) -> str:
        """The request's method."""
        return "GET" if self.body is None else "POST"

    def headers(self) -> Mapping[str, str] | Callable[[], Mapping[str, str]]:
        """Returns the header fields, or a function that gives them for each attempt if the key is one."""
        return self._headers if callable(self.key) else self._headers()

    def explain(self, error: ProviderError) -> None:
        """Takes credentials out of what the server said; says if there were none, and where it was asked."""
        secrets = [*self._secrets, *secrets_of_url(self.url), *self._secrets_of_session()]
        error.message = without(secrets, error.message)
        error.type = error.type and without(secrets, error.type)
        error.code = error.code and without(secrets, error.code)
        if error.status in _UNAUTHORIZED and not (secrets or (self.session and self.session.auth)):
            unset = "" if self.key is not None else f", and {' or '.join(self.key_variables)} is not set"
            _append(error, f" (no key was given{unset})")
        # What is resumed may have been asked for elsewhere, where what it had begun was gone.
        asks_elsewhere = self.resume is not None and self.body is not None
        if _may_be_of_the_url(error) and not asks_elsewhere:
            _append(error, f" (it was asked at {public_url(self.url)})")

    def _secrets_of_session(self) -> list[str]:
        if self.session is None:
            return []
        return [*secrets_of_headers(self.session.headers), *secrets_of_auth(self.session.auth)]

    def _headers(self) -> Mapping[str, str]:
        key = _text_of(self.key() if callable(self.key) else self.key)
        own = {self.key_header: self.key_scheme + key} if key else {}
        headers = {**own, **self.own_headers, **self.extra_headers}
        self._secrets = list(secrets_of_headers(headers))
        return headers


def _append(error: ProviderError, addition: str) -> None:
    """Adds to a message in such a way that it is seen, however long the message is."""
    room = max(0, MESSAGE_CHARACTERS - len(addition))
    said = error.message if len(error.message) <= room else error.message[: max(0, room - 3)] + "..."
    error.message = said + addition


def _may_be_of_the_url(error: ProviderError) -> bool:
    refusal = error.__cause__
    return isinstance(refusal, ContentTypeRejected) or (
        isinstance(refusal, ResponseRejected) and refusal.status in _OF_A_WRONG_URL
    )


def _require_mapping(headers: object) -> None:
    if not isinstance(headers, Mapping):
        raise ConfigurationError(f"headers= takes a mapping, not a {type(headers).__name__}")


def _text_of(key: object) -> str:
    if not (key is None or isinstance(key, str)):
        raise ConfigurationError(f"the function api_key= gives text, not a {type(key).__name__}")
    # Variables and files often end with a line feed, which no header can have.
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigurationError("the API key holds characters that no header can hold")
    return key


def base_url_of(given: str | None, variable: str, default: str) -> str:
    """Returns where an API is: as given, or as the environment says, or its provider's.

    Raises:
        ConfigurationError: It is no text.
    """
    return _base_of(given, variable, default).rstrip("/")


def endpoint_of(given: str | None, variable: str, default: str, path: str, *, begun: str = "") -> str:
    """Returns the URL of an endpoint.

    Args:
        given: The base URL, as for `base_url_of`.
        variable: The variable that may say it.
        default: The provider's.
        path: What comes behind the base URL's path; not if that ends with it.
        begun: A beginning of `path` with which some write base URLs.

    Raises:
        ConfigurationError: As for `base_url_of`.
    """
    base = _base_of(given, variable, default)
    ending = (_split(base) or urlsplit("")).path.rstrip("/")
    rest = "" if ending.endswith(path) else path
    return under(base, path.removeprefix(begun) if rest and begun and ending.endswith(begun) else rest)


def under(url: str, path: str) -> str:
    """Returns a URL with something behind its path, and before its query."""
    parts = _split(url)
    # What can be no URL is refused where it is asked.
    return url + path if parts is None else parts._replace(path=parts.path.rstrip("/") + path).geturl()


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _base_of(given: object, variable: str, default: str) -> str:
    if not (given is None or isinstance(given, str)):
        raise ConfigurationError(f"base_url= takes text, not a {type(given).__name__}")
    candidates = (given, os.environ.get(variable), default)
    return next(url for url in (each.strip() for each in candidates if each) if url)


def key_of(given: Key | None, *variables: str) -> Key | None:
    """Returns the key: as given, or as the environment says; None if there is none, which some servers allow.

    An empty text is no key, whatever the environment says: it is meant for another server.

    Raises:
        ConfigurationError: It can be no key.
    """
    if not (given is None or isinstance(given, str) or callable(given)):
        raise ConfigurationError(f"api_key= takes text or a function, not a {type(given).__name__}")
    if given is not None:
        return given
    return next((value for name in variables if (value := os.environ.get(name, "").strip())), None)


def resuming(retry: RetryPolicy | None) -> RetryPolicy:
    """Returns when to try again to get the rest of what was begun, if nobody said."""
    return RetryPolicy.attempts(_ATTEMPTS_TO_RESUME) if retry is None else retry
