"""What the page about tutorial loops says of each loop is so, and its replacement does it right.

All of it is read from the page: the loops, the replacements, and the table of what goes wrong.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from everstream import EverstreamError
from everstream.testing import BOM, Connection, SSEServer, Step, connection, cut, event, pause, raw, status
from tests.llm.tutorial_loops import LINES, SECTIONS, SSECLIENT, TABLE, Run, Section, code_lines, surroundings

MOMENT = 0.1
"""Seconds in which a loop could print what lies in its socket; a slow machine spoils no test by it."""
DEADLINE = 10.0

Script = Callable[[Section], Sequence[Connection | Step]]
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # some loops leave that to chance


@pytest.fixture(autouse=True)
def _surroundings() -> Iterator[None]:
    with surroundings():
        yield


@dataclass(frozen=True)
class Fault:
    """What a server does.

    Attributes:
        script: Its connections, for a loop.
        means: The text that has been sent.
        wrong: The table's word for another text that was printed.
    """

    script: Script
    means: str
    wrong: str = "half"

    def outcome(self, run: Run) -> str:
        """Returns how the table puts what a loop did."""
        if run.error is not None:
            return type(run.error).__name__
        if run.text in (self.means, ""):
            return "right" if run.text else "nothing"
        return self.wrong


def sound(section: Section, *texts: str) -> list[Step]:
    """Returns events with these texts, and the end if there is one."""
    done = [event("[DONE]")] if section.ends else []
    return [*(event(section.data(text)) for text in texts), *done]


def without_space(section: Section) -> Sequence[Connection]:
    """Leaves out what may be left out."""
    texts = [section.data("Every"), *(["[DONE]"] if section.ends else [])]
    return [connection(raw("".join(f"data:{text}\n\n" for text in texts).encode()))]


def two_lines(section: Section) -> Sequence[Connection]:
    """Breaks the line at the first space, which is in the text, or after a colon of the JSON."""
    _, *done = sound(section, "")
    return [connection(event(section.data("Every stream").replace(" ", "\n", 1)), *done)]


def marked(section: Section) -> Sequence[Connection]:
    """Puts a byte order mark before the first event."""
    return [connection(raw(BOM), *sound(section, "Every", " stream"))]


def broken_off(section: Section) -> Sequence[Connection]:
    """Closes a body whose end cannot be told from a cut; the whole is there for those who ask again."""
    half = f"data: {section.data(' stream')[:-3]}".encode()
    first = connection(event(section.data("Every"), id="1"), cut(half), framing="close")
    return [first, *([] if section.ends else [connection(*sound(section, " stream"))])]


def ended_early(section: Section) -> Sequence[Connection]:
    """Ends the stream in order, but too early."""
    first = connection(event(section.data("Every"), id="1"), framing="close")
    return [first, *([] if section.ends else [connection(*sound(section, " stream"))])]


def reported(section: Section) -> Sequence[Connection]:
    """Says in the stream that it cannot go on."""
    return [connection(event(section.data("Every")), event('{"error": {"message": "Overloaded."}}'))]


FAULTS = {
    "leaves out the space after `data:`": Fault(without_space, "Every"),
    "sends an event with two lines": Fault(two_lines, "Every stream", "two texts"),
    "sends `Å`, and no charset": Fault(
        lambda section: [connection(*sound(section, "Ångström"))], "Ångström", "damaged"
    ),
    "sends U+2028, with `charset=utf-8`": Fault(
        lambda section: [
            connection(*sound(section, "a\u2028b"), content_type="text/event-stream; charset=utf-8")
        ],
        "a\u2028b",
        "damaged",
    ),
    "begins with a byte order mark": Fault(marked, "Every stream"),
    "breaks off inside an event": Fault(broken_off, "Every stream"),
    "ends in the middle, between events": Fault(ended_early, "Every stream"),
    "answers 503, and is well again": Fault(
        lambda section: [status(503), connection(*sound(section, "Every", " stream"))], "Every stream"
    ),
    "reports an error in the stream": Fault(reported, "Every stream"),
}
QUIET = "sends one event, not chunked, and is quiet"
ROWS = {row["what the server does"]: row for row in TABLE}
CASES = [
    pytest.param(section, name, id=f"{section.column}: {name}")
    for name, row in ROWS.items()
    for section in SECTIONS
    if name != QUIET and section.cell(row) != "-"
]
sections = pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.column)


def test_every_line_of_the_table_is_tried() -> None:
    """The page claims nothing that is not run."""
    assert set(ROWS) == {QUIET, *FAULTS}
    assert len(CASES) > 4 * len(FAULTS)


@sections
def test_a_replacement_is_shorter_and_prints_the_same(section: Section, sse_server: SSEServer) -> None:
    """On a stream without faults nobody sees a difference, but for the lines."""
    sse_server.script([connection(*sound(section, "Every", " stream"))] * 2)
    loop = Run().of(section.loop, sse_server)
    replacement = Run().of(section.replacement, sse_server)
    assert (loop.text, loop.error) == (replacement.text, replacement.error) == ("Every stream", None)
    assert 0 < code_lines(section.replacement) < code_lines(section.loop)


@pytest.mark.parametrize(("section", "name"), CASES)
def test_a_loop_fails_as_the_table_says_and_its_replacement_does_not(
    section: Section, name: str, sse_server: SSEServer
) -> None:
    """The replacement prints what was sent, or its error is one of ours: nothing false is taken as whole."""
    fault = FAULTS[name]
    sse_server.script(fault.script(section))
    assert fault.outcome(Run().of(section.loop, sse_server)) == section.cell(ROWS[name])
    sse_server.script(fault.script(section))
    replacement = Run().of(section.replacement, sse_server)
    if replacement.error is None:
        assert replacement.text == fault.means
    else:
        assert isinstance(replacement.error, EverstreamError)
        assert fault.means.startswith(replacement.text)


def prints_at_once(
    code: str, first: Step, rest: Sequence[Step], framing: Any, server: SSEServer, within: float = MOMENT
) -> bool:
    """Says whether a block prints the first event while the server holds back the rest."""
    server.script([connection(first, pause(), *rest, framing=framing)])
    run = Run()
    thread = threading.Thread(target=run.of, args=(code, server))
    thread.start()
    try:
        server.wait_until_paused()
        at_once = run.printed.wait(within)
    finally:
        server.release()
        thread.join(DEADLINE)
    assert run.text.endswith(" stream")
    return at_once


@sections
@pytest.mark.parametrize("framing", ["close", "length"])
def test_a_loop_waits_where_its_replacement_does_not(
    section: Section, framing: str, sse_server: SSEServer
) -> None:
    """The event is in the client's socket, the server is quiet, and only one of the two prints it."""
    assert section.cell(ROWS[QUIET]) == "waits"
    first, *rest = sound(section, "Every", " stream")
    assert not prints_at_once(section.loop, first, rest, framing, sse_server)
    assert prints_at_once(section.replacement, first, rest, framing, sse_server, DEADLINE)


@pytest.mark.parametrize("section", [LINES, SSECLIENT], ids=lambda section: section.column)
def test_a_loop_waits_for_so_many_bytes(section: Section, sse_server: SSEServer) -> None:
    """Not for one more, nor for one less, than the page says."""
    (number,) = map(int, re.findall(r"waits for (\d+) bytes", section.prose))
    _, *rest = sound(section, "Every", " stream")
    enough = event("x" * (number - len("data: \n\n")))
    too_little = event("x" * (number - len("data: \n\n") - 1))
    assert not prints_at_once(section.loop, too_little, rest, "close", sse_server)
    assert prints_at_once(section.loop, enough, rest, "close", sse_server, DEADLINE)
