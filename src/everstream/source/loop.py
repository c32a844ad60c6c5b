"""One connection after another, as a generator of items.

Rule: it makes the calls and decides nothing. What to send, whether a response is a stream, what a byte
means, whether to reconnect and when: `EventSourceProtocol` says so. What a socket is: the transport.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
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
from everstream.core.observations import Observation, Received
from everstream.core.protocol import EventSourceProtocol
from everstream.core.watchdog import Watchdog
from everstream.lifeline import Lifeline
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
    observe: Callable[[Observation], None]

    def items(self) -> Generator[StreamItem, None, None]:
        """Gives everything that happens, to the end of the stream."""
        process = os.getpid()
        try:
            while not self.lifeline.is_closing:
                outcome = self._checkpoint_failure() or (yield from self._connect())
                if isinstance(outcome, Interrupted):
                    yield self._noted(outcome)
                    self.lifeline.wait(outcome.delay)
                elif outcome is not None:
                    yield self._noted(self._final(outcome))
                    return
            yield self._noted(self._final(None))
        finally:
            # A fork that lets go of its copy has nothing to save, nor to say.
            if os.getpid() == process:
                self._over()

    def _over(self) -> None:
        self.progress.finish()
        if self.protocol.state is not ReadyState.CLOSED:
            # The consumer went away.
            self._noted(self.protocol.close())

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

    def _connect(self) -> Generator[StreamItem, None, Outcome | None]:
        """Makes one connection and gives its items; None if it was given up on purpose."""
        connection = self.transport.connection()
        self.lifeline.attach(connection)
        try:
            try:
                head = self._open(connection)
            except EverstreamError as error:
                return (yield from self._rejected(connection, error))
            if isinstance(head, Opened):
                yield self._noted(head)
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
    ) -> Generator[StreamItem, None, Outcome | None]:
        if isinstance(error, ResponseRejected):
            error.body_excerpt = connection.excerpt()
        if connection.aborted:
            return self._interrupted(connection, error)
        rejected = self.protocol.resume_rejected(error)
        if rejected is not None:
            yield self._noted(rejected)
        return self._interrupted(connection, error)

    def _read(self, connection: Connection) -> Generator[StreamItem, None, Outcome | None]:
        try:
            while self.progress.failure is None:
                chunk = self._chunk(connection)
                if not chunk:
                    return self._interrupted(connection, None)
                self.observe(Received(len(chunk)))
                for item in self.protocol.receive(chunk, self.clock.monotonic()):
                    if isinstance(item, (Interrupted, Closed, Failed)):
                        return None if self.lifeline.is_closing else item
                    if not self._may_hand(item):
                        return None
                    handed_at = self.clock.monotonic()
                    yield self._noted(item)
                    self.watchdog.excuse(self.clock.monotonic() - handed_at)
                    self.protocol.delivered(item)
                    self.progress.delivered(self.protocol)
        except EverstreamError as error:
            # Of the connection, or of a function of the caller's own that looks into events.
            return self._interrupted(connection, error)
        return None

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

    def _noted(self, item: StreamItem) -> StreamItem:
        self.observe(item)
        return item
