"""Where a redirect may go, and what goes along.

- Same origin (scheme, host and port): as requests does it. 301, 302 and 303 turn a POST into a GET
  without a body; 307 and 308 keep method and body (RFC 9110, 15.4).
- Another origin: followed with nothing of the caller's, for any header may hold a secret, not only
  `Authorization`: `Accept`, `Cache-Control` and `User-Agent` go along, no cookie, no client certificate,
  no cursor; and nothing comes back to a request that has been there. A request that would carry its body
  there is refused, and so is https to http.
- User-info in a `Location` is no credential of anybody's, and is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import requests

from everstream.core.errors import RedirectRejected
from everstream.core.headers import Headers
from everstream.transports.sync.urls import http_url, origin

__all__ = ["is_redirect", "redirected", "sent"]

_STATUSES = frozenset({301, 302, 303, 307, 308})
_SENT_ANYWHERE = ("Accept", "Cache-Control", "User-Agent")
_ABOUT_THE_BODY = ("Content-Length", "Content-Type", "Transfer-Encoding")


def is_redirect(response: requests.Response) -> bool:
    """Returns whether a response sends us elsewhere."""
    return response.status_code in _STATUSES


def sent(send: Callable[..., requests.Response], request: requests.PreparedRequest) -> requests.Response:
    """Returns the response to a request, redirect or not.

    requests looks ahead to where a redirect leads even if it is not to follow it: it reads the whole
    body, which may be endless, and raises for a Location that is no URL. So that is out of its sight.

    Args:
        send: A session's `send`, with its settings.
        request: What to send.
    """
    withheld: list[str] = []

    def withhold(response: requests.Response, *_: object, **__: object) -> None:
        if "Location" in response.headers:
            withheld.append(response.headers.pop("Location"))

    request.register_hook("response", withhold)
    response = send(request, allow_redirects=False)
    request.deregister_hook("response", withhold)
    if withheld:
        response.headers["Location"] = withheld[-1]
    return response


def redirected(
    session: requests.Session,
    request: requests.PreparedRequest,
    response: requests.Response,
    *,
    has_crossed: bool,
) -> tuple[requests.PreparedRequest, bool]:
    """Returns the request that follows a redirect.

    Args:
        session: Whose cookies go to the same origin.
        request: The request that was answered.
        response: The redirect.
        has_crossed: Whether another redirect led to another origin before.

    Returns:
        The request to send, and whether it goes to another origin.

    Raises:
        RedirectRejected: There is nowhere to go, or it must not be gone to.
    """

    def reject(reason: str) -> RedirectRejected:
        headers = Headers(response.headers)
        return RedirectRejected(status=response.status_code, reason=reason, headers=headers)

    here = request.url or ""
    there = _target(session, here, response, reject)
    following = request.copy()
    session.rebuild_method(following, response)
    if following.method != request.method:
        _drop_body(following)
    if origin(here) != origin(there):
        return _stripped(following, there, reject), True
    if not isinstance(following.body, (bytes, str, type(None))):
        raise reject("its body can be sent only once")
    following.url = there
    if not has_crossed:
        # Cookies know no ports: those of the first origin would go along here.
        _renew_cookies(session, following)
    return following, False


def _target(
    session: requests.Session,
    here: str,
    response: requests.Response,
    reject: Callable[[str], RedirectRejected],
) -> str:
    try:
        location = session.get_redirect_target(response)
    except UnicodeError:
        raise reject("its Location is no HTTP URL") from None
    if not location:
        raise reject("it has no Location")
    there = http_url(location, base=here)
    if there is None:
        raise reject("its Location is no HTTP URL")
    if urlsplit(here).scheme == "https" and there.scheme == "http":
        raise reject("it leads from https to http")
    return there._replace(netloc=there.netloc.rpartition("@")[2], fragment="").geturl()


def _stripped(
    following: requests.PreparedRequest, there: str, reject: Callable[[str], RedirectRejected]
) -> requests.PreparedRequest:
    if following.body is not None:
        raise reject("it would carry the request's body to another origin")
    headers = {name: following.headers[name] for name in _SENT_ANYWHERE if name in following.headers}
    try:
        return requests.Request(following.method, there, headers=headers).prepare()
    except requests.RequestException:
        raise reject("its Location is no HTTP URL") from None


def _drop_body(request: requests.PreparedRequest) -> None:
    request.body = None
    for name in _ABOUT_THE_BODY:
        request.headers.pop(name, None)


def _renew_cookies(session: requests.Session, following: requests.PreparedRequest) -> None:
    # With an empty jar, a Cookie header is the caller's own and stays.
    if session.cookies:
        following.headers.pop("Cookie", None)
        following.prepare_cookies(session.cookies)
