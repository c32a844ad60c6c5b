"""The items of one event source: by one thread at a time, in one process."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Generator

from everstream.core.errors import ConfigurationError
from everstream.core.events import StreamItem

__all__ = ["Items"]


class Items:
    """Guards the generator that is the stream.

    A connection, its TLS state and a position in it cannot be shared by two threads, nor by a process and
    its fork: the second would take bytes that the first then misses.
    """

    def __init__(self, items: Generator[StreamItem, None, None]) -> None:
        self._items = items
        self._process: int | None = None
        self._error: Exception | None = None

    def next(self) -> StreamItem | None:
        """Returns the next item; None after the last.

        Raises:
            ConfigurationError: Another thread is at it, or this is a fork of the process that began.
            Exception: A function of the caller's own raised it. It is raised each time from then on: that
                there is nothing more must not be taken for the end of the stream.
        """
        if self._process is None:
            self._process = os.getpid()
        self.require_own_process("iterating")
        if self._error is not None:
            raise self._error
        try:
            return next(self._items, None)
        except Exception as error:
            state = inspect.getgeneratorstate(self._items)
            if isinstance(error, ValueError) and state == inspect.GEN_RUNNING:
                raise ConfigurationError("another thread is iterating this event source already") from None
            if state == inspect.GEN_CLOSED:
                self._error = error
            raise

    def close(self) -> None:
        """Ends the generator; if another thread is at it, that one ends it."""
        with contextlib.suppress(ValueError):
            self._items.close()

    @property
    def is_elsewhere(self) -> bool:
        """Whether this is a fork of the process that began."""
        return self._process is not None and self._process != os.getpid()

    def require_own_process(self, what: str) -> None:
        """Raises `ConfigurationError` in a fork of the process that began."""
        if self.is_elsewhere:
            raise ConfigurationError(
                f"{what}: this event source belongs to the process that was forked; make one after the fork"
            )
