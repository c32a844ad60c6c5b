"""Waits for the next attempt, told in lines."""

from __future__ import annotations

from collections.abc import Callable

from everstream.cli.wording import waiting

__all__ = ["WaitLog"]


class WaitLog:
    """A logger that tells of interruptions alone, for streams that nobody else tells of them.

    Args:
        write: Takes a line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def debug(self, event: str, **fields: object) -> None:
        """Is silent."""

    def info(self, event: str, **fields: object) -> None:
        """Is silent."""

    def warning(self, event: str, **fields: object) -> None:
        """Tells what failed, and when the next attempt is."""
        match fields:
            case {"cause": str(cause), "attempt": int(attempt), "delay": float(delay)}:
                self._write(waiting(cause, attempt, delay))
            case _:
                pass

    def error(self, event: str, **fields: object) -> None:
        """Is silent: how it ends is told at the end."""
