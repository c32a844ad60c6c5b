"""Foreign exceptions into our own, at one border.

Both families come in here: requests raises its own while a response is awaited, urllib3 its own while
the body is read, and now and then one of `http.client` or `ssl` slips through either.

The cause that is kept (`raise ... from`) is the exception of the operating system or TLS library at the
bottom, not the ones around it: their messages quote the URL with its query, or what the server sent.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

from everstream.core.errors import (
    CertificateInvalid,
    ConfigurationError,
    ConnectFailed,
    EverstreamError,
    InterruptionReason,
    StreamInterrupted,
    StreamTimeout,
)
from everstream.core.timeouts import Timeouts
from everstream.transports.sync.urls import host_of

__all__ = [
    "FOREIGN_ERRORS",
    "root_cause",
    "translated_body_error",
    "translated_request_error",
    "translated_source_error",
]

FOREIGN_ERRORS = (
    OSError,  # and with it ssl.SSLError and all of requests
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    UnicodeError,
)
"""What may come out of requests, urllib3 and the modules below them. Anything else is somebody's bug."""

_NEVER_SENT = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidJSONError,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)


def translated_source_error(error: Exception, url: str) -> EverstreamError:
    """Returns our error for an exception while a request was prepared.

    If a function of the caller's failed in some system call, such as asking for a token, that is as
    passing as any failure to connect.
    """
    if isinstance(error, _NEVER_SENT):
        return ConfigurationError(f"the request cannot be made: {type(error).__name__}")
    reason = f"a function for headers, params, auth or data raised {type(error).__name__}"
    return ConnectFailed(host=host_of(url), reason=reason)


def translated_request_error(error: Exception, url: str, timeouts: Timeouts) -> EverstreamError:
    """Returns our error for an exception between the request and the head of its response.

    Args:
        error: Anything that requests, urllib3 or a caller's adapter raised.
        url: Where the request went; only its host and port are used.
        timeouts: The limits that were set.
    """
    chain = list(_chain(error))
    if isinstance(error, _NEVER_SENT):
        return ConfigurationError(f"the request cannot be made: {type(error).__name__}")
    if any(map(_is_connect_timeout, chain)):
        return StreamTimeout(kind="connect", seconds=timeouts.connect)
    if _has(chain, requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return StreamTimeout(kind="read", seconds=timeouts.read)
    host = host_of(url)
    for link in chain:
        if isinstance(link, ssl.SSLCertVerificationError):
            # An error that was not made by the TLS library itself has no message.
            reason = getattr(link, "verify_message", "") or "verification failed"
            return CertificateInvalid(host=host, reason=reason)
    return ConnectFailed(host=host, reason=_reason(chain))


def translated_body_error(error: Exception, timeouts: Timeouts) -> EverstreamError:
    """Returns our error for an exception while the body is read.

    Args:
        error: Anything that urllib3 raised, or let through.
        timeouts: The limits that were set.
    """
    chain = list(_chain(error))
    if _has(chain, urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return StreamTimeout(kind="read", seconds=timeouts.read)
    return StreamInterrupted(reason=_interruption_reason(chain))


def root_cause(error: Exception) -> BaseException | None:
    """Returns the exception to keep as the cause: the deepest whose message is the system's own.

    The same is true of what stands behind it, which a traceback shows as well.
    """
    safe = [link for link in _chain(error) if all(map(_is_systems_own, _chain(link)))]
    return safe[-1] if safe else None


def _is_systems_own(link: BaseException) -> bool:
    # Not so the OSErrors of requests and http.client, nor one of theirs without a number, such as that of
    # a tunnel that failed, which quotes the proxy. Timeouts have none either, and a fixed text.
    if not isinstance(link, OSError) or isinstance(
        link, (requests.RequestException, http.client.HTTPException)
    ):
        return False
    return link.errno is not None or isinstance(link, TimeoutError)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Gives an exception and those it stems from, in all the places where these libraries keep them."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        link = pending.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        around = (getattr(link, "reason", None), *link.args, link.__cause__, link.__context__)
        pending.extend(inner for inner in around if isinstance(inner, BaseException))


def _has(chain: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(link, kinds) for link in chain)


def _is_connect_timeout(link: BaseException) -> bool:
    if isinstance(link, urllib3.exceptions.ConnectTimeoutError):
        # Despite its base class, NewConnectionError is any failure: refusal, name resolution.
        return not isinstance(link, urllib3.exceptions.NewConnectionError)
    # The handshake of TLS is part of connecting, and limited so, but its timeout comes as one of reading.
    return isinstance(link, requests.ConnectTimeout) or (
        isinstance(link, TimeoutError) and "handshake" in str(link)
    )


def _reason(chain: list[BaseException]) -> str:
    if _has(chain, requests.exceptions.ProxyError, urllib3.exceptions.ProxyError):
        return "the proxy could not be used"
    for link in reversed(chain):
        if isinstance(link, http.client.RemoteDisconnected):
            return "the connection was closed before a response came"
        if isinstance(link, http.client.HTTPException):
            return f"the response was not HTTP ({type(link).__name__})"
        if isinstance(link, ssl.SSLError):
            return f"TLS failed ({getattr(link, 'reason', None) or type(link).__name__})"
        if _is_systems_own(link) and isinstance(link, OSError) and link.strerror:
            return link.strerror
    return type(chain[0]).__name__


def _interruption_reason(chain: list[BaseException]) -> InterruptionReason:
    if _has(chain, urllib3.exceptions.DecodeError):
        return "undecodable body"
    if _has(chain, urllib3.exceptions.InvalidChunkLength):
        return "broken chunk"
    for link in chain:
        if isinstance(link, http.client.IncompleteRead):
            # Only a body with a length knows how much it lacks.
            return "broken chunk" if link.expected is None else "short body"
    return "reset"
