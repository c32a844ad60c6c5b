"""SIGTERM and SIGINT end `everstream work` in order; and nothing of it runs on when it is gone."""

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from everstream.testing import Connection, SSEServer, Step, connection, event, no_content, stall, status
from tests.cli.running import line_from
from tests.cli.working import (
    arguments,
    ended,
    record,
    records,
    saved,
    wait_for_file,
    wait_until_gone,
    worked,
    working,
)
from tests.reading import wait_until

BOTH = [signal.SIGTERM, signal.SIGINT]
TWO = (event("a", id="1"), event("b", id="2"))


def sh(script: str) -> str:
    """Returns the command line that runs a script of sh."""
    return shlex.join(["sh", "-c", script])


WORKS = sh("echo $$ > pid; until test -e go; do sleep 0.01; done; echo $EVERSTREAM_EVENT_ID")
"""It works on an event until a file is there."""
NEVER_ENDS = sh(
    "trap '' TERM INT HUP; echo $$ > pid; sleep 600 & echo $! > grandchild; while :; do sleep 600; done"
)


def keeping(folder: Path, *options: str) -> list[str]:
    """Returns the options for a checkpoint."""
    return ["--checkpoint", str(folder / "checkpoints.db"), "--name", "n", *options]


@pytest.mark.parametrize("number", BOTH)
def test_the_event_in_hand_is_finished(sse_server: SSEServer, tmp_path: Path, number: signal.Signals) -> None:
    """The checkpoint is saved, the exit code is 0, and no further event is taken."""
    sse_server.script([connection(*TWO, stall())])
    with working(tmp_path, *arguments(sse_server.url, *keeping(tmp_path), handler="slow")) as process:
        wait_until((tmp_path / "began-1").exists, "the handler is at it")
        process.send_signal(number)
        sse_server.wait_until_client_gone(0)
        (tmp_path / "go-1").touch()
        done = ended(process)
    assert (done.code, done.out) == (0, "1\n")
    assert saved(tmp_path / "checkpoints.db") == {"n": "1"}
    assert record(done, "worker.stopped")["finished"] is True


@pytest.mark.parametrize("number", BOTH)
def test_the_command_in_hand_is_finished(
    sse_server: SSEServer, tmp_path: Path, number: signal.Signals
) -> None:
    """Though the signal goes to the whole process group, as Ctrl-C does."""
    sse_server.script([connection(*TWO, stall())])
    command = arguments(sse_server.url, *keeping(tmp_path), command=WORKS)
    with working(tmp_path, "setsid", *command) as process:
        wait_for_file(tmp_path / "pid")
        os.killpg(process.pid, number)
        sse_server.wait_until_client_gone(0)
        (tmp_path / "go").touch()
        done = ended(process)
    assert (done.code, done.out) == (0, "1\n")
    assert saved(tmp_path / "checkpoints.db") == {"n": "1"}


@pytest.mark.parametrize("step", [connection(stall()), status(503, retry_after=300)])
def test_between_events_it_ends_at_once(
    sse_server: SSEServer, tmp_path: Path, step: Connection | Step
) -> None:
    """While it waits for bytes, or for the next attempt."""
    sse_server.script([step])
    with working(tmp_path, *arguments(sse_server.url, "--max-delay", "600", command="true")) as process:
        name = "stream.opened" if step == connection(stall()) else "stream.interrupted"
        while name not in line_from(process.stderr):
            pass
        done = ended(process, signal.SIGTERM)
    assert done.code == 0
    assert records(done)[-1]["event"] == "worker.stopped"


def test_a_handler_that_does_not_end_is_left(sse_server: SSEServer, tmp_path: Path) -> None:
    """After the stop timeout the exit code is 1, and after a restart the event comes again."""
    sse_server.script([connection(*TWO, stall())] * 2)
    options = keeping(tmp_path, "--stop-timeout", "0.2")
    with working(tmp_path, *arguments(sse_server.url, *options, handler="slow")) as process:
        wait_until((tmp_path / "began-1").exists, "the handler is at it")
        done = ended(process, signal.SIGTERM)
    assert (done.code, done.out) == (1, "")
    assert records(done)[-1]["event"] == "command.unfinished"
    assert saved(tmp_path / "checkpoints.db") == {}
    (tmp_path / "go-1").touch()
    with working(tmp_path, *arguments(sse_server.url, *options, handler="slow")) as process:
        assert line_from(process.stdout) == "1\n"
        wait_until((tmp_path / "began-2").exists, "the handler is at the next")
        done = ended(process, signal.SIGTERM)
    assert done.code == 1
    assert saved(tmp_path / "checkpoints.db") == {"n": "1"}


def test_a_command_that_does_not_end_is_killed(sse_server: SSEServer, tmp_path: Path) -> None:
    """With all that it started; the event is no dead letter, and comes again."""
    sse_server.script([connection(*TWO, stall())])
    letters = tmp_path / "letters"
    options = keeping(tmp_path, "--stop-timeout", "0.2", "--attempts", "1", "--dead-letter", str(letters))
    with working(tmp_path, *arguments(sse_server.url, *options, command=NEVER_ENDS)) as process:
        grandchild = int(wait_for_file(tmp_path / "grandchild"))
        done = ended(process, signal.SIGTERM)
    assert done.code == 1
    assert letters.read_text() == ""
    assert saved(tmp_path / "checkpoints.db") == {}
    wait_until_gone(int(wait_for_file(tmp_path / "pid")))
    wait_until_gone(grandchild)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_runs_on_when_it_is_killed(
    sse_server: SSEServer, tmp_path: Path, number: signal.Signals
) -> None:
    """By SIGKILL, or by a second signal: its process group goes with it."""
    sse_server.script([connection(*TWO, stall())])
    with working(tmp_path, *arguments(sse_server.url, command=NEVER_ENDS)) as process:
        grandchild = int(wait_for_file(tmp_path / "grandchild"))
        child = int(wait_for_file(tmp_path / "pid"))
        kill(process, number)
        assert process.returncode == -number
    wait_until_gone(child)
    wait_until_gone(grandchild)


def kill(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Sends a signal until it has killed; two that come at once count as one."""

    def is_killed() -> bool:
        process.send_signal(number)
        try:
            return process.wait(0.05) is not None
        except subprocess.TimeoutExpired:
            return False

    wait_until(is_killed, "it is killed")


def test_what_a_command_leaves_behind_ends_with_the_worker(sse_server: SSEServer, tmp_path: Path) -> None:
    """Not before: the next event is handled beside it."""
    sse_server.script([connection(*TWO), no_content()])
    leave = "sleep 600 > /dev/null 2>&1 & echo $! >> left; echo $EVERSTREAM_EVENT_ID"
    done = worked(tmp_path, *arguments(sse_server.url, command=sh(leave)))
    assert (done.code, done.out) == (0, "1\n2\n")
    for left in (tmp_path / "left").read_text().split():
        wait_until_gone(int(left))


def test_a_guard_that_is_killed_is_replaced(sse_server: SSEServer, tmp_path: Path) -> None:
    """It leads the group in which commands run."""
    sse_server.script([connection(*TWO, event("c", id="3")), no_content()])
    kill_the_guard = """python3 -c 'import os, signal; os.kill(os.getpgid(0), signal.SIGKILL); print("x")'"""
    done = worked(tmp_path, *arguments(sse_server.url, command=kill_the_guard))
    assert (done.code, done.out) == (0, "x\nx\nx\n"), done.err


def test_before_it_has_begun_ctrl_c_is_quiet(sse_server: SSEServer, tmp_path: Path) -> None:
    """While the handler is imported."""
    (tmp_path / "late.py").write_text("open('importing', 'x').write('x')\nimport time\ntime.sleep(600)")
    command = arguments(sse_server.url)
    with working(tmp_path, *command, "--handler", "late:handle") as process:
        wait_for_file(tmp_path / "importing")
        done = ended(process, signal.SIGINT)
    assert (done.code, done.out, done.err) == (130, "", "")
