"""What happens to streams as metrics, on the API of OpenTelemetry.

Rules of this module:

- A function of the same items as the log. Times come from the clock that is handed in.
- Labels are the user's name for the stream and words of the closed lists in `labels`. No URL, id or message.
- The API is imported when `Metrics` is made, and not before: it comes with the extra `otel`.
- What is counted for every event or chunk costs one call with attributes made beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from everstream.clock import Clock
from everstream.core.arguments import require_kind
from everstream.core.errors import ConfigurationError, EverstreamError
from everstream.core.events import (
    Closed,
    Comment,
    Connecting,
    Duplicate,
    Event,
    Failed,
    Interrupted,
    Opened,
    ResumeRejected,
)
from everstream.core.observations import CheckpointFailed, CheckpointSaved, Observation, Received
from everstream.observe.instruments import Instruments
from everstream.observe.labels import END_OF, ConnectOutcome, StreamEnd, loss_of, outcome_of
from everstream.observe.observer import Observer

if TYPE_CHECKING:
    from types import ModuleType

    from opentelemetry.metrics import MeterProvider

__all__ = ["Metrics"]

SCOPE = "everstream"
"""The name of the meter."""

Timestamp = Callable[[Event], float | None]


class Metrics:
    """Counts and times what happens to streams, through OpenTelemetry.

    Pass one to as many event sources as you like: `EventSource(url, name="prices", metrics=metrics)`.
    Two event sources of the same name are counted together.
    """

    def __init__(
        self,
        meter_provider: MeterProvider | None = None,
        *,
        timestamp: Callable[[Event], float | None] | None = None,
    ) -> None:
        """Makes the instruments.

        Args:
            meter_provider: Where measurements go. None: OpenTelemetry's global provider, which may
                be set later; until then they go nowhere.
            timestamp: Gives the time at which the server made an event, in seconds since the epoch,
                for the metric of its lag; or None. An event for which it raises has no lag.

        Raises:
            ConfigurationError: OpenTelemetry is not installed, or an argument cannot work.
        """
        if timestamp is not None and not callable(timestamp):
            raise ConfigurationError("timestamp= takes a function of an event")
        api = _opentelemetry_metrics()
        require_kind(api.MeterProvider, meter_provider=meter_provider)
        provider: MeterProvider = api.get_meter_provider() if meter_provider is None else meter_provider
        self._instruments = Instruments(provider.get_meter(SCOPE))
        self._timestamp = timestamp

    def observer(self, stream: str) -> Observer:
        """Returns what counts one stream: an event source calls it with everything that happens.

        Args:
            stream: The value of the label `stream`. It should be one of few, and must not be secret.

        Raises:
            ConfigurationError: It is empty, or no text.
        """
        require_kind(str, stream=stream)
        if not stream:
            raise ConfigurationError("metrics need a name for the stream, to tell it from others")
        return _StreamObserver(self._instruments, stream, self._timestamp)


def _opentelemetry_metrics() -> ModuleType:
    try:
        from opentelemetry import metrics
    except ImportError as error:
        raise ConfigurationError(
            "Metrics needs opentelemetry-api, which cannot be imported; "
            "install it with: pip install 'everstream[otel]'"
        ) from error
    return metrics


class _StreamObserver:
    """Measures one stream. What is remembered between items belongs to the thread that reads."""

    def __init__(self, instruments: Instruments, stream: str, timestamp: Timestamp | None) -> None:
        self._instruments = instruments
        self._labels: Mapping[str, str] = {"stream": stream}
        self._timestamp = timestamp
        self._is_open = False
        self._attempt_began: float | None = None
        self._awaits_event_since: float | None = None
        self._is_resume_rejected = False

    def __call__(self, item: Observation, clock: Clock) -> None:
        """Measures what there is to measure of an item."""
        if isinstance(item, Event):
            self._note_event(item, clock)
        elif isinstance(item, Received):
            self._instruments.received.add(item.bytes, self._labels)
        elif isinstance(item, Comment):
            self._instruments.heartbeats.add(1, self._labels)
        elif isinstance(item, Duplicate):
            self._note_first_event(clock)
            self._instruments.duplicates.add(1, self._labels)
        else:
            self._note_rare(item, clock)

    def _note_rare(self, item: Observation, clock: Clock) -> None:
        match item:
            case Connecting():
                self._note_connecting(clock.monotonic())
            case Opened():
                self._note_opened(clock.monotonic())
            case ResumeRejected():
                self._is_resume_rejected = True
            case Interrupted():
                self._note_error(item.error)
                self._instruments.retry_wait.record(item.delay, self._labels)
            case Failed():
                self._note_error(item.error)
                self._note_end("failed")
            case Closed():
                self._note_attempt_over("no_content" if item.reason == "no content" else "given_up")
                self._note_end(END_OF[item.reason])
            case CheckpointSaved():
                self._instruments.saves.add(1, self._labels)
            case CheckpointFailed():
                self._instruments.save_failures.add(1, self._labels)
            case _:
                pass

    def _note_event(self, event: Event, clock: Clock) -> None:
        self._instruments.events.add(1, self._labels)
        self._note_first_event(clock)
        if self._timestamp is not None:
            lag = _lag(event, self._timestamp, clock)
            if lag is not None:
                self._instruments.lag.record(lag, self._labels)

    def _note_first_event(self, clock: Clock) -> None:
        if self._awaits_event_since is not None:
            waited = clock.monotonic() - self._awaits_event_since
            self._instruments.first_event_duration.record(waited, self._labels)
            self._awaits_event_since = None

    def _note_connecting(self, now: float) -> None:
        # reconnect() ends a connection, or an attempt, without any item.
        self._note_attempt_over("given_up")
        self._set_open(False)
        self._attempt_began = now
        for counter in self._instruments.from_zero:
            counter.add(0, self._labels)

    def _note_opened(self, now: float) -> None:
        if self._attempt_began is not None:
            self._instruments.open_duration.record(now - self._attempt_began, self._labels)
        self._note_attempt_over("opened")
        self._set_open(True)
        self._awaits_event_since = now

    def _note_error(self, error: EverstreamError) -> None:
        if self._is_open:
            self._instruments.interruptions.add(1, {**self._labels, "reason": loss_of(error)})
        else:
            self._count_attempt(outcome_of(error))
        self._set_open(False)

    def _note_attempt_over(self, outcome: ConnectOutcome) -> None:
        if self._attempt_began is not None:
            self._count_attempt(outcome)

    def _count_attempt(self, outcome: ConnectOutcome) -> None:
        if self._is_resume_rejected:
            outcome = "resume_rejected"
        self._attempt_began, self._is_resume_rejected = None, False
        self._instruments.connects.add(1, {**self._labels, "outcome": outcome})

    def _note_end(self, reason: StreamEnd) -> None:
        self._set_open(False)
        self._instruments.ends.add(1, {**self._labels, "reason": reason})

    def _set_open(self, is_open: bool) -> None:
        # Adding nothing has a purpose too: a stream that was never open is seen to be at 0.
        self._instruments.connected.add(is_open - self._is_open, self._labels)
        self._is_open = is_open


def _lag(event: Event, timestamp: Timestamp, clock: Clock) -> float | None:
    """Returns the age of an event in seconds, 0 if its server's clock is ahead; None if it cannot be told."""
    try:
        made = timestamp(event)
        lag = None if made is None else float(clock.time() - made)
    except Exception:  # noqa: BLE001
        # It reads what a server sent, so that it may fail on any event; the stream is worth more.
        return None
    return None if lag is None or not math.isfinite(lag) else max(0.0, lag)
