"""Runs code blocks of the docs; see `run_doc_block.py`."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.project.source import ROOT

DEADLINE = 60.0


@dataclass(frozen=True)
class Done:
    """How a block ended."""

    returncode: int
    stdout: str
    stderr: str


def uncounted() -> dict[str, str]:
    """Returns the environment for what a page shows: it is not written to cover lines, and so not counted."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


class DocRunner:
    """A process that runs one block after the other, each in a fork. Use it as a context manager."""

    def __enter__(self) -> "DocRunner":
        self._program = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.project.run_doc_block"],
            cwd=ROOT,
            env={**uncounted(), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._program:
            assert self._program.stdin is not None
            self._program.stdin.close()

    def run(self, script: Path, environment: Mapping[str, str]) -> Done:
        """Runs a script in its folder, and returns when it has ended."""
        folder = script.parent
        stdout, stderr = folder / "stdout", folder / "stderr"
        job = {
            "script": str(script),
            "folder": str(folder),
            "stdout": str(stdout),
            "stderr": str(stderr),
            "environment": json.dumps(dict(environment)),
            "deadline": str(DEADLINE),
        }
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(job).encode() + b"\n")
        self._program.stdin.flush()
        exit_code = self._program.stdout.readline()
        assert exit_code, "the program that runs blocks has ended"
        return Done(int(exit_code), stdout.read_text("utf-8"), stderr.read_text("utf-8"))
