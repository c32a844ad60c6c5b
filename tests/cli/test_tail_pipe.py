"""`everstream tail` in a pipe: lines for programs, at once, and no fuss when nobody reads."""

import json
import signal
from pathlib import Path

import pytest

from everstream.testing import SSEServer, comment, connection, cut, endless, event, pause, retry, stall
from tests.cli.running import DEADLINE, environment, everstream, line_from, running, shell

ASCII_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
WILD = "\x1b]0;title\x07\u202e\x9b2J"


def test_an_event_is_one_json_object_a_line(sse_server: SSEServer) -> None:
    """In UTF-8, with nothing raw in it that a terminal would obey."""
    sse_server.script([connection(event(f"zwei\n日本{WILD}", type="update", id="1"), event("2"))])
    done = everstream("tail", sse_server.url, "--no-reconnect")
    first, second = done.out.splitlines()
    assert json.loads(first) == {"type": "update", "data": f"zwei\n日本{WILD}", "id": "1"}
    assert json.loads(second) == {"type": "message", "data": "2", "id": "1"}
    assert "日本" in first
    assert first.isprintable()


def test_a_line_is_there_as_soon_as_its_event_is(sse_server: SSEServer) -> None:
    """Before the server sends anything more."""
    sse_server.script([connection(event("1"), pause(), event("2"), pause())])
    with running("tail", sse_server.url, "--format", "data", "--no-reconnect") as process:
        assert line_from(process.stdout) == "1\n"
        sse_server.release()
        assert line_from(process.stdout) == "2\n"
        sse_server.release()
        assert process.wait(DEADLINE) == 0


def test_data_are_exact_in_a_pipe(sse_server: SSEServer) -> None:
    """Control characters too: whoever reads a pipe knows what they are."""
    sse_server.script([connection(event(f"zwei\n日本{WILD}"), event("3"))])
    done = everstream("tail", sse_server.url, "--format", "data", "--no-reconnect")
    assert done.out == f"zwei\n日本{WILD}\n3\n"


def test_pretty_in_a_pipe_has_neither_colours_nor_raw_controls(sse_server: SSEServer) -> None:
    """And its long lines are left whole."""
    long = "long " * 100 + "end"
    sse_server.script([connection(event(f"a{WILD}\n{long}", id="1"))])
    done = everstream("tail", sse_server.url, "--format", "pretty", "--no-reconnect")
    head, first, second = done.out.splitlines()
    assert head.endswith(" ● message  1")
    assert first == r"  a\x1b]0;title\x07\u202e\x9b2J"
    assert second == f"  {long}"


def test_types_are_chosen(sse_server: SSEServer) -> None:
    """Events of other types are left out, and do not count for --max-events."""
    events = [event(str(n), type=kind) for n, kind in enumerate(["a", "b", "c", "a", "b", "a"])]
    sse_server.script([connection(*events, stall())])
    done = everstream(
        "tail", sse_server.url, "--type", "a", "--type", "c", "--max-events", "3", "--format", "data"
    )
    assert (done.code, done.out) == (0, "0\n2\n3\n")


def test_the_lifecycle_is_told_apart_by_kind(sse_server: SSEServer) -> None:
    """Every object then has one, and stderr has nothing to add."""
    sse_server.script(
        [connection(comment("hi"), retry(10), event("a", id="1"), cut()), connection(event("b"))]
    )
    done = everstream("tail", sse_server.url, "--lifecycle", "--max-delay", "0.01")
    kinds = [json.loads(line)["kind"] for line in done.out.splitlines()]
    assert kinds == [
        "opened", "comment", "retry", "event", "interrupted", "opened", "event", "interrupted", "closed",
    ]  # fmt: skip
    assert (done.code, done.err) == (0, "")


def test_with_bare_data_the_lifecycle_goes_to_stderr(sse_server: SSEServer) -> None:
    """Among the data it could not be told from them."""
    sse_server.script([connection(event("a"))])
    done = everstream("tail", sse_server.url, "--lifecycle", "--format", "data", "--no-reconnect")
    assert done.out == "a\n"
    assert done.err.splitlines() == [
        "everstream: opened: connected",
        "everstream: closed: the server ended the stream",
    ]


def test_log_records_go_to_stderr(sse_server: SSEServer) -> None:
    """As JSON or for a person; what came from the server is escaped in both."""
    script = [connection(event("a", id=f"1{WILD}"), cut())]
    for form in ("json", "console"):
        sse_server.script(script)
        done = everstream("tail", sse_server.url, "--log-format", form, "--max-delay", "0.01")
        assert done.code == 0
        assert len(done.out.splitlines()) == 1
        assert all(line.isprintable() for line in done.err.splitlines())
        names = [
            "stream.connecting",
            "stream.opened",
            "stream.interrupted",
            "stream.connecting",
            "stream.closed",
        ]
        for line, name in zip(done.err.splitlines(), names, strict=True):
            assert name in (json.loads(line)["event"] if form == "json" else line)
    assert r"\x1b]0;title" in done.err


@pytest.mark.parametrize("locale", [{"PYTHONIOENCODING": "ascii"}, ASCII_LOCALE], ids=["io", "locale"])
@pytest.mark.parametrize("form", ["jsonl", "data", "pretty"])
def test_no_locale_makes_it_crash(sse_server: SSEServer, locale: dict[str, str], form: str) -> None:
    """A pipe gets UTF-8 in any."""
    sse_server.script([connection(event("日本", id="é"), cut())])
    options = ["--format", form, "--max-delay", "0.01", "--log-format", "console"]
    done = everstream("tail", sse_server.url, *options, stdin=b"", **locale)
    assert done.code == 0, done.err
    assert "日本" in done.out
    assert "Traceback" not in done.err


def test_a_reader_that_has_enough_ends_it_quietly(sse_server: SSEServer) -> None:
    """Though the stream would have gone on for ever."""
    sse_server.script([connection(endless(b"data: x\n\n"))])
    done = shell('$everstream tail "$1" | head -1; echo "${PIPESTATUS[0]}"', sse_server.url)
    assert done.out.splitlines() == ['{"type": "message", "data": "x", "id": ""}', "0"]
    assert done.err == ""


def test_a_reader_that_goes_is_noticed_on_a_quiet_stream(sse_server: SSEServer) -> None:
    """No further event is needed for it."""
    sse_server.script([connection(event("x"), stall())])
    with running("tail", sse_server.url) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line_from(process.stdout)
        process.stdout.close()
        assert process.wait(DEADLINE) == 0
        assert process.stderr.read() == ""


def test_a_reader_that_takes_both_outputs_may_go_too(sse_server: SSEServer) -> None:
    """There is nowhere left to complain to."""
    sse_server.script([connection(event("x"), cut())] * 3, then=connection(endless(b"data: x\n\n")))
    done = shell(
        '$everstream tail "$1" --max-delay 0.01 2>&1 | head -2; echo "${PIPESTATUS[0]}"', sse_server.url
    )
    assert len(done.out.splitlines()) == 3
    assert done.out.splitlines()[-1] == "0"


def test_a_file_gets_the_same_as_a_pipe(sse_server: SSEServer, tmp_path: Path) -> None:
    """One JSON object a line."""
    sse_server.script([connection(event("x"))])
    out = tmp_path / "out"
    done = shell('$everstream tail "$1" --no-reconnect > "$2"', sse_server.url, str(out))
    assert done.code == 0
    assert out.read_text() == '{"type": "message", "data": "x", "id": ""}\n'


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_an_output_that_is_closed_from_the_start_is_no_trouble(sse_server: SSEServer, closed: str) -> None:
    """What would go there is lost, and the exit code is what it would be."""
    sse_server.script([connection(event("x"), cut())])
    done = shell(f'$everstream tail "$1" --no-reconnect {closed}', sse_server.url)
    assert done.code == 3
    assert "Traceback" not in done.err


def test_nothing_is_left_of_the_environment_that_decides_how_it_prints() -> None:
    """Or these tests would depend on who runs them."""
    assert environment(SIGNAL=str(signal.SIGINT)).keys().isdisjoint({"NO_COLOR", "FORCE_COLOR", "COLUMNS"})
