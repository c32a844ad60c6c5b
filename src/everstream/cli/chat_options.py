"""The options of `everstream chat`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated

import typer

from everstream.cli.option_kinds import (
    CONNECTION,
    OUTPUT,
    REQUEST,
    ConnectTimeout,
    Headers,
    LogRecords,
    limit,
    most_attempts,
)

__all__ = ["AnswerEnd", "ChatOptions"]


class AnswerEnd(str, Enum):
    """The values of `--terminator`."""

    DONE = "[DONE]"
    FINISH_REASON = "finish_reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOptions:
    """What was said of the question, and of the answer. Secrets among it are in no representation."""

    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT", help="What to ask; read from stdin if it is absent, or -."),
    ] = field(default=None, repr=False)
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            rich_help_panel=REQUEST,
            help="Where the API is, with its version, such as http://127.0.0.1:8000/v1; by default"
            " OPENAI_BASE_URL, or else OpenAI.",
        ),
    ] = field(default=None, repr=False)
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME",
            rich_help_panel=REQUEST,
            help="The model; OPENAI_MODEL by default.",
        ),
    ] = None
    system: Annotated[
        str | None,
        typer.Option(metavar="TEXT", rich_help_panel=REQUEST, help="A system message before the prompt."),
    ] = field(default=None, repr=False)
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            "-p",
            metavar="NAME=JSON",
            rich_help_panel=REQUEST,
            help="A parameter of the request, such as temperature=0; repeatable. What is no JSON is text.",
        ),
    ] = field(default=None, repr=False)
    headers: Headers = field(default=None, repr=False)
    bearer_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=REQUEST,
            help="The environment variable that holds the key; OPENAI_API_KEY by default.",
        ),
    ] = None
    terminator: Annotated[
        AnswerEnd,
        typer.Option(
            metavar="[DONE]|finish_reason",
            rich_help_panel=CONNECTION,
            show_default=False,
            help="What ends an answer: [DONE] (the default), or the end of the response after a finish"
            " reason, for servers that send no [DONE].",
        ),
    ] = AnswerEnd.DONE
    connect_timeout: ConnectTimeout = None
    read_timeout: Annotated[str | None, limit("The longest silence between two bytes; 600 by default.")] = (
        None
    )
    max_attempts: Annotated[int | None, most_attempts("3")] = None
    max_delay: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            metavar="SECONDS",
            rich_help_panel=CONNECTION,
            help="The most that backoff adds to the wait before an attempt, and the most that the server may;"
            " 30 and 60 by default. A server that asks for more is not asked again.",
        ),
    ] = None
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            rich_help_panel=OUTPUT,
            help="Write one JSON object at the end, in place of the text as it comes.",
        ),
    ] = False
    log_format: LogRecords = None
