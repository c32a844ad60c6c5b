"""What the tests on real servers share: a quick place for files, and a word about what was measured."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tell(
    record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> Callable[[str], None]:
    """Shows and records what was measured."""

    def told(what: str) -> None:
        record_property("measured", what)
        with capsys.disabled():
            print(f"\n  {what}")

    return told


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, if there is such a place.

    To the system the death of a process is the same there, and the disk of a machine may need minutes to
    sync tens of thousands of checkpoints.
    """
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)
