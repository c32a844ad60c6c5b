"""Programs of the tests that run in processes of their own and are talked to line by line."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.reading import DEADLINE

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["PATIENCE", "Program"]

PATIENCE = 3 * DEADLINE
"""Seconds for what takes its time: the start of an interpreter, or hundreds of threads on a busy machine."""


class Program:
    """A program of this folder. Use it as a context manager.

    It is told something by a line on its standard input, and says something by a line of JSON on its standard
    output; it is to end when its standard input is closed.

    Args:
        name: The file's name.
        arguments: What it is started with.
    """

    def __init__(self, name: str, *arguments: object) -> None:
        path = Path(__file__).with_name(name)
        self.command = [sys.executable, str(path), *map(str, arguments)]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._input.close()
        try:
            self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            # A test that has failed already is to say so itself.
            if kind is None:
                raise
        finally:
            self.process.kill()
            self.process.wait()
            self._output.close()

    def start(self) -> None:
        """Starts it."""
        # Without a buffer of ours, what can be read is seen by select().
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._input: IO[bytes] = self.process.stdin
        self._output: IO[bytes] = self.process.stdout

    def ask(self, command: str) -> Any:
        """Tells it something, and gives its answer."""
        self._input.write(command.encode() + b"\n")
        return self.hear()

    def hear(self) -> Any:
        """Gives the next thing that it says."""
        readable, _, _ = select.select([self._output], [], [], PATIENCE)
        assert readable, f"{self.command[1]} said nothing for {PATIENCE:g} s"
        line = self._output.readline()
        assert line, f"{self.command[1]} has ended: {self.process.wait(DEADLINE)}"
        return json.loads(line)
