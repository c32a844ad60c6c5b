"""A process that was forked while it had a stream: the stream is the parent's."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from everstream.testing import SSEServer, event, log_of, pause

PROGRAM = """
import gc, json, os, sys, threading
from everstream import ConfigurationError, EventSource

class Store:
    def load(self, key):
        return None
    def save(self, key, last_event_id):
        told.setdefault("saves", []).append(last_event_id)

told, pid = {}, os.getpid()

def attempt(what, function, *arguments):
    try:
        told[what] = repr(function(*arguments))
    except ConfigurationError as error:
        told[what] = str(error)

def make(**options):
    return EventSource(
        sys.argv[1], checkpoint=Store(), name="orders", checkpoint_interval=3600, **options
    )

def in_child(work):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            told.clear()
            work()
            os.write(writing, json.dumps(told).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        text = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return json.loads(text)
"""


def run(server: SSEServer, program: str) -> Any:
    """Runs a program in a process of its own; returns what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM + program, server.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


OF_THE_PARENT = "this event source belongs to the process that was forked; make one after the fork"


def test_a_source_that_was_iterated_is_of_no_use_in_the_child(sse_server: SSEServer) -> None:
    """Each call says so, and what to do."""
    sse_server.script([[*(event(each, id=each) for each in "abc"), pause()]])
    sse_server.release()
    told = run(
        sse_server,
        """
source = make(ack="manual")
first = next(source)
def work():
    attempt("next", next, source)
    attempt("ack", source.ack, first)
    attempt("reconnect", source.reconnect)
    attempt("close", source.close)
    attempt("all", list, source.all())
    told["health"] = source.health().state
print(json.dumps(in_child(work)))
""",
    )
    assert told.pop("health") == "open"
    assert told == {
        "next": f"iterating: {OF_THE_PARENT}",
        "all": f"iterating: {OF_THE_PARENT}",
        "ack": f"ack(): {OF_THE_PARENT}",
        "reconnect": f"reconnect(): {OF_THE_PARENT}",
        "close": f"close(): {OF_THE_PARENT}",
    }


@pytest.mark.parametrize(
    "leave",
    [
        "source.__exit__(None, None, None)",
        "del globals()['source']; gc.collect()",
        "source.__exit__(None, None, None); del globals()['source']; gc.collect()",
    ],
)
def test_a_child_that_lets_go_does_nothing_to_the_parent(sse_server: SSEServer, leave: str) -> None:
    """Neither to its connection nor to its checkpoint: the parent reads on, and nothing comes twice."""
    log = sse_server.serve_log(log_of(str(n) for n in range(1, 6)), faults=())
    told = run(
        sse_server,
        f"""
source = make()
got = [next(source).data, next(source).data, next(source).data]
def work():
    {leave}
child = in_child(work)
got += [event.data for event in source]
print(json.dumps([child, got, told["saves"], source.stats.interruptions]))
""",
    )
    assert told == [{}, list("12345"), ["1", "5"], 1]
    assert len(log.connections) == 1


def test_a_source_that_was_not_iterated_works_in_the_child(sse_server: SSEServer) -> None:
    """Made before the fork and used after it, as a server with workers does; in the parent as well."""
    sse_server.script([[event("a", id="1")], [], [event("b", id="2")]])
    told = run(
        sse_server,
        """
source = make()
def work():
    told["got"] = next(source).data
    source.close()
    told["state"] = source.health().state
child = in_child(work)
told["got"] = [child, source.health().state]
source.close()
print(json.dumps(told))
""",
    )
    assert told == {"got": [{"got": "a", "state": "closed"}, "connecting"]}
    assert len(sse_server.requests) == 1
