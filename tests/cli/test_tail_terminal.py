"""`everstream tail` on a terminal."""

import math
import re

from everstream.testing import SSEServer, connection, cut, event, no_content, pause, retry, stall, status
from tests.cli.running import on_terminal

WILD = "\x1b]0;title\x07\x1b[2J\u202e\x9b2J\rx"
STATUS = re.compile(r"● open  2 events · \d+\.\d/s · last id 7 · 1 reconnect$")


def test_events_are_readable_with_a_status_line_below(sse_server: SSEServer) -> None:
    """The last line is current, and is gone at the end, with how to go on in its place."""
    first = connection(retry(10), event('{"a": 1}', id="6"), cut())
    sse_server.script([first, connection(event("b", id="7", type="update"), stall())])
    with on_terminal("tail", sse_server.url, "--max-delay", "0.01") as terminal:
        lines = terminal.until(lambda screen: STATUS.search(screen)).splitlines()
        terminal.interrupt()
        assert terminal.ended() == 130
    assert re.fullmatch(r"\d\d:\d\d:\d\d ● message  6", lines[0])
    assert lines[1] == '  {"a": 1}'
    assert re.fullmatch(r"\d\d:\d\d:\d\d ● update  7", lines[2])
    assert lines[3] == "  b"
    assert len(lines) == 5
    *shown, summary = terminal.text.splitlines()
    assert shown == lines[:4]
    assert summary.endswith("everstream: 2 events; to go on from here: --last-event-id 7")
    assert "\x1b[" in terminal.raw


def seconds_left(screen: str) -> float:
    """Returns the seconds to the second attempt that a screen shows; infinity if it shows none."""
    found = re.search(r"◌ attempt 2 in (\d+\.\d) s", screen)
    return float(found[1]) if found else math.inf


def test_an_interruption_is_in_the_status_line(sse_server: SSEServer) -> None:
    """With what happened, and the seconds to the next attempt counting down."""
    sse_server.script([status(503, retry_after=300)])
    with on_terminal("tail", sse_server.url) as terminal:
        # The wait is 300 s and up to one more; when the terminal first shows it is not known.
        first = terminal.until(lambda screen: seconds_left(screen) < math.inf)
        second = terminal.until(lambda screen: seconds_left(screen) < seconds_left(first))
        terminal.interrupt()
        assert terminal.ended() == 130
    assert "503 Service Unavailable" in first
    assert 200 < seconds_left(second) < seconds_left(first) <= 301
    assert len(first.splitlines()) == len(second.splitlines()) == 1


def test_no_control_character_of_the_server_reaches_the_terminal(sse_server: SSEServer) -> None:
    """Not from data, types, ids, comments or bodies; in no format. The terminal of this test refuses them."""
    for form in ("auto", "pretty", "data", "jsonl"):
        sse_server.script(
            [
                connection(event(f"a{WILD}", id=f"1{WILD[:-2]}", type=f"t{WILD[:-2]}"), cut()),
                status(404, body=WILD.encode()),
            ]
        )
        options = ["--format", form, "--max-delay", "0.01", "--lifecycle", "--log-format", "console"]
        with on_terminal("tail", sse_server.url, *options) as terminal:
            assert terminal.ended() == 3
        escape = r"\u001b]0;title\u0007" if form == "jsonl" else r"\x1b]0;title\x07"
        assert f"a{escape}" in terminal.text.replace("\n", "")
        assert r"it said: \x1b]0;title\x07\x1b[2J\u202e\x9b2J x" in terminal.text.replace("\n", "")


def test_long_lines_go_on_indented(sse_server: SSEServer) -> None:
    """So that a server cannot pad a line until it looks like the head of an event."""
    sse_server.script([connection(event("x" * 90 + " 12:00:00 ● message", id="y" * 60))])
    with on_terminal("tail", sse_server.url, "--no-reconnect", columns=40) as terminal:
        assert terminal.ended() == 0
    heads = [line for line in terminal.text.splitlines() if not line.startswith("  ")]
    assert len(heads) == 2
    assert heads[1] == "everstream: 1 event; to go on from here: --last-event-id " + "y" * 60


def test_the_status_line_never_wraps(sse_server: SSEServer) -> None:
    """It is cut to the width of the terminal."""
    sse_server.script([connection(event("a", id="日本" * 40), pause())])
    with on_terminal("tail", sse_server.url, "--no-reconnect", columns=30) as terminal:
        line = terminal.until(lambda screen: re.search("● open.*…$", screen)).splitlines()[-1]
        sse_server.release()
        assert terminal.ended() == 0
    assert line.startswith("● open")
    assert len(line) < 30


def test_colours_can_be_turned_off(sse_server: SSEServer) -> None:
    """By NO_COLOR, as everywhere."""
    sse_server.script([connection(event("a"))])
    with on_terminal("tail", sse_server.url, "--no-reconnect", NO_COLOR="1") as terminal:
        assert terminal.ended() == 0
    assert not re.search(r"\x1b\[(3|9)\d", terminal.raw)


def test_a_dumb_terminal_gets_no_status_line(sse_server: SSEServer) -> None:
    """Nothing is redrawn there; interruptions are told in lines."""
    sse_server.script([connection(event("a"), cut()), no_content()])
    with on_terminal("tail", sse_server.url, "--max-delay", "0.01", TERM="dumb") as terminal:
        assert terminal.ended() == 0
    assert "\x1b[" not in terminal.raw
    assert "everstream: the connection was cut" in terminal.text


def test_an_ascii_terminal_gets_ascii(sse_server: SSEServer) -> None:
    """What it cannot show is shown by its number."""
    sse_server.script([connection(event("日本"))])
    with on_terminal("tail", sse_server.url, "--no-reconnect", PYTHONIOENCODING="ascii") as terminal:
        assert terminal.ended() == 0
    assert terminal.text.isascii()
    assert r"\u65e5\u672c" in terminal.text
