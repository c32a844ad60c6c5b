"""What befalls an event after it was delivered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from everstream.core.errors.base import EverstreamError
from everstream.core.wording import count, printable

if TYPE_CHECKING:
    from everstream.core.events import Event

__all__ = ["HandlerFailed"]


@dataclass(kw_only=True, eq=False, repr=False)
class HandlerFailed(EverstreamError):
    """A handler could not handle an event, and the worker has stopped; what it raised is the `__cause__`.

    The cursor has not moved past the event: it comes again after a restart.

    Attributes:
        event: The event; its data is not in the message.
        attempts: How often the handler was called with it.
    """

    event: Event
    attempts: int

    def __str__(self) -> str:
        which = f"an event of type {printable(self.event.type)} with id '{printable(self.event.id)}'"
        cause = self.__cause__
        error = "" if cause is None else f": {type(cause).__name__}"
        return f"{which} could not be handled in {count(self.attempts, 'attempt')}{error}"
