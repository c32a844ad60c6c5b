"""The options of `everstream work` alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from everstream.cli.logs import LogFormat
from everstream.cli.option_kinds import OUTPUT

__all__ = ["PoisonAction", "WorkOptions"]

_HANDLER = "Handler"
_HEALTH = "Health"


class PoisonAction(str, Enum):
    """The values of `--on-poison`."""

    STOP = "stop"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOptions:
    """What was said of the handler, and of how to look after it."""

    command: Annotated[
        str | None,
        typer.Option(
            "--exec",
            metavar="COMMAND",
            rich_help_panel=_HANDLER,
            help="Run this for each event, with its data on stdin; exit status 0 means handled.",
        ),
    ] = field(default=None, repr=False)
    handler: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            rich_help_panel=_HANDLER,
            help="Call this Python function with each event; to return means handled.",
        ),
    ] = None
    attempts: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", rich_help_panel=_HANDLER, help="How often an event is tried, in all."
        ),
    ] = 3
    on_poison: Annotated[
        PoisonAction | None,
        typer.Option(
            rich_help_panel=_HANDLER,
            show_default=False,
            help="What becomes of an event that cannot be handled: stop (the default) or skip it.",
        ),
    ] = None
    dead_letter: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_HANDLER,
            help="Append such an event to this file instead, as a line of JSON, and go on.",
        ),
    ] = None
    stop_timeout: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            rich_help_panel=_HANDLER,
            help="The time that the event in hand has when SIGTERM or SIGINT comes.",
        ),
    ] = 30.0
    stuck_after: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            metavar="SECONDS",
            rich_help_panel=_HANDLER,
            help="The time with one event after which it is not alive any more; no limit by default.",
        ),
    ] = None
    health_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=_HEALTH, help="Write its health there, as JSON, every second."
        ),
    ] = None
    health_port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            rich_help_panel=_HEALTH,
            help="Answer /livez and /readyz on this port; 0 takes a free one and tells.",
        ),
    ] = None
    health_host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            rich_help_panel=_HEALTH,
            help="The address for --health-port; 127.0.0.1 by default.",
        ),
    ] = None
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            rich_help_panel=OUTPUT,
            help="How the log on stderr is written; console on a terminal, json elsewhere.",
        ),
    ] = None
