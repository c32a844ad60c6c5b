"""The checkpoint stores as a typed program uses them: never run, checked by `make types`."""

from __future__ import annotations

from pathlib import Path

import redis

from everstream.checkpoints import (
    CheckpointStore,
    FileCheckpoint,
    MemoryCheckpoint,
    RedisCheckpoint,
    RedisClient,
    SQLiteCheckpoint,
)


class OwnStore:
    """A store of the user's own."""

    def load(self, key: str) -> str | None:
        """Returns nothing."""
        return None

    def save(self, key: str, last_event_id: str) -> None:
        """Saves nothing."""


class OwnClient:
    """A client of the user's own."""

    def get(self, name: str) -> str | None:
        """Returns nothing."""
        return None

    def set(self, name: str, value: str, ex: int | None = None) -> bool:
        """Sets nothing."""
        return ex is None


def stores(client: redis.Redis, cluster: redis.RedisCluster) -> list[CheckpointStore]:
    """All stores satisfy the protocol, and the clients of redis-py that which `RedisCheckpoint` asks for."""
    clients: list[RedisClient] = [client, cluster, OwnClient()]
    return [
        OwnStore(),
        MemoryCheckpoint(),
        FileCheckpoint("checkpoints.json"),
        FileCheckpoint(Path("checkpoints.json")),
        SQLiteCheckpoint(Path("checkpoints.db"), busy_timeout=1),
        RedisCheckpoint(redis.Redis(decode_responses=True), prefix="app:"),
        *(RedisCheckpoint(each) for each in clients),
    ]


def use() -> str | None:
    """A SQLite store is closed by `with`."""
    with SQLiteCheckpoint("checkpoints.db") as store:
        store.save("orders", "1")
        return store.load("orders")
