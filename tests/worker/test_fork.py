"""A worker and its fork: the thread stays with the parent, and the child is told so."""

from __future__ import annotations

import pytest

from everstream.testing import SSEServer, event, no_content, pause, stall
from tests.reading import DEADLINE
from tests.worker.working import line_from, program

COMMON = """
import os, sys, warnings
# From Python 3.12 on, it warns of any fork beside a thread.
warnings.simplefilter("ignore", DeprecationWarning)
from everstream import ConfigurationError, EventSource, Worker, WorkerGroup

class Handled:
    def __call__(self, event):
        print("handled", event.data)

worker = Worker(EventSource(sys.argv[1]), Handled())
work = worker if sys.argv[2] == "worker" else WorkerGroup([worker])

def attempt(name):
    try:
        getattr(work, name)()
    except ConfigurationError as error:
        print(f"{name}: {error}")
    else:
        print(f"{name}: no error")

def in_child(function):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            function()
            sys.stdout.flush()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
"""

EVERY_WORD = """
work.start()
sys.stdin.readline()
in_child(lambda: [attempt(name) for name in ("start", "run", "request_stop", "stop", "join", "health")])
print("the parent")
sys.stdin.readline()
print(work.stop(), work.health().alive)
"""

INSIDE_OF_WITH = """
def leaves():
    try:
        with work:
            sys.stdin.readline()
            child = os.fork()
            if child == 0:
                raise SystemExit(9)
            assert os.waitpid(child, 0)[1] == 9 << 8
            print("the parent")
            sys.stdin.readline()
    except SystemExit as end:
        os._exit(end.code)

leaves()
print(work.health().alive)
"""

BEFORE_IT_IS_STARTED = """
in_child(lambda: print(work.run()))
print("the parent", work.run())
"""


@pytest.fixture(params=["worker", "group"])
def kind(request: pytest.FixtureRequest) -> str:
    """What is forked."""
    return str(request.param)


def test_each_word_is_a_clear_error_in_the_child_and_the_parent_goes_on(
    sse_server: SSEServer, kind: str
) -> None:
    """What to do is said: make a worker after the fork."""
    sse_server.script([[event("1"), pause(), event("2"), stall()]])
    with program(COMMON + EVERY_WORD, sse_server.url, kind) as process:
        assert line_from(process) == "handled 1"
        told(process)
        for word in ("start", "run", "request_stop", "stop", "join", "health"):
            method, _, message = line_from(process).partition(": ")
            assert method == word
            assert message.endswith(
                "the worker's thread is in the process that was forked; make a worker after the fork"
            )
        assert line_from(process) == "the parent"
        sse_server.release()
        assert line_from(process) == "handled 2"
        told(process)
        assert line_from(process) == "True False"
        assert process.wait(DEADLINE) == 0
    sse_server.wait_until_client_gone(0)


def test_a_child_may_leave_a_with_block_and_the_parent_goes_on(sse_server: SSEServer, kind: str) -> None:
    """Nothing is stopped, and what the child leaves with is not hidden by an error of ours."""
    sse_server.script([[event("1"), pause(), event("2"), stall()]])
    with program(COMMON + INSIDE_OF_WITH, sse_server.url, kind) as process:
        assert line_from(process) == "handled 1"
        told(process)
        assert line_from(process) == "the parent"
        sse_server.release()
        assert line_from(process) == "handled 2"
        told(process)
        assert line_from(process) == "False"
        assert process.wait(DEADLINE) == 0


def test_what_was_only_made_before_the_fork_works_on_both_sides(sse_server: SSEServer, kind: str) -> None:
    """Each has its own connection."""
    sse_server.script([[event("child")], no_content(), [event("parent")]])
    with program(COMMON + BEFORE_IT_IS_STARTED, sse_server.url, kind) as process:
        sse_server.wait_for_requests(1)
        lines = [line_from(process) for _ in range(2)]
        assert lines == ["handled child", "True"]
        assert [line_from(process) for _ in range(2)] == ["handled parent", "the parent True"]


def told(process: object) -> None:
    """Tells a program to go on."""
    process.stdin.write("\n")  # type: ignore[attr-defined]
    process.stdin.flush()  # type: ignore[attr-defined]
