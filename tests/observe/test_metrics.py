"""Stream items as metrics, read with the SDK of OpenTelemetry."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import typing

import pytest
from opentelemetry.sdk.metrics.export import HistogramDataPoint

from everstream import (
    CheckpointFailed,
    CheckpointSaved,
    Closed,
    Comment,
    ConfigurationError,
    ConnectFailed,
    Duplicate,
    Event,
    Failed,
    Interrupted,
    Observation,
    ResumeRejected,
    StatusRejected,
    StreamInterrupted,
)
from everstream.core.errors import EverstreamError
from everstream.core.observations import Received
from everstream.observe.instruments import BUCKETS
from everstream.observe.labels import ConnectionLoss, ConnectOutcome, StreamEnd
from everstream.observe.metrics import Metrics
from tests.observe.measuring import (
    CONNECTING,
    ENDS,
    EVENT,
    LOCKED,
    LOSSES,
    OPENED,
    Measurement,
    Series,
    attempts,
    everything,
)

CUT = StreamInterrupted(reason="reset")
UNREACHABLE = ConnectFailed(host="stream.example", reason="refused")

ATTEMPTS = dict(attempts())

# Connected.


@pytest.mark.parametrize(
    ("items", "connected"),
    [
        ([CONNECTING], 0),
        ([CONNECTING, OPENED], 1),
        ([CONNECTING, Interrupted(UNREACHABLE, 1.0, 2)], 0),
        ([CONNECTING, OPENED, Interrupted(CUT, 1.0, 2)], 0),
        ([CONNECTING, OPENED, Interrupted(CUT, 1.0, 2), CONNECTING, OPENED], 1),
        ([CONNECTING, OPENED, CONNECTING], 0),
        ([CONNECTING, OPENED, CONNECTING, OPENED], 1),
        ([CONNECTING, OPENED, Closed("close")], 0),
        ([CONNECTING, OPENED, Failed(CUT)], 0),
        ([CONNECTING, Failed(UNREACHABLE)], 0),
        ([Interrupted(LOCKED, 1.0, 2)], 0),
    ],
    ids=lambda items: "-".join(type(item).__name__ for item in items) if isinstance(items, list) else None,
)
def test_a_stream_is_connected_while_it_is_open(items: list[Observation], connected: int) -> None:
    """The metric is 1 from `Opened` to whatever comes after, `reconnect()` included, and 0 otherwise."""
    measured = Measurement()
    measured.stream()(*items)
    assert measured.value("stream.connected") == connected


def test_streams_of_one_name_are_counted_together() -> None:
    """Two open streams of one name are 2, and one that closes leaves 1."""
    measured = Measurement()
    first, second = measured.stream(), measured.stream()
    first(CONNECTING, OPENED)
    second(CONNECTING, OPENED)
    assert measured.value("stream.connected") == 2
    first(Closed("close"))
    assert measured.value("stream.connected") == 1


def test_streams_are_told_apart_by_name() -> None:
    """Each name has its own series, in all metrics."""
    measured = Measurement()
    measured.stream("prices")(CONNECTING, OPENED, EVENT)
    measured.stream("orders")(CONNECTING, Interrupted(UNREACHABLE, 1.0, 2))
    assert measured.series("stream.connected") == {("prices",): Series(1), ("orders",): Series(0)}
    assert measured.series("stream.events") == {("prices",): Series(1), ("orders",): Series(0)}


# Attempts, losses, ends.


@pytest.mark.parametrize(("outcome", "items"), ATTEMPTS.items(), ids=list(ATTEMPTS))
def test_an_attempt_is_counted_once_with_its_outcome(outcome: str, items: list[Observation]) -> None:
    """What comes of an attempt is in one word; before a stream is open nothing is an interruption."""
    measured = Measurement()
    measured.stream()(*items)
    assert measured.series("stream.connects") == {("prices", outcome): Series(1)}
    assert measured.series("stream.interruptions") == {}


@pytest.mark.parametrize(("loss", "error"), LOSSES.items(), ids=list(LOSSES))
@pytest.mark.parametrize("kind", [Interrupted, Failed])
def test_a_lost_connection_is_counted_with_its_reason(
    kind: type[Interrupted | Failed], loss: str, error: EverstreamError
) -> None:
    """Why an open connection was lost is in one word, whether the stream goes on or not."""
    measured = Measurement()
    measured.stream()(CONNECTING, OPENED, Failed(error) if kind is Failed else Interrupted(error, 1.0, 2))
    assert measured.series("stream.interruptions") == {("prices", loss): Series(1)}
    assert measured.series("stream.connects") == {("prices", "opened"): Series(1)}


@pytest.mark.parametrize(("end", "item"), ENDS.items(), ids=list(ENDS))
def test_the_end_of_a_stream_is_counted(end: str, item: Closed | Failed) -> None:
    """How a stream ended for good is in one word."""
    measured = Measurement()
    measured.stream()(CONNECTING, OPENED, item)
    assert measured.series("stream.ends") == {("prices", end): Series(1)}


def test_every_word_of_the_closed_lists_is_produced() -> None:
    """The cases of these tests are all that the types of the labels have."""
    assert set(ATTEMPTS) == set(typing.get_args(ConnectOutcome))
    assert set(LOSSES) == set(typing.get_args(ConnectionLoss))
    assert set(ENDS) == set(typing.get_args(StreamEnd))


def test_a_normal_end_is_no_interruption() -> None:
    """Neither `close()` nor the end that was asked for counts as a loss."""
    measured = Measurement()
    happens = measured.stream()
    for reason in typing.get_args(typing.get_type_hints(Closed)["reason"]):
        happens(CONNECTING, OPENED, Closed(reason))
    assert measured.series("stream.interruptions") == {}
    assert measured.series("stream.connects") == {("prices", "opened"): Series(4)}


@pytest.mark.parametrize("item", [Closed("close"), CONNECTING], ids=["close", "reconnect"])
def test_an_attempt_that_is_given_up_is_counted(item: Observation) -> None:
    """`close()` and `reconnect()` before the answer end an attempt."""
    measured = Measurement()
    measured.stream()(CONNECTING, item)
    assert measured.series("stream.connects") == {("prices", "given_up"): Series(1)}


def test_closing_in_backoff_is_no_attempt() -> None:
    """Between two attempts there is none to count."""
    measured = Measurement()
    measured.stream()(CONNECTING, Interrupted(UNREACHABLE, 1.0, 2), Closed("close"))
    assert measured.series("stream.connects") == {("prices", "unreachable"): Series(1)}


def test_a_checkpoint_that_cannot_be_loaded_is_an_attempt() -> None:
    """It counts even if no request was about to be made, once for each time it failed."""
    measured = Measurement()
    measured.stream()(Interrupted(LOCKED, 1.0, 2), Interrupted(LOCKED, 1.0, 3), CONNECTING, OPENED)
    assert measured.series("stream.connects") == {
        ("prices", "checkpoint"): Series(2),
        ("prices", "opened"): Series(1),
    }


@pytest.mark.parametrize("after", [Failed(StatusRejected(status=410)), Closed("close"), CONNECTING])
def test_a_refused_cursor_is_counted_whatever_follows(after: Observation) -> None:
    """The refusal is the outcome of its attempt, and of no other."""
    measured = Measurement()
    happens = measured.stream()
    happens(CONNECTING, ResumeRejected(StatusRejected(status=410), "7", False), after)
    assert measured.series("stream.connects") == {("prices", "resume_rejected"): Series(1)}
    happens(CONNECTING, Interrupted(UNREACHABLE, 1.0, 2))
    assert measured.value("stream.connects", "prices", "resume_rejected") == 1
    assert measured.value("stream.connects", "prices", "unreachable") == 1


# What comes over the wire.


def test_what_comes_is_counted() -> None:
    """Events, duplicates, comments and bytes have their counters."""
    measured = Measurement()
    items = [Received(100), EVENT, EVENT, Comment("a"), Received(23), EVENT, Duplicate(EVENT)]
    measured.stream()(CONNECTING, OPENED, *items)
    assert measured.value("stream.events") == 3
    assert measured.value("stream.duplicates") == 1
    assert measured.value("stream.heartbeats") == 1
    assert measured.value("stream.received") == 123


def test_counters_begin_at_zero() -> None:
    """From the first attempt on, a counter without a closed list is there, so that its rate is right."""
    measured = Measurement()
    measured.stream()(CONNECTING)
    for name in ("events", "duplicates", "heartbeats", "received"):
        assert measured.series(f"stream.{name}") == {("prices",): Series(0)}
    assert measured.series("checkpoint.saves") == {("prices",): Series(0)}
    assert measured.series("checkpoint.failures") == {("prices",): Series(0)}


def test_checkpoints_are_counted_from_any_thread() -> None:
    """Saves and failures that come from several threads at once are all counted."""
    measured = Measurement()
    happens = measured.stream()

    def save() -> None:
        for _ in range(200):
            happens(CheckpointSaved("7"), CheckpointFailed(LOCKED, "7"))

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert measured.value("checkpoint.saves") == 800
    assert measured.value("checkpoint.failures") == 800


# Durations.


def test_the_time_to_open_is_measured() -> None:
    """From `Connecting` to `Opened`, each time; an attempt that failed has none."""
    measured = Measurement()
    measured.stream()(CONNECTING, 0.25, OPENED, Interrupted(CUT, 1.0, 2), 1.0, CONNECTING, 0.5, OPENED)
    measured.stream()(CONNECTING, 5.0, Interrupted(UNREACHABLE, 1.0, 2))
    assert measured.series("stream.open.duration") == {("prices",): Series(0.75, 2)}


@pytest.mark.parametrize("first", [EVENT, Duplicate(EVENT)], ids=["event", "duplicate"])
def test_the_time_to_the_first_event_is_measured(first: Observation) -> None:
    """From `Opened` to the first event, once for each connection that had one."""
    measured = Measurement()
    connection = [CONNECTING, 9.0, OPENED, 0.5, Received(9), Comment("a"), 0.25, first, 3.0, EVENT]
    measured.stream()(*connection, Interrupted(CUT, 1.0, 2), CONNECTING, OPENED, 4.0, CONNECTING, *connection)
    assert measured.series("stream.first_event.duration") == {("prices",): Series(1.5, 2)}


def test_the_wait_is_measured() -> None:
    """Each decided wait is recorded, and one of no time as well."""
    measured = Measurement()
    measured.stream()(
        CONNECTING, Interrupted(UNREACHABLE, 1.5, 2), CONNECTING, OPENED, Interrupted(CUT, 0.0, 2)
    )
    assert measured.series("stream.retry_wait") == {("prices",): Series(1.5, 2)}


def test_the_lag_is_the_age_of_an_event() -> None:
    """The wall clock minus the event's own timestamp; there is none where no timestamp is given."""
    measured = Measurement(lambda event: float(event.data) if event.data else None)
    now = measured.clock.time()
    measured.stream()(CONNECTING, OPENED, Event("message", str(now - 2), "1"), 1.0, Event("message", "", "2"))
    assert measured.series("stream.event.lag") == {("prices",): Series(2.0, 1)}
    unmeasured = Measurement()
    unmeasured.stream()(CONNECTING, OPENED, EVENT)
    assert unmeasured.series("stream.event.lag") == {}


def test_the_lag_is_never_negative() -> None:
    """If the server's clock is ahead of ours, the lag is 0."""
    measured = Measurement(lambda event: float(event.data))
    measured.stream()(CONNECTING, OPENED, Event("message", str(measured.clock.time() + 60), "1"))
    assert measured.series("stream.event.lag") == {("prices",): Series(0.0, 1)}


@pytest.mark.parametrize(
    "answer", [float("nan"), float("inf"), -float("inf"), "2026-01-01", 10**400, object()]
)
def test_a_timestamp_that_is_none_is_left_out(answer: object) -> None:
    """Whatever the function returns, the event is counted, and has no lag if it is no time."""
    measured = Measurement(lambda _event: typing.cast("float", answer))
    measured.stream()(CONNECTING, OPENED, EVENT)
    assert measured.value("stream.events") == 1
    assert measured.series("stream.event.lag") == {}


def test_a_timestamp_that_raises_does_not_break_the_stream() -> None:
    """An error in the caller's function costs the lag of that event, and nothing else."""
    measured = Measurement(lambda event: float(event.data))
    measured.stream()(CONNECTING, OPENED, Event("message", "no number", "1"))
    assert measured.value("stream.events") == 1
    assert measured.series("stream.event.lag") == {}


def test_the_boundaries_are_for_seconds() -> None:
    """Without any view, histograms have boundaries from 5 milliseconds to an hour."""
    measured = Measurement(lambda _event: 0.0)
    measured.stream()(CONNECTING, OPENED, EVENT, Interrupted(CUT, 1.0, 2))
    points = [
        point
        for metric in measured.read().values()
        for point in metric.data.data_points
        if isinstance(point, HistogramDataPoint)
    ]
    assert [tuple(point.explicit_bounds) for point in points] == [BUCKETS] * 4


# Labels.


def test_labels_are_the_name_and_closed_lists() -> None:
    """Whatever URLs, ids and messages hold, a label holds the stream's name or a word of its list."""
    measured = Measurement(lambda _event: 0.0)
    measured.stream("prices")(*everything())
    words = {*typing.get_args(ConnectOutcome), *typing.get_args(ConnectionLoss), *typing.get_args(StreamEnd)}
    points = [point for metric in measured.read().values() for point in metric.data.data_points]
    assert {key for point in points for key in point.attributes or {}} == {"stream", "outcome", "reason"}
    values = {(key, value) for point in points for key, value in (point.attributes or {}).items()}
    assert {value for key, value in values if key == "stream"} == {"prices"}
    assert {value for key, value in values if key != "stream"} == words
    assert not any(part in str(values) for part in ("hunter2", "s3cret", "stream.example"))


# Arguments and providers.


@pytest.mark.parametrize("name", ["", None, 7])
def test_a_stream_without_a_name_is_refused(name: str) -> None:
    """A series that belongs to no stream would be of no use."""
    with pytest.raises(ConfigurationError):
        Measurement().metrics.observer(name)


@pytest.mark.parametrize("arguments", [{"timestamp": 7}, {"meter_provider": "prometheus"}])
def test_an_argument_that_cannot_work_is_refused(arguments: dict[str, typing.Any]) -> None:
    """What is no function and what is no provider is said at once, by the argument's name."""
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        Metrics(**arguments)


def test_many_may_share_one_provider(caplog: pytest.LogCaptureFixture) -> None:
    """`Metrics` made twice over measure the same, and OpenTelemetry has nothing to warn of."""
    measured = Measurement()
    with caplog.at_level(logging.WARNING):
        other = Metrics(measured.provider).observer("prices")
        measured.stream()(CONNECTING, OPENED, EVENT)
        for item in (CONNECTING, OPENED, EVENT):
            other(item, measured.clock)
    assert measured.value("stream.events") == 2
    assert caplog.records == []


def test_nothing_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """The SDK takes every measurement without a word."""
    measured = Measurement(lambda _event: 0.0)
    with caplog.at_level(logging.WARNING):
        measured.stream()(*everything())
        measured.read()
    assert caplog.records == []


GLOBAL_PROVIDER = """
from everstream.clock import SystemClock
from everstream.core.events import Connecting
from everstream.observe.metrics import Metrics

observer = Metrics().observer("prices")
observer(Connecting({}, {}, {}, 1, ""), SystemClock())

from opentelemetry.metrics import set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

reader = InMemoryMetricReader()
set_meter_provider(MeterProvider([reader]))
observer(Connecting({}, {}, {}, 2, ""), SystemClock())
(resource,) = reader.get_metrics_data().resource_metrics
print(*(metric.name for metric in resource.scope_metrics[0].metrics))
"""


def test_the_global_provider_may_be_set_later() -> None:
    """Without a provider nothing is measured, and nothing fails; once there is one, it is used."""
    done = subprocess.run([sys.executable, "-c", GLOBAL_PROVIDER], capture_output=True, text=True, check=True)
    assert "everstream.stream.connected" in done.stdout.split()


WITHOUT_API = """
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocker())

import everstream
from everstream import EventSource
from everstream.observe.metrics import Metrics

EventSource("https://stream.example/events")
try:
    Metrics()
except everstream.ConfigurationError as error:
    print(error)
"""


def test_without_opentelemetry_it_is_said_what_to_install() -> None:
    """Importing us needs no extra; making `Metrics` does, and the error has the command."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_API], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "pip install 'everstream[otel]'" in done.stdout


def test_opentelemetry_is_not_imported_before_it_is_needed() -> None:
    """A program without metrics does not pay for them."""
    code = "import sys, everstream.observe.metrics, everstream.source; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
