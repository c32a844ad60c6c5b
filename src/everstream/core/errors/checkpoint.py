"""What befalls a checkpoint store."""

from __future__ import annotations

from dataclasses import dataclass

from everstream.core.errors.base import EverstreamError
from everstream.core.wording import printable

__all__ = ["CheckpointError"]


@dataclass(kw_only=True, eq=False, repr=False)
class CheckpointError(EverstreamError):
    """A checkpoint could not be loaded or saved; what the store raised is the `__cause__`.

    Attributes:
        store: Which store, as in `the SQLite file /var/lib/orders.db`.
        reason: What is wrong with it, and what to do.
        retryable: Whether it may work later, as with a store that is locked or unreachable.
    """

    store: str
    reason: str
    retryable: bool = False

    def __str__(self) -> str:
        return f"{printable(self.store, 300)}: {printable(self.reason, 500)}"
