"""Redis: what a client's failures mean. The failures of a real redis-server are in tests/integration."""

from __future__ import annotations

import builtins
from typing import Any

import pytest
import redis
from redis import exceptions

from everstream import CheckpointError
from everstream.checkpoints import RedisCheckpoint
from tests.checkpoints.stores import DictClient, python

SECRET = "hunter2"
NAMES = "redis://alice:hunter2@cache.internal:6379/0"


class FailingClient(DictClient):
    """A user's client that fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def get(self, name: str) -> bytes | None:
        """Fails."""
        raise self.error

    def set(self, name: str, value: str) -> bool:
        """Fails."""
        raise self.error


def uses(store: RedisCheckpoint) -> list[Any]:
    """Returns the two ways to use a store."""
    return [lambda: store.load("orders"), lambda: store.save("orders", "1")]


@pytest.mark.parametrize(
    ("error", "said", "retryable"),
    [
        (exceptions.ConnectionError("Error 111 connecting"), "redis cannot be reached", True),
        (exceptions.TimeoutError("Timeout reading from socket"), "did not answer in time", True),
        (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), "loading its data", True),
        (exceptions.ReadOnlyError("You can't write against a read only replica."), "read-only replica", True),
        (exceptions.OutOfMemoryError("command not allowed"), "no memory left for writes", True),
        (exceptions.ResponseError("OOM command not allowed"), "no memory left for writes", True),
        (exceptions.ResponseError("MISCONF Redis is configured to save"), "cannot save to its disk", True),
        (exceptions.ResponseError("NOREPLICAS Not enough good replicas"), "replicas are missing", True),
        (exceptions.ResponseError("BUSY Redis is busy running a script"), "busy with a script", True),
        (exceptions.ClusterDownError("CLUSTERDOWN The cluster is down"), "cluster is changing", True),
        (exceptions.MasterDownError("Link with MASTER is down"), "cluster is changing", True),
        (exceptions.TryAgainError("Multiple keys request"), "cluster is changing", True),
        (exceptions.AuthenticationError("invalid username-password pair"), "refused the login", False),
        (exceptions.AuthorizationError("no"), "refused the login", False),
        (exceptions.NoPermissionError("this user has no permissions"), "refused the login", False),
        (exceptions.ResponseError("WRONGTYPE Operation against a key"), "no string; delete it", False),
        (exceptions.ResponseError("ERR unknown command"), "failed with ResponseError", False),
        (exceptions.DataError("Invalid input"), "failed with DataError", False),
        (builtins.ConnectionResetError(104, "reset"), "redis cannot be reached", True),
        (builtins.TimeoutError("timed out"), "did not answer in time", True),
        (OSError(24, "too many open files"), "redis cannot be reached", True),
        (KeyError("a bug of the client"), "failed with KeyError", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_of_the_client_is_told_as_ours(error: Exception, said: str, retryable: bool) -> None:
    """With what to do and whether it may pass; the client's own error is the cause."""
    for use in uses(RedisCheckpoint(FailingClient(error))):
        with pytest.raises(CheckpointError, match=said) as told:
            use()
        assert told.value.retryable is retryable
        assert told.value.store == "the redis key everstream:checkpoint:orders"
        assert told.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [exceptions.ConnectionError(NAMES), exceptions.AuthenticationError(NAMES), ValueError(NAMES)],
    ids=lambda error: type(error).__name__,
)
def test_no_message_names_the_server_or_its_password(error: Exception) -> None:
    """Whatever the client says in its own words."""
    for use in uses(RedisCheckpoint(FailingClient(error))):
        with pytest.raises(CheckpointError) as told:
            use()
        assert not [word for word in ("alice", SECRET, "cache.internal") if word in str(told.value)]
        assert not [word for word in ("alice", SECRET, "cache.internal") if word in repr(told.value)]


def test_a_representation_does_not_show_the_client() -> None:
    """That of a client shows its server."""
    client = redis.Redis.from_url(NAMES)
    assert repr(RedisCheckpoint(client, "app:")) == "RedisCheckpoint(prefix='app:')"


def test_the_prefix_keeps_keys_apart() -> None:
    """Two applications share a redis."""
    client = DictClient()
    RedisCheckpoint(client).save("orders", "1")
    RedisCheckpoint(client, "app:").save("orders", "é")
    assert client.values == {"everstream:checkpoint:orders": b"1", "app:orders": "é".encode()}


def test_a_value_that_is_not_utf8_is_said() -> None:
    """Somebody else uses the key."""
    client = DictClient()
    client.values["everstream:checkpoint:orders"] = b"\xff\xfe"
    with pytest.raises(
        CheckpointError, match="not UTF-8, so it is no last event ID; delete the key"
    ) as error:
        RedisCheckpoint(client).load("orders")
    assert not error.value.retryable


def test_an_asynchronous_client_is_refused() -> None:
    """It would save nothing, without a word: the coroutine is never awaited."""
    store = RedisCheckpoint(redis.asyncio.Redis())  # type: ignore[arg-type, unused-ignore]
    for use in uses(store):
        with pytest.raises(
            CheckpointError, match="answered with a coroutine; give a synchronous client"
        ) as error:
            use()
        assert not error.value.retryable


def test_a_pipeline_is_refused() -> None:
    """It would save nothing, without a word: nobody executes it."""
    store = RedisCheckpoint(redis.Redis().pipeline())
    for use in uses(store):
        with pytest.raises(CheckpointError, match=r"answered with a Pipeline; give .* that is no pipeline"):
            use()


@pytest.mark.parametrize(
    "module", ["redis", "requests", "everstream.checkpoints.sqlite", "everstream.core.errors"]
)
def test_a_store_imports_what_it_needs_and_no_other(module: str) -> None:
    """To import the package costs nothing, and redis-py may be missing."""
    code = "import sys; from everstream import checkpoints; print(sys.argv[1] in sys.modules)"
    assert python(code, module).stdout == "False\n"


def test_the_client_is_not_imported() -> None:
    """Not even when the store is made: the user's program does that."""
    code = "import sys; from everstream.checkpoints import RedisCheckpoint; print('redis' in sys.modules)"
    assert python(code).stdout == "False\n"
