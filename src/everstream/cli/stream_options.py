"""The options that describe a stream: what every command that follows one understands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from everstream.cli.option_kinds import (
    CONNECTION,
    REQUEST,
    ConnectTimeout,
    Headers,
    MaxDelay,
    limit,
    most_attempts,
)

__all__ = ["ResumeAction", "StreamOptions"]

_CHECKPOINT = "Checkpoint"


class ResumeAction(str, Enum):
    """The values of `--on-resume-rejected`."""

    FAIL = "fail"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """What was said of the stream. Secrets among it are in no representation."""

    url: Annotated[str, typer.Argument(metavar="URL", help="The event stream, http or https.")] = field(
        repr=False
    )
    method: Annotated[
        str | None,
        typer.Option(
            "--request", "-X", metavar="METHOD", rich_help_panel=REQUEST, help="GET, or POST with --data."
        ),
    ] = None
    headers: Headers = field(default=None, repr=False)
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            "-d",
            metavar="TEXT|@FILE",
            rich_help_panel=REQUEST,
            help="A body: text, the bytes of a file, or @- for stdin. JSON is sent as JSON.",
        ),
    ] = field(default=None, repr=False)
    bearer_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=REQUEST,
            help="The environment variable that holds a bearer token; read at every attempt.",
        ),
    ] = None
    last_event_id: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            rich_help_panel=REQUEST,
            help="Begin after this event, unless a checkpoint says otherwise.",
        ),
    ] = None
    connect_timeout: ConnectTimeout = None
    read_timeout: Annotated[
        str | None,
        limit("The longest silence between two bytes; 60 by default."),
    ] = None
    first_event_timeout: Annotated[
        str | None,
        limit("The longest wait for a connection's first event, whatever else comes; no limit by default."),
    ] = None
    event_idle_timeout: Annotated[
        str | None,
        limit("The longest wait for the next event, though heartbeats come; no limit by default."),
    ] = None
    max_attempts: Annotated[int | None, most_attempts("never")] = None
    max_delay: MaxDelay = None
    on_resume_rejected: Annotated[
        ResumeAction,
        typer.Option(
            rich_help_panel=CONNECTION,
            show_default=False,
            help="What follows if the server no longer has the last event ID: fail (the default), or restart"
            " without it, which leaves a gap.",
        ),
    ] = ResumeAction.FAIL
    no_reconnect: Annotated[
        bool,
        typer.Option("--no-reconnect", rich_help_panel=CONNECTION, help="One connection and no more."),
    ] = False
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", rich_help_panel=CONNECTION, help="The data that ends the stream, such as [DONE]."
        ),
    ] = None
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_CHECKPOINT,
            help="Keep the place in this SQLite file, and go on from there after a restart.",
        ),
    ] = None
    checkpoint_interval: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="SECONDS",
            rich_help_panel=_CHECKPOINT,
            help="The least time between two saves; 1 by default, 0 to save after each event.",
        ),
    ] = None
    checkpoint_required: Annotated[
        bool,
        typer.Option(
            "--checkpoint-required",
            rich_help_panel=_CHECKPOINT,
            help="Fail if the checkpoint cannot be saved.",
        ),
    ] = False
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_CHECKPOINT,
            help="The stream's name, in the checkpoint file and in logs; its URL by default.",
        ),
    ] = None
