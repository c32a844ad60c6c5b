"""The status line of a stream: what it is doing, in one line that is always current."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from rich.text import Text

from everstream import EventSource, Interrupted, Opened, ReadyState, StreamItem
from everstream.cli.escaping import escaped
from everstream.cli.wording import count, reason

__all__ = ["Status"]

_RATE_SECONDS = 5.0
_LONGEST_ID = 24


class Status:
    """Says how a stream is.

    Args:
        source: The stream.
        monotonic: Seconds that never go back.
    """

    def __init__(self, source: EventSource, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._monotonic = monotonic
        self._outage: Interrupted | None = None
        self._next_attempt = 0.0
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, item: StreamItem) -> None:
        """Notes an item; those that say nothing of the connection are ignored."""
        if isinstance(item, Interrupted):
            self._outage, self._next_attempt = item, self._monotonic() + item.delay
        elif isinstance(item, Opened):
            self._outage = None

    def line(self) -> Text:
        """Returns the line as it is now."""
        stats, event_id = self._source.stats, self._source.last_event_id
        parts = [count(stats.events, "event"), f"{self._rate(stats.events):.1f}/s"]
        if event_id:
            short = event_id if len(event_id) <= _LONGEST_ID else event_id[: _LONGEST_ID - 1] + "…"
            parts.append(f"last id {escaped(short)}")
        if stats.connects > 1:
            parts.append(count(stats.connects - 1, "reconnect"))
        return self._state().append("  " + " · ".join(parts), "dim")

    def _state(self) -> Text:
        if self._outage is not None:
            left = max(0.0, self._next_attempt - self._monotonic())
            when = f"in {left:.1f} s" if left else "now"
            return (
                Text()
                .append(f"◌ attempt {self._outage.attempt} {when}", "yellow")
                .append(f"  {reason(self._outage.error)}")
            )
        if self._source.state is ReadyState.OPEN:
            return Text().append("● open", "green")
        return Text().append(f"◌ {self._source.state.name.lower()}", "yellow")

    def _rate(self, events: int) -> float:
        """Returns events per second of late."""
        now = self._monotonic()
        self._samples.append((now, events))
        while now - self._samples[0][0] > _RATE_SECONDS and len(self._samples) > 1:
            self._samples.popleft()
        since, before = self._samples[0]
        return (events - before) / (now - since) if now > since else 0.0
