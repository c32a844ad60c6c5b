"""Five hundred streams in one `WorkerGroup` on one machine: they start, run and stop, at a known cost."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from everstream.checkpoints import SQLiteCheckpoint
from tests.integration.programs import PATIENCE, Program

pytestmark = pytest.mark.integration

STREAMS = 500
DESCRIPTORS = 2_048
"""Each stream needs one; the soft limit is often 1,024."""
ROUNDS = 5
"""How many events each stream gets, one a second."""


@pytest.fixture
def server() -> Iterator[Program]:
    """A server of many streams, running."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < DESCRIPTORS:
        pytest.fail(f"this test needs a hard limit of {DESCRIPTORS} open files")
    with Program("crowd_server.py", DESCRIPTORS) as running:
        yield running


def wait_for(ask: Callable[[], Any], is_there: Callable[[Any], object], what: str) -> Any:
    """Asks again and again until the answer is right, and gives it."""
    deadline = time.monotonic() + PATIENCE
    while not is_there(answer := ask()):
        assert time.monotonic() < deadline, f"waited {PATIENCE:g} s for {what}, got {answer}"
        time.sleep(0.05)
    return answer


def test_five_hundred_streams_start_run_and_stop(
    server: Program, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """All connect, each gets an event a second and loses none, and all stop with their checkpoints saved."""
    url = f"http://127.0.0.1:{server.hear()['port']}"
    file = tmp_path / "checkpoints.db"
    with Program("crowd.py", url, file, STREAMS, DESCRIPTORS) as crowd:
        before = crowd.ask("weigh")
        crowd.ask("start")
        wait_for(lambda: server.ask("report"), lambda report: report["open"] == STREAMS, "500 connections")
        connected = crowd.ask("weigh")
        server.ask("rate 1")
        wait_for(lambda: server.ask("report"), lambda report: enough(report["sent"]), "the events")
        sent = server.ask("rate 0")["sent"]
        total = sum(sent.values())
        after = wait_for(
            lambda: crowd.ask("weigh"), lambda weight: weight["handled"] == total, "the handlers"
        )
        stopped = crowd.ask("stop")
        rest = crowd.ask("weigh")
        handled = crowd.ask("handled")
        wait_for(lambda: server.ask("report"), lambda report: report["open"] == 0, "the connections to close")
    grown = (after["resident"] - before["resident"]) / STREAMS / 1024
    tell(
        f"{STREAMS} streams connected within {connected['time'] - before['time']:.1f} s, and stopped within "
        f"{stopped['seconds']:.1f} s; {grown:.0f} KiB for each; "
        f"{share(connected, after):.0%} of a processor with {STREAMS} events and checkpoints a second; "
        f"no event later than {after['latest'] * 1000:.0f} ms"
    )
    counts = {f"{url}{path}": count for path, count in sent.items()}
    assert handled == {stream: list(range(1, count + 1)) for stream, count in counts.items()}
    assert stopped["finished"]
    assert saved(file, counts) == {stream: str(count) for stream, count in counts.items()}
    assert connected["threads"] == before["threads"] + STREAMS
    assert rest["threads"] == before["threads"]
    # The checkpoint file stays open, with its log and its index.
    assert rest["descriptors"] <= before["descriptors"] + 3


def saved(file: Path, streams: Iterable[str]) -> dict[str, str | None]:
    """Tells the checkpoints of streams."""
    with SQLiteCheckpoint(file) as store:
        return {stream: store.load(stream) for stream in streams}


def enough(sent: dict[str, int]) -> bool:
    """Says whether each stream got all its events."""
    return len(sent) == STREAMS and min(sent.values()) >= ROUNDS


def share(earlier: dict[str, float], later: dict[str, float]) -> float:
    """Tells which part of a processor was used between two weighings."""
    return (later["processor"] - earlier["processor"]) / (later["time"] - earlier["time"])
