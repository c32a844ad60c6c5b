"""Streams that are measured with the SDK of OpenTelemetry, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    NumberDataPoint,
    Sum,
)

from everstream import (
    CertificateInvalid,
    CheckpointError,
    CheckpointFailed,
    CheckpointSaved,
    Closed,
    Comment,
    ConfigurationError,
    ConnectFailed,
    Connecting,
    ContentTypeRejected,
    Duplicate,
    Event,
    EventTooLarge,
    EverstreamError,
    Failed,
    Headers,
    Interrupted,
    Observation,
    Opened,
    Position,
    ProviderError,
    RedirectRejected,
    ResumeRejected,
    RetryHint,
    StatusRejected,
    StreamIncomplete,
    StreamInterrupted,
    StreamTimeout,
)
from everstream.core.observations import Received
from everstream.observe.labels import ConnectionLoss, ConnectOutcome, StreamEnd
from everstream.observe.metrics import Metrics
from tests.fakes import FakeClock

HOSTILE = 'https://user:hunter2@stream.example/?token=s3cret"\n\0'
"""What must never be a label."""

CONNECTING = Connecting({}, {"Last-Event-ID": HOSTILE}, {"since": HOSTILE}, 1, HOSTILE)
OPENED = Opened(200, Headers({"Server": HOSTILE}), 1, HOSTILE, None)
EVENT = Event(HOSTILE, HOSTILE, HOSTILE)
LOCKED = CheckpointError(store=HOSTILE, reason=HOSTILE, retryable=True)


class UnknownError(EverstreamError):
    """An error of a later release, or of somebody else."""


@dataclass(frozen=True)
class Series:
    """What was measured of one metric with one set of labels: a sum, or the count and sum of a histogram."""

    value: float
    count: int | None = None


class Measurement:
    """One provider, and what its reader reads.

    Attributes:
        clock: The clock of the streams.
    """

    def __init__(self, timestamp: Callable[[Event], float | None] | None = None) -> None:
        self.clock = FakeClock()
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])
        self.metrics = Metrics(self.provider, timestamp=timestamp)

    def stream(self, name: str = "prices") -> Callable[..., None]:
        """Returns a function that observes items, and lets time pass for each number between them."""
        observer = self.metrics.observer(name)

        def happens(*items: Observation | float) -> None:
            for item in items:
                if isinstance(item, (int, float)):
                    self.clock.advance(item)
                else:
                    observer(item, self.clock)

        return happens

    def read(self) -> dict[str, Metric]:
        """Returns the metrics by their names."""
        data = self._reader.get_metrics_data()
        if data is None:
            return {}
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        assert [scope.scope.name for scope in scopes] == ["everstream"]
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def series(self, name: str) -> dict[tuple[str, ...], Series]:
        """Returns what was measured under a name, by the stream and the word of the closed list, if any."""
        metric = self.read().get(f"everstream.{name}")
        if metric is None:
            return {}
        return dict(map(_series, metric.data.data_points))

    def value(self, name: str, *labels: str) -> float:
        """Returns one sum, for the stream `prices` if no labels are given."""
        return self.series(name)[labels or ("prices",)].value


def _series(point: object) -> tuple[tuple[str, ...], Series]:
    assert isinstance(point, (NumberDataPoint, HistogramDataPoint))
    attributes = dict(point.attributes or {})
    labels = (str(attributes.pop("stream")), *map(str, attributes.values()))
    if isinstance(point, HistogramDataPoint):
        return labels, Series(point.sum, point.count)
    return labels, Series(point.value)


def kind_of(metric: Metric) -> str:
    """Returns the word for a kind of instrument."""
    if isinstance(metric.data, Histogram):
        return "histogram"
    assert isinstance(metric.data, Sum)
    return "counter" if metric.data.is_monotonic else "up-down counter"


def attempts() -> Iterator[tuple[ConnectOutcome, list[Observation]]]:
    """Yields an attempt of each outcome, as what is observed of it."""
    yield "opened", [CONNECTING, OPENED]
    yield "no_content", [CONNECTING, Closed("no content")]
    refused = StatusRejected(status=410, headers=Headers({"Server": HOSTILE}), body_excerpt=HOSTILE.encode())
    yield "resume_rejected", [CONNECTING, ResumeRejected(refused, HOSTILE, True), Interrupted(refused, 0, 2)]
    yield "given_up", [CONNECTING, Closed("close")]
    for outcome, error in ATTEMPT_ERRORS.items():
        yield outcome, [CONNECTING, Interrupted(error, 1.0, 2, HOSTILE)]


ATTEMPT_ERRORS: Mapping[ConnectOutcome, EverstreamError] = {
    "status_4xx": StatusRejected(status=403),
    "status_5xx": StatusRejected(status=503),
    "not_a_stream": ContentTypeRejected(status=200, headers=Headers({"Content-Type": HOSTILE})),
    "redirect": RedirectRejected(status=302, reason=HOSTILE),
    "unreachable": ConnectFailed(host=HOSTILE, reason=HOSTILE),
    "certificate": CertificateInvalid(host=HOSTILE, reason=HOSTILE),
    "timeout": StreamTimeout(kind="connect", seconds=5.0),
    "checkpoint": LOCKED,
    "invalid_request": ConfigurationError(HOSTILE),
    "other": UnknownError(HOSTILE),
}

LOSSES: Mapping[ConnectionLoss, EverstreamError] = {
    "eof": StreamInterrupted(reason="eof"),
    "unfinished_block": StreamInterrupted(reason="unfinished block"),
    "reset": StreamInterrupted(reason="reset"),
    "broken_chunk": StreamInterrupted(reason="broken chunk"),
    "short_body": StreamInterrupted(reason="short body"),
    "undecodable_body": StreamInterrupted(reason="undecodable body"),
    "read_timeout": StreamTimeout(kind="read", seconds=60.0),
    "first_event_timeout": StreamTimeout(kind="first_event", seconds=60.0),
    "event_idle_timeout": StreamTimeout(kind="event_idle", seconds=60.0),
    "event_too_large": EventTooLarge(limit=1, items=(EVENT,)),
    "incomplete": StreamIncomplete(until=HOSTILE, events_received=1),
    "error_event": ProviderError(message=HOSTILE, type=HOSTILE, code=HOSTILE, text=HOSTILE),
    "checkpoint": LOCKED,
    "other": UnknownError(HOSTILE),
}

ENDS: Mapping[StreamEnd, Closed | Failed] = {
    "close": Closed("close"),
    "eof": Closed("eof"),
    "no_content": Closed("no content"),
    "until": Closed("until"),
    "failed": Failed(UnknownError(HOSTILE)),
}


def everything() -> Iterator[Observation]:
    """Yields every kind of observation, and every outcome, loss and end."""
    for _, attempt in attempts():
        yield from attempt
    for error in LOSSES.values():
        yield from (
            CONNECTING,
            OPENED,
            Received(9),
            Comment(HOSTILE),
            EVENT,
            Interrupted(error, 1.0, 2, HOSTILE),
        )
    yield from (CONNECTING, OPENED, RetryHint(1.0), Position(HOSTILE), Duplicate(EVENT))
    yield from (CheckpointSaved(HOSTILE), CheckpointFailed(LOCKED, HOSTILE))
    yield from ENDS.values()
