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

    Items from the server come by only if there are metrics, or a function of the caller's sees each: they are
    frequent, events are counted where they are given, and the log has nothing to say of them.

    Args:
        tally: Counts.
        log: Logs.
        metrics: Measures; None for nobody. Also an attribute.
        clock: The time.
    """

    def __init__(self, tally: Tally, log: StreamLog, metrics: Observer | None, clock: Clock) -> None:
        self._tally = tally
        self._log = log
        self.metrics = metrics
        self._clock = clock

    def __call__(self, item: Observation) -> None:
        """Tells them of an item."""
        self._tally.note(item, self._clock)
        self._log(item)
        if self.metrics is not None:
            self.metrics(item, self._clock)
