"""The command line: subcommands, their options, and what `--help` says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from everstream import __version__
from everstream.cli.extras import needs
from everstream.cli.formats import Format
from everstream.cli.logs import LogFormat
from everstream.cli.options import TailOptions
from everstream.cli.tail import tail as run_tail

__all__ = ["app"]

_REQUEST = "Request"
_CONNECTION = "Connection"
_OUTPUT = "Output"

app = typer.Typer(
    help="Server-Sent Events that keep flowing: follow a stream through every interruption.",
    no_args_is_help=True,
    add_completion=False,
    # They would show local variables, tokens among them.
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"everstream {__version__}")
        raise typer.Exit


@app.callback()
def everstream(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Server-Sent Events that keep flowing: follow a stream through every interruption."""


@app.command()
def tail(
    url: Annotated[str, typer.Argument(metavar="URL", help="The event stream, http or https.")],
    *,
    request: Annotated[
        str | None,
        typer.Option(
            "--request", "-X", metavar="METHOD", rich_help_panel=_REQUEST, help="GET, or POST with --data."
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header", "-H", metavar="'NAME: VALUE'", rich_help_panel=_REQUEST, help="A header; repeatable."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            "-d",
            metavar="TEXT|@FILE",
            rich_help_panel=_REQUEST,
            help="A body: text, the bytes of a file, or @- for stdin. JSON is sent as JSON.",
        ),
    ] = None,
    bearer_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_REQUEST,
            help="The environment variable that holds a bearer token; read at every attempt.",
        ),
    ] = None,
    last_event_id: Annotated[
        str | None,
        typer.Option(metavar="ID", rich_help_panel=_REQUEST, help="Begin after this event."),
    ] = None,
    connect_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS|none",
            rich_help_panel=_CONNECTION,
            help="The longest wait for a connection; 5 by default.",
        ),
    ] = None,
    read_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="SECONDS|none",
            rich_help_panel=_CONNECTION,
            help="The longest silence between two bytes; 60 by default.",
        ),
    ] = None,
    max_attempts: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            rich_help_panel=_CONNECTION,
            help="Give up after N failures in a row; never by default.",
        ),
    ] = None,
    max_delay: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            metavar="SECONDS",
            rich_help_panel=_CONNECTION,
            help="The most that backoff, and the most that the server, adds to the wait before an attempt;"
            " 30 and 300 by default.",
        ),
    ] = None,
    no_reconnect: Annotated[
        bool,
        typer.Option("--no-reconnect", rich_help_panel=_CONNECTION, help="One connection and no more."),
    ] = False,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", rich_help_panel=_OUTPUT, help="The data that ends the stream, such as [DONE]."
        ),
    ] = None,
    max_events: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", rich_help_panel=_OUTPUT, help="End after N events were written."),
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type", metavar="TYPE", rich_help_panel=_OUTPUT, help="Only events of this type; repeatable."
        ),
    ] = None,
    format_: Annotated[
        Format,
        typer.Option(
            "--format",
            rich_help_panel=_OUTPUT,
            help="auto is pretty on a terminal, and elsewhere jsonl: one JSON object a line.",
        ),
    ] = Format.AUTO,
    lifecycle: Annotated[
        bool,
        typer.Option(
            "--lifecycle", rich_help_panel=_OUTPUT, help="Also write what happens to the connection."
        ),
    ] = False,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(rich_help_panel=_OUTPUT, help="Write the stream's log records to stderr."),
    ] = None,
) -> None:
    """Write the events of a stream, through every interruption.

    On a terminal it is for the eyes, with a status line below; in a pipe it is one JSON object a line.
    """
    options = TailOptions(
        url=url,
        method=request,
        headers=tuple(header or ()),
        data=data,
        bearer_env=bearer_env,
        last_event_id=last_event_id,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        max_attempts=max_attempts,
        max_delay=max_delay,
        reconnect=not no_reconnect,
        until=until,
        max_events=max_events,
        types=tuple(type_ or ()),
        format=format_,
        lifecycle=lifecycle,
        log_format=log_format,
    )
    raise typer.Exit(run_tail(options))


@app.command()
def demo(
    *,
    events: Annotated[
        int, typer.Option(min=1, max=10_000, metavar="N", help="How many events are streamed.")
    ] = 300,
    seed: Annotated[int, typer.Option(metavar="N", help="Decides what the network does.")] = 7,
    svg: Annotated[
        Path | None, typer.Option(dir_okay=False, metavar="PATH", help="Save a picture of the end there.")
    ] = None,
) -> None:
    """Watch a stream survive a bad network, all of it on this machine.

    A client follows a feed through cuts, resets, silences and refusals; the server judges what arrived.
    """
    with needs("testing", "pytest_httpserver", "werkzeug"):
        from everstream.cli.demo import demo as run_demo
    raise typer.Exit(run_demo(events=events, seed=seed, svg=svg))
