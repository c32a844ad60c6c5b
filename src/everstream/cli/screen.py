"""Where lines go: stdout and stderr may be one terminal, with a status line at its bottom."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

__all__ = ["Screen"]

_SECONDS_BETWEEN_DRAWINGS = 0.1
_ERASE_LINE = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


class Screen:
    """Keeps lines and the status line apart, from any thread.

    Attributes:
        is_live: Whether there can be a status line: stdout and stderr are a terminal that obeys.
        colors: Whether stderr shows colours.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self.colors = self._console.is_terminal and not self._console.no_color
        self.is_live = (
            sys.stdout.isatty() and self._console.is_terminal and not self._console.is_dumb_terminal
        )
        self._lock = threading.RLock()
        self._line: Callable[[], Text] | None = None
        self._drawn: Text | None = None
        self._drawn_at = 0.0

    @contextmanager
    def writing(self) -> Generator[None, None, None]:
        """Takes the status line out of the way of what is written in this block."""
        with self._lock:
            self._erase()
            yield
            if time.monotonic() - self._drawn_at >= _SECONDS_BETWEEN_DRAWINGS:
                # Else the next tick draws it: a fast stream is not slowed down by its status.
                self._draw()

    def note(self, line: str) -> None:
        """Writes a line to stderr."""
        with self.writing():
            print(line, file=sys.stderr, flush=True)

    def message(self, line: str) -> None:
        """Writes a line to stderr that says who speaks."""
        self.note(f"everstream: {line}")

    @contextmanager
    def showing(self, line: Callable[[], Text]) -> Generator[None, None, None]:
        """Shows a status line during this block, if there can be one.

        Args:
            line: Gives it, whenever it is drawn.
        """
        if not self.is_live:
            yield
            return
        self._line = line
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(over,), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            over.set()
            ticker.join()
            self._line = None
            with self._lock:
                self._erase()

    def _tick(self, over: threading.Event) -> None:
        # A terminal that is gone ends the drawing, and the stream with the next line.
        with suppress(OSError):
            while not over.wait(_SECONDS_BETWEEN_DRAWINGS):
                with self._lock:
                    self._draw()

    def _draw(self) -> None:
        if self._line is None:
            return
        line = self._line()
        # The last column stays free: some terminals wrap as soon as it is written.
        line.truncate(self._console.width - 1, overflow="ellipsis")
        if line != self._drawn:
            self._erase()
            self._console.print(line, end="", no_wrap=True, crop=True)
            self._drawn, self._drawn_at = line, time.monotonic()

    def _erase(self) -> None:
        if self._drawn is not None:
            self._console.control(_ERASE_LINE)
            self._drawn = None
