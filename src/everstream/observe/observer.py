"""What is told of everything that happens to a stream."""

from __future__ import annotations

from typing import Protocol

from everstream.clock import Clock
from everstream.core.observations import Observation

__all__ = ["Observer"]


class Observer(Protocol):
    """Sees everything that happens to one stream, in order.

    It is called in the middle of reading: it must be quick, and what it raises ends the stream.
    """

    def __call__(self, item: Observation, clock: Clock, /) -> None:
        """Takes note of an observation.

        The thread that reads the stream makes the calls, one after the other; but `CheckpointSaved`
        and `CheckpointFailed` may come from another thread at the same time.

        Args:
            item: What happened, now.
            clock: The event source's clock, which says when that is.
        """
        ...
