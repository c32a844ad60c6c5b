"""Errors as model APIs report them, inside a stream or in place of one."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import cast

from everstream.core.errors import ContentTypeRejected, ProviderError, ResponseRejected
from everstream.llm.fields import Payload, fields_of, items_of, number_of, text_of

__all__ = ["error_of", "refused", "reported"]

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

_MOST_MARKUP = 4096
"""Characters in which words are looked for: markup that is never closed takes the square of its length."""

_FIRST_DATA = re.compile(r"(?:(?:event|id|retry)?:[^\r\n]*[\r\n]+)*data:([^\r\n]*)")

_FIELD = re.compile(r'"(message|type|code|status)"\s*:\s*("(?:[^"\\]|\\.)*"?|[0-9]{3}\b)', re.DOTALL)
_ERROR = re.compile(r'"error"\s*:')


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
        named = (_status_of(fields.get(name)) for name in ("status_code", "code", "status"))
        status = next(filter(None, named), None)
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
    """Returns what a response says that is no stream: in JSON, in HTML, in plain text, or in an event."""
    text = response.body_excerpt.decode("utf-8", "replace").strip()
    event = _FIRST_DATA.match(text)
    # Some servers answer an error's status with the body that a stream with the error in it would have.
    said = text if event is None else event[1].strip()
    body = _json_of(said)
    if isinstance(response, ContentTypeRejected):
        found = _unexpected(response, text, body or {})
    else:
        error = said if body is None else error_of(body)
        found = reported(error, status=response.status, retry_after=_retry_after(response))
        found.message = found.message or _plain(said) or str(response)
    found.retryable = _advised(response, found.retryable)
    found.__cause__ = response
    return found


def error_of(payload: Payload) -> object:
    """Returns what a payload has in the place of an error; itself, if that says no more than a text."""
    error = payload.get("error")
    wrapped = items_of(error)
    # Beside a text there may be its type, or a status.
    return wrapped[0] if wrapped else fields_of(error) or payload


def _unexpected(response: ContentTypeRejected, text: str, body: Payload) -> ProviderError:
    """Returns what it means that a response is well, but no stream."""
    if body.get("error"):
        # Its status, 200, says nothing of the error.
        return reported(error_of(body), retry_after=_retry_after(response))
    is_json = (bool(body) and text.startswith(("{", "["))) or "json" in (response.content_type or "").lower()
    doubt = ", as if it had not been asked to stream" if is_json else ""
    return ProviderError(
        message=f"{response}{doubt}; it said: {_plain(text) or 'nothing'}", status=response.status
    )


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


def _status_of(value: object) -> int | None:
    """Returns a number that is the status of an error; some proxies write it as text."""
    number = (
        int(value) if isinstance(value, str) and re.fullmatch("[45][0-9]{2}", value) else number_of(value)
    )
    return number if number is not None and 400 <= number <= 599 else None


def _json_of(text: str) -> Payload | None:
    try:
        value = cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return _begun(text)
    # Google wraps the error of a request that was to be streamed into a list.
    wrapped = items_of(value)
    return (wrapped[0] if wrapped else fields_of(value)) or None


def _begun(text: str) -> Payload | None:
    """Returns what can be read of a JSON text that was too long for an excerpt: the fields of its error."""
    told: dict[str, object] = {}
    for name, value in _FIELD.findall(text) if text.startswith(("{", "[")) else ():
        is_torn = value.startswith('"') and not value.endswith('"')
        with suppress(ValueError):
            told.setdefault(name, json.loads(f'{value}..."' if is_torn else value, strict=False))
    return {"error": told} if told and _ERROR.search(text) else None


def _plain(text: str) -> str:
    """Returns a text without markup, in one line, cut to what a message can take."""
    text = re.sub(r"(?s)<(script|style)\b.*?</\1\s*>|<[^<>]*>", " ", text[:_MOST_MARKUP])
    words = " ".join(text.split())
    return words if len(words) <= _EXCERPT_CHARACTERS else words[: _EXCERPT_CHARACTERS - 3] + "..."
