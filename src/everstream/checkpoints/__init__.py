"""Checkpoint stores: where a stream goes on after a restart of the process.

Rule: a store knows keys and ids, nothing about streams. It imports the errors, and nothing else of the
library. Whatever its medium raises leaves it as a `CheckpointError`, translated at one place of each file.
To make a store does no I/O.

    from everstream import EventSource
    from everstream.checkpoints import SQLiteCheckpoint

    store = SQLiteCheckpoint("/var/lib/orders/checkpoints.db")
    with EventSource("https://stream.example/events", checkpoint=store) as source:
        ...

| store | keeps across | may be shared by |
|---|---|---|
| `MemoryCheckpoint` | event sources of a process | the threads of a process |
| `FileCheckpoint` | restarts, power loss | the threads of a process |
| `SQLiteCheckpoint` | restarts, power loss | threads and processes of a machine |
| `RedisCheckpoint` | restarts; machines; power loss as redis is configured | threads, processes, machines |

The names are imported when the first of them is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everstream.checkpoints.file import FileCheckpoint
    from everstream.checkpoints.memory import MemoryCheckpoint
    from everstream.checkpoints.redis import RedisCheckpoint, RedisClient
    from everstream.checkpoints.sqlite import SQLiteCheckpoint
    from everstream.checkpoints.store import CheckpointStore

_HOMES = {
    "CheckpointStore": "store",
    "FileCheckpoint": "file",
    "MemoryCheckpoint": "memory",
    "RedisCheckpoint": "redis",
    "RedisClient": "redis",
    "SQLiteCheckpoint": "sqlite",
}

__all__ = [
    "CheckpointStore",
    "FileCheckpoint",
    "MemoryCheckpoint",
    "RedisCheckpoint",
    "RedisClient",
    "SQLiteCheckpoint",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = vars(importlib.import_module(f"{__name__}.{_HOMES[name]}"))[name]
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
