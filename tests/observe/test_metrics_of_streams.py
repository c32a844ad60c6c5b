"""The metrics of real streams: what a scripted server does, and what is measured of it."""

from __future__ import annotations

import ssl
import typing
from collections.abc import Sequence
from typing import Any

import pytest
import trustme
from tenacity import wait_none

from everstream import (
    CheckpointError,
    Dedupe,
    Event,
    EventSource,
    Interrupted,
    Opened,
    ProviderError,
    RetryPolicy,
    Timeouts,
)
from everstream.checkpoints import MemoryCheckpoint
from everstream.observe.labels import ConnectionLoss, ConnectOutcome
from everstream.testing import (
    Connection,
    SSEServer,
    Step,
    comment,
    connection,
    cut,
    event,
    no_content,
    pause,
    raw,
    redirect,
    reset,
    retry,
    silence,
    stall,
    status,
)
from tests.fakes import FakeClock
from tests.observe.measuring import Measurement, Series

Script = Sequence[Connection | Step]
Options = dict[str, Any]
QUICK = RetryPolicy(wait=wait_none())
SHORT = Timeouts(connect=10.0, read=0.2)
ONE = event("1", id="1")


class BrokenStore(MemoryCheckpoint):
    """A store that can do nothing."""

    def load(self, key: str) -> str | None:
        """Fails for good."""
        raise CheckpointError(store="the store", reason="it is broken")

    def save(self, key: str, last_event_id: str) -> None:
        """Fails for good."""
        self.load(key)


class UnwritableStore(MemoryCheckpoint):
    """A store that cannot save."""

    def save(self, key: str, last_event_id: str) -> None:
        """Fails for good."""
        raise CheckpointError(store="the store", reason="it is full")


def measured(url: str, **options: Any) -> Measurement:
    """Reads a stream to its end, and returns what was measured."""
    measurement = Measurement()
    defaults: Options = {"retry": QUICK, "name": "prices", "metrics": measurement.metrics}
    with EventSource(url, **{**defaults, **options}) as source:
        list(source.all(raise_on_failure=False))
    return measurement


def test_a_day_in_the_life_of_a_stream(sse_server: SSEServer) -> None:
    """What a server did is what the metrics say, to the last byte."""
    body = b"retry: 1500\n\n: ping\n\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n"
    sse_server.script([status(503), [raw(body), cut()], [event("c", id="3")]], then=no_content())
    metrics = measured(
        sse_server.url, clock=FakeClock(), checkpoint=MemoryCheckpoint(), checkpoint_interval=0
    )
    assert metrics.series("stream.connects") == {
        ("prices", "status_5xx"): Series(1),
        ("prices", "opened"): Series(2),
        ("prices", "no_content"): Series(1),
    }
    assert metrics.series("stream.interruptions") == {
        ("prices", "broken_chunk"): Series(1),
        ("prices", "eof"): Series(1),
    }
    assert metrics.series("stream.ends") == {("prices", "no_content"): Series(1)}
    assert metrics.series("stream.retry_wait") == {("prices",): Series(3.0, 3)}
    assert metrics.series("stream.first_event.duration")["prices",].count == 2
    assert metrics.value("stream.connected") == 0
    assert metrics.value("stream.events") == 3
    assert metrics.value("stream.heartbeats") == 1
    assert metrics.value("stream.received") == len(body) + len(b"id: 3\ndata: c\n\n")
    assert metrics.value("checkpoint.saves") == 3
    assert metrics.value("checkpoint.failures") == 0


OUTCOMES: dict[ConnectOutcome, tuple[Script, Options]] = {
    "opened": ([connection(ONE)], {}),
    "no_content": ([], {}),
    "status_4xx": ([status(404)], {}),
    "status_5xx": ([status(503)], {}),
    "not_a_stream": ([connection(ONE, content_type="text/html")], {}),
    "redirect": ([redirect(None)], {}),
    "resume_rejected": ([status(410)], {"last_event_id": "7"}),
    "timeout": ([silence()], {"timeouts": SHORT}),
    "checkpoint": ([], {"checkpoint": BrokenStore()}),
    "invalid_request": ([], {"headers": lambda: {"X-Token": "a\nb"}}),
}
OUTCOMES_BELOW = {"unreachable", "certificate", "given_up", "other"}
"""Those that have tests of their own, and the one that no error of ours has."""


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_becomes_of_an_attempt(sse_server: SSEServer, outcome: ConnectOutcome) -> None:
    """The first attempt has this outcome, for what the server or the configuration does."""
    script, options = OUTCOMES[outcome]
    sse_server.script(script, then=no_content())
    connects = measured(sse_server.url, **options).series("stream.connects")
    assert connects.pop(("prices", outcome)) == Series(1)
    assert set(connects) <= {("prices", "no_content")}


def test_every_outcome_is_shown() -> None:
    """None is left out here."""
    assert {*OUTCOMES, *OUTCOMES_BELOW} == set(typing.get_args(ConnectOutcome))


def test_a_refused_connection_is_unreachable(sse_server: SSEServer) -> None:
    """Nobody listens."""
    sse_server.refuse()
    metrics = measured(sse_server.url, retry=RetryPolicy.attempts(3, wait=wait_none()))
    assert metrics.series("stream.connects") == {("prices", "unreachable"): Series(3)}
    assert metrics.series("stream.ends") == {("prices", "failed"): Series(1)}


def test_a_certificate_that_nobody_signed_is_told_apart() -> None:
    """It is for the operator, and not passing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with SSEServer(ssl_context=context) as server:
        metrics = measured(server.url)
    assert metrics.series("stream.connects") == {("prices", "certificate"): Series(1)}


LOSSES: dict[ConnectionLoss, tuple[Connection | list[Step], Options]] = {
    "eof": ([ONE], {}),
    "unfinished_block": ([ONE, raw(b"data: 2")], {}),
    "reset": (connection(ONE, pause(), reset()), {}),
    "broken_chunk": ([ONE, cut()], {}),
    "short_body": (connection(ONE, cut(), framing="length"), {}),
    "undecodable_body": (connection(raw(b"no gzip"), headers={"Content-Encoding": "gzip"}), {}),
    "read_timeout": ([ONE, stall()], {"timeouts": SHORT}),
    "first_event_timeout": ([comment("ping"), stall()], {"timeouts": Timeouts(first_event=0.2)}),
    "event_idle_timeout": ([ONE, stall()], {"timeouts": Timeouts(event_idle=0.2)}),
    "event_too_large": ([event("1" * 99)], {"max_event_bytes": 50}),
    "incomplete": ([ONE], {"until": "[DONE]", "retry": RetryPolicy.never()}),
    "error_event": (
        [ONE, event("busy", type="error")],
        {"error_in": lambda found: ProviderError(message="busy") if found.type == "error" else None},
    ),
    "checkpoint": (
        [ONE, event("2", id="2")],
        {"checkpoint": UnwritableStore(), "checkpoint_required": True, "checkpoint_interval": 0},
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_why_a_connection_is_lost(sse_server: SSEServer, loss: ConnectionLoss) -> None:
    """The only interruption has this reason, for what the server did."""
    script, options = LOSSES[loss]
    sse_server.script([script], then=no_content())
    measurement = Measurement()
    defaults: Options = {"retry": QUICK, "name": "prices", "metrics": measurement.metrics}
    with EventSource(sse_server.url, **{**defaults, **options}) as source:
        for item in source.all(raise_on_failure=False):
            if isinstance(item, Event):
                sse_server.release()
    assert measurement.series("stream.interruptions") == {("prices", loss): Series(1)}
    assert measurement.value("stream.connected") == 0


def test_every_loss_is_shown() -> None:
    """None is left out, but for the one that no error of ours has."""
    assert {*LOSSES, "other"} == set(typing.get_args(ConnectionLoss))


def test_connected_follows_the_stream(sse_server: SSEServer) -> None:
    """It is 1 while the stream is open, and goes down and up again with `reconnect()`."""
    sse_server.script([[ONE, cut()], [ONE, stall()], [ONE, stall()]])
    measurement = Measurement()
    connected: list[tuple[str, float]] = []
    source = EventSource(sse_server.url, retry=QUICK, name="prices", metrics=measurement.metrics)
    for item in source.all():
        connected.append((type(item).__name__, measurement.value("stream.connected")))
        if len(connected) == 5:
            source.reconnect()
        elif len(connected) == 7:
            source.close()
    assert connected == [
        *(("Opened", 1), ("Event", 1), ("Interrupted", 0)),
        *(("Opened", 1), ("Event", 1), ("Opened", 1), ("Event", 1), ("Closed", 0)),
    ]
    assert measurement.series("stream.interruptions") == {("prices", "broken_chunk"): Series(1)}


def test_a_request_that_is_closed_is_given_up(sse_server: SSEServer) -> None:
    """An attempt that the caller ended is told apart from those that failed."""
    sse_server.script([status(503)], then=silence())
    measurement = Measurement()

    class ClosesOnTheSecondRequest(FakeClock):
        def monotonic(self) -> float:
            if len(sse_server.requests) == 1 and self.waits:
                source.close()
            return super().monotonic()

    source = EventSource(
        sse_server.url, name="prices", metrics=measurement.metrics, clock=ClosesOnTheSecondRequest()
    )
    assert list(source) == []
    assert measurement.series("stream.connects") == {
        ("prices", "status_5xx"): Series(1),
        ("prices", "given_up"): Series(1),
    }


def test_a_stream_that_is_dropped_is_not_connected(sse_server: SSEServer) -> None:
    """Leaving `with` in the middle counts as a close."""
    sse_server.script([[ONE, stall()]])
    measurement = Measurement()
    with EventSource(sse_server.url, name="prices", metrics=measurement.metrics) as source:
        next(source)
        assert measurement.value("stream.connected") == 1
    assert measurement.value("stream.connected") == 0
    assert measurement.series("stream.ends") == {("prices", "close"): Series(1)}


def test_duplicates_and_failed_saves_are_counted(sse_server: SSEServer) -> None:
    """What dedupe leaves out is no event; a store that fails is counted each time."""
    sse_server.script([[ONE, cut()], [ONE, event("2", id="2")]], then=no_content())
    dedupe = Dedupe(key=lambda event: event.data)
    metrics = measured(sse_server.url, dedupe=dedupe, checkpoint=UnwritableStore(), checkpoint_interval=0)
    assert metrics.value("stream.events") == 2
    assert metrics.value("stream.duplicates") == 1
    assert metrics.value("checkpoint.failures") >= 2
    assert metrics.value("checkpoint.saves") == 0


def test_the_time_to_the_first_event_is_that_of_the_stream(sse_server: SSEServer) -> None:
    """What passes on the stream's own clock between `Opened` and the event is measured."""
    sse_server.script([[retry(0), ONE, cut()]], then=no_content())
    measurement, clock = Measurement(), FakeClock()
    source = EventSource(sse_server.url, retry=QUICK, name="prices", metrics=measurement.metrics, clock=clock)
    for item in source.all():
        if isinstance(item, Opened):
            clock.advance(2.5)
        elif isinstance(item, Interrupted):
            assert measurement.series("stream.first_event.duration") == {("prices",): Series(2.5, 1)}
