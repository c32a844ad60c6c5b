"""One stream worked on by one thread.

Rules:

- Nothing starts at import or at construction.
- There is no queue: the thread that reads is the one that handles. While a handler works nobody reads, the
  kernel's buffer fills, and TCP slows the server down.
- The cursor moves past an event when it is handled, or when `on_poison` has taken it, and not otherwise.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, cast

from everstream.clock import Clock, SystemClock, Wakeups
from everstream.core.arguments import is_number, require_kind, require_seconds
from everstream.core.errors import ConfigurationError
from everstream.core.redelivery import Redelivery
from everstream.source import EventSource
from everstream.worker.foreground import run_in_foreground
from everstream.worker.handling import Handler, Handling, OnPoison
from everstream.worker.health import WorkerHealth

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Worker"]


class Worker:
    """Runs a handler for each event of a stream, in the background or as the whole of a program.

    A handler that returns has handled the event. One that raises is called again, as `retry` says; then
    `on_poison` decides. It is not for two streams: see `WorkerGroup`. It is started once.

    In a `with` block it runs for the time of the block, and what it failed with is raised at its end.

    Attributes:
        source: The stream.
        failure: What it ended with; None while it runs, and after a normal end.
        is_over: Whether it was started and has ended.
    """

    def __init__(
        self,
        source: EventSource,
        handler: Handler,
        *,
        retry: Redelivery | None = None,
        on_poison: OnPoison = "stop",
        stop_timeout: float = 30.0,
        stuck_after: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Describes a worker; `start()` or `run()` starts it.

        Args:
            source: The stream; the worker closes it.
            handler: Takes an event. With `ack="manual"` the worker acknowledges it when this returns.
            retry: When to call the handler again after it has raised; `Redelivery()`, that is three
                attempts, by default.
            on_poison: What becomes of an event that cannot be handled: `stop`, the worker fails with
                `HandlerFailed` and the event comes again after a restart; `skip`; or a function of the
                event and the exception that puts it aside.
            stop_timeout: Seconds that the event in hand has when the worker is stopped.
            stuck_after: Seconds with one event after which the worker no longer counts as alive. None:
                a handler may take as long as it likes.
            clock: The time, for tests.

        Raises:
            ConfigurationError: An argument cannot work.
        """
        if not isinstance(cast("object", source), EventSource):
            raise ConfigurationError(f"source= takes an EventSource, not a {type(source).__name__}")
        require_kind(Redelivery, retry=retry)
        require_seconds("Worker", stop_timeout=stop_timeout)
        if stuck_after is not None and not (is_number(stuck_after) and stuck_after > 0):
            # With 0 it would count as stuck at every event, and be restarted in the midst of it.
            raise ConfigurationError(
                f"Worker(stuck_after=...) takes seconds above 0, or None, not {stuck_after!r}"
            )
        self.source = source
        self.failure: BaseException | None = None
        self.is_over = False
        self._clock: Clock = SystemClock() if clock is None else clock
        self._handling = Handling(handler, retry or Redelivery(), on_poison, self._clock, source.log)
        self._stop_timeout = stop_timeout
        self._stuck_after = stuck_after
        self._starting = threading.RLock()
        self._thread: threading.Thread | None = None
        self._process: int | None = None
        self._is_stopping = self._has_event_in_hand = False
        self._bells: list[Wakeups] = []

    def start(self) -> None:
        """Starts the thread.

        Raises:
            ConfigurationError: It was started before, or stopped.
            RuntimeError: The system has no thread left; it may be tried again.
        """
        self._require_own_process("start()")
        with self._starting:
            if self._thread is not None or self._is_stopping:
                raise ConfigurationError("a worker is started once; make a new one, with a new event source")
            # Daemonic, so that a handler that never returns cannot keep the process from ending after
            # `stop_timeout`. What it had in hand comes again.
            name = f"everstream {self.source.name}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            thread.start()
            self._thread, self._process = thread, os.getpid()

    def request_stop(self) -> None:
        """Asks for the end, and does not wait for it: from any thread, the handler's as well."""
        self._require_own_process("request_stop()")
        self._is_stopping = True
        self._handling.end()
        if self._thread is None:
            self.source.close()
        else:
            # The last checkpoint is for its own thread: a store may be slow, and a group has many.
            self.source.request_close()

    def stop(self, timeout: float | None = None) -> bool:
        """Lets the event in hand be finished, closes the stream, and waits for that.

        Args:
            timeout: The longest wait in seconds; `stop_timeout` if None.

        Returns:
            Whether the thread has ended and has finished what it had in hand. If not, that event is not
            acknowledged and comes again.

        Raises:
            ConfigurationError: It is the handler that called.
        """
        self.require_outside("stop()")
        self.request_stop()
        if self.join(self._stop_timeout if timeout is None else timeout):
            return not self._has_event_in_hand
        # The process may be about to end, and what came before the event in hand is not to come again.
        self.source.close()
        return False

    def join(self, timeout: float | None = None) -> bool:
        """Waits until the worker has ended, and says whether it has.

        Args:
            timeout: The longest wait in seconds; None for as long as it takes.

        Raises:
            ConfigurationError: It is the handler that called.
        """
        self.require_outside("join()")
        with self._starting:
            thread = self._thread
        if thread is None:
            return True
        thread.join(timeout)
        return not thread.is_alive()

    def run(self) -> bool:
        """Works in the foreground, until the stream ends, the worker fails, or SIGTERM or SIGINT comes.

        A signal lets the event in hand be finished, for up to `stop_timeout` seconds. The same again kills.

        Returns:
            Whether the event in hand was finished in time.

        Raises:
            ConfigurationError: This is not the main thread, or the worker was started before.
            HandlerFailed: An event could not be handled.
            EverstreamError: The stream failed for good.
        """
        finished = run_in_foreground(self)
        self.raise_failure()
        return finished

    def raise_failure(self) -> None:
        """Raises what the worker failed with, if it has failed."""
        if self.failure is not None:
            raise self.failure

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is a fork of the process that started it."""
        return self._process is not None and self._process != os.getpid()

    def require_outside(self, what: str) -> None:
        """Raises `ConfigurationError` where nobody can wait for the end: in the handler, or in a fork."""
        self._require_own_process(what)
        if self._thread is threading.current_thread():
            raise ConfigurationError(f"{what}: a handler cannot wait for its own end; call request_stop()")

    def ring_when_ended(self, bell: Wakeups) -> None:
        """Rings a bell when the worker has ended."""
        self._bells.append(bell)

    def health(self) -> WorkerHealth:
        """Returns how the worker is, as plain data; from any thread."""
        self._require_own_process("health()")
        stream = self.source.health()
        since = self._handling.since
        seconds = 0.0 if since is None else self._clock.monotonic() - since
        is_stuck = self._stuck_after is not None and seconds > self._stuck_after
        is_over = self.is_over or (self._is_stopping and self._thread is None)
        alive = not is_over and not is_stuck
        return WorkerHealth(
            alive=alive,
            ready=alive and stream.ready,
            handled=self._handling.handled,
            poisoned=self._handling.poisoned,
            handling_since=None if since is None else self._clock.time() - seconds,
            failure=None if self.failure is None else _message(self.failure),
            stream=stream,
        )

    def __enter__(self) -> Self:
        """Starts it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it, and raises what it failed with, unless the block raised something itself.

        In a child process that was forked inside of the block, it does nothing.
        """
        if self.is_elsewhere:
            return
        self.stop()
        if error is None:
            self.raise_failure()

    def __repr__(self) -> str:
        state = "new" if self._thread is None else "over" if self.is_over else "running"
        return f"<Worker {self.source.name} {state}>"

    def _work(self) -> None:
        # Here too: a handler may be called before start() comes to it.
        self._thread, self._process = threading.current_thread(), os.getpid()
        try:
            self.source.log.write("info", "worker.started", {})
            self._handle_all()
            done = {"handled": self._handling.handled, "finished": not self._has_event_in_hand}
            self.source.log.write("info", "worker.stopped", done)
        except BaseException as error:  # noqa: BLE001
            # Nobody is above this in the thread: whoever waits for the worker gets it.
            self.failure = error
            self.source.log.write("error", "worker.failed", {"error_type": type(error).__name__})
        finally:
            self.is_over = True
            for bell in self._bells:
                bell.ring()

    def _handle_all(self) -> None:
        with self.source:
            for event in self.source:
                self._has_event_in_hand = True
                if not self._handling.handle(event):
                    return
                self._has_event_in_hand = False
                if self.source.acknowledgement == "manual":
                    self.source.ack(event)

    def _require_own_process(self, what: str) -> None:
        if self.is_elsewhere:
            raise ConfigurationError(
                f"{what}: the worker's thread is in the process that was forked; make a worker after the fork"
            )


def _message(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
