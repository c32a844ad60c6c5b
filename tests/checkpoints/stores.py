"""Stores to test, each on a medium of its own, and what interrupts them."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import everstream
from everstream.checkpoints import (
    CheckpointStore,
    FileCheckpoint,
    MemoryCheckpoint,
    RedisCheckpoint,
    SQLiteCheckpoint,
)

__all__ = ["KINDS", "PERSISTENT", "DictClient", "interrupted", "python", "store_in"]

PERSISTENT = ["file", "sqlite", "redis"]
KINDS = ["memory", *PERSISTENT]

_PACKAGE = str(Path(everstream.__file__).parent / "checkpoints")


class DictClient:
    """A user's client that keeps what redis would: bytes. tests/integration has the real one."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """Returns the bytes of a key."""
        return self.values.get(name)

    def set(self, name: str, value: str) -> bool:
        """Keeps a value as bytes."""
        self.values[name] = value.encode()
        return True


def store_in(folder: Path, kind: str) -> Callable[[], CheckpointStore]:
    """Returns what makes a store, each time anew on the same medium."""
    client = DictClient()
    stores: dict[str, Callable[[], CheckpointStore]] = {
        "memory": MemoryCheckpoint,
        "file": lambda: FileCheckpoint(folder / "checkpoints.json"),
        "sqlite": lambda: SQLiteCheckpoint(folder / "checkpoints.db"),
        "redis": lambda: RedisCheckpoint(client),
    }
    return stores[kind]


def python(code: str, *arguments: object, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Runs code in a process of its own, in which warnings are errors."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@contextmanager
def interrupted(line: int, handler: Callable[[], object]) -> Any:
    """Calls a function before the n-th line that this thread runs in the stores, as a signal handler would.

    Yields:
        A list of the lines run so far.
    """
    lines: list[int] = []

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            return None
        if event == "line":
            lines.append(frame.f_lineno)
            if len(lines) == line + 1:
                sys.settrace(None)  # the handler itself is not traced
                handler()
                sys.settrace(trace)
        return trace

    before = sys.gettrace()
    gc.disable()  # or lines of the finalizers of other stores might come in between
    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)
        gc.enable()
