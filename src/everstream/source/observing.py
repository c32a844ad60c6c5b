"""Everything that happens, told to those who count, log and measure it."""

from __future__ import annotations

from everstream.clock import Clock
from everstream.core.observations import Observation
from everstream.observe.logs import StreamLog
from everstream.observe.observer import Observer
from everstream.stats import Tally

__all__ = ["Observing"]


class Observing:
    """Tells the counts first, then the log, then the metrics.

    Args:
        tally: Counts.
        log: Logs.
        metrics: Measures; None for nobody.
        clock: The time.
    """

    def __init__(self, tally: Tally, log: StreamLog, metrics: Observer | None, clock: Clock) -> None:
        self._tally = tally
        self._log = log
        self._metrics = metrics
        self._clock = clock

    def __call__(self, item: Observation) -> None:
        """Tells them of an item."""
        self._tally.note(item, self._clock)
        self._log(item)
        if self._metrics is not None:
            self._metrics(item, self._clock)
