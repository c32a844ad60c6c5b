"""How a stream that has an end announces it: `until`.

Rule: pure functions of an event. Data that is named exactly is a sentinel: it says nothing but that this is
the end, and is not delivered. An event that a function picks may say more, such as what an answer has cost,
so it is delivered, as the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from everstream.core.body import Body
from everstream.core.errors import ConfigurationError, EverstreamError, StreamInterrupted
from everstream.core.events import Event

__all__ = ["Ending", "Until"]

Until: TypeAlias = str | Callable[[Event], bool]
"""The exact data that ends a stream, or a function that says of an event whether it is the last."""


class Ending:
    """Knows the end of a stream when it comes.

    Attributes:
        until: What was asked for; None for a stream without an end of its own.

    Raises:
        ConfigurationError: It can be no end.
    """

    def __init__(self, until: Until | None) -> None:
        _require_end(until)
        self.until = until

    @property
    def sentinel(self) -> str | None:
        """The data of the event that is not delivered, if there is one."""
        return self.until if isinstance(self.until, str) else None

    def is_sentinel(self, event: Event | None) -> bool:
        """Returns whether an event only says that the stream is over."""
        return self.until is not None and event is not None and event.data == self.until

    def is_last(self, event: Event) -> bool:
        """Returns whether the stream is over once this event is delivered."""
        return callable(self.until) and self.until(event)

    def meaning_of(self, error: EverstreamError, body: Body) -> EverstreamError | None:
        """Returns what the end of a body means if no other follows; None if it is as good an end as any.

        Args:
            error: How it ended.
            body: The body.
        """
        if not isinstance(error, StreamInterrupted):
            return error
        if self.until is not None and error.reason in ("eof", "unfinished block"):
            incomplete = body.incomplete(self.sentinel)
            incomplete.__cause__ = error
            return incomplete
        return None if error.reason == "eof" else error


def _require_end(until: object) -> None:
    if until == "" or not (until is None or callable(until) or isinstance(until, str)):
        raise ConfigurationError("until= takes the data that ends the stream, or a function of an event")
