"""What the options of a stream describe: an event source."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from json import loads as parse_json
from pathlib import Path

from everstream import ConfigurationError, EventSource, FullJitter, RetryPolicy, Timeouts
from everstream.cli.place import checkpoint_key, checkpoint_store
from everstream.cli.stream_options import ResumeAction, StreamOptions
from everstream.observe.logs import LoggerLike

__all__ = ["event_source"]

_FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_NOT_IN_A_VALUE = re.compile("[\r\n\0]")
_FORM = b"application/x-www-form-urlencoded"
_JSON = b"application/json"

Fields = dict[str, bytes]


def event_source(options: StreamOptions, logger: LoggerLike | None) -> EventSource:
    """Returns the event source that the options describe; it has not connected yet.

    Raises:
        ConfigurationError: An option cannot work, or the checkpoint cannot be read.
    """
    body = None if options.data is None else _body(options.data)
    key = checkpoint_key(options.url, options.name, body)
    return EventSource(
        options.url,
        method=options.method or ("GET" if body is None else "POST"),
        headers=_headers(options, body),
        data=body,
        timeouts=_timeouts(options),
        retry=_retry(options),
        last_event_id=options.last_event_id,
        until=options.until,
        on_resume_rejected=options.on_resume_rejected.value,
        checkpoint=checkpoint_store(options, key),
        checkpoint_key=None if options.checkpoint is None else key,
        checkpoint_interval=1.0 if options.checkpoint_interval is None else options.checkpoint_interval,
        checkpoint_required=options.checkpoint_required,
        name=options.name,
        logger=logger,
    )


def _body(data: str) -> bytes:
    if not data.startswith("@"):
        return os.fsencode(data)
    try:
        return sys.stdin.buffer.read() if data == "@-" else Path(data[1:]).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"--data {data}: {error.strerror}") from error


def _headers(options: StreamOptions, body: bytes | None) -> Mapping[str, bytes] | Callable[[], Fields]:
    fields: Fields = {} if body is None else {"Content-Type": _content_type(body)}
    fields |= _joined(options.headers or [])
    variable = options.bearer_env
    if variable is None:
        return fields
    if any(name.lower() == "authorization" for name in fields):
        raise ConfigurationError("give --bearer-env or an Authorization header, not both")
    _bearer(variable)
    return lambda: {**fields, "Authorization": _bearer(variable)}


def _content_type(body: bytes) -> bytes:
    try:
        return _JSON if isinstance(parse_json(body), (dict, list)) else _FORM
    except (ValueError, RecursionError):
        return _FORM


def _joined(headers: list[str]) -> Fields:
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


def _parsed(header: str) -> tuple[str, bytes]:
    name, colon, value = header.partition(":")
    if not colon or not _FIELD_NAME.fullmatch(name) or _NOT_IN_A_VALUE.search(value):
        # What was given is not repeated: it may be a token.
        raise ConfigurationError("--header takes 'Name: value'")
    return name, os.fsencode(value.strip(" \t"))


def _bearer(variable: str) -> bytes:
    token = os.environ.get(variable, "").strip()
    if not token or _NOT_IN_A_VALUE.search(token):
        raise ConfigurationError(
            f"--bearer-env {variable}: the environment variable is not set, or holds no token"
        )
    return b"Bearer " + os.fsencode(token)


def _timeouts(options: StreamOptions) -> Timeouts:
    said = {
        "connect": options.connect_timeout,
        "read": options.read_timeout,
        "first_event": options.first_event_timeout,
        "event_idle": options.event_idle_timeout,
    }
    return Timeouts(**{
        name: _seconds(f"--{name.replace('_', '-')}-timeout", text)
        for name, text in said.items()
        if text is not None
    })  # fmt: skip


def _seconds(option: str, text: str) -> float | None:
    if text.lower() == "none":
        return None
    try:
        return Timeouts(read=float(text)).read
    except ValueError:  # a ConfigurationError is one, too
        raise ConfigurationError(f"{option} takes seconds above 0, or none for no limit") from None


def _retry(options: StreamOptions) -> RetryPolicy:
    if options.no_reconnect:
        if options.max_attempts is not None or options.max_delay is not None:
            raise ConfigurationError("--no-reconnect leaves nothing for --max-attempts and --max-delay")
        if options.on_resume_rejected is ResumeAction.RESTART:
            raise ConfigurationError("--no-reconnect leaves nothing for --on-resume-rejected restart")
        return RetryPolicy.never()
    wait = FullJitter() if options.max_delay is None else FullJitter(cap=options.max_delay)
    policy = (
        RetryPolicy.forever(wait=wait)
        if options.max_attempts is None
        else RetryPolicy.attempts(options.max_attempts, wait=wait)
    )
    return policy if options.max_delay is None else replace(policy, max_server_delay=options.max_delay)
