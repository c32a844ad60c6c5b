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
import sys
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

from everstream.core.events import Closed, Connecting, Failed, Interrupted, Opened, ResumeRejected
from everstream.core.observations import CheckpointFailed, CheckpointSaved, Observation, Unacknowledged

__all__ = ["Logger", "LoggerLike", "StreamLog", "public_url", "record_of"]

LOGGER_NAME = "everstream"
logging.getLogger(LOGGER_NAME).addHandler(logging.NullHandler())

Fields: TypeAlias = Mapping[str, object]
Record: TypeAlias = tuple[str, str, Fields]
"""Level, name and fields."""


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
        self._logger = _Lines(logger) if isinstance(logger, logging.Logger) else logger

    def __call__(self, item: Observation) -> None:
        """Logs what there is to say of an item, if there is anything."""
        record = record_of(item)
        if record is not None:
            self.write(*record)

    def write(self, level: str, name: str, fields: Fields) -> None:
        """Logs a record, with what is bound to the stream."""
        logger = self._logger or _default_logger()
        write: Callable[..., object] = getattr(logger, level)
        write(name, **self._bound, **fields)


def record_of(item: Observation) -> Record | None:
    """Returns the level, the name and the fields of the record that an item makes; None if it makes none."""
    table = _RECORDS.get(type(item))
    if table is None:
        return None
    level, name, fields_of = table
    return level, name, fields_of(item)


def _of_connecting(item: Connecting) -> Fields:
    return {"attempt": item.attempt, "last_event_id": item.last_event_id}


def _of_opened(item: Opened) -> Fields:
    return {
        "status": item.status,
        "attempt": item.attempt,
        "last_event_id": item.last_event_id,
        "downtime": None if item.downtime is None else round(item.downtime, 3),
    }


def _of_interrupted(item: Interrupted) -> Fields:
    return {
        "delay": round(item.delay, 3),
        "attempt": item.attempt,
        **_of_failed(item),
        "last_event_id": item.last_event_id,
    }


def _of_resume_rejected(item: ResumeRejected) -> Fields:
    return {"status": item.error.status, "last_event_id": item.last_event_id, "restarts": item.restarts}


def _of_closed(item: Closed) -> Fields:
    return {"reason": item.reason}


def _of_failed(item: Failed | Interrupted | CheckpointFailed) -> Fields:
    return {"error_type": type(item.error).__name__, "cause": str(item.error)}


def _of_checkpoint_saved(item: CheckpointSaved) -> Fields:
    return {"last_event_id": item.last_event_id}


def _of_checkpoint_failed(item: CheckpointFailed) -> Fields:
    return {**_of_failed(item), "last_event_id": item.last_event_id}


def _of_unacknowledged(item: Unacknowledged) -> Fields:
    return {"events": item.events, "seconds": round(item.seconds, 3)}


_RECORDS: Mapping[type, tuple[str, str, Callable[..., Fields]]] = {
    Connecting: ("debug", "stream.connecting", _of_connecting),
    Opened: ("info", "stream.opened", _of_opened),
    Interrupted: ("warning", "stream.interrupted", _of_interrupted),
    ResumeRejected: ("warning", "stream.resume_rejected", _of_resume_rejected),
    Unacknowledged: ("warning", "stream.unacknowledged", _of_unacknowledged),
    Closed: ("info", "stream.closed", _of_closed),
    Failed: ("error", "stream.failed", _of_failed),
    CheckpointSaved: ("debug", "checkpoint.saved", _of_checkpoint_saved),
    CheckpointFailed: ("error", "checkpoint.failed", _of_checkpoint_failed),
}


def public_url(url: str) -> str:
    """Returns a URL without its user-info, query and fragment."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _default_logger() -> Logger:
    # Asked each time, and it is rarely time: an application may configure structlog after it has made
    # its event sources. To import structlog takes as long as all of ours: who has configured it has done so.
    if "structlog" in sys.modules:
        import structlog

        if structlog.is_configured():
            logger: Logger = structlog.get_logger(LOGGER_NAME)
            return logger
    return _Lines(logging.getLogger(LOGGER_NAME))


class _Lines:
    """A logger of the standard library, as one that takes fields.

    It writes lines that a person can read, with the fields beside them for a formatter that wants them.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, **fields: object) -> None:
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: Fields) -> None:
        if self._logger.isEnabledFor(level):
            pairs = (f"{field}={value!r}" for field, value in fields.items())
            # The message is no format: a URL may hold a percent sign, and there are no arguments.
            self._logger.log(
                level, " ".join([event, *pairs]), extra={"everstream": {"event": event, **fields}}
            )
