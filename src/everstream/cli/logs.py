"""The stream's log records on stderr, if they are asked for.

Rule: one logger is made and handed to the event source; structlog's own configuration is left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
from typing import cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from everstream.cli.escaping import escaped, json_text
from everstream.observe.logs import Logger

__all__ = ["LogFormat", "stream_logger"]


class LogFormat(str, Enum):
    """The values of `--log-format`."""

    CONSOLE = "console"
    JSON = "json"


def stream_logger(
    form: LogFormat, write: Callable[[str], None], *, colors: bool, level: int = logging.DEBUG
) -> Logger:
    """Returns a logger that writes each record as one line.

    Args:
        form: For a person, or for a program.
        write: Takes a line without its line end.
        colors: Whether a line for a person may be coloured.
        level: The least level of a record that is written; by default every record is.
    """
    renderer: list[Processor] = (
        [structlog.processors.JSONRenderer(serializer=json_text)]
        if form is LogFormat.JSON
        else [_escape, structlog.dev.ConsoleRenderer(colors=colors)]
    )
    logger: object = structlog.wrap_logger(
        _Lines(write),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            *renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    return cast("Logger", logger)


class _Lines:
    """What structlog calls a logger: it takes what the last processor made."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.debug = self.info = self.warning = self.error = write


def _escape(_logger: WrappedLogger, _method: str, record: EventDict) -> EventDict:
    # A last event ID is the server's.
    return {name: escaped(value) if isinstance(value, str) else value for name, value in record.items()}
