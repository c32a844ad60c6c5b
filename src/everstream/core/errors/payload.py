"""What a stream that is well carried, and cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from everstream.core.errors.base import EverstreamError
from everstream.core.wording import printable

if TYPE_CHECKING:
    from everstream.core.events import Event

__all__ = ["InvalidJSON", "PayloadError"]


class PayloadError(EverstreamError):
    """What the stream carried cannot be used, though the stream itself is well."""


@dataclass(kw_only=True, eq=False, repr=False)
class InvalidJSON(PayloadError):
    """The data of an event is not JSON.

    Attributes:
        event: The event; its data is not in the message.
    """

    event: Event

    def __str__(self) -> str:
        size = f"{len(self.event.data)} characters"
        return f"the data of an event of type {printable(self.event.type)} is no JSON ({size})"
