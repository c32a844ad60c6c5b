"""The command line: subcommands, their options, and what `--help` says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from everstream import __version__
from everstream.cli.chat import chat as run_chat
from everstream.cli.chat_options import ChatOptions
from everstream.cli.extras import needs
from everstream.cli.spreading import spread
from everstream.cli.stream_options import StreamOptions
from everstream.cli.tail import tail as run_tail
from everstream.cli.tail_options import TailOptions
from everstream.cli.work import work as run_work
from everstream.cli.work_options import WorkOptions

__all__ = ["app"]

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
@spread
def tail(stream: StreamOptions, options: TailOptions) -> None:
    """Write the events of a stream, through every interruption.

    On a terminal it is for the eyes, with a status line below; in a pipe it is one JSON object a line.
    """
    raise typer.Exit(run_tail(stream, options))


@app.command()
@spread
def work(stream: StreamOptions, options: WorkOptions) -> None:
    """Have a handler work on the events of a stream, one after the other.

    Made to run for ever: it retries, keeps its place, and ends in order when it is told to.
    """
    raise typer.Exit(run_work(stream, options))


@app.command()
@spread
def chat(options: ChatOptions) -> None:
    """Write the answer of a model as it comes, from any server that is compatible with OpenAI's.

    The key is taken from the environment: OPENAI_API_KEY, or the variable that --bearer-env names.
    """
    raise typer.Exit(run_chat(options))


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
