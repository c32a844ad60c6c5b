"""everstream with its limit on the size of an event, which is 32 MiB by default, out of the way."""

from __future__ import annotations

import functools

from benchmarks.clients.ours import data_of
from everstream import EventSource

__all__ = ["data_of", "reading"]

reading = functools.partial(EventSource, max_event_bytes=1 << 30)
