"""SIGINT and SIGTERM as a request to end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["StopSignals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_Action: TypeAlias = Callable[[int, FrameType | None], object] | int | signal.Handlers | None


class StopSignals:
    """Catches both signals in a `with` block: the first one asks for the end, the same again kills.

    Only the main thread can use it, as with any handling of signals in Python.

    Args:
        end: Ends what the block waits for; it must be safe in a signal handler.

    Attributes:
        received: The signal that came, or None.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self.received: signal.Signals | None = None
        self._end = end
        self._before: dict[signal.Signals, _Action] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
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
        self.received = signal.Signals(number)
        # Whatever is to end may have got stuck, and then nothing but force helps.
        signal.signal(number, signal.SIG_DFL)
        self._end()
