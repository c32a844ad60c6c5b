"""A checkpoint store in redis, through a client that is handed in.

Rule: redis-py is not imported. What its clients need to have is said by `RedisClient`; its errors are known
by their names, and so are those of clients that descend from it.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Generator
from typing import Protocol

from everstream.checkpoints.store import require_text, save_newest
from everstream.core.errors import CheckpointError

__all__ = ["RedisCheckpoint", "RedisClient"]

_NO_TEXT = "its value is not UTF-8, so it is no last event ID; delete the key, or give another prefix="
_LOGIN = "redis refused the login or the command; see the user name, password and rights (ACL) of the client"
_ADVICE = (
    # The order counts: redis-py's AuthenticationError is also a ConnectionError.
    (
        ("AuthenticationError", "AuthorizationError", "AuthenticationWrongNumberOfArgsError"),
        _LOGIN,
        False,
    ),
    (("NoPermissionError", "NOAUTH", "WRONGPASS", "NOPERM"), _LOGIN, False),
    (("WRONGTYPE",), "the key holds something that is no string; delete it, or give another prefix=", False),
    (("BusyLoadingError", "LOADING"), "redis is loading its data after a start; it is tried again", True),
    (("ReadOnlyError", "READONLY"), "this redis is a read-only replica; connect to its primary", True),
    (
        ("OutOfMemoryError", "OOM"),
        "redis has no memory left for writes; raise its maxmemory, or remove data",
        True,
    ),
    (
        ("MISCONF",),
        "redis takes no writes because it cannot save to its disk; see its log, and whether the disk is full",
        True,
    ),
    (("NOREPLICAS",), "redis takes no writes because replicas are missing; see min-replicas-to-write", True),
    (("BUSY",), "redis is busy with a script; it is tried again", True),
    (
        ("ClusterDownError", "TryAgainError", "AskError", "SlotNotCoveredError", "MASTERDOWN", "CLUSTERDOWN"),
        "the redis cluster is changing or incomplete; see its state (CLUSTER INFO)",
        True,
    ),
    (("UnicodeDecodeError",), _NO_TEXT, False),
    (
        ("MaxConnectionsError",),
        "all connections of the client are in use; raise the max_connections of its pool",
        True,
    ),
    (("TimeoutError",), "redis did not answer in time; see whether it runs and is not overloaded", True),
    (
        ("ConnectionError", "OSError"),
        "redis cannot be reached; see whether it runs, and where the client connects to",
        True,
    ),
)
"""By the names of the classes of an error, or the code that redis answered: what to do, whether to retry."""

_SET = (True, "OK", b"OK")


class RedisClient(Protocol):
    """What a client must have: `redis.Redis`, `redis.RedisCluster` and `valkey.Valkey` do."""

    def get(self, name: str, /) -> object:
        """Returns the value of a key as bytes or str, or None."""
        ...

    def set(self, name: str, value: str, /) -> object:
        """Sets the value of a key, and returns whether it was set."""
        ...


class RedisCheckpoint:
    """Keeps cursors in redis: for workers that move from one machine to another.

    Durability: that of the redis. With `appendonly yes` and `appendfsync always`, what was saved survives
    a loss of power; with the usual `everysec`, one second may be lost; without any persistence, all of it
    when redis restarts. A replica that takes over may lack the last saves. A cursor that is too old makes
    events come twice; it loses none. `maxmemory-policy` must not be one of `allkeys-...`, which may
    remove cursors; they have no time to live.

    Threads, processes and machines may share the prefix, with one key per stream. The stream waits for the
    client. So give it a `socket_timeout`, without which a redis that hangs stops the stream, and few retries:
    redis-py makes up to ten, with waits, unless `retry=` says otherwise.

    Args:
        client: A synchronous client, with `decode_responses` or without. It stays yours: it is not closed.
        prefix: What every key begins with.
    """

    def __init__(self, client: RedisClient, prefix: str = "everstream:checkpoint:") -> None:
        self._client = client
        self._prefix = prefix
        self._newest: dict[str, str] = {}

    def load(self, key: str) -> str | None:
        """Returns the last event ID that was saved for a key, or None.

        Raises:
            CheckpointError: Redis cannot be reached, refused the command, or holds something else.
        """
        name = self._name(key)
        require_text(name, key, self._prefix)
        with _told(name):
            value = self._client.get(self._prefix + key)
            if isinstance(value, bytes):
                return value.decode()
        if value is None or isinstance(value, str):
            return value
        raise _useless_answer(name, value)

    def save(self, key: str, last_event_id: str) -> None:
        """Keeps the last event ID for a key; how safe it is on return is up to redis.

        Raises:
            CheckpointError: Redis cannot be reached, or refused the command.
        """
        require_text(self._name(key), key, last_event_id, self._prefix)
        save_newest(self._newest, key, last_event_id, self._write)

    def __repr__(self) -> str:
        # Not the client: its representation shows the server and its password.
        return f"RedisCheckpoint(prefix={self._prefix!r})"

    def _name(self, key: str) -> str:
        return f"the redis key {self._prefix}{key}"

    def _write(self, key: str, last_event_id: str) -> None:
        name = self._name(key)
        with _told(name):
            answer = self._client.set(self._prefix + key, last_event_id)
        if answer not in _SET:
            raise _useless_answer(name, answer)


@contextlib.contextmanager
def _told(name: str) -> Generator[None, None, None]:
    """Translates what the client raises, whichever it is."""
    try:
        yield
    except Exception as error:
        names = {kind.__name__ for kind in type(error).__mro__}
        names.update(str(error).split(maxsplit=1)[:1])
        known = ((reason, retryable) for said, reason, retryable in _ADVICE if not names.isdisjoint(said))
        # Its own words may hold anything, the address and the user among it.
        reason, retryable = next(known, (f"the client failed with {type(error).__name__}", False))
        raise CheckpointError(store=name, reason=reason, retryable=retryable) from error


def _useless_answer(name: str, answer: object) -> CheckpointError:
    if inspect.iscoroutine(answer):
        answer.close()  # or Python would warn that nobody awaited it
    reason = (
        f"the client answered with a {type(answer).__name__}; give a synchronous client, such as "
        "redis.Redis, that is no pipeline"
    )
    return CheckpointError(store=name, reason=reason)
