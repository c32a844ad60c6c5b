"""Many streams, each worked on by a thread of its own, started and stopped together.

Rule: it restarts nothing. A worker that has ended stays ended, and the group says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from everstream.clock import Wakeups
from everstream.core.arguments import require_seconds
from everstream.core.errors import ConfigurationError
from everstream.worker.foreground import run_in_foreground
from everstream.worker.health import GroupHealth
from everstream.worker.worker import Worker

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["WorkerGroup"]


class WorkerGroup:
    """Runs workers side by side.

    In a `with` block they run for the time of the block, and the first failure is raised at its end.

    Attributes:
        workers: The workers, in order.
    """

    def __init__(
        self, workers: Iterable[Worker], *, stop_on_failure: bool = True, stop_timeout: float = 30.0
    ) -> None:
        """Describes a group; `start()` or `run()` starts it.

        Args:
            workers: Workers that are not started yet, each with an event source of its own.
            stop_on_failure: Whether `run()` stops all when one has failed; if not, the others go on.
            stop_timeout: Seconds that all events in hand have when the group is stopped.

        Raises:
            ConfigurationError: There is no worker, or two share a source.
        """
        require_seconds("WorkerGroup", stop_timeout=stop_timeout)
        self.workers = tuple(workers)
        self._stop_on_failure = stop_on_failure
        self._stop_timeout = stop_timeout
        if not self.workers:
            raise ConfigurationError("WorkerGroup(workers) takes at least one worker")
        if len({id(worker.source) for worker in self.workers}) < len(self.workers):
            raise ConfigurationError("each worker of a group needs an event source of its own")

    def start(self) -> None:
        """Starts all workers; if one cannot be started, none runs.

        Raises:
            ConfigurationError: One was started before, or stopped.
        """
        try:
            for worker in self.workers:
                worker.start()
        except BaseException:
            self.stop()
            raise

    def request_stop(self) -> None:
        """Asks all workers for the end, and does not wait for it."""
        for worker in self.workers:
            worker.request_stop()

    def stop(self, timeout: float | None = None) -> bool:
        """Lets every event in hand be finished, closes the streams, and waits for that.

        Args:
            timeout: The longest wait in seconds, for all together; `stop_timeout` if None.

        Returns:
            Whether all have ended and have finished what they had in hand.

        Raises:
            ConfigurationError: It is a handler that called.
        """
        deadline = time.monotonic() + (self._stop_timeout if timeout is None else timeout)
        self._require_outside("stop()")
        self.request_stop()
        finished = [worker.stop(max(0.0, deadline - time.monotonic())) for worker in self.workers]
        return all(finished)

    def join(self, timeout: float | None = None) -> bool:
        """Waits until all workers have ended, and says whether they have.

        Args:
            timeout: The longest wait in seconds, for all together; None for as long as it takes.

        Raises:
            ConfigurationError: It is a handler that called.
        """
        self._require_outside("join()")
        deadline = None if timeout is None else time.monotonic() + timeout
        ended = [
            worker.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
            for worker in self.workers
        ]
        return all(ended)

    def run(self) -> bool:
        """Works in the foreground, until all have ended, one has failed, or SIGTERM or SIGINT comes.

        Returns:
            Whether every event in hand was finished in time.

        Raises:
            ConfigurationError: This is not the main thread, or a worker was started before.
            HandlerFailed: An event could not be handled.
            EverstreamError: A stream failed for good.
        """
        finished = run_in_foreground(self)
        self.raise_failure()
        return finished

    def raise_failure(self) -> None:
        """Raises what the first of the failed workers, in their order, failed with."""
        for worker in self.workers:
            worker.raise_failure()

    @property
    def is_over(self) -> bool:
        """Whether all have ended; or one has failed, and that is to stop them all."""
        if self._stop_on_failure and any(worker.failure is not None for worker in self.workers):
            return True
        return all(worker.is_over for worker in self.workers)

    def ring_when_ended(self, bell: Wakeups) -> None:
        """Rings a bell whenever a worker has ended."""
        for worker in self.workers:
            worker.ring_when_ended(bell)

    def health(self) -> GroupHealth:
        """Returns how the workers are, as plain data; from any thread."""
        workers = tuple(worker.health() for worker in self.workers)
        return GroupHealth(
            alive=all(worker.alive for worker in workers),
            ready=all(worker.ready for worker in workers),
            workers=workers,
        )

    def __enter__(self) -> Self:
        """Starts all workers."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops them, and raises the first failure, unless the block raised something itself.

        In a child process that was forked inside of the block, it does nothing.
        """
        if any(worker.is_elsewhere for worker in self.workers):
            return
        self.stop()
        if error is None:
            self.raise_failure()

    def _require_outside(self, what: str) -> None:
        for worker in self.workers:
            worker.require_outside(what)
