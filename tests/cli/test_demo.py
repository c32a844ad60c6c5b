"""`everstream demo`: real faults, and a verdict that is not decided beforehand."""

import inspect
import io
import re
import signal
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.console import Console

from everstream import EventSource, Interrupted, RetryPolicy, StreamInterrupted, StreamTimeout
from everstream.cli import demo as demo_module
from everstream.cli.app import demo as demo_command
from everstream.cli.chart import chart, result
from everstream.cli.exits import Exit
from everstream.cli.feed import LONGEST_RUN, Feed
from everstream.cli.journey import Journey
from everstream.testing import DEFAULT_FAULTS, log_of
from everstream.testing.faults import PlannedConnection, planned
from tests.cli.running import everstream, line_from, on_terminal, running, stopped

CLEAN = r"lost +0\s+duplicated +0\s+reordered +0\s*$"


def default(option: str) -> int:
    """Returns the value of an option that is not given."""
    value = inspect.signature(demo_command).parameters[option].default
    assert isinstance(value, int)
    return value


def plan(number: int) -> PlannedConnection:
    """Returns what the demo's server does by default."""
    return planned(default("seed"), number, (*DEFAULT_FAULTS, "stall"), LONGEST_RUN)


def test_by_default_it_meets_every_fault() -> None:
    """Cuts, a torn event, resets, stalls, refusals, ends and retry: hints, before the last event."""
    met: set[str] = set()
    events = number = 0
    while True:
        connection = plan(number)
        events += connection.events if connection.ending != "unavailable" else 0
        if events >= default("events"):
            break
        met |= {connection.ending, "retry"} if connection.retry else {connection.ending}
        number += 1
    assert met == {"cut", "torn", "reset", "stall", "unavailable", "end", "retry"}


def test_in_a_pipe_it_tells_of_each_connection_and_ends_with_the_verdict(tmp_path: Path) -> None:
    """And it saves a picture that needs nothing from elsewhere."""
    svg = tmp_path / "demo.svg"
    done = everstream("demo", "--events", "60", "--svg", str(svg))
    assert (done.code, done.err) == (0, "")
    assert re.search(CLEAN, done.out)
    assert re.search(r"events +60 +of 60 sent", done.out)
    told = re.findall(r"^connection (\d+): ", done.out, re.MULTILINE)
    (survived,) = re.findall(r"faults survived +(\d+)", done.out)
    assert told == [str(number) for number in range(1, int(survived) + 1)]
    assert int(survived) >= 2
    assert "\x1b" not in done.out
    check_picture(svg)


def check_picture(svg: Path) -> None:
    """Finds no address in a picture but the name of its format, and the verdict in it."""
    text = svg.read_text("utf-8")
    assert re.findall(r"\w+://[^\"']*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"@font-face|@import|<script|href", text)
    words = " ".join("".join(ET.fromstring(text).itertext()).replace("\xa0", " ").split())
    for word in ("lost", "duplicated", "reordered", "complete"):
        assert word in words


def test_the_picture_of_the_documentation_is_one_of_these() -> None:
    """It was made by `make picture`."""
    check_picture(Path(__file__).parents[2] / "docs" / "_static" / "demo.svg")


def test_on_a_terminal_the_chart_grows() -> None:
    """A row for each connection, redrawn in place, and at the end the whole of it above the verdict."""
    with on_terminal("demo", "--events", "60") as terminal:
        assert terminal.ended() == 0
    assert len(re.findall(r"\x1b\[\d*A", terminal.raw)) > 10, "it was redrawn"
    rows = re.findall(r"^ +\d+ +[\d-]+ +[╸╺━]{40} +(\S.*)$", terminal.text, re.MULTILINE)
    assert len(rows) >= 3
    assert rows[-1].strip() == "complete"
    assert re.search(CLEAN, terminal.text)


@pytest.mark.parametrize("columns", [80, 60])
def test_the_chart_fits_the_terminal(columns: int) -> None:
    """The bars give way; in a very narrow one, text is cut rather than wrapped."""
    journey = Journey(lambda: plan(0))
    console = Console(width=columns)
    lines = console.render_lines(chart(journey, 300, width=columns))
    assert len(lines) == 5
    text = "".join(segment.text for segment in lines[1])
    assert ("back after" in text) == (columns == 80)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_quietly(number: signal.Signals, code: int) -> None:
    """Without a verdict, for not everything was sent."""
    with running("demo", "--events", "10000") as process:
        assert "10000 events" in line_from(process.stdout)
        line_from(process.stdout)
        done = stopped(process, number)
    assert (done.code, done.err) == (code, "")
    assert "lost" not in done.out


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    """There is no verdict then, and no success."""
    with running("demo", "--events", "10000") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line_from(process.stdout)
        process.stdout.close()
        assert process.wait(20) == 1
        assert "Traceback" not in process.stderr.read()


def test_a_client_that_gives_up_is_found_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it missed is lost, and the exit code says so: the verdict is the server's."""
    monkeypatch.setattr(demo_module, "_source", lambda url: EventSource(url, retry=RetryPolicy.never()))
    assert demo_module.demo(events=60, seed=7, svg=None) is Exit.TROUBLE
    out = capsys.readouterr().out
    lost = re.search(r"lost +(\d+)", out)
    assert lost is not None
    assert int(lost[1]) > 0
    assert "the stream failed: " in out


def test_the_table_shows_what_went_wrong() -> None:
    """Each kind with its number and the first events concerned."""
    log = log_of([str(number) for number in range(1, 10)])
    verdict = log.verdict(["1", "1", "3", "2", "x"])
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(result(Journey(lambda: plan(0)), verdict))
    words = " ".join(console.export_text().split())
    assert "lost 6 4, 5, 6, 7, 8, ..." in words
    assert "duplicated 1 1" in words
    assert "reordered 1 2" in words
    assert "invented 1 x" in words


def test_a_silent_connection_is_a_stall_whatever_was_planned() -> None:
    """The client's own timeout is what ended it."""
    journey = Journey(lambda: plan(0))
    for error in (StreamTimeout(kind="read", seconds=0.6), StreamInterrupted(reason="reset")):
        journey.take(Interrupted(error=error, delay=0.1, attempt=2))
    assert [leg.fault for leg in journey.legs] == ["stall", plan(0).ending, None]


def test_what_was_not_even_published_counts_as_lost() -> None:
    """A demo that was ended early is no success."""
    feed = Feed(5, seed=1)
    assert feed.verdict([]).lost == ("1", "2", "3", "4", "5")
