"""The event source without its I/O: what to ask for, what was answered, what follows.

A shell (our `EventSource`, or your own with another HTTP library, another event loop, or none) makes
the requests, reads the bytes and waits; this class decides. The calls follow the life of a connection:

1. `connecting(now)` says what to send. Make the request, with it.
2. `opened(status, headers, now)` judges the response: `Opened`, or `Closed` for 204, or it raises the
   `ResponseRejected`, which you pass to `interrupted`.
3. `receive(chunk, now)` for each chunk gives items. Hand each to the consumer; when the consumer comes
   back for the next one, and only then, call `delivered(item)`. An outcome may be the last of them.
4. `ended(now)` when the body ended cleanly, or `interrupted(error, now)` with the error when anything
   failed, on the way to a response as well. Both give the outcome. Before `interrupted` ask
   `resume_rejected(error)`: the server may have refused the cursor.

An outcome says what follows when a connection is over: `Interrupted` (wait its `delay`, then go to 1),
`Closed` or `Failed` (the end). At any time: `close()` when the caller wants no more, `dropped(now)` when the
connection was given up on purpose and the next one is to follow at once.

Rules: no I/O, no clock, no randomness of its own. `now` is seconds of any monotonic clock, always the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from everstream.core.acceptance import rejection
from everstream.core.body import Body, since_last_event
from everstream.core.cursor import Cursor
from everstream.core.deduplication import Dedupe
from everstream.core.ending import Until
from everstream.core.errors import EverstreamError, InterruptionReason, StreamInterrupted
from everstream.core.events import (
    Closed,
    CloseReason,
    Connecting,
    Duplicate,
    Event,
    Failed,
    Interrupted,
    Opened,
    Outcome,
    ReadyState,
    ResumeRejected,
    WireItem,
)
from everstream.core.headers import Headers
from everstream.core.looking import Looking
from everstream.core.parsing import DEFAULT_MAX_EVENT_BYTES
from everstream.core.payloads import ErrorIn, ProgressIn
from everstream.core.reconnection import Fail, Reconnector, RetryPolicy
from everstream.core.refusals import RESUME_REJECTED_ON, OnResumeRejected, Refusals
from everstream.core.resumption import Resumption

__all__ = ["EventSourceProtocol"]


class EventSourceProtocol:
    """The state and the decisions of one event source, across its connections.

    Attributes:
        state: The ready state.
        received: The items of the latest chunk and their iterator, if `delivered_all` will do for them.
    """

    def __init__(
        self,
        *,
        retry: RetryPolicy | None = None,
        resume: Resumption | None = None,
        last_event_id: str = "",
        until: Until | None = None,
        error_in: ErrorIn | None = None,
        progress_in: ProgressIn | None = None,
        replay_safe: bool | None = True,
        credentials_renewed: bool = False,
        dedupe: Dedupe | None = None,
        resume_rejected_on: Collection[int] = RESUME_REJECTED_ON,
        on_resume_rejected: OnResumeRejected = "fail",
        max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
    ) -> None:
        """Makes the protocol of an event source that has not connected yet.

        Args:
            retry: The policy; None for `RetryPolicy()`.
            resume: The strategy; None for `LastEventID()`.
            last_event_id: The cursor to begin with.
            until: What ends the stream; see `EventSource`.
            error_in: Finds errors in events and refused responses; see `EventSource`.
            progress_in: Says which events are progress; see `EventSource`.
            replay_safe: Whether the request may be made again after progress; None: only with a cursor.
            credentials_renewed: Whether each request has fresh credentials: a 401 is worth one more.
            dedupe: Which events to leave out; none by default.
            resume_rejected_on: Statuses by which the server refuses a cursor.
            on_resume_rejected: Whether to `restart` without the cursor then, or to `fail`.
            max_event_bytes: See `EventStreamParser`.

        Raises:
            ConfigurationError: An argument cannot work.
        """
        self.state = ReadyState.CONNECTING
        self._reconnector = Reconnector(RetryPolicy() if retry is None else retry)
        self._cursor = Cursor(resume, last_event_id)
        self._looking = Looking(until, error_in, progress_in, dedupe)
        self._replay_safe = replay_safe
        self._refusals = Refusals(credentials_renewed, resume_rejected_on, on_resume_rejected)
        self._max_event_bytes = max_event_bytes
        self._body = self._fresh_body()
        self._sent = ""
        self._rejected: ResumeRejected | None = None
        self._down_since: float | None = None
        self.received: tuple[Sequence[WireItem], Iterator[WireItem]] | None = None
        self._needs_each = progress_in is not None or not self._cursor.is_last_event_id

    @property
    def may_connect_again(self) -> bool:
        """Whether the request may be made again: it is replay-safe, or has given no progress yet."""
        is_safe = self._replay_safe if self._replay_safe is not None else bool(self.last_event_id)
        return is_safe or not (self._looking.has_progressed or self._has_given_unseen)

    @property
    def id_is_shared(self) -> bool:
        """Whether an event that came after the item in hand has its id: a restart might leave it out."""
        return self._body.id_is_shared(self._looking.ending.sentinel)

    @property
    def last_event_id(self) -> str:
        """The cursor: where the next request goes on, after the last item that was *delivered*."""
        return self._cursor.value

    def resume_after(self, cursor: str) -> None:
        """Moves the cursor, between two connections, to one that was kept elsewhere."""
        self._cursor.set(cursor)

    def connecting(self, now: float) -> Connecting:
        """Begins an attempt, at `now` seconds: make the request with what this returns."""
        self._reconnector.connecting(now)
        self._rejected = None
        self._looking.has_progressed |= self._has_given_unseen
        self._body = self._fresh_body()
        connecting = self._cursor.connecting(self._reconnector.attempt)
        self._sent = connecting.last_event_id
        return connecting

    def opened(
        self,
        status: int,
        headers: Headers,
        now: float,
        *,
        cursor_sent: bool = True,
        wall_clock: float | None = None,
    ) -> Opened | Closed:
        """Judges the head of a response.

        Args:
            status: The status code, after redirects.
            headers: The response's header fields.
            now: The time in seconds.
            cursor_sent: Whether the cursor reached the server that answered; a redirect may lose it.
            wall_clock: Seconds since the epoch, for `Retry-After` dates.

        Returns:
            `Opened`: go on with `receive`. `Closed` for 204, which [spec] ends an event source for good.

        Raises:
            ResponseRejected: The response is no event stream. Pass the error to `interrupted`.
        """
        if status == 204:
            return self._closed("no content")
        self._sent = self._sent if cursor_sent else ""
        if (error := rejection(status, headers, wall_clock)) is not None:
            raise error
        self.state = ReadyState.OPEN
        self._refusals.opened()
        self._looking.memory.opened()
        self._reconnector.opened(now)
        downtime = None if self._down_since is None else now - self._down_since
        return Opened(status, headers, self._reconnector.attempt, self._sent, downtime)

    def receive(self, chunk: bytes, now: float) -> Iterator[WireItem | Outcome]:
        """Takes the next bytes of the body. Iterate to the end before the next call.

        Args:
            chunk: Bytes as they came, decompressed.
            now: The time in seconds.

        Yields:
            Items in wire order, each to be handed to the consumer and then passed to `delivered`. Last may be
            an outcome: `until` was seen, an error was found, or an event was too large.

        Raises:
            EverstreamError: A function of the caller raised it. Pass the error to `interrupted`.
        """
        self.received = None
        error = self._body.feed(chunk)
        if self._body.reconnection_time is not None:
            # [spec] The reconnection time belongs to the event source, not to a connection.
            self._reconnector.reconnection_time = self._body.reconnection_time
        self.received = None if self._needs_each else (self._body.items, self._body.upcoming)
        if error is None and not self._looking.is_needed:
            return self._body.upcoming
        return self._looked_into(error, now)

    def cursor_after(self, item: WireItem) -> str:
        """Returns what the cursor is once this item, the next to be delivered, is delivered."""
        return self._cursor.after(item)

    def delivered(self, item: WireItem) -> None:
        """Notes that the consumer took an item and came back: the cursor moves past it."""
        self._cursor.move(item)
        if self._looking.is_progress and isinstance(item, (Event, Duplicate)):
            self._reconnector.delivered_event()

    def delivered_all(self, items: Sequence[WireItem]) -> None:
        """Notes that the consumer took all these items and came back for more."""
        for item in items if self._needs_each else since_last_event(items):
            self.delivered(item)

    def ended(self, now: float) -> Outcome:
        """Notes that the body ended cleanly, and says what follows. See `interrupted`."""
        unfinished = self._body.unfinished()
        if self._looking.ending.is_sentinel(unfinished):
            # Many servers send a last `data: [DONE]` without its blank line.
            return self._closed("until")
        # [spec] Once the end of the file is reached, any pending data must be discarded.
        reason: InterruptionReason = "eof" if unfinished is None else "unfinished block"
        return self.interrupted(StreamInterrupted(reason=reason), now)

    def resume_rejected(self, error: EverstreamError) -> ResumeRejected | None:
        """Returns what to tell the consumer if an error refuses the cursor; then goes on to `interrupted`."""
        rejected = self._refusals.of_cursor(error, self._sent)
        if rejected is not None and rejected.restarts:
            self._cursor.set("")
        self._rejected = rejected
        return rejected

    def interrupted(self, error: EverstreamError, now: float) -> Outcome:
        """Notes that a connection, or the attempt to make one, failed, and says what follows.

        Args:
            error: What failed.
            now: The time in seconds.

        Returns:
            `Interrupted`: wait for its `delay`, then connect again. `Closed`: the end of the body is the
            normal end of the stream. `Failed`: its error is for the caller.
        """
        if isinstance(error, StreamInterrupted):
            self._body.tell(error)
        self.dropped(now)
        rejected, self._rejected = self._rejected, None
        meaning = self._looking.payloads.meaning_of(error)
        if not (self.may_connect_again if rejected is None else rejected.restarts):
            return self._ended_with(meaning, error)
        at_once = rejected is not None or self._refusals.is_worth_new_credentials(error)
        decision = self._reconnector.interrupted(meaning, now, at_once=at_once)
        if isinstance(decision, Fail):
            return self._ended_with(decision.error, error)
        return Interrupted(meaning, decision.delay, decision.attempt, self.last_event_id)

    def dropped(self, now: float) -> None:
        """Notes that the connection is gone, on purpose if nothing else is said: connect at once."""
        if self.state is ReadyState.OPEN:
            self._down_since = now
        self.state = ReadyState.CONNECTING

    def close(self) -> Closed:
        """Notes that the caller wants no more."""
        return self._closed("close")

    def _fresh_body(self) -> Body:
        remembers = bool(self._looking.ending.until)
        return Body(self._cursor.last_event_id, self._max_event_bytes, remembers=remembers)

    @property
    def _has_given_unseen(self) -> bool:
        return not self._looking.is_needed and self._body.events > 0

    def _looked_into(self, error: EverstreamError | None, now: float) -> Iterator[WireItem | Outcome]:
        yield from self._looking.into(self._body)
        end = self._looking.end or error
        if end is not None and self.received is not None:  # who asks for what follows has taken them all
            self.delivered_all(self.received[0])
        if end == "until":
            yield self._closed("until")
        elif end is not None:
            if end is not error:
                self._reconnector.found_error()
            yield self.interrupted(end, now)

    def _ended_with(self, final: EverstreamError, error: EverstreamError) -> Closed | Failed:
        meant = self._looking.ending.meaning_of(error, self._body) if final is error else final
        if meant is None:
            return self._closed("eof")
        self.state = ReadyState.CLOSED
        return Failed(meant)

    def _closed(self, reason: CloseReason) -> Closed:
        self.state = ReadyState.CLOSED
        return Closed(reason)
