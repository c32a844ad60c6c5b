"""What the options of a stream describe: an event source."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from json import loads as parse_json
from pathlib import Path

from everstream import ConfigurationError, EventSource, RetryPolicy, Timeouts
from everstream.cli.option_values import Fields, header_fields, is_named, limits, retry_policy, token_in
from everstream.cli.place import checkpoint_key, checkpoint_store
from everstream.cli.stream_options import ResumeAction, StreamOptions
from everstream.observe.logs import LoggerLike

__all__ = ["event_source"]

_FORM = b"application/x-www-form-urlencoded"
_JSON = b"application/json"


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
    fields |= header_fields(options.headers or [])
    variable = options.bearer_env
    if variable is None:
        return fields
    if is_named("authorization", fields):
        raise ConfigurationError("give --bearer-env or an Authorization header, not both")
    _bearer(variable)
    return lambda: {**fields, "Authorization": _bearer(variable)}


def _bearer(variable: str) -> bytes:
    return b"Bearer " + token_in(variable, named_by=f"--bearer-env {variable}")


def _content_type(body: bytes) -> bytes:
    try:
        return _JSON if isinstance(parse_json(body), (dict, list)) else _FORM
    except (ValueError, RecursionError):
        return _FORM


def _timeouts(options: StreamOptions) -> Timeouts:
    return limits({
        "connect": options.connect_timeout,
        "read": options.read_timeout,
        "first_event": options.first_event_timeout,
        "event_idle": options.event_idle_timeout,
    })  # fmt: skip


def _retry(options: StreamOptions) -> RetryPolicy:
    if options.no_reconnect:
        if options.max_attempts is not None or options.max_delay is not None:
            raise ConfigurationError("--no-reconnect leaves nothing for --max-attempts and --max-delay")
        if options.on_resume_rejected is ResumeAction.RESTART:
            raise ConfigurationError("--no-reconnect leaves nothing for --on-resume-rejected restart")
        return RetryPolicy.never()
    return retry_policy(options.max_attempts, options.max_delay)
