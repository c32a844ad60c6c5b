"""SIGINT and SIGTERM as a clean end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, TypeAlias

from everstream.cli.exits import Exit

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Signals"]

_EXITS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}
_Action: TypeAlias = Callable[[int, FrameType | None], object] | int | signal.Handlers | None


class Signals:
    """Catches both signals in a `with` block: the first one closes, the next one kills.

    Args:
        close: Ends what the block waits for; it must be safe in a signal handler.

    Attributes:
        exit: The exit code of the signal that came, or None.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        self.exit: Exit | None = None
        self._close = close
        self._before: dict[signal.Signals, _Action] = {}

    def __enter__(self) -> Self:
        for number in _EXITS:
            before = signal.getsignal(number)
            # A shell that starts a job in the background wants SIGINT to be ignored.
            if before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._came)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _came(self, number: int, _frame: FrameType | None) -> None:
        self.exit = _EXITS[signal.Signals(number)]
        # Whoever reads our output may have stopped to, and then nothing but force helps.
        signal.signal(number, signal.SIG_DFL)
        self._close()
