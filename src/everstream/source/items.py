"""The items of one event source: by one thread at a time, in one process."""

from __future__ import annotations

import contextlib
import inspect
import os
import weakref
from collections.abc import Generator, Iterator

from everstream.clock import Clock
from everstream.core.errors import ConfigurationError
from everstream.core.events import Event, StreamItem
from everstream.lifeline import Lifeline
from everstream.source.batch import Batch
from everstream.stats import Tally

__all__ = ["Items"]


class Items:
    """Gives out the batches that are the stream, item by item.

    A connection, its TLS state and a position in it cannot be shared by two threads, nor by a process and
    its fork: the second would take bytes that the first then misses.

    Args:
        batches: What happens to the stream.
        lifeline: Says when no more may be given.
        tally: Counts the events.
        clock: The time.

    Attributes:
        batch: The batch in hand.
    """

    def __init__(
        self, batches: Generator[Batch, None, None], lifeline: Lifeline, tally: Tally, clock: Clock
    ) -> None:
        self.batch = Batch(iter(()))
        self._batches = batches
        self._lifeline = lifeline
        self._tally = tally
        self._clock = clock
        self._process: int | None = None
        self._error: BaseException | None = None
        _all.add(self)

    def give(self, *, only_events: bool, raise_on_failure: bool) -> Iterator[StreamItem]:
        """Gives items to the end of the stream; the next call goes on where a loop was left.

        Raises:
            EverstreamError: The stream failed for good, if that is to be raised.
            ConfigurationError: Another thread is at it, or this is a fork of the process that began.
            BaseException: A function of the caller's own raised it, or a signal handler. It is raised each
                time from then on: that there is nothing more must not be taken for the end of the stream.
        """
        lifeline, tally, time = self._lifeline, self._tally, self._clock.time
        batch: Batch | None = self.batch
        while batch is not None:
            is_wire = batch.is_wire
            try:
                # All that is done for each event; if somebody wants more of each, its batch does that.
                for item in batch.upcoming:
                    if is_wire and lifeline.is_cut:
                        break
                    if type(item) is Event:
                        tally.events += 1
                        tally.last_event = time()
                    elif only_events:
                        continue
                    yield item
                else:
                    batch.is_over = not batch.is_cut
            except GeneratorExit:
                # The loop was left.
                raise
            except BaseException as error:
                self._fail(error, batch.upcoming)
                raise
            batch = self._next(batch)
        if raise_on_failure and tally.failure is not None:
            raise tally.failure

    def _next(self, before: Batch) -> Batch | None:
        if self._process is None:
            self._process = os.getpid()
        self.require_own_process("iterating")
        if self._error is not None:
            raise self._error
        if before is not self.batch:
            # Another loop has gone on meanwhile.
            return self.batch
        try:
            batch = next(self._batches, None)
            self.batch = batch or self.batch
        except BaseException as error:
            self._fail(error, self._batches)
            raise
        return batch

    def _fail(self, error: BaseException, iterator: Iterator[object]) -> None:
        """Ends the stream, as items may have been taken for a consumer who did not get them.

        Raises:
            ConfigurationError: The error is that of an iterator which another thread is at.
        """
        if isinstance(error, ValueError) and _is_under_way(iterator):
            raise ConfigurationError("another thread is iterating this event source already") from None
        self._error = error
        self._lifeline.is_cut = True
        self.batch.freeze()
        self.close()
        if inspect.isgenerator(self.batch.upcoming):
            # It would take a loop that goes on for one that has taken the item.
            with contextlib.suppress(ValueError):
                self.batch.upcoming.close()

    def close(self) -> None:
        """Ends the generator; if another thread is at it, that one ends it."""
        upcoming = self.batch.upcoming
        if inspect.isgenerator(upcoming) and inspect.getgeneratorstate(upcoming) == inspect.GEN_RUNNING:
            return
        with contextlib.suppress(ValueError):
            self._batches.close()

    def cut(self) -> None:
        """Notes, in a fork of the process, that nothing more is given here."""
        self._lifeline.is_cut = self._lifeline.is_cut or self._process is not None

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


def _is_under_way(iterator: Iterator[object]) -> bool:
    # A generator that has raised an error of its own is closed by that.
    return inspect.isgenerator(iterator) and inspect.getgeneratorstate(iterator) != inspect.GEN_CLOSED


_all: weakref.WeakSet[Items] = weakref.WeakSet()


def _forked() -> None:
    for items in _all:
        items.cut()


# To ask for the process before each item would take as long as all else that is done for it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
