"""Errors as model APIs report them, inside a stream or in place of one."""

from __future__ import annotations

import json
import re
from typing import cast

from everstream.core.errors import ContentTypeRejected, ProviderError, ResponseRejected
from everstream.llm.fields import Payload, fields_of, items_of, number_of, text_of

__all__ = ["refused", "reported"]

_RETRYABLE = frozenset({
    "api_error",
    "deadline_exceeded",
    "internal",
    "internal_error",
    "internal_server_error",
    "overloaded",
    "overloaded_error",
    "rate_limit_error",
    "rate_limit_exceeded",
    "resource_exhausted",
    "server_error",
    "service_unavailable",
    "timeout_error",
    "unavailable",
})  # fmt: skip
"""Types and codes, in lower case, by which providers say that it may work later."""

_PERMANENT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""Codes that come with a retryable status, though no wait helps."""

_OVERLOADED = 529
"""No status of the standard: Anthropic and others answer it as they do 503."""

_RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, _OVERLOADED})
_EXCERPT_CHARACTERS = 300


def reported(error: object, *, status: int | None = None, retry_after: float | None = None) -> ProviderError:
    """Returns the error that a payload reports.

    Args:
        error: What stands in the place of an error: fields, or text.
        status: The HTTP status; None in a stream, where the error may name one itself.
        retry_after: Seconds that the server asked to wait.
    """
    fields = fields_of(error)
    code = fields.get("code")
    if status is None:
        named = (number_of(fields.get(name)) for name in ("status_code", "code", "status"))
        status = next((number for number in named if number is not None and 400 <= number <= 599), None)
    kind = text_of(fields.get("type"), fields.get("status"), fields.get("error_type")) or None
    word = text_of(code) or None
    return ProviderError(
        message=_message(error),
        status=status,
        type=kind,
        code=word,
        retryable=_is_retryable(status, kind, word),
        retry_after=retry_after,
    )


def refused(response: ResponseRejected) -> ProviderError:
    """Returns what a response says that is no stream: in JSON, in HTML, or in plain text."""
    text = response.body_excerpt.decode("utf-8", "replace").strip()
    body = _json_of(text)
    error: object = text if body is None else _error_of(body)
    found = reported(error, status=response.status, retry_after=_retry_after(response))
    if isinstance(response, ContentTypeRejected) and not (body is not None and "error" in body):
        found.message = f"{response}; it said: {_plain(text)}"
        if body is not None:
            found.message = f"{response}, as if it had not been asked to stream; it said: {_plain(text)}"
    elif not found.message:
        found.message = _plain(text) or str(response)
    found.retryable = _advised(response, found.retryable)
    return found


def _error_of(body: Payload) -> object:
    return body.get("error") or body


def _message(error: object) -> str:
    if isinstance(error, str):
        return _plain(error)
    fields = fields_of(error)
    detail = fields.get("detail")
    of_details = [text_of(item.get("msg"), item.get("message")) for item in items_of(detail)]
    return text_of(fields.get("message"), fields.get("error"), detail, "; ".join(filter(None, of_details)))


def _is_retryable(status: int | None, kind: str | None, code: str | None) -> bool:
    words = {word.lower() for word in (kind, code) if word}
    if words & _PERMANENT:
        return False
    return status in _RETRYABLE_STATUSES or (status is None and bool(words & _RETRYABLE))


def _advised(response: ResponseRejected, otherwise: bool) -> bool:
    """Returns whether to try again; some providers say so in a header of their own."""
    advice = response.headers.get("x-should-retry", "").lower()
    return advice == "true" if advice in ("true", "false") else otherwise


def _retry_after(response: ResponseRejected) -> float | None:
    milliseconds = response.headers.get("retry-after-ms", "")
    return int(milliseconds) / 1000 if re.fullmatch(r"[0-9]{1,12}", milliseconds) else response.retry_after


def _json_of(text: str) -> Payload | None:
    try:
        value = cast("object", json.loads(text))
    except (ValueError, RecursionError):
        # Also the beginning of a text that is too long for an excerpt.
        return None
    # Google wraps the error of a request that was to be streamed into a list.
    wrapped = items_of(value)
    return (wrapped[0] if wrapped else fields_of(value)) or None


def _plain(text: str) -> str:
    """Returns a text without markup, in one line, cut to what a message can take."""
    text = re.sub(r"(?s)<(script|style)\b.*?</\1\s*>|<[^<>]*>", " ", text)
    words = " ".join(text.split())
    return words if len(words) <= _EXCERPT_CHARACTERS else words[: _EXCERPT_CHARACTERS - 3] + "..."
