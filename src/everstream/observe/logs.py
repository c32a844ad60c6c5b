"""Stream items as structured log records.

Rules of this module:

- One table from item to record, so that logs and error events cannot disagree. The table in the
  documentation is checked against this one.
- It configures nothing and prints nothing. structlog, when nobody has configured it, prints everything,
  debug included, to stdout; so while the application has not configured it, records go to the standard
  library's logger `everstream`, which has a `NullHandler`.
- No payload, no header, no token: of a URL only scheme, host, port and path.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

import structlog
from structlog.typing import EventDict, WrappedLogger

from everstream.core.events import Closed, Connecting, Failed, Interrupted, Opened

__all__ = ["Loggable", "Logger", "LoggerLike", "StreamLog", "public_url", "record_of"]

LOGGER_NAME = "everstream"
logging.getLogger(LOGGER_NAME).addHandler(logging.NullHandler())

Loggable: TypeAlias = Connecting | Opened | Interrupted | Closed | Failed
"""The items that make a record. Events and comments make none."""

Fields: TypeAlias = Mapping[str, object]


class Logger(Protocol):
    """What is asked of a logger: structlog's bound loggers have it."""

    def debug(self, event: str, **fields: object) -> object:
        """Logs at level debug."""
        ...

    def info(self, event: str, **fields: object) -> object:
        """Logs at level info."""
        ...

    def warning(self, event: str, **fields: object) -> object:
        """Logs at level warning."""
        ...

    def error(self, event: str, **fields: object) -> object:
        """Logs at level error."""
        ...


LoggerLike: TypeAlias = Logger | logging.Logger
"""A structlog logger, or one of the standard library."""


class StreamLog:
    """The log of one stream.

    Args:
        url: The stream's URL; what is secret in it is left out.
        name: The user's name for the stream, if there is one.
        logger: Where records go; None for structlog if it is configured, else for the standard library.
    """

    def __init__(self, url: str, name: str | None = None, logger: LoggerLike | None = None) -> None:
        self._bound: Fields = (
            {"url": public_url(url)} if name is None else {"stream": name, "url": public_url(url)}
        )
        self._logger = _adapted(logger) if isinstance(logger, logging.Logger) else logger

    def __call__(self, item: Loggable) -> None:
        """Logs what there is to say of an item."""
        level, name, fields = record_of(item)
        logger = self._logger or _default_logger()
        write: Callable[..., object] = getattr(logger, level)
        write(name, **self._bound, **fields)


def record_of(item: Loggable) -> tuple[str, str, Fields]:
    """Returns the level, the name and the fields of the record that an item makes."""
    if isinstance(item, Connecting):
        return "debug", "stream.connecting", {"attempt": item.attempt, "last_event_id": item.last_event_id}
    if isinstance(item, Opened):
        return "info", "stream.opened", _fields_of_opened(item)
    if isinstance(item, Interrupted):
        return "warning", "stream.interrupted", _fields_of_interrupted(item)
    if isinstance(item, Closed):
        return "info", "stream.closed", {"reason": item.reason}
    return "error", "stream.failed", {"error_type": type(item.error).__name__, "cause": str(item.error)}


def _fields_of_opened(item: Opened) -> Fields:
    return {
        "status": item.status,
        "attempt": item.attempt,
        "last_event_id": item.last_event_id,
        "downtime": None if item.downtime is None else round(item.downtime, 3),
    }


def _fields_of_interrupted(item: Interrupted) -> Fields:
    return {
        "delay": round(item.delay, 3),
        "attempt": item.attempt,
        "error_type": type(item.error).__name__,
        "cause": str(item.error),
        "last_event_id": item.last_event_id,
    }


def public_url(url: str) -> str:
    """Returns a URL without its user-info, query and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _default_logger() -> Logger:
    # Asked each time, and it is rarely time: an application may configure structlog after it has made
    # its event sources.
    if structlog.is_configured():
        logger: Logger = structlog.get_logger(LOGGER_NAME)
        return logger
    return _adapted(logging.getLogger(LOGGER_NAME))


def _adapted(logger: logging.Logger) -> Logger:
    adapted: Logger = structlog.wrap_logger(
        logger,
        processors=[structlog.stdlib.filter_by_level, _render],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return adapted


def _render(
    _logger: WrappedLogger, _method: str, record: EventDict
) -> tuple[tuple[str], dict[str, dict[str, dict[str, object]]]]:
    """Makes a line that a person can read, with the fields beside it for a formatter that wants them."""
    name = record.pop("event")
    pairs = (f"{field}={value!r}" for field, value in record.items())
    # The message is no format: a URL may hold a percent sign, and there are no arguments.
    return (" ".join([name, *pairs]),), {"extra": {"everstream": {"event": name, **record}}}
