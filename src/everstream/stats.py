"""What an event source counts, and how it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

from everstream.clock import Clock
from everstream.core.errors import CheckpointError, EverstreamError
from everstream.core.events import Closed, Connecting, Duplicate, Failed, Interrupted, Opened
from everstream.core.observations import CheckpointFailed, CheckpointSaved, Observation, Received

__all__ = ["Health", "Stats", "StreamState", "Tally"]

StreamState = Literal["connecting", "open", "backing off", "closed", "failed"]
"""What a stream does; `closed` and `failed` are for good."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the event source was made.

    Attributes:
        connects: Connections that were announced.
        interruptions: Interruptions, failed attempts included.
        events: Events given to the consumer.
        bytes: Bytes of body received, decompressed.
        last_event_time: Seconds since the epoch when the last event was given; None before the first.
        last_error: The last error, passing or final; None if there was none.
        duplicates: Events that `dedupe` left out.
        checkpoint_saves: Checkpoints saved.
        checkpoint_failures: Checkpoints that could not be saved.
    """

    connects: int = 0
    interruptions: int = 0
    events: int = 0
    bytes: int = 0
    last_event_time: float | None = None
    last_error: EverstreamError | None = None
    duplicates: int = 0
    checkpoint_saves: int = 0
    checkpoint_failures: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """How a stream is, as plain data. Times are seconds since the epoch; None for what has not been.

    Attributes:
        stream: The user's name for the stream, else its URL without user-info and query.
        state: What it does.
        alive: Whether it can still give events: it is not closed, and has not failed. A stream that
            backs off is alive: to restart its process would not help.
        ready: Whether a connection is open.
        connected_since: When the connection was opened; None if there is none.
        last_byte: When bytes came last, heartbeats included.
        last_event: When an event was given last.
        last_acknowledged_id: What a new process would go on after.
        attempts: Attempts that have failed in a row; 0 while a connection is open.
        last_error: The message of the last error, passing or final.
        next_attempt: When the next attempt is to be made; None unless it backs off.
        checkpoint_error: The message of the last save, if it failed; None if it went well.
    """

    stream: str
    state: StreamState
    alive: bool
    ready: bool
    connected_since: float | None
    last_byte: float | None
    last_event: float | None
    last_acknowledged_id: str
    attempts: int
    last_error: str | None
    next_attempt: float | None
    checkpoint_error: str | None

    def as_dict(self) -> dict[str, str | int | float | bool | None]:
        """Returns the attributes by name, ready for JSON."""
        return asdict(self)


class _Standing(NamedTuple):
    """What belongs together, so that it is replaced as one: health is asked for by other threads."""

    state: StreamState
    connected_since: float | None = None
    next_attempt: float | None = None
    attempts: int = 0


class Tally:
    """Counts, by the thread that iterates; `stats` and `health` are for any.

    Attributes:
        events: Events given to the consumer. Whoever gives them counts them.
        last_event: Seconds since the epoch when the last of them was given; None before the first.
        failure: The error that ended the stream, if one did.
    """

    def __init__(self) -> None:
        self.events = 0
        self.last_event: float | None = None
        self.failure: EverstreamError | None = None
        self._connects = self._interruptions = self._duplicates = self._bytes = 0
        self._saves = self._save_failures = 0
        self._standing = _Standing("connecting")
        self._last_byte: float | None = None
        self._last_error: EverstreamError | None = None
        self._checkpoint_error: CheckpointError | None = None

    def note(self, item: Observation, clock: Clock) -> None:
        """Counts an item that is no event."""
        if isinstance(item, Received):
            self._bytes += item.bytes
            self._last_byte = clock.time()
        elif isinstance(item, Duplicate):
            self._duplicates += 1
        elif isinstance(item, (CheckpointSaved, CheckpointFailed)):
            self._note_checkpoint(item)
        else:
            self._note_connection(item, clock)

    def _note_checkpoint(self, item: CheckpointSaved | CheckpointFailed) -> None:
        if isinstance(item, CheckpointFailed):
            self._save_failures += 1
            self._checkpoint_error = item.error
        else:
            self._saves += 1
            self._checkpoint_error = None

    def _note_connection(self, item: Observation, clock: Clock) -> None:
        if isinstance(item, Connecting):
            self._standing = _Standing("connecting", attempts=item.attempt - 1)
        elif isinstance(item, Opened):
            self._connects += 1
            self._standing = _Standing("open", connected_since=clock.time())
        elif isinstance(item, Interrupted):
            self._interruptions += 1
            self._last_error = item.error
            next_attempt = clock.time() + item.delay
            self._standing = _Standing("backing off", None, next_attempt, item.attempt - 1)
        elif isinstance(item, Failed):
            self._last_error = self.failure = item.error
            self._standing = self._standing._replace(state="failed", connected_since=None, next_attempt=None)
        elif isinstance(item, Closed):
            self._standing = _Standing("closed")

    def stats(self) -> Stats:
        """Returns the counts as they stand."""
        return Stats(
            self._connects,
            self._interruptions,
            self.events,
            self._bytes,
            self.last_event,
            self._last_error,
            self._duplicates,
            self._saves,
            self._save_failures,
        )

    def health(self, stream: str, last_acknowledged_id: str, *, closing: bool) -> Health:
        """Returns how the stream is.

        Args:
            stream: What it is called.
            last_acknowledged_id: The cursor after what was acknowledged.
            closing: Whether `close` was called, though its reader may not have noticed yet.
        """
        standing = self._standing
        if closing and standing.state != "failed":
            standing = _Standing("closed")
        return Health(
            stream=stream,
            state=standing.state,
            alive=standing.state not in ("closed", "failed"),
            ready=standing.state == "open",
            connected_since=standing.connected_since,
            last_byte=self._last_byte,
            last_event=self.last_event,
            last_acknowledged_id=last_acknowledged_id,
            attempts=standing.attempts,
            last_error=None if self._last_error is None else str(self._last_error),
            next_attempt=standing.next_attempt,
            checkpoint_error=None if self._checkpoint_error is None else str(self._checkpoint_error),
        )
