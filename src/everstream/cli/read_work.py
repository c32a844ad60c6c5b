"""Work that ends when nobody reads its output any more."""

from __future__ import annotations

from everstream import Worker
from everstream.clock import Wakeups

__all__ = ["ReadWork"]


class ReadWork:
    """A worker in the foreground, as `run_in_foreground` takes it.

    Args:
        worker: The worker, not started yet.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._bells: list[Wakeups] = []
        self._is_left = False

    def leave(self) -> None:
        """Says that nobody reads; from any thread. Then it is stopped as by a signal, within its time."""
        self._is_left = True
        for bell in self._bells:
            bell.ring()

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self._is_left or self._worker.is_over

    def start(self) -> None:
        """Starts the worker."""
        self._worker.start()

    def stop(self, timeout: float | None = None) -> bool:
        """Stops the worker."""
        return self._worker.stop(timeout)

    def ring_when_ended(self, bell: Wakeups) -> None:
        """Rings a bell when the worker has ended, or nobody reads."""
        self._bells.append(bell)
        self._worker.ring_when_ended(bell)
