"""Ten thousand reconnects of one event source: it holds no more after them than before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.brief_server import BriefServer

pytestmark = pytest.mark.integration

WARM = 1_000
"""Connections before the first weighing: caches are filled by then, in ours and in the libraries below."""
MANY = 10_000
TRACING = 10_500
"""The connection from which on allocations are compared, when those of the tracing itself are made."""
TRACED = 11_500
MOST_BLOCKS = 1_000
"""Far fewer than one for each of the 9,000 reconnects between the weighings."""
MOST_RESIDENT = 1 << 20
"""Bytes: 116 for each reconnect. A leak of one socket, thread or generator is above."""
MOST_ALLOCATED = 32 << 10
"""Bytes: 33 for each of the 1,000 traced reconnects, less than the smallest object."""
WEIGHTS = ("descriptors", "threads", "blocks", "resident")
PATIENCE = 180
"""Seconds."""

_PROGRAM = Path(__file__).with_name("soak.py")
_ENVIRONMENT = {
    name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if name in os.environ
}
"""A small one: the library below reads all of it for every request, in search of proxies."""


def test_ten_thousand_reconnects_leave_nothing_behind(memory: Path, tell: Callable[[str], None]) -> None:
    """No descriptor, no thread and no memory, whether the server ends its response or resets the connection.

    The stream has a checkpoint after every event, in a process of its own.
    """
    with BriefServer() as server:
        command = [sys.executable, str(_PROGRAM), server.url, str(memory / "checkpoints.db")]
        command += [str(number) for number in (WARM, MANY, TRACING, TRACED)]
        output = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, timeout=PATIENCE, env=_ENVIRONMENT
        ).stdout
    warm, many, _, last, traced = [json.loads(line) for line in output.splitlines()]
    weights = ", ".join(f"{name} {warm[name]} -> {many[name]}" for name in WEIGHTS)
    tell(
        f"after {WARM} -> {MANY} connections: {weights}; "
        f"over {TRACED - TRACING} traced connections {traced['grown']} bytes more allocated"
    )
    # Every connection gave its event, and one was reset for each that ended.
    assert many["seen"] == {"Opened": MANY, "Event": MANY - 1, "reset": MANY // 2, "eof": MANY // 2 - 1}
    assert last["last"] == str(TRACED - 1)
    assert many["descriptors"] == warm["descriptors"]
    assert many["threads"] == warm["threads"]
    assert many["blocks"] - warm["blocks"] <= MOST_BLOCKS
    assert many["resident"] - warm["resident"] <= MOST_RESIDENT
    assert traced["grown"] <= MOST_ALLOCATED, traced["where"]
