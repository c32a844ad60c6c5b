"""The synchronous shell: a loop, a lifetime, `close()`.

Rule: it makes the calls and decides nothing. What to send, whether a response is a stream, what a byte
means, whether to reconnect and when: `EventSourceProtocol` says so. What a socket is: the transport.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from everstream.clock import Clock, SystemClock
from everstream.core.arguments import require_kind
from everstream.core.errors import ConfigurationError, EverstreamError, ResponseRejected
from everstream.core.events import Closed, Event, Failed, Interrupted, Opened, Outcome, ReadyState, StreamItem
from everstream.core.parsing import DEFAULT_MAX_EVENT_BYTES
from everstream.core.protocol import EventSourceProtocol
from everstream.core.reconnection import RetryPolicy
from everstream.core.resumption import Resumption
from everstream.core.timeouts import Timeouts
from everstream.lifeline import Lifeline
from everstream.observe.logs import LoggerLike, StreamLog, public_url
from everstream.stats import Stats, Tally
from everstream.transports.sync import (
    AuthSource,
    Connection,
    DataSource,
    FieldsSource,
    RequestTemplate,
    Session,
    Transport,
)

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["EventSource"]


class EventSource:
    """An event stream that is kept alive: it reconnects, resumes, and says what happened.

    Iterate over it for events, over `all()` for everything. Nothing is sent before the first item is
    asked for. An item counts as delivered when the next one is asked for; only then does
    `last_event_id` move past it.

    One thread iterates; `close()`, `reconnect()` and the attributes are for any thread.
    """

    def __init__(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: FieldsSource | None = None,
        params: FieldsSource | None = None,
        json: object = None,
        data: DataSource | None = None,
        auth: AuthSource | None = None,
        session: Session | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        resume: Resumption | None = None,
        last_event_id: str | None = None,
        until: str | None = None,
        replay_safe: bool | None = None,
        max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
        name: str | None = None,
        logger: LoggerLike | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Describes a stream; it connects when it is iterated.

        Args:
            url: Absolute, http or https. Every reconnect asks it again, redirects notwithstanding.
            method: The request's method.
            headers: Header fields, or a function of no arguments that gives them for each attempt.
            params: Query parameters, or a function of no arguments that gives them for each attempt.
            json: A body to send as JSON.
            data: A body: bytes, text or form fields, or a function of no arguments that gives one for
                each attempt. What can be read only once is refused.
            auth: User and password, an `AuthBase` of requests, or a function of no arguments that
                gives one of these for each attempt.
            session: A session of yours, used as it is and not closed. None: one of our own.
            timeouts: Limits on waiting, in seconds; `Timeouts()`, that is 5 s and 60 s, by default.
            retry: When to reconnect; `RetryPolicy()`, that is for ever, by default.
            resume: How to ask for what was missed; `LastEventID()` by default.
            last_event_id: Where to begin: the cursor for the first request.
            until: The data that ends the stream, such as `[DONE]`. It is not delivered.
            replay_safe: Whether the request may be made again once it has delivered an event. By
                default a GET may, and anything else only if a `resume` strategy is given.
            max_event_bytes: The most bytes that an event, or a line, may have.
            name: Your name for the stream, for the logs.
            logger: Where log records go; see the page on logs.
            clock: The time, for tests.

        Raises:
            ConfigurationError: An argument cannot work.
        """
        require_kind(RetryPolicy, retry=retry)
        require_kind(Timeouts, timeouts=timeouts)
        require_kind(str, last_event_id=last_event_id, until=until, name=name)
        self._template = RequestTemplate(
            url=url, method=method, headers=headers, params=params, json=json, data=data, auth=auth
        )
        if replay_safe is None:
            replay_safe = method.upper() == "GET" or resume is not None
        self._protocol = EventSourceProtocol(
            retry=retry,
            resume=resume,
            last_event_id=last_event_id or "",
            until=until,
            replay_safe=replay_safe,
            credentials_renewed=self._template.renews_credentials,
            max_event_bytes=max_event_bytes,
        )
        self._transport = Transport(session, Timeouts() if timeouts is None else timeouts)
        self._log = StreamLog(url, name, logger)
        self._clock: Clock = SystemClock() if clock is None else clock
        self._lifeline = Lifeline(self._clock)
        self._tally = Tally()
        self._label = name or public_url(url)
        self._items = self._stream()

    def __iter__(self) -> Iterator[Event]:
        """Gives events as they arrive, across reconnects.

        A loop that was left can be entered again: it goes on where it stopped, on the same connection.

        Raises:
            EverstreamError: The stream failed for good. Iterating again raises it again.
        """
        return (item for item in self.all() if type(item) is Event)

    def __next__(self) -> Event:
        """Returns the next event; see `__iter__`."""
        return next(iter(self))

    def all(self, *, raise_on_failure: bool = True) -> Iterator[StreamItem]:
        """Gives everything that happens: events, comments, and what became of the connection.

        Args:
            raise_on_failure: Whether to raise the final error after its `Failed` item.

        Yields:
            Items in order. The last is `Closed` or `Failed`.

        Raises:
            EverstreamError: The stream failed for good, after its `Failed` item.
        """
        # Not `yield from`, which would close the stream with the loop that is left.
        while (item := self._next_item()) is not None:
            yield item
        failure = self._tally.failure
        if failure is not None and raise_on_failure:
            raise failure

    def close(self) -> None:
        """Ends the stream, at once and for good: from any thread, from a signal handler, or twice.

        A reader that waits, for bytes, for a response or for the next attempt, ends normally. No
        event is given and no request is made after this has returned.
        """
        self._lifeline.close()

    def reconnect(self) -> None:
        """Drops the connection and resumes at once, or ends the wait for the next attempt.

        From any thread. It is no interruption: there is no error event for it.

        Raises:
            ConfigurationError: The request has given events and is not replay-safe.
        """
        if not self._protocol.may_connect_again:
            raise ConfigurationError("reconnect() would repeat a request that is not replay_safe=")
        self._lifeline.reconnect()

    @property
    def last_event_id(self) -> str:
        """The cursor after the last delivered event: what a reconnect, or a new process, goes on from."""
        return self._protocol.last_event_id

    @property
    def state(self) -> ReadyState:
        """Whether the stream is connecting, open or closed."""
        return ReadyState.CLOSED if self._lifeline.is_closing else self._protocol.state

    @property
    def stats(self) -> Stats:
        """What has been counted so far."""
        return self._tally.snapshot()

    def __enter__(self) -> Self:
        """Returns the event source itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it."""
        self.close()
        # If another thread is reading, this raises, and that thread closes what it holds.
        with contextlib.suppress(ValueError):
            self._items.close()

    def __repr__(self) -> str:
        return f"<EventSource {self._label} {self.state.name.lower()}>"

    def _next_item(self) -> StreamItem | None:
        try:
            return next(self._items, None)
        except ValueError:
            if inspect.getgeneratorstate(self._items) != inspect.GEN_RUNNING:
                raise
            raise ConfigurationError("another thread is iterating this event source already") from None

    def _stream(self) -> Generator[StreamItem, None, None]:
        try:
            while not self._lifeline.is_closing:
                outcome = yield from self._connect()
                if outcome is None:
                    continue
                yield self._noted(outcome)
                if not isinstance(outcome, Interrupted):
                    return
                self._lifeline.wait(outcome.delay)
            yield self._noted(self._protocol.close())
        finally:
            if self._protocol.state is not ReadyState.CLOSED:
                # The consumer went away.
                self._noted(self._protocol.close())

    def _connect(self) -> Generator[StreamItem, None, Outcome | None]:
        """Makes one connection and gives its items; None if it was given up on purpose."""
        connection = self._transport.connection()
        self._lifeline.attach(connection)
        try:
            head = self._open(connection)
            if isinstance(head, Opened):
                yield self._noted(head)
                return (yield from self._read(connection))
            return head
        finally:
            self._lifeline.detach()
            connection.close()

    def _open(self, connection: Connection) -> Opened | Outcome | None:
        try:
            if self._lifeline.is_closing:
                return None
            connecting = self._protocol.connecting(self._clock.monotonic())
            self._log(connecting)
            connection.open(self._template, connecting)
            return self._protocol.opened(
                connection.status,
                connection.headers,
                self._clock.monotonic(),
                cursor_sent=not connection.crossed_origin,
                wall_clock=self._clock.time(),
            )
        except EverstreamError as error:
            if isinstance(error, ResponseRejected):
                error.body_excerpt = connection.excerpt()
            return self._interrupted(connection, error)

    def _read(self, connection: Connection) -> Generator[StreamItem, None, Outcome | None]:
        while True:
            try:
                chunk = connection.read()
            except EverstreamError as error:
                return self._interrupted(connection, error)
            if not chunk:
                return self._interrupted(connection, None)
            self._tally.received(chunk)
            for item in self._protocol.receive(chunk, self._clock.monotonic()):
                if self._lifeline.is_closing:
                    return None
                if isinstance(item, (Interrupted, Closed, Failed)):
                    return item
                yield self._noted(item)
                self._protocol.delivered(item)

    def _interrupted(self, connection: Connection, error: EverstreamError | None) -> Outcome | None:
        now = self._clock.monotonic()
        if connection.aborted:
            # By close() or reconnect(): whatever failed then is no interruption.
            self._protocol.dropped(now)
            return None
        return self._protocol.ended(now) if error is None else self._protocol.interrupted(error, now)

    def _noted(self, item: StreamItem) -> StreamItem:
        self._tally.note(item, self._clock)
        if isinstance(item, (Opened, Interrupted, Closed, Failed)):
            self._log(item)
        return item
