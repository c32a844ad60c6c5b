"""`EventSource`, what a program holds of a stream: its lifetime, and how to take events from it.

Rule: it puts the parts together and answers for them; what happens when is in `loop.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, cast

from everstream.checkpoints import CheckpointStore
from everstream.clock import Clock, SystemClock
from everstream.core.deduplication import Dedupe
from everstream.core.ending import Until
from everstream.core.errors import ConfigurationError
from everstream.core.events import Event, ReadyState, StreamItem
from everstream.core.parsing import DEFAULT_MAX_EVENT_BYTES
from everstream.core.payloads import ErrorIn, ProgressIn
from everstream.core.protocol import EventSourceProtocol
from everstream.core.reconnection import RetryPolicy
from everstream.core.refusals import RESUME_REJECTED_ON, OnResumeRejected
from everstream.core.resumption import Resumption, continues_elsewhere
from everstream.core.timeouts import Timeouts
from everstream.core.watchdog import Watchdog
from everstream.lifeline import Lifeline
from everstream.observe.logs import LoggerLike, StreamLog, public_url
from everstream.source.consuming import Consuming
from everstream.source.items import Items
from everstream.source.loop import StreamLoop
from everstream.source.observing import Observing
from everstream.source.options import (
    Acknowledgement,
    MetricsLike,
    checkpoint_key_of,
    observer_of,
    require_sane,
)
from everstream.source.progress import Progress
from everstream.source.saving import Saver
from everstream.stats import Health, Stats, Tally
from everstream.transports.sync import (
    AuthSource,
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


class EventSource(Consuming):
    """An event stream that is kept alive: it reconnects, resumes, and says what happened.

    Iterate over it for events, over `json()` for their data, over `all()` for everything. Nothing is sent
    before the first item is asked for. An item counts as delivered, and `last_event_id` moves, when the next
    one is asked for.

    One thread iterates; `close()`, `reconnect()`, `ack()` and the attributes are for any thread. It
    belongs to the process in which it was first iterated.

    Attributes:
        name: Your name for the stream, or else its URL without user-info and query.
        acknowledgement: When an event counts as done, `auto` or `manual`.
        log: Writes log records about the stream.
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
        until: Until | None = None,
        error_in: ErrorIn | None = None,
        progress_in: ProgressIn | None = None,
        resume_rejected_on: Collection[int] = RESUME_REJECTED_ON,
        on_resume_rejected: OnResumeRejected = "fail",
        replay_safe: bool | None = None,
        ack: Acknowledgement = "auto",
        max_unacknowledged: int = 1000,
        dedupe: Dedupe | None = None,
        checkpoint: CheckpointStore | None = None,
        checkpoint_key: str | None = None,
        checkpoint_interval: float = 1.0,
        checkpoint_required: bool = False,
        max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
        name: str | None = None,
        logger: LoggerLike | None = None,
        metrics: MetricsLike | None = None,
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
            last_event_id: Where to begin: the cursor for the first request, if no checkpoint has one.
            until: The data that ends the stream, such as `[DONE]`, which is not delivered; or a function
                that says of an event whether it is the last, which is.
            error_in: A function that finds the error that an event carries, or that a `ResponseRejected`
                means, and returns or raises it, or returns None. It goes to `retry`, as every error.
            progress_in: A function that says whether an event is progress, as all are by default: ends an
                outage, and makes of a request that is not replay-safe one that is not repeated.
            replay_safe: Whether the request may be made again once it has delivered progress. By
                default a GET may, and anything else only if a `resume` strategy is given.
            resume_rejected_on: Statuses by which a server says that it no longer has the cursor.
            on_resume_rejected: Whether to `fail` then, or to `restart` without it, with a gap.
            ack: When an event counts as done, so that a restart does not ask for it again: `auto`, when
                the next one is asked for; `manual`, when `ack(event)` is called.
            max_unacknowledged: With `manual`, the most events from the first that waits for `ack()` to
                the latest given. No more are read until there is room.
            dedupe: Which events to leave out as duplicates; none by default.
            checkpoint: Where the cursor is kept, so that a restart goes on after it.
            checkpoint_key: The stream's name there; by default `name`, or the URL if that is all there
                is to the request.
            checkpoint_interval: The least seconds from one save to the next; 0 to save for each event.
            checkpoint_required: Whether the stream fails if its checkpoint cannot be saved.
            max_event_bytes: The most bytes that an event, or a line, may have.
            name: Your name for the stream, for logs, metrics and the checkpoint.
            logger: Where log records go; see the page on logs.
            metrics: What measures the stream, such as `Metrics()`; it needs a name.
            clock: The time, for tests.

        Raises:
            ConfigurationError: An argument cannot work.
        """
        # fmt: off
        require_sane(
            retry=retry, timeouts=timeouts, dedupe=dedupe, ack=ack, max_unacknowledged=max_unacknowledged,
            last_event_id=last_event_id, name=name, checkpoint_required=checkpoint_required,
            checkpoint=checkpoint, checkpoint_key=checkpoint_key, checkpoint_interval=checkpoint_interval,
        )
        template = RequestTemplate(
            url=url, method=method, headers=headers, params=params, json=json, data=data, auth=auth
        )
        if replay_safe is None and (method.upper() == "GET" or not continues_elsewhere(resume)):
            replay_safe = method.upper() == "GET" or resume is not None
        self._protocol = EventSourceProtocol(
            retry=retry, resume=resume, last_event_id=last_event_id or "", until=until,
            error_in=error_in, progress_in=progress_in, replay_safe=replay_safe,
            credentials_renewed=template.renews_credentials, dedupe=dedupe, max_event_bytes=max_event_bytes,
            resume_rejected_on=resume_rejected_on, on_resume_rejected=on_resume_rejected,
        )
        limits = Timeouts() if timeouts is None else timeouts
        clock = SystemClock() if clock is None else clock
        self.name = name or public_url(url)
        self.acknowledgement: Acknowledgement = ack
        self._tally = Tally()
        self.log = StreamLog(url, name, logger)
        observe = Observing(self._tally, self.log, observer_of(metrics, name), clock)
        self._lifeline = Lifeline(clock)
        self._progress = progress = Progress(
            last_event_id or "", manual=ack == "manual", most=max_unacknowledged,
            lifeline=self._lifeline, clock=clock, observe=observe,
        )
        if checkpoint is not None:
            is_plain = params is None and json is None and data is None
            self._progress.saver = Saver(
                checkpoint, checkpoint_key_of(url, key=checkpoint_key, name=name, is_plain=is_plain),
                cursor=lambda: progress.last_acknowledged_id,
                interval=checkpoint_interval, required=checkpoint_required, clock=clock, observe=observe,
            )
        self._items = Items(StreamLoop(
            template=template, transport=Transport(session, limits), protocol=self._protocol,
            watchdog=Watchdog(limits), progress=self._progress, lifeline=self._lifeline,
            clock=clock, observe=observe,
        ).batches(), self._lifeline, self._tally, clock)
        # fmt: on

    def all(self, *, raise_on_failure: bool = True) -> Iterator[StreamItem]:
        """Gives everything that happens: events, comments, and what became of the connection.

        Args:
            raise_on_failure: Whether to raise the final error after its `Failed` item.

        Yields:
            Items in order. The last is `Closed` or `Failed`.

        Raises:
            EverstreamError: The stream failed for good, after its `Failed` item.
        """
        return self._items.give(only_events=False, raise_on_failure=raise_on_failure)

    def _events(self) -> Iterator[Event]:
        return cast("Iterator[Event]", self._items.give(only_events=True, raise_on_failure=True))

    def ack(self, event: Event) -> None:
        """Acknowledges an event, of a source with `ack="manual"`: a restart need not give it again.

        From any thread, in any order, after the end of the stream too. The cursor of a restart moves past
        an event when all before it are acknowledged as well.

        Args:
            event: An event that this source has given, or an equal one.

        Raises:
            ConfigurationError: It does not wait for that, or the source is not a manual one.
        """
        self._items.require_own_process("ack()")
        self._progress.ack(event)

    def close(self) -> None:
        """Ends the stream, at once and for good: from any thread, from a signal handler, or twice.

        A reader that waits, for bytes, for a response or for the next attempt, ends normally. No
        event is given and no request is made after this has returned. What was acknowledged is saved.

        Raises:
            ConfigurationError: It was opened in another process, whose connection this would shut down.
        """
        self.request_close()
        self._progress.finish()

    def request_close(self) -> None:
        """Does what `close()` does, but for the last checkpoint: the thread that iterates saves that."""
        self._items.require_own_process("close()")
        self._lifeline.close()

    def reconnect(self) -> None:
        """Drops the connection and resumes at once, or ends the wait for the next attempt.

        From any thread. It is no interruption: there is no error event for it.

        Raises:
            ConfigurationError: The request has given events and is not replay-safe; or as in `close()`.
        """
        self._items.require_own_process("reconnect()")
        if not self._protocol.may_connect_again:
            raise ConfigurationError("reconnect() would repeat a request that is not replay_safe=")
        self._lifeline.reconnect()

    @property
    def last_event_id(self) -> str:
        """The cursor after the last delivered event: what a reconnect goes on from."""
        latest = self._items.batch.latest()
        return self._protocol.last_event_id if latest is None else self._protocol.cursor_after(latest)

    @property
    def last_acknowledged_id(self) -> str:
        """The cursor after the last acknowledged event: what a new process should go on from."""
        latest = self._items.batch.latest_alone()
        return self._progress.last_acknowledged_id if latest is None else self._protocol.cursor_after(latest)

    @property
    def state(self) -> ReadyState:
        """Whether the stream is connecting, open or closed."""
        return ReadyState.CLOSED if self._lifeline.is_closing else self._protocol.state

    @property
    def stats(self) -> Stats:
        """What has been counted so far."""
        return self._tally.stats()

    def health(self) -> Health:
        """Returns how the stream is, as plain data; from any thread."""
        return self._tally.health(self.name, self.last_acknowledged_id, closing=self._lifeline.is_closing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes it; in a child process that was forked inside of the block, it does nothing."""
        if not self._items.is_elsewhere:
            self.close()
            self._items.close()

    def __repr__(self) -> str:
        return f"<EventSource {self.name} {self.state.name.lower()}>"
