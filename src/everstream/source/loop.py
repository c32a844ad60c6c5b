"""One connection after another, as a generator of batches of items.

Rule: it makes the calls and decides nothing. What to send, whether a response is a stream, what a byte
means, whether to reconnect and when: `EventSourceProtocol` says so. What a socket is: the transport.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass

from everstream.clock import Clock
from everstream.core.errors import EverstreamError, ResponseRejected, StreamTimeout
from everstream.core.events import (
    Closed,
    Duplicate,
    Event,
    Failed,
    Interrupted,
    Opened,
    Outcome,
    ReadyState,
    StreamItem,
    WireItem,
)
from everstream.core.observations import Received
from everstream.core.protocol import EventSourceProtocol
from everstream.core.watchdog import Watchdog
from everstream.lifeline import Lifeline
from everstream.source.batch import Batch
from everstream.source.observing import Observing
from everstream.source.progress import Progress
from everstream.transports.sync import Connection, RequestTemplate, Transport

__all__ = ["StreamLoop"]

_ROUNDING = 0.01
"""Seconds: the system may wake a reader a moment before a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLoop:
    """What the parts of an event source do together.

    Attributes:
        template: The request.
        transport: Makes connections.
        protocol: Decides.
        watchdog: The limits on waiting for an event.
        progress: What was acknowledged.
        lifeline: How others end what this one waits for.
        clock: The time.
        observe: Takes everything that happens: counts, logs, metrics.
    """

    template: RequestTemplate
    transport: Transport
    protocol: EventSourceProtocol
    watchdog: Watchdog
    progress: Progress
    lifeline: Lifeline
    clock: Clock
    observe: Observing

    def batches(self) -> Generator[Batch, None, None]:
        """Gives everything that happens, to the end of the stream.

        To ask for the next batch is to have taken every item of the one before, unless that was cut.
        """
        process = os.getpid()
        try:
            while not self.lifeline.is_closing:
                outcome = self._checkpoint_failure() or (yield from self._connect())
                if isinstance(outcome, Interrupted):
                    yield self._notice(outcome)
                    self.lifeline.wait(outcome.delay)
                elif outcome is not None:
                    yield self._notice(self._final(outcome))
                    return
            yield self._notice(self._final(None))
        finally:
            # A fork that lets go of its copy has nothing to save, nor to say.
            if os.getpid() == process:
                self._over()

    def _over(self) -> None:
        self.progress.finish()
        if self.protocol.state is not ReadyState.CLOSED:
            # The consumer went away.
            self.observe(self.protocol.close())

    def _final(self, outcome: Closed | Failed | None) -> Closed | Failed:
        """Returns the last item, once the last checkpoint is saved."""
        self.progress.finish()
        if isinstance(outcome, Failed):
            return outcome
        return self._checkpoint_failure() or outcome or self.protocol.close()

    def _checkpoint_failure(self) -> Failed | None:
        failure = self.progress.failure
        if failure is None:
            return None
        self.protocol.close()
        return Failed(failure)

    def _connect(self) -> Generator[Batch, None, Outcome | None]:
        """Makes one connection and gives what comes of it; None if it was given up on purpose."""
        connection = self.transport.connection()
        self.lifeline.attach(connection)
        try:
            try:
                head = self._open(connection)
            except EverstreamError as error:
                return (yield from self._rejected(connection, error))
            if isinstance(head, Opened):
                yield self._notice(head)
                return (yield from self._read(connection))
            return head
        finally:
            self.lifeline.detach()
            connection.close()

    def _open(self, connection: Connection) -> Opened | Closed | None:
        cursor = self.progress.load()
        if cursor is not None:
            self.protocol.resume_after(cursor)
        if self.lifeline.is_closing:
            return None
        connecting = self.protocol.connecting(self.clock.monotonic())
        self.observe(connecting)
        connection.open(self.template, connecting)
        self.watchdog.opened()
        return self.protocol.opened(
            connection.status,
            connection.headers,
            self.clock.monotonic(),
            cursor_sent=not connection.crossed_origin,
            wall_clock=self.clock.time(),
        )

    def _rejected(
        self, connection: Connection, error: EverstreamError
    ) -> Generator[Batch, None, Outcome | None]:
        if isinstance(error, ResponseRejected):
            error.body_excerpt = connection.excerpt()
        if connection.aborted:
            return self._interrupted(connection, error)
        rejected = self.protocol.resume_rejected(error)
        if rejected is not None:
            yield self._notice(rejected)
        return self._interrupted(connection, error)

    def _read(self, connection: Connection) -> Generator[Batch, None, Outcome | None]:
        while self.progress.failure is None:
            try:
                batch = self._batch(connection)
            except EverstreamError as error:
                return self._interrupted(connection, error)
            if batch is None:
                return self._interrupted(connection, None)
            handed_at = self.clock.monotonic()
            yield batch
            self._delivered(batch)
            if batch.is_cut or batch.outcome is not None or self.lifeline.is_closing:
                return None if self.lifeline.is_closing else batch.outcome
            self.watchdog.excuse(self.clock.monotonic() - handed_at)
        return None

    def _batch(self, connection: Connection) -> Batch | None:
        """Returns what the next bytes have finished; None at their end."""
        chunk = self._chunk(connection)
        if not chunk:
            return None
        self.observe(Received(len(chunk)))
        items = self.protocol.receive(chunk, self.clock.monotonic())
        batch = Batch(items, is_wire=True)
        if self.protocol.received is None or self.progress.needs_each:
            batch.upcoming = self._looked_at(connection, batch, items)
        else:
            batch.items, batch.counting = self.protocol.received
            if items is not batch.counting or self.observe.metrics is not None:
                batch.upcoming = self._looked_at(connection, batch, items)
        return batch

    def _delivered(self, batch: Batch) -> None:
        """Notes what was delivered of a batch, if that was not done for each item."""
        if batch.items:
            if (latest := batch.latest_alone()) is not None:
                self.progress.delivered_to(self.protocol.cursor_after(latest))
            if batch.outcome is None:
                # An outcome comes after what it follows, and has taken it into account.
                self.protocol.delivered_all(batch.delivered)
            if Event in map(type, batch.items):
                self.watchdog.fed()
            batch.items = ()

    def _looked_at(
        self, connection: Connection, batch: Batch, items: Iterator[WireItem | Outcome]
    ) -> Iterator[WireItem]:
        """Gives items that somebody looks at, or which may end in an outcome."""
        process, needs_each, is_measured = os.getpid(), not batch.items, self.observe.metrics is not None
        try:
            for item in items:
                if isinstance(item, (Interrupted, Closed, Failed)):
                    batch.outcome = item
                    return
                if self.lifeline.is_cut or (needs_each and not self._may_hand(item)):
                    batch.is_cut = True
                    return
                if is_measured or type(item) is not Event:
                    self.observe(item)
                yield item
                if needs_each:
                    if os.getpid() != process:
                        # In a fork nothing is taken, nor saved.
                        return
                    self.protocol.delivered(item)
                    self.progress.delivered(item, self.protocol)
        except EverstreamError as error:
            # Of a function of the caller's own that looks into events.
            self._delivered(batch)
            batch.outcome = self._interrupted(connection, error)
            batch.is_cut = True

    def _chunk(self, connection: Connection) -> bytes:
        within = self.watchdog.patience(self.clock.monotonic())
        try:
            return connection.read(within)
        except StreamTimeout:
            # Which limit was it? This raises if it was that of the watchdog.
            self.watchdog.patience(self.clock.monotonic() + _ROUNDING)
            raise

    def _may_hand(self, item: WireItem) -> bool:
        """Makes ready for handing an item to the consumer, which may have to wait for room."""
        if isinstance(item, (Event, Duplicate)):
            self.watchdog.fed()
        if isinstance(item, Event):
            self.progress.wait_for_room()
        if self.lifeline.is_closing or self.progress.failure is not None:
            return False
        self.progress.handed(item, self.protocol)
        return True

    def _interrupted(self, connection: Connection, error: EverstreamError | None) -> Outcome | None:
        now = self.clock.monotonic()
        if connection.aborted:
            # By close() or reconnect(): whatever failed then is no interruption.
            self.protocol.dropped(now)
            return None
        return self.protocol.ended(now) if error is None else self.protocol.interrupted(error, now)

    def _notice(self, item: StreamItem) -> Batch:
        self.observe(item)
        return Batch(iter((item,)))
