"""The loops of the page about tutorial loops and what replaces them, read from the page and run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from everstream.testing import SSEServer
from tests.fakes import FakeClock
from tests.project.doc_blocks import Block, blocks
from tests.project.doc_tables import Row, tables
from tests.project.source import ROOT

PAGE = "docs/how-to/from-the-tutorial-loop.md"
TEXT = (ROOT / PAGE).read_text("utf-8")
ORIGIN = "https://stream.example"
(TABLE,) = tables(TEXT)


def as_text(text: str) -> str:
    """Returns the data of an event that is the text."""
    return text


def as_json(text: str) -> str:
    """Returns the data of an event as the second loop takes it."""
    return json.dumps({"river": text}, ensure_ascii=False)


def as_chunk(text: str | None) -> str:
    """Returns a chunk of a chat completion."""
    return json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}, ensure_ascii=False)


@dataclass(frozen=True)
class Section:
    """One loop and its replacement.

    Attributes:
        heading: The heading on the page.
        column: The name of its column in the table.
        data: Puts a text into the data of an event, as this loop takes it.
        ends: Whether the stream ends with `[DONE]`.
    """

    heading: str
    column: str
    data: Callable[[str], str]
    ends: bool

    @property
    def loop(self) -> str:
        """The loop as it is found in programs."""
        return self._python[0].text

    @property
    def replacement(self) -> str:
        """What takes its place."""
        return self._python[1].text

    @property
    def prose(self) -> str:
        """What the page says of it, with the code."""
        return TEXT.split(f"\n## {self.heading}\n")[1].split("\n## ")[0]

    @property
    def _python(self) -> list[Block]:
        return [block for block in blocks(PAGE, self.prose) if block.language == "python"]

    def cell(self, row: Row) -> str:
        """Returns what the table says of it, without backticks."""
        return row[self.column].strip("`")


LINES = Section("A generator over iter_lines", "1. lines", as_text, ends=False)
JSON = Section("The same with JSON", "2. JSON", as_json, ends=True)
CHAT = Section("Printing a chat completion", "3. chat", as_chunk, ends=True)
TRY = Section("A try that yields errors", "4. try", as_chunk, ends=True)
SSECLIENT = Section("sseclient-py over a response", "5. sseclient-py", as_text, ends=False)
SECTIONS = (LINES, JSON, CHAT, TRY, SSECLIENT)


@dataclass
class Run:
    """One run of a block: what it has printed, and how it ended."""

    pieces: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    printed: threading.Event = field(default_factory=threading.Event)

    @property
    def text(self) -> str:
        """All that was printed, on one line; a line end within a text is a space."""
        return "".join(self.pieces).replace("\n", " ")

    def print(self, *values: object, end: str = "\n", flush: bool = False) -> None:
        """Takes the place of `print`."""
        self.pieces += map(str, values)
        self.printed.set()

    def of(self, code: str, server: SSEServer) -> Run:
        """Runs a block, with the server in place of the documented one, and returns itself at its end."""
        code = code.replace(ORIGIN, server.url.removesuffix("/events"))
        self.names.update(__name__="__main__", print=self.print)
        try:
            exec(compile(code, PAGE, "exec"), self.names)
        except Exception as error:
            self.error = error
        return self


@dataclass(frozen=True)
class Sent:
    """A request as requests got it: with which timeout, and what came."""

    timeout: Any
    response: requests.Response


@contextmanager
def surroundings() -> Iterator[list[Sent]]:
    """Sets a key, and a clock on which pauses between attempts take no time, though the blocks name none.

    Yields what is sent meanwhile, and closes at the end what the loops have left open.
    """
    sent: list[Sent] = []
    send = HTTPAdapter.send

    def noting(adapter: HTTPAdapter, *arguments: Any, **options: Any) -> requests.Response:
        response = send(adapter, *arguments, **options)
        sent.append(Sent(options["timeout"], response))
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "a key that opens nothing")
        patch.setenv("NO_PROXY", "*")
        patch.setattr("everstream.source.event_source.SystemClock", FakeClock)
        patch.setattr(HTTPAdapter, "send", noting)
        yield sent
    for each in sent:
        each.response.close()


def code_lines(code: str) -> int:
    """Returns how many lines of a block are code."""
    return sum(1 for line in code.splitlines() if line.strip() and not line.strip().startswith("#"))
