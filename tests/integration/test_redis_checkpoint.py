"""The store in a real redis: what it keeps, and what it says when redis is away, full or closed to us."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from everstream import CheckpointError
from everstream.checkpoints import RedisCheckpoint
from tests.integration.redis_server import RedisServer, require_redis
from tests.reading import DEADLINE, wait_until

pytestmark = pytest.mark.integration

KEY = "everstream:checkpoint:orders"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """redis-server that keeps what it was told, running."""
    require_redis()
    with RedisServer(tmp_path) as running:
        yield running


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 3}], ids=str)
def test_what_was_saved_is_loaded(server: RedisServer, options: dict[str, object]) -> None:
    """Any text, under any key, with clients that give bytes and with such that give text."""
    with server.client(**options) as client:
        store = RedisCheckpoint(client)
        assert store.load("orders") is None
        for text in ["1", "", "Füße, 日本語, 🚲", "with spaces", "x" * 100_000]:
            store.save("orders", text)
            store.save(f"key {text}", "2")
            assert (store.load("orders"), store.load(f"key {text}")) == (text, "2")
        with pytest.raises(CheckpointError, match="lone surrogate"):
            store.save("orders", "\udcff")
    with server.client() as other:
        assert other.get(KEY) == b"x" * 100_000
        assert other.ttl(KEY) == -1  # it does not expire


def test_threads_share_a_store(server: RedisServer) -> None:
    """Each finds what it saved."""
    wrong: list[object] = []
    with server.client() as client:
        store = RedisCheckpoint(client)

        def save_often(key: str) -> None:
            try:
                for number in range(100):
                    store.save(key, f"{number}")
                    assert store.load(key) == f"{number}"
            except Exception as error:
                wrong.append(error)

        threads = [threading.Thread(target=save_often, args=(f"stream-{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        assert wrong == []
        assert [store.load(f"stream-{n}") for n in range(8)] == ["99"] * 8


@pytest.mark.parametrize("persistence", ["appendonly", "save"])
def test_a_redis_that_is_away_is_said_and_found_again(tmp_path: Path, persistence: str) -> None:
    """The same store goes on when redis is back, with what was saved."""
    require_redis()
    with RedisServer(tmp_path, persistence) as server, server.client() as client:  # type: ignore[arg-type]
        store = RedisCheckpoint(client)
        store.save("orders", "1")
        server.stop()
        for use in (lambda: store.load("orders"), lambda: store.save("orders", "2")):
            with pytest.raises(
                CheckpointError, match="redis cannot be reached; see whether it runs"
            ) as error:
                use()
            assert error.value.retryable
            assert "127.0.0.1" not in str(error.value)
        server.start()
        assert store.load("orders") == "1"
        store.save("orders", "2")
        assert store.load("orders") == "2"


def test_what_was_saved_survives_a_kill_of_redis(server: RedisServer) -> None:
    """As it is set up here, with `appendfsync always`."""
    with server.client() as client:
        store = RedisCheckpoint(client)
        for number in range(100):
            store.save("orders", f"{number}")
        server.kill()
        server.start()
        assert store.load("orders") == "99"


def test_a_redis_that_hangs_is_said(server: RedisServer) -> None:
    """After the client's own socket_timeout."""
    with server.client() as control, server.client(socket_timeout=0.05) as client:
        store = RedisCheckpoint(client)
        store.save("orders", "1")
        control.execute_command("CLIENT", "PAUSE", 60_000)
        with pytest.raises(CheckpointError, match="redis did not answer in time") as error:
            store.save("orders", "2")
        assert error.value.retryable


def test_a_key_of_another_type_is_said(server: RedisServer) -> None:
    """To load it is refused. A save replaces it, as SET does: the prefix is ours."""
    with server.client() as client:
        client.rpush(KEY, "a")
        store = RedisCheckpoint(client)
        with pytest.raises(CheckpointError, match="holds something that is no string; delete it") as error:
            store.load("orders")
        assert not error.value.retryable
        store.save("orders", "1")
        assert store.load("orders") == "1"


@pytest.mark.parametrize("decode_responses", [False, True])
def test_a_value_that_is_not_utf8_is_said(server: RedisServer, decode_responses: bool) -> None:
    """Also where the client itself fails to decode it."""
    with server.client(decode_responses=decode_responses) as client:
        client.set(KEY, b"\xff")
        store = RedisCheckpoint(client)
        with pytest.raises(CheckpointError, match="its value is not UTF-8") as error:
            store.load("orders")
        assert not error.value.retryable
        store.save("orders", "1")
        assert store.load("orders") == "1"


def test_a_password_that_is_missing_or_wrong_is_said(tmp_path: Path) -> None:
    """For good; with the right one it works."""
    require_redis()
    with RedisServer(tmp_path, options=("--requirepass", "the-right-one")) as server:
        for options in ({}, {"password": "a-wrong-one"}):
            with (
                server.client(**options) as client,
                pytest.raises(CheckpointError, match="redis refused the login") as error,
            ):
                RedisCheckpoint(client).load("orders")
            assert not error.value.retryable
            assert "one" not in str(error.value).replace("everstream", "")
        with server.client(password="the-right-one") as client:
            RedisCheckpoint(client).save("orders", "1")


def test_a_user_without_the_right_is_said(server: RedisServer) -> None:
    """One that may read, and not write."""
    with server.client() as control, server.client(username="reader", password="x") as client:
        control.execute_command("ACL", "SETUSER", "reader", "on", ">x", "~*", "+get", "+client")
        store = RedisCheckpoint(client)
        assert store.load("orders") is None
        with pytest.raises(CheckpointError, match="refused the login or the command") as error:
            store.save("orders", "1")
        assert not error.value.retryable


def test_a_full_redis_is_said_and_passes(server: RedisServer) -> None:
    """No write is taken; reads are; and when there is room again, writes are."""
    with server.client() as client:
        store = RedisCheckpoint(client)
        store.save("orders", "1")
        client.config_set("maxmemory", 1)
        with pytest.raises(CheckpointError, match="no memory left for writes; raise its maxmemory") as error:
            store.save("orders", "2")
        assert error.value.retryable
        assert store.load("orders") == "1"
        client.config_set("maxmemory", 0)
        store.save("orders", "2")
        assert store.load("orders") == "2"


def test_a_replica_is_said(server: RedisServer) -> None:
    """It takes no writes as long as it is one."""
    with server.client() as client:
        store = RedisCheckpoint(client)
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(CheckpointError, match="read-only replica; connect to its primary") as error:
            store.save("orders", "1")
        assert error.value.retryable
        client.execute_command("REPLICAOF", "NO", "ONE")
        store.save("orders", "1")
        assert store.load("orders") == "1"


def test_a_redis_that_cannot_save_is_said(tmp_path: Path) -> None:
    """Its snapshot failed, so that it takes no writes (MISCONF)."""
    require_redis()
    home = tmp_path / "home"
    home.mkdir()
    with RedisServer(home, "save") as server, server.client() as client:
        store = RedisCheckpoint(client)
        store.save("orders", "1")
        (home / "dump.rdb").mkdir()  # a snapshot cannot take this name
        client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] != "ok", "the save to fail")
        with pytest.raises(CheckpointError, match="it cannot save to its disk") as error:
            store.save("orders", "2")
        assert error.value.retryable
        assert store.load("orders") == "1"
        (home / "dump.rdb").rmdir()
        client.save()
        store.save("orders", "2")
        assert store.load("orders") == "2"


def test_a_forked_process_has_connections_of_its_own(server: RedisServer) -> None:
    """As with gunicorn: the store is made before the fork, and used on both sides of it."""
    with server.client() as client:
        store = RedisCheckpoint(client)
        store.save("orders", "parent")
        child = os.fork()
        if child == 0:
            try:
                store.save("prices", "child")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        store.save("orders", "parent again")
        assert (store.load("orders"), store.load("prices")) == ("parent again", "child")
