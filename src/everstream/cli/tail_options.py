"""The options of `everstream tail` alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from everstream.cli.formats import Format
from everstream.cli.option_kinds import OUTPUT, LogRecords

__all__ = ["TailOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailOptions:
    """What was said of the output."""

    max_events: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=OUTPUT, help="End after N events were written."),
    ] = None
    types: Annotated[
        list[str] | None,
        typer.Option(
            "--type", metavar="TYPE", rich_help_panel=OUTPUT, help="Only events of this type; repeatable."
        ),
    ] = None
    format: Annotated[
        Format,
        typer.Option(
            rich_help_panel=OUTPUT,
            help="auto is pretty on a terminal, and elsewhere jsonl: one JSON object a line.",
        ),
    ] = Format.AUTO
    lifecycle: Annotated[
        bool,
        typer.Option(
            "--lifecycle", rich_help_panel=OUTPUT, help="Also write what happens to the connection."
        ),
    ] = False
    log_format: LogRecords = None
