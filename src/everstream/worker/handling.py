"""One event in a handler's hands: attempts at it, and what becomes of it if all of them fail."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Literal, TypeAlias

from everstream.clock import Clock, Wakeups
from everstream.core.errors import ConfigurationError, HandlerFailed
from everstream.core.events import Event
from everstream.core.redelivery import Attempts, Redelivery
from everstream.observe.logs import StreamLog

__all__ = ["Handler", "Handling", "OnPoison"]

Handler: TypeAlias = Callable[[Event], object]
"""Takes an event; to return is to have handled it."""

DeadLetter: TypeAlias = Callable[[Event, Exception], object]
"""Takes an event that could not be handled, and what the handler raised; to return is to have kept it."""

OnPoison: TypeAlias = Literal["stop", "skip"] | DeadLetter
"""What becomes of an event that could not be handled."""


class Handling:
    """Gives events to a handler, one at a time.

    Args:
        handler: Takes an event.
        retry: When to give it the same event again.
        on_poison: What becomes of one that cannot be handled.
        clock: The time.
        log: Where failures are told.

    Attributes:
        handled: How many events the handler has handled.
        poisoned: How many events were skipped, or given to `on_poison`.
        since: When the event in hand was taken, in seconds of the monotonic clock; None between events.

    Raises:
        ConfigurationError: An argument cannot work.
    """

    def __init__(
        self, handler: Handler, retry: Redelivery, on_poison: OnPoison, clock: Clock, log: StreamLog
    ) -> None:
        if not callable(handler):
            raise ConfigurationError(f"a handler is a function of an event, not {handler!r}")
        if not callable(on_poison) and on_poison not in ("stop", "skip"):
            raise ConfigurationError(f"on_poison= takes 'stop', 'skip' or a function, not {on_poison!r}")
        _require_prompt(handler=handler, on_poison=on_poison)
        self.handled = self.poisoned = 0
        self.since: float | None = None
        self._handler = handler
        self._retry = retry
        self._on_poison = on_poison
        self._clock = clock
        self._log = log
        self._is_ending = False
        self._bell = Wakeups()

    def end(self) -> None:
        """Ends the wait for the next attempt, and all attempts after the one under way."""
        self._is_ending = True
        self._bell.ring()

    def handle(self, event: Event) -> bool:
        """Handles an event, or has `on_poison` take it.

        Returns:
            Whether it is done with; not if `end` came before it was.

        Raises:
            HandlerFailed: It could not be handled, and nobody else has taken it.
            ConfigurationError: What was called gave a coroutine or a generator, and has done nothing.
        """
        self.since = self._clock.monotonic()
        try:
            return self._handled(event, Attempts(self._retry, self.since))
        finally:
            self.since = None

    def _handled(self, event: Event, attempts: Attempts) -> bool:
        while (error := self._attempt(event)) is not None:
            made = attempts.number
            delay = attempts.failed(error, self._clock.monotonic())
            if delay is None:
                self._give_up(event, error, made)
                return True
            fields = {"attempt": attempts.number, "delay": round(delay, 3)}
            self._tell("warning", "worker.retrying", event, error, **fields)
            self._clock.wait(delay, self._bell)
            if self._is_ending:
                return False
        self.handled += 1
        return True

    def _attempt(self, event: Event) -> Exception | None:
        try:
            answer = self._handler(event)
        except Exception as error:  # noqa: BLE001
            # Whatever a handler raises is its failure, not ours.
            return error
        _require_acted("handler", answer)
        return None

    def _give_up(self, event: Event, error: Exception, attempts: int) -> None:
        action = self._on_poison if isinstance(self._on_poison, str) else "call"
        self._tell("error", "worker.poisoned", event, error, attempts=attempts, on_poison=action)
        if self._on_poison == "stop":
            raise HandlerFailed(event=event, attempts=attempts) from error
        if callable(self._on_poison):
            try:
                answer = self._on_poison(event, error)
            except Exception as second:
                # Then nobody has the event, and the cursor must not move past it.
                raise HandlerFailed(event=event, attempts=attempts) from second
            _require_acted("on_poison", answer)
        self.poisoned += 1

    def _tell(self, level: str, name: str, event: Event, error: Exception, **fields: object) -> None:
        # Not the message of the exception: it may quote the event.
        self._log.write(
            level,
            name,
            {**fields, "event_id": event.id, "event_type": event.type, "error_type": type(error).__name__},
        )


def _require_prompt(**functions: object) -> None:
    """Raises `ConfigurationError` for a function that does nothing when it is called.

    Each call would seem to have handled an event that nobody has seen.
    """
    tests = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    for name, function in functions.items():
        called = getattr(function, "__call__", None)  # noqa: B004  (an object may define it as `async def`)
        if any(is_lazy(each) for is_lazy in tests for each in (function, called)):
            raise ConfigurationError(
                f"{name}= takes a function that acts when it is called, not {function!r}"
            )


def _require_acted(name: str, answer: object) -> None:
    """Raises `ConfigurationError` if what was called has only promised to act, as a wrapped one may."""
    if inspect.iscoroutine(answer):
        answer.close()  # or Python would warn that nobody awaited it
    elif not (inspect.isgenerator(answer) or inspect.isasyncgen(answer)):
        return
    kind = type(answer).__name__
    raise ConfigurationError(f"{name}= takes a function that acts when it is called; it gave a {kind}")
