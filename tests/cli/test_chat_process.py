"""`everstream chat` in a pipe, on a terminal, and when somebody has enough of it."""

import json
import os
import pty
import select
import signal
from pathlib import Path

import pytest

from everstream.cli.chat_output import AnswerText
from everstream.testing import SSEServer, connection, cut, endless, pause, stall
from tests.cli.chatting import DONE, asking, chunk, finish, token
from tests.cli.running import DEADLINE, everstream, line_from, on_terminal, running, shell, stopped

WILD = "\x1b]0;title\x07\x1b[2J\u202e\x9b2J\rx"
SHOWN = r"\x1b]0;title\x07\x1b[2J\u202e\x9b2J\x0dx"
ENDLESS = endless(b'data: {"choices": [{"index": 0, "delta": {"content": "word "}}]}\n\n')


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_tokens_are_there_as_they_come_and_stay_when_it_is_ended(
    sse_server: SSEServer, number: signal.Signals, code: int
) -> None:
    """Before the server sends more; a signal ends the line, and says that the answer is not whole."""
    sse_server.script([connection(token("one\n"), pause(), token("two\n"), token("thr"), stall())])
    with running(*asking(sse_server, "why?")) as process:
        assert line_from(process.stdout) == "one\n"
        sse_server.release()
        assert line_from(process.stdout) == "two\n"
        assert process.stdout is not None
        assert os.read(process.stdout.fileno(), 3) == b"thr"
        done = stopped(process, number)
    assert (done.code, done.out) == (code, "\n")
    assert done.err == f"everstream: the answer is incomplete: ended by {number.name}\n"
    sse_server.wait_until_client_gone(0)


def test_a_signal_before_any_answer_says_no_more_than_that(sse_server: SSEServer) -> None:
    """There is nothing that could be incomplete; a role is none of an answer."""
    sse_server.script([connection(chunk({"role": "assistant", "content": ""}), pause(), stall())])
    with running(*asking(sse_server, "why?")) as process:
        sse_server.wait_until_paused()
        done = stopped(process, signal.SIGINT)
    assert (done.code, done.out, done.err) == (130, "", "everstream: ended by SIGINT\n")


@pytest.mark.parametrize("locale", [{}, {"PYTHONIOENCODING": "ascii"}], ids=["UTF-8", "ASCII"])
def test_half_a_character_is_written_by_its_number(sse_server: SSEServer, locale: dict[str, str]) -> None:
    """A server that cuts text anywhere sends a surrogate alone, which no encoding takes."""
    sse_server.script([connection(token("Å \ud83d"), token("\ude00 x"), finish(), DONE)] * 2)
    done = everstream(*asking(sse_server, "why?"), stdin=b"", **locale)
    assert (done.code, done.out, done.err) == (0, "Å \\ud83d\\ude00 x\n", "")
    as_json = everstream(*asking(sse_server, "why?", "--json"), stdin=b"", **locale)
    assert json.loads(as_json.out)["text"] == "Å 😀 x"


def test_the_object_is_written_when_it_is_ended_too(sse_server: SSEServer) -> None:
    """With the text so far, and as what it is."""
    sse_server.script([connection(token("one"), pause(), stall())])
    with running(*asking(sse_server, "why?", "--json", "--log-format", "json")) as process:
        assert "stream.connecting" in line_from(process.stderr)
        assert "stream.opened" in line_from(process.stderr)
        sse_server.wait_until_paused()
        done = stopped(process, signal.SIGINT)
    written = json.loads(done.out)
    assert (done.code, written["complete"]) == (130, False)
    assert written["error"]["error_type"] == "AnswerIncomplete"
    assert "SIGINT" in written["error"]["message"]


def test_a_reader_that_has_enough_ends_it_quietly(sse_server: SSEServer) -> None:
    """In the middle of an answer that goes on, and of one that is silent, wherever in a line that is."""
    for steps in ([token("Paris"), ENDLESS], [token("Paris"), stall()], [token("Paris\n"), stall()]):
        sse_server.script([connection(*steps)])
        command = asking(sse_server, "why?")
        done = shell('$everstream "$@" | head -c 3; echo "/${PIPESTATUS[0]}"', *command)
        assert (done.out, done.err) == ("Par/0\n", "")


def test_a_full_disk_is_said_in_one_line(sse_server: SSEServer) -> None:
    """The exit code is 1: it was not the answer that failed."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    sse_server.script([connection(token("Hello"), stall())])
    done = shell('$everstream "$@" > /dev/full', *asking(sse_server, "why?"))
    assert (done.code, done.err) == (
        1,
        "everstream: the output could not be written: No space left on device\n",
    )


def test_a_terminal_gets_what_is_safe_there(sse_server: SSEServer) -> None:
    """From the text, and from what is said of it, on lines of its own. This terminal refuses the rest."""
    sse_server.script([
        connection(token(f"a{WILD}"), token("b\nc"), cut()),
        connection(chunk({"refusal": WILD}), token("d"), finish(WILD), DONE),
    ])  # fmt: skip
    with on_terminal(*asking(sse_server, "why?"), columns=200) as terminal:
        assert terminal.ended() == 6
    *text, said = terminal.text.splitlines()
    assert text == [f"a{SHOWN}b", "c"]
    assert said.startswith("everstream: the answer is incomplete: ")
    with on_terminal(*asking(sse_server, "why?", "--log-format", "console"), columns=200) as terminal:
        assert terminal.ended() == 0
    lines = [line for line in terminal.text.splitlines() if "stream." not in line]
    assert lines == [
        "d",
        f"everstream: the model refuses: {SHOWN}",
        f"everstream: the model stopped before it was done (finish_reason: {SHOWN})",
    ]


def test_tabs_and_lines_stay_on_a_terminal() -> None:
    """They are no danger there, and code is made of them."""
    master, slave = pty.openpty()
    shown = b""
    with os.fdopen(slave, "w", encoding="utf-8") as terminal:
        out = AnswerText(terminal)
        out.piece("if a:\n\tb")
        out.piece("\x1b[2J")
        out.make_room()
        # A terminal gives what was written in pieces, and what is left is lost with its last writer.
        while shown.count(b"\n") < 2:
            readable, _, _ = select.select([master], [], [], DEADLINE)
            assert readable, f"it only shows {shown!r}"
            shown += os.read(master, 1000)
    os.close(master)
    assert shown.decode().expandtabs().splitlines() == ["if a:", r"        b\x1b[2J"]
