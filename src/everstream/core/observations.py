"""What happens to a stream beside its items: what logs, counts and metrics see, and its consumer does not.

Rule: plain frozen data, as in `events`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from everstream.core.errors import CheckpointError
from everstream.core.events import Connecting, StreamItem

__all__ = ["CheckpointFailed", "CheckpointSaved", "Observation", "Received", "Unacknowledged"]


@dataclass(frozen=True, slots=True)
class Received:
    """A chunk of the body came.

    Attributes:
        bytes: Its size, decompressed.
    """

    bytes: int


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """The checkpoint was saved.

    Attributes:
        last_event_id: The cursor that was saved.
    """

    last_event_id: str


@dataclass(frozen=True, slots=True)
class CheckpointFailed:
    """The checkpoint could not be saved.

    Attributes:
        error: Why.
        last_event_id: The cursor that should have been saved.
    """

    error: CheckpointError
    last_event_id: str


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """The stream has stood still for want of `ack()`.

    Attributes:
        events: How many events wait for it: `max_unacknowledged`.
        seconds: For how long none was acknowledged.
    """

    events: int
    seconds: float


Observation: TypeAlias = (
    Connecting | StreamItem | Received | CheckpointSaved | CheckpointFailed | Unacknowledged
)
"""Everything that logs, counts and metrics are made from: the items, and what happens beside them."""
