"""A store that fails in mid-stream: the stream goes on, the log says so, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from structlog.testing import CapturingLogger

from everstream import CheckpointError, EventSource, Failed, FullJitter, Interrupted, RetryPolicy
from everstream.checkpoints import CheckpointStore, RedisCheckpoint, SQLiteCheckpoint
from everstream.testing import EventLog, SSEServer, log_of
from tests.integration.redis_server import RedisServer, require_redis
from tests.reading import Reading, data_in, errors_in, wait_until

pytestmark = pytest.mark.integration

QUICK = RetryPolicy(wait=FullJitter(initial=0.02, cap=0.2))
THE_END = "the end"


class Medium(Protocol):
    """Where checkpoints are kept, and how that fails."""

    def store(self) -> CheckpointStore:
        """Makes a store, as a new process would."""
        ...

    def leave(self) -> None:
        """Lets go of the stores, as the end of their process does."""
        ...

    def fail(self) -> None:
        """Makes it fail."""
        ...

    def heal(self) -> None:
        """Makes it work again, with what it has kept."""
        ...


class StoppedRedis:
    """Redis, stopped as an operator does."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server

    def store(self) -> CheckpointStore:
        """Makes a store with a client of its own."""
        return RedisCheckpoint(self.server.client())

    def leave(self) -> None:
        """Has nothing to let go of."""

    def fail(self) -> None:
        """Stops redis."""
        self.server.stop()

    def heal(self) -> None:
        """Starts it again."""
        self.server.start()


class KilledRedis(StoppedRedis):
    """Redis, killed."""

    def fail(self) -> None:
        """Kills redis, which has synced every save."""
        self.server.kill()


class FullDisk:
    """A SQLite file on a disk without space."""

    def __init__(self, disk: Path) -> None:
        self._file = disk / "checkpoints.db"
        self._ballast = disk / "ballast"
        self._stores: list[SQLiteCheckpoint] = []

    def store(self) -> CheckpointStore:
        """Makes a store of the same file."""
        self._stores.append(SQLiteCheckpoint(self._file))
        return self._stores[-1]

    def leave(self) -> None:
        """Closes the file, whose write-ahead log then is gone."""
        for store in self._stores:
            store.close()

    def fail(self) -> None:
        """Fills the disk to the last byte."""
        with pytest.raises(OSError, match="No space left"), self._ballast.open("ab", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def heal(self) -> None:
        """Makes room."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mounts a disk of 8 MiB; it needs to be root, or sudo without a password."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size=8m,mode=0700,uid={os.geteuid()},gid={os.getegid()}"
    command = [*sudo, "mount", "-t", "tmpfs", "-o", options, "everstream-test", str(folder)]
    if (
        shutil.which(command[0]) is None
        or subprocess.run(command, check=False, capture_output=True).returncode
    ):
        reason = f"NOT TESTED ON A FULL DISK: `{' '.join(command[:-2])}` does not work for this user"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield folder
    finally:
        # Lazily: a test that has failed may leave a file open.
        subprocess.run([*sudo, "umount", "--lazy", str(folder)], check=True)


@pytest.fixture(params=["redis stopped", "redis killed", "disk full"])
def medium(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Medium]:
    """What fails."""
    if request.param == "disk full":
        with small_disk(tmp_path) as disk:
            yield FullDisk(disk)
    else:
        require_redis()
        with RedisServer(tmp_path) as server:
            yield StoppedRedis(server) if request.param == "redis stopped" else KilledRedis(server)


@pytest.fixture
def server() -> Iterator[SSEServer]:
    """A server."""
    with SSEServer() as running:
        yield running


@pytest.fixture
def log(server: SSEServer) -> EventLog:
    """What it serves: ten events, and what is appended."""
    return server.serve_log(log_of(map(str, range(1, 11))), faults=(), follow=True)


class Logged:
    """The records of a stream."""

    def __init__(self) -> None:
        self.logger = CapturingLogger()

    def __call__(self, name: str, level: str) -> list[dict[str, object]]:
        """Returns the fields of the records with this name and level."""
        return [
            call.kwargs for call in self.logger.calls if (call.args, call.method_name) == ((name,), level)
        ]

    @property
    def saved(self) -> list[object]:
        """The last event IDs that were saved."""
        return [fields["last_event_id"] for fields in self("checkpoint.saved", "debug")]

    @property
    def failed(self) -> list[dict[str, object]]:
        """The records of saves that failed."""
        return self("checkpoint.failed", "error")


def stream(
    server: SSEServer, medium: Medium, logged: Logged | None = None, *, required: bool = False
) -> EventSource:
    """Makes an event source with a store of its own, as a new process would."""
    return EventSource(
        server.url,
        checkpoint=medium.store(),
        checkpoint_interval=0,
        checkpoint_required=required,
        retry=QUICK,
        until=THE_END,
        logger=None if logged is None else logged.logger,
    )


def read_more(log: EventLog, reading: Reading, until: Callable[[], object], what: str) -> None:
    """Appends events, one after the other has been read, until a condition is true."""

    def is_true() -> object:
        log.append(str(len(log) + 1))
        reading.wait_for(len(log))
        return until()

    wait_until(is_true, what)


def data_of(log: EventLog) -> list[str]:
    """Returns the data of a log's events, without the end."""
    return [entry.data for entry in log.entries if entry.data != THE_END]


def rest_of(server: SSEServer, log: EventLog, medium: Medium) -> list[str]:
    """Returns what a new process reads, up to the end."""
    log.append(THE_END)
    with stream(server, medium) as source:
        return data_in(Reading(source).join())


def test_a_store_that_fails_for_a_while_is_logged_and_used_again(
    server: SSEServer, log: EventLog, medium: Medium
) -> None:
    """The stream goes on without an interruption, and a restart goes on after the last event."""
    logged = Logged()
    with stream(server, medium, logged) as source:
        reading = Reading(source)
        wait_until(lambda: logged.saved[-1:] == ["10"], "the checkpoint")
        medium.fail()
        read_more(log, reading, lambda: logged.failed, "a save that fails")
        assert logged.saved[-1] == str(int(str(logged.failed[0]["last_event_id"])) - 1)
        medium.heal()
        saves = len(logged.saved)
        read_more(log, reading, lambda: len(logged.saved) > saves, "a save that works")
        assert source.stats.interruptions == 0
    reading.join()
    assert reading.data == data_of(log)
    assert {fields["error_type"] for fields in logged.failed} == {"CheckpointError"}
    read_before = len(log)
    for number in range(5):
        log.append(f"later {number}")
    assert rest_of(server, log, medium) == data_of(log)[read_before:]


def test_a_store_that_fails_to_the_end_repeats_and_loses_nothing(
    server: SSEServer, log: EventLog, medium: Medium
) -> None:
    """If the last checkpoint is old when the process ends, a restart repeats what came after it."""
    logged = Logged()
    with stream(server, medium, logged) as source:
        reading = Reading(source)
        wait_until(lambda: logged.saved[-1:] == ["10"], "the checkpoint")
        medium.fail()
        read_more(log, reading, lambda: len(log) == 30, "thirty events")
    reading.join()
    assert logged.failed[-1]["last_event_id"] == "30"
    medium.heal()
    saved = int(str(logged.saved[-1]))
    assert saved < 30
    assert rest_of(server, log, medium) == data_of(log)[saved:]


def test_a_restart_waits_for_a_store_that_fails(server: SSEServer, log: EventLog, medium: Medium) -> None:
    """Without the checkpoint there is no request: it would begin at the wrong place."""
    with stream(server, medium) as source:
        assert [next(source).data for _ in range(10)] == data_of(log)
    medium.leave()
    medium.fail()
    log.append(THE_END)
    with stream(server, medium) as source:
        reading = Reading(source)
        wait_until(lambda: len(reading.items) >= 3, "attempts to load the checkpoint")
        assert len(server.requests) == 1
        medium.heal()
        items = reading.join()
    assert all(isinstance(item, Interrupted) for item in items[:3])
    assert all(isinstance(error, CheckpointError) and error.retryable for error in errors_in(items))
    assert [request.last_event_id for request in server.requests] == [None, "9"]
    assert reading.data == ["10"]


def test_a_required_store_that_fails_ends_the_stream(
    server: SSEServer, log: EventLog, medium: Medium
) -> None:
    """With `checkpoint_required` nothing is read that could not be saved; a restart loses nothing."""
    logged = Logged()
    with stream(server, medium, logged, required=True) as source:
        reading = Reading(source)
        wait_until(lambda: logged.saved[-1:] == ["10"], "the checkpoint")
        medium.fail()
        for number in range(11, 211):
            log.append(str(number))
        *_, failed = reading.join()
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, CheckpointError)
    assert logged("stream.failed", "error")
    medium.heal()
    saved = int(str(logged.saved[-1]))
    assert len(reading.data) in (saved, saved + 1)
    assert rest_of(server, log, medium) == data_of(log)[saved:]
