"""What is left when it is over: no socket, no thread, no warning; wherever it was closed (behaviour 80)."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tenacity import wait_none

import everstream
from everstream import Closed, Event, EventSource, ReadyState, RetryPolicy, StreamInterrupted, Timeouts
from everstream.testing import SSEServer, connection, cut, event, garbage, log_of, redirect, reset, status
from tests.behaviour.stores import Store
from tests.reading import Reading, data_in, errors_in, everything, open_sockets, wait_until

MakeSource = Callable[..., EventSource]

THOUSAND_RECONNECTS = """
import gc, os, sys, threading
from pathlib import Path
import requests
from tenacity import wait_none
from everstream import EventSource, RetryPolicy

def left():
    gc.collect()
    links = [os.readlink(fd) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    return sum("socket" in link for link in links), threading.active_count()

url, own = sys.argv[1], sys.argv[2] == "own"
before = left()
session = None if own else requests.Session()
with EventSource(url, session=session, retry=RetryPolicy(wait=wait_none())) as source:
    events = sum(1 for _ in zip(range(1000), source))
    assert source.stats.connects == 1000, source.stats
    during = left()
print(events, before, during[1], left())
"""


@pytest.mark.parametrize("session", ["own", "the caller's"])
def test_80_a_thousand_reconnects_leave_nothing(sse_server: SSEServer, session: str) -> None:
    """No thread, no socket, no warning: in a process of its own, where a ResourceWarning is an error."""
    endings = [connection(event("x"), cut()), connection(event("x")), connection(event("x"), framing="close")]
    sse_server.script(endings * 10, then=event("x"))
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", THOUSAND_RECONNECTS, sse_server.url, session],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("1000 (0, 1) 1 (0, 1)\n", "")


@pytest.mark.usefixtures("either_reader")
def test_80_failures_of_every_kind_leave_nothing(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Each leaves its connection closed."""
    sockets, threads = open_sockets(), set(threading.enumerate())
    failures: list[Any] = [
        status(503),
        connection(reset()),
        garbage(),
        connection(event("x"), cut()),
        connection(event("x"), garbage()),
        redirect("/b"),
        connection(event("x"), keep_alive=True),
        status(500, body=b"x" * 5000),
    ]
    sse_server.script(failures * 3)
    source = make_source()
    assert everything(source)[-1] == Closed("no content")
    wait_until(lambda: open_sockets() <= sockets, "all sockets to be closed")
    wait_until(lambda: set(threading.enumerate()) <= threads, "all threads to have ended")
    assert source.stats.interruptions >= 18


HERE = str(Path(everstream.__file__).parent)
SHELL = tuple(
    f"{HERE}/{name}"
    for name in ("source/", "lifeline.py", "clock.py", "ledger.py", "stats.py", "transports/")
)


@contextmanager
def at_line(number: int, act: Callable[[], None]) -> Generator[list[str], None, None]:
    """Acts before the line of that number that this thread executes in the shell: as a signal handler can.

    Yields:
        Where that was; nothing if there were not so many lines.
    """
    count, where = 0, list[str]()

    def before_line(frame: FrameType, kind: str, _: object) -> Any:
        nonlocal count
        count += kind == "line"
        if count == number and not where:
            where.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
            sys.settrace(None)
            act()
        return None if where else before_line

    def on_call(frame: FrameType, *_: object) -> Any:
        return before_line if frame.f_code.co_filename.startswith(SHELL) else None

    previous = sys.gettrace()
    sys.settrace(on_call)
    try:
        yield where
    finally:
        sys.settrace(previous)


def read_interrupted_at(
    number: int, server: SSEServer, action: Callable[[EventSource], None], store: Store | None = None
) -> tuple[list[str], list[Any]]:
    """Reads two events, while something is done at one of the lines on the way.

    With a store, each is acknowledged, and the checkpoint must in the end be what was acknowledged.
    """
    server.serve_log(log_of(["1", "2"]), faults=())
    source = EventSource(
        server.url,
        retry=RetryPolicy(wait=wait_none()),
        timeouts=Timeouts(connect=10, read=10),
        ack="auto" if store is None else "manual",
        checkpoint=store,
    )
    items = list[Any]()
    with at_line(number, lambda: action(source)) as where:
        for item in source.all(raise_on_failure=False):
            items.append(item)
            if store is not None and isinstance(item, Event):
                source.ack(item)
    if store is not None:
        assert source.last_acknowledged_id == "".join(data_in(items))[-1:], where
        assert store.saves[-1:] == data_in(items)[-1:], where
    return where, items


def reasons_in(items: list[Any]) -> list[str]:
    """Returns how connections ended, where they did."""
    errors = errors_in(items)
    assert all(isinstance(error, StreamInterrupted) for error in errors), errors
    return [error.reason for error in errors if isinstance(error, StreamInterrupted)]


class TestAtAnyLine:
    @pytest.mark.parametrize("store", [None, Store], ids=["as it comes", "acknowledging and saving"])
    def test_close_may_come_at_any_line_of_the_reader(
        self, sse_server: SSEServer, store: type[Store] | None
    ) -> None:
        """It ends normally, with what was given before and no socket; what was acknowledged is saved."""
        before = open_sockets()
        reasons: Counter[str] = Counter()
        number, where = 0, ["to begin with"]
        while where:
            number += 1
            kept = None if store is None else store()
            where, items = read_interrupted_at(number, sse_server, EventSource.close, kept)
            assert isinstance(items[-1], Closed), where
            assert data_in(items) == ["1", "2"][: len(data_in(items))], where
            reasons[items[-1].reason] += 1
        assert reasons["close"] > 100
        # Only in the last lines was it too late.
        assert reasons["no content"] < reasons["close"] / 5
        wait_until(lambda: open_sockets() <= before, "all sockets to be closed")

    def test_reconnect_may_come_at_any_line_of_the_reader(self, sse_server: SSEServer) -> None:
        """It is no interruption, and nothing is lost or given twice."""
        before = open_sockets()
        number, where, more = 0, ["to begin with"], 0
        while where:
            # Every other line: a reconnect at each of them takes its time.
            number += 2
            asked = len(sse_server.requests)
            # Every other of these with acknowledgements.
            store = Store() if number % 4 == 0 else None
            where, items = read_interrupted_at(number, sse_server, EventSource.reconnect, store)
            assert data_in(items) == ["1", "2"], where
            assert reasons_in(items) in ([], ["eof"]), where
            assert items[-1] == Closed("no content"), where
            more += len(sse_server.requests) - asked > 2
        assert more > 50
        wait_until(lambda: open_sockets() <= before, "all sockets to be closed")

    def test_reconnect_may_come_at_any_time_from_another_thread(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Again and again: everything arrives, once and in order, and no error is told but the end."""
        log = sse_server.serve_log(log_of(f"{number} {'x' * 1000}" for number in range(4000)), faults=())
        source = make_source()
        reading = Reading(source)
        times = 0
        while source.state is not ReadyState.CLOSED:
            received, times = len(reading.items), times + 1
            source.reconnect()
            # Not faster than the stream gets on.
            wait_until(lambda: len(reading.items) > received or source.state is ReadyState.CLOSED, "more")  # noqa: B023
        items = reading.join()
        verdict = log.verdict([item for item in items if isinstance(item, Event)])
        assert verdict.ok, verdict
        assert reasons_in(items) in ([], ["eof"])
        assert times > 20
        assert len(sse_server.requests) > 20
