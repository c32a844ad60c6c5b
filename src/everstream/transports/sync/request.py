"""The request as the caller described it, prepared anew for each attempt."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from json import dumps
from typing import TypeAlias, cast

import requests
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from requests.utils import default_user_agent, get_auth_from_url

from everstream.core.errors import ConfigurationError
from everstream.core.events import Connecting
from everstream.transports.sync.urls import http_url, without_params

__all__ = ["Auth", "AuthSource", "Fields", "FieldsSource", "RequestTemplate", "Session"]

Session: TypeAlias = requests.Session
"""The caller's session: adapters, proxies, cookies, certificates."""

Fields: TypeAlias = Mapping[str, str] | Mapping[str, bytes] | Mapping[str, "str | bytes"]
"""Header fields or query parameters by name."""

FieldsSource: TypeAlias = Fields | Callable[[], Fields]
"""Fields, or a function of no arguments that gives them for each attempt."""

Auth: TypeAlias = tuple[str, str] | AuthBase
"""User and password, or an object of requests that signs a request."""

AuthSource: TypeAlias = Auth | Callable[[], Auth]
"""Credentials, or a function of no arguments that gives them for each attempt."""

Data: TypeAlias = str | bytes | Mapping[str, object] | Sequence[tuple[str, object]]
"""A body that can be sent again: text, bytes, or form fields."""

DataSource: TypeAlias = Data | Callable[[], object]
"""A body, or a function of no arguments that gives one for each attempt."""


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """What to ask, and how, at each attempt. Its representation shows none of it.

    Attributes:
        url: Absolute, http or https.
        method: Any method.
        headers: Win over ours, but for the cursor's.
        params: Query parameters, added to those in the URL.
        json: A body sent as JSON.
        data: Another body.
        auth: Credentials.
    """

    url: str = field(repr=False)
    method: str = "GET"
    headers: FieldsSource | None = field(default=None, repr=False)
    params: FieldsSource | None = field(default=None, repr=False)
    json: object = field(default=None, repr=False)
    data: DataSource | None = field(default=None, repr=False)
    auth: AuthSource | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        _require_url(self.url)
        _require_method(self.method)
        if self.json is not None and self.data is not None:
            raise ConfigurationError("pass json= or data=, not both")
        for fields in (self.headers, self.params):
            _require_fields(None if callable(fields) else fields)
        _require_auth(self.auth)
        _require_repeatable(self.data)
        _require_json(self.json)

    @property
    def renews_credentials(self) -> bool:
        """Whether each attempt may bring other credentials than the last."""
        return callable(self.headers) or (callable(self.auth) and not isinstance(self.auth, AuthBase))

    def prepare(self, session: Session, connecting: Connecting, agent: str) -> requests.PreparedRequest:
        """Returns the request of one attempt.

        Args:
            session: Merged in as requests does: its headers, cookies, credentials.
            connecting: Header fields and parameters of the protocol.
            agent: The `User-Agent`, unless the caller or their session names another.
        """
        if connecting.url is not None:
            return self._of_the_rest(connecting.url).prepare(session, replace(connecting, url=None), agent)
        headers = self._headers(connecting, agent, session)
        auth = self._auth()
        if auth is None and session.auth is None:
            auth = _explicit_auth(self.url, headers, session)
        cursor = connecting.cursor_params
        request = requests.Request(
            method=self.method.upper(),
            url=without_params(self.url, cursor),
            headers=headers,
            params={**_evaluated(self.params), **cursor},
            json=self.json,  # type: ignore[arg-type]
            data=self.data() if callable(self.data) else self.data,  # type: ignore[arg-type]
            auth=auth,
        )
        return session.prepare_request(request)

    def _of_the_rest(self, url: str) -> RequestTemplate:
        """Returns the request for what has not come yet, with the caller's headers and credentials."""
        return replace(self, url=url, method="GET", params=None, json=None, data=None)

    def _auth(self) -> Auth | None:
        auth = self.auth
        if callable(auth) and not isinstance(auth, AuthBase):
            auth = auth()
            _require_auth(auth)
        return auth

    def _headers(
        self, connecting: Connecting, agent: str, session: Session
    ) -> CaseInsensitiveDict[str | bytes]:
        headers: CaseInsensitiveDict[str | bytes] = CaseInsensitiveDict(connecting.headers)
        # A compressing proxy holds events back until its window is full. Who wants compression for its
        # bandwidth asks for it; what comes compressed is decoded at once in any case.
        headers["Accept-Encoding"] = "identity"
        if session.headers.get("User-Agent") == default_user_agent():
            headers["User-Agent"] = agent
        headers.update(_evaluated(self.headers))
        headers.update(connecting.cursor_headers)
        return headers


class _Unchanged(AuthBase):
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _evaluated(source: FieldsSource | None) -> Mapping[str, str | bytes]:
    fields = source() if callable(source) else source
    _require_fields(fields)
    return dict(fields or {})


def _require_fields(fields: object) -> None:
    if fields is not None and not isinstance(fields, Mapping):
        kind = type(fields).__name__
        raise ConfigurationError(f"headers= and params= take a mapping or a function, not {kind}")


def _explicit_auth(url: str, headers: CaseInsensitiveDict[str | bytes], session: Session) -> Auth | None:
    """Returns what keeps requests from putting the credentials of ~/.netrc in place of explicit ones."""
    if "Authorization" in headers or "Authorization" in session.headers:
        return _Unchanged()
    user, password = get_auth_from_url(url)
    return (user, password) if user or password else None


def _require_auth(auth: object) -> None:
    if isinstance(auth, tuple):
        is_valid = len(cast("tuple[object, ...]", auth)) == 2
    else:
        is_valid = auth is None or callable(auth)
    if not is_valid:
        raise ConfigurationError("auth= takes (user, password), an AuthBase of requests, or a function")


def _require_url(url: object) -> None:
    if not isinstance(url, str) or http_url(url) is None:
        # The text is not shown: it may hold a password or a token.
        raise ConfigurationError("url= takes an absolute URL, such as https://stream.example/events")


def _require_method(method: object) -> None:
    # RFC 9110, 9.1: a method is a token.
    if not isinstance(method, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", method):
        raise ConfigurationError("method= takes the name of a method, such as GET or POST")


def _require_json(body: object) -> None:
    try:
        dumps(body, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"json= takes what JSON can hold ({type(error).__name__})") from None


def _require_repeatable(data: object) -> None:
    if data is None or callable(data) or isinstance(data, (str, bytes, Mapping, list, tuple)):
        return
    raise ConfigurationError(
        f"data= got a {type(data).__name__}, which can be read only once, but a reconnect sends it again: "
        "pass bytes, text, form fields, json=, or a function that returns a fresh body"
    )
