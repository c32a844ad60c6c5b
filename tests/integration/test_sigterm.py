"""A worker that is told to end: the event in hand is finished and saved, or else it comes again."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from everstream.checkpoints import SQLiteCheckpoint
from everstream.testing import SSEServer, log_of
from tests.integration.programs import Program
from tests.reading import DEADLINE

pytestmark = pytest.mark.integration

PATIENT = 3 * DEADLINE
"""A `stop_timeout` that does not pass, seconds."""
SHORT = 0.2
"""One that does."""


@pytest.fixture
def server() -> Iterator[SSEServer]:
    """A server with a log that never ends."""
    with SSEServer() as running:
        running.serve_log(log_of(["1", "2", "3"]), faults=(), follow=True)
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The checkpoint file."""
    return tmp_path / "checkpoints.db"


def work(worker: Program, data: str) -> None:
    """Lets the handler have one event."""
    assert worker.hear() == {"began": data}
    assert worker.ask("") == {"finished": data}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_event_in_hand_is_finished_and_its_checkpoint_saved(
    server: SSEServer, file: Path, number: signal.Signals
) -> None:
    """The connection is closed at once, the process ends with 0, and a restart goes on after the event."""
    with Program("worker_app.py", file, PATIENT, server.url) as worker:
        work(worker, "1")
        assert worker.hear() == {"began": "2"}
        worker.process.send_signal(number)
        server.wait_until_client_gone(0)
        assert worker.process.poll() is None
        assert worker.ask("") == {"finished": "2"}
        assert worker.process.wait(DEADLINE) == 0
    assert SQLiteCheckpoint(file).load(server.url) == "2"
    with Program("worker_app.py", file, PATIENT, server.url) as worker:
        work(worker, "3")
        worker.process.terminate()
        assert worker.process.wait(DEADLINE) == 0
    assert SQLiteCheckpoint(file).load(server.url) == "3"


def test_a_handler_that_never_ends_does_not_hold_the_process(server: SSEServer, file: Path) -> None:
    """After `stop_timeout` the process ends and says so by its status; the event comes again."""
    with Program("worker_app.py", file, SHORT, server.url) as worker:
        work(worker, "1")
        assert worker.hear() == {"began": "2"}
        worker.process.terminate()
        assert worker.process.wait(DEADLINE) == 1
    assert SQLiteCheckpoint(file).load(server.url) == "1"
    with Program("worker_app.py", file, PATIENT, server.url) as worker:
        work(worker, "2")
        worker.process.terminate()
        assert worker.process.wait(DEADLINE) == 0


def test_a_second_signal_kills(server: SSEServer, file: Path) -> None:
    """Whoever cannot wait for a handler does not have to; the event comes again."""
    with Program("worker_app.py", file, PATIENT, server.url) as worker:
        work(worker, "1")
        assert worker.hear() == {"began": "2"}
        worker.process.terminate()
        server.wait_until_client_gone(0)
        worker.process.terminate()
        assert worker.process.wait(DEADLINE) == -signal.SIGTERM
    assert SQLiteCheckpoint(file).load(server.url) == "1"


def test_a_group_finishes_what_each_of_its_workers_has_in_hand(server: SSEServer, file: Path) -> None:
    """Two streams, an event of each in hand: both are finished, and both checkpoints are saved."""
    urls = [server.url_for(path) for path in ("/one", "/two")]
    with Program("worker_app.py", file, PATIENT, *urls) as worker:
        assert [worker.hear(), worker.hear()] == [{"began": "1"}, {"began": "1"}]
        worker.process.terminate()
        for number in range(2):
            server.wait_until_client_gone(number)
        assert [worker.ask(""), worker.ask("")] == [{"finished": "1"}, {"finished": "1"}]
        assert worker.process.wait(DEADLINE) == 0
    assert [SQLiteCheckpoint(file).load(url) for url in urls] == ["1", "1"]


def test_a_worker_without_a_connection_ends_at_once(server: SSEServer, file: Path) -> None:
    """In the wait for the next attempt there is nothing to finish."""
    with Program("worker_app.py", file, PATIENT, server.url) as worker:
        work(worker, "1")
        assert worker.hear() == {"began": "2"}
        server.stop()
        assert worker.ask("") == {"finished": "2"}
        work(worker, "3")
        worker.process.terminate()
        assert worker.process.wait(DEADLINE) == 0
    assert SQLiteCheckpoint(file).load(server.url) == "3"
