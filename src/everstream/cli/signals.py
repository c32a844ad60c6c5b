"""What a shell learns when a signal ended the command."""

from __future__ import annotations

import signal

from everstream.cli.exits import Exit
from everstream.signals import StopSignals

__all__ = ["Signals"]

_EXITS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


class Signals(StopSignals):
    """Catches SIGINT and SIGTERM in a `with` block, and knows the exit code."""

    @property
    def exit(self) -> Exit | None:
        """The exit code of the signal that came, or None."""
        return None if self.received is None else _EXITS[self.received]
