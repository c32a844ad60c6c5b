"""What is measured runs in a process of its own, on the same interpreter, and prints its result as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from benchmarks.server import PROJECT

__all__ = ["Child", "TooSlow", "in_short", "measured"]


class TooSlow(Exception):
    """A process did not end in time."""


class Child:
    """A module of this package that runs with arguments, and prints its result.

    Args:
        module: Its name in this package.
        arguments: What is passed on, as text.
    """

    def __init__(self, module: str, *arguments: object) -> None:
        command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
        # Byte code is kept, as it is for everybody else.
        environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._process = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def result(self, within: float) -> object:
        """Returns what it printed.

        Args:
            within: Seconds to wait for it.

        Raises:
            TooSlow: It took longer, and was ended.
            RuntimeError: It failed; the message is the last line of its traceback.
        """
        try:
            output, complaints = self._process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise TooSlow(f"> {within:.0f} s") from None
        if self._process.returncode:
            raise RuntimeError(complaints.strip().rpartition("\n")[2])
        result: object = json.loads(output)
        return result


def in_short(failure: TooSlow | RuntimeError) -> str:
    """Returns what a table says of a process without a result."""
    return str(failure) if isinstance(failure, TooSlow) else f"failed: {str(failure).partition(':')[0]}"


def measured(module: str, *arguments: object, within: float = 60.0) -> object:
    """Runs a module of this package, and returns what it printed; see `Child`."""
    return Child(module, *arguments).result(within)
