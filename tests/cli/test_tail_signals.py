"""SIGINT and SIGTERM end `everstream tail` cleanly, wherever it is."""

import signal
import subprocess
import time
from contextlib import suppress

import pytest

from everstream.testing import Connection, SSEServer, Step, connection, event, silence, stall, status
from tests.cli.running import COMMAND, DEADLINE, environment, line_from, running, shell, stopped

BOTH = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.mark.parametrize(("number", "code"), BOTH)
def test_while_it_waits_for_bytes(sse_server: SSEServer, number: signal.Signals, code: int) -> None:
    """The connection is closed, and nothing is said."""
    sse_server.script([connection(event("a"), stall())])
    with running("tail", sse_server.url) as process:
        line_from(process.stdout)
        done = stopped(process, number)
    assert (done.code, done.out, done.err) == (code, "", "")
    sse_server.wait_until_client_gone(0)


@pytest.mark.parametrize(("number", "code"), BOTH)
@pytest.mark.parametrize("step", [silence(), status(503, retry_after=300)], ids=["head", "backoff"])
def test_while_it_waits_for_a_response_or_for_the_next_attempt(
    sse_server: SSEServer, step: Connection | Step, number: signal.Signals, code: int
) -> None:
    """No request is made afterwards."""
    sse_server.script([step])
    with running("tail", sse_server.url) as process:
        sse_server.wait_for_requests(1)
        if step != silence():
            assert "attempt 2 in 30" in line_from(process.stderr)
        done = stopped(process, number)
    assert (done.code, done.err) == (code, "")
    assert len(sse_server.requests) == 1


def test_with_the_lifecycle_the_end_is_written(sse_server: SSEServer) -> None:
    """It is a normal end, by the caller."""
    sse_server.script([connection(event("a"), stall())])
    with running("tail", sse_server.url, "--lifecycle") as process:
        line_from(process.stdout)
        line_from(process.stdout)
        done = stopped(process, signal.SIGINT)
    assert (done.code, done.out) == (130, '{"kind": "closed", "reason": "close"}\n')


def test_before_there_is_a_stream(sse_server: SSEServer) -> None:
    """While the body is read from stdin, Ctrl-C is as quiet."""
    with subprocess.Popen(
        [*COMMAND, "tail", sse_server.url, "-d", "@-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        wait_until_reading(process)
        done = stopped(process, signal.SIGINT)
    assert (done.code, done.out, done.err) == (130, "", "")
    assert sse_server.requests == []


def wait_until_reading(process: subprocess.Popen[str]) -> None:
    """Fills the pipe until the other side takes from it, and leaves it without an end."""
    assert process.stdin is not None
    # More than a pipe holds: this returns only when the process has begun to read.
    process.stdin.write("x" * 1_000_000)
    process.stdin.flush()


def test_the_second_signal_kills(sse_server: SSEServer) -> None:
    """For when nobody reads the output: the write that waits would never end."""
    sse_server.script([connection(event("x" * 10_000_000), stall())])
    with running("tail", sse_server.url) as process:
        assert process.stdout is not None
        # A part of the line is there, and the rest does not fit into the pipe.
        assert process.stdout.read(1) == "{"
        deadline = time.monotonic() + DEADLINE
        while process.poll() is None and time.monotonic() < deadline:
            process.send_signal(signal.SIGTERM)  # two that come at once count as one
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        assert process.returncode == -signal.SIGTERM


def test_a_signal_that_the_parent_ignores_stays_ignored(sse_server: SSEServer) -> None:
    """As shells want it of jobs in the background."""
    sse_server.script([connection(event("a"), event("b"), stall())])
    done = shell(
        """
        trap '' INT
        $everstream tail "$1" --format data --max-events 2 > >(cat) &
        wait "$!"
        """,
        sse_server.url,
    )
    assert done.code == 0
