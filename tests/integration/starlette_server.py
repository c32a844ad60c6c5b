"""A real server: sse-starlette on uvicorn, in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tests.reading import DEADLINE, wait_until

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["StarletteServer"]

_APPLICATION = Path(__file__).with_name("starlette_app.py")


class StarletteServer:
    """The application of `starlette_app.py`. Use it as a context manager.

    Attributes:
        lines: What it has said so far, over all its lives.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(signal.SIGKILL)
        self.wait()

    def url(self, path: str) -> str:
        """Gives the URL of a path."""
        return f"http://127.0.0.1:{self._port}{path}"

    def start(self) -> None:
        """Starts it, on the same port again if it has been started before."""
        command = [sys.executable, str(_APPLICATION), str(self._port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        starts = len(self.said("listening"))
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        wait_until(lambda: len(self.said("listening")) > starts, "uvicorn to listen")
        self._port = int(self.said("listening")[-1])

    def end(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Waits until its process has ended, and gives the exit status."""
        status = self._process.wait(DEADLINE)
        self._listener.join(DEADLINE)
        return status

    def said(self, word: str) -> list[str]:
        """Gives what it said after this word, each time."""
        return [rest for line in self.lines for first, _, rest in [line.partition(" ")] if first == word]

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as said:
            self.lines.extend(line.rstrip("\n") for line in said)
