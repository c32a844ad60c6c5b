"""A consumer that is killed with SIGKILL again and again: nothing is lost, hardly anything comes twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from everstream.testing import Fault, SSEServer, log_of
from tests.integration.killing import Biography, Nursery, kill_often
from tests.integration.nchan import Nchan, require_nchan
from tests.integration.redis_server import RedisServer, require_redis

pytestmark = pytest.mark.integration

EVENTS = 20_000
KILLS = 50
FAULTS: tuple[Fault, ...] = ("end", "cut", "torn", "reset", "unavailable")
"""What also happens to the connection, after 200 events at most."""


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    """A redis-server, running."""
    require_redis()
    with RedisServer(tmp_path, persistence="none") as running:
        yield running.port


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest) -> dict[str, object]:
    """Where the checkpoints are, for a `Nursery`."""
    if request.param == "sqlite":
        return {"sqlite": request.getfixturevalue("memory") / "file.db"}
    return {"redis": request.getfixturevalue("redis_port")}


@contextmanager
def scripted(faults: tuple[Fault, ...]) -> Iterator[tuple[str, Callable[[list[str]], None]]]:
    """Serves a growing log; gives its URL, and what makes it grow."""
    with SSEServer() as server:
        log = server.serve_log(log_of([]), faults=faults, longest_run=200, follow=True)

        def offer(data: list[str]) -> None:
            for one in data:
                log.append(one)

        yield server.url, offer
        assert len(log.connections) > (2 * KILLS if faults else KILLS)


@contextmanager
def nchan(folder: Path) -> Iterator[tuple[str, Callable[[list[str]], None]]]:
    """Serves a channel; gives its URL, and what publishes to it."""
    require_nchan()
    with Nchan(folder, workers=1, messages=2 * EVENTS, memory="64M") as server:
        yield server.url("killed"), lambda data: server.publish_all("killed", data)


def assert_nothing_lost(biography: Biography) -> None:
    """Asserts that every event was handled, in order in each life, and that it was killed in mid-stream."""
    assert biography.skipped == []
    assert biography.lives[-1][-1] == EVENTS - 1
    assert biography.kills == KILLS
    # On a machine that is busy with other things some kills come late, and find a consumer that waits.
    assert biography.kills_in_mid_stream >= KILLS // 2


@pytest.mark.parametrize("faults", [(), FAULTS], ids=["quiet", "faults"])
def test_with_sqlite_an_event_in_hand_is_all_that_comes_again(
    tmp_path: Path, memory: Path, tell: Callable[[str], None], faults: tuple[Fault, ...]
) -> None:
    """Killed 50 times over 20,000 events, each of them a checkpoint: at most one comes again for each."""
    with scripted(faults) as (url, offer), Nursery(tmp_path, url, 0, sqlite=memory / "file.db") as nursery:
        biography = kill_often(nursery, KILLS, EVENTS, offer, seed=1)
    tell(str(biography))
    assert_nothing_lost(biography)
    assert max(biography.repeated) <= 1


def test_with_redis_an_event_in_hand_is_all_that_comes_again(
    tmp_path: Path, tell: Callable[[str], None], redis_port: int
) -> None:
    """The same with redis, and a connection that breaks as well."""
    with scripted(FAULTS) as (url, offer), Nursery(tmp_path, url, 0, redis=redis_port) as nursery:
        biography = kill_often(nursery, KILLS, EVENTS, offer, seed=2)
    tell(str(biography))
    assert_nothing_lost(biography)
    assert max(biography.repeated) <= 1


def test_on_nchan_an_event_in_hand_is_all_that_comes_again(
    tmp_path: Path, tell: Callable[[str], None], store: dict[str, object]
) -> None:
    """The same through nginx with nchan, from which messages come both live and from its memory."""
    with nchan(tmp_path) as (url, offer), Nursery(tmp_path, url, 0, **store) as nursery:
        biography = kill_often(nursery, KILLS, EVENTS, offer, seed=3)
    tell(str(biography))
    assert_nothing_lost(biography)
    assert max(biography.repeated) <= 1


def test_with_an_interval_what_came_since_the_checkpoint_comes_again(
    tmp_path: Path, memory: Path, tell: Callable[[str], None]
) -> None:
    """With a checkpoint now and then more comes twice, and nothing is lost."""
    with scripted(()) as (url, offer), Nursery(tmp_path, url, 0.02, sqlite=memory / "file.db") as nursery:
        biography = kill_often(nursery, KILLS, EVENTS, offer, seed=4)
    tell(str(biography))
    assert_nothing_lost(biography)
    assert max(biography.repeated) > 1
