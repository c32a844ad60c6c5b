"""Options that several commands have, so that each is declared once; what differs is an argument."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer
from typer.models import OptionInfo

from everstream.cli.logs import LogFormat

__all__ = [
    "CONNECTION",
    "OUTPUT",
    "REQUEST",
    "ConnectTimeout",
    "Headers",
    "LogRecords",
    "MaxDelay",
    "limit",
    "most_attempts",
]

REQUEST = "Request"
CONNECTION = "Connection"
OUTPUT = "Output"


def limit(text: str) -> OptionInfo:
    """Returns an option that takes a limit on waiting."""
    info: OptionInfo = typer.Option(metavar="SECONDS|none", rich_help_panel=CONNECTION, help=text)
    return info


def most_attempts(default: str) -> OptionInfo:
    """Returns `--max-attempts`, whose default is in these words."""
    info: OptionInfo = typer.Option(
        min=1,
        metavar="N",
        rich_help_panel=CONNECTION,
        help=f"Give up after N failures in a row; {default} by default.",
    )
    return info


Headers: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--header", "-H", metavar="'NAME: VALUE'", rich_help_panel=REQUEST, help="A header; repeatable."
    ),
]
ConnectTimeout: TypeAlias = Annotated[str | None, limit("The longest wait for a connection; 5 by default.")]
MaxDelay: TypeAlias = Annotated[
    float | None,
    typer.Option(
        min=0.01,
        metavar="SECONDS",
        rich_help_panel=CONNECTION,
        help="The most that backoff, and the most that the server, adds to the wait before an attempt;"
        " 30 and 300 by default.",
    ),
]
LogRecords: TypeAlias = Annotated[
    LogFormat | None,
    typer.Option(rich_help_panel=OUTPUT, help="Write the stream's log records to stderr."),
]
