"""Stream items as log records, through structlog and through the standard library."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import get_args

import pytest
import structlog

from everstream import (
    CheckpointError,
    CheckpointFailed,
    CheckpointSaved,
    Closed,
    Comment,
    Connecting,
    Duplicate,
    Event,
    Failed,
    Headers,
    Interrupted,
    Observation,
    Opened,
    Position,
    Received,
    ResumeRejected,
    RetryHint,
    StatusRejected,
    StreamInterrupted,
    Unacknowledged,
)
from everstream.observe.logs import StreamLog, public_url, record_of

URL = "https://user:pass%word@stream.example:8443/a%20b?token=t#part"
PUBLIC_URL = "https://stream.example:8443/a%20b"
CUT = StreamInterrupted(reason="reset", bytes_received=5, events_received=1)
EVENT = Event("message", "secret", "7")
ITEMS: list[tuple[Observation, str, str, dict[str, object]]] = [
    (
        Connecting({}, {}, {}, attempt=2, last_event_id="7"),
        "debug",
        "stream.connecting",
        {"attempt": 2, "last_event_id": "7"},
    ),
    (
        Opened(200, Headers({"Set-Cookie": "secret"}), 2, "7", 1.50049),
        "info",
        "stream.opened",
        {"status": 200, "attempt": 2, "last_event_id": "7", "downtime": 1.5},
    ),
    (
        Interrupted(CUT, 1.23456, 3, "7"),
        "warning",
        "stream.interrupted",
        {
            "delay": 1.235,
            "attempt": 3,
            "error_type": "StreamInterrupted",
            "cause": "the connection was reset after 5 bytes and 1 event",
            "last_event_id": "7",
        },
    ),
    (Closed("until"), "info", "stream.closed", {"reason": "until"}),
    (
        Failed(StatusRejected(status=404)),
        "error",
        "stream.failed",
        {"error_type": "StatusRejected", "cause": "the server answered 404 Not Found"},
    ),
    (
        ResumeRejected(StatusRejected(status=410), "7", restarts=True),
        "warning",
        "stream.resume_rejected",
        {"status": 410, "last_event_id": "7", "restarts": True},
    ),
    (
        Unacknowledged(1000, 60.00049),
        "warning",
        "stream.unacknowledged",
        {"events": 1000, "seconds": 60.0},
    ),
    (CheckpointSaved("7"), "debug", "checkpoint.saved", {"last_event_id": "7"}),
    (
        CheckpointFailed(CheckpointError(store="a file", reason="it is locked"), "7"),
        "error",
        "checkpoint.failed",
        {"error_type": "CheckpointError", "cause": "a file: it is locked", "last_event_id": "7"},
    ),
]
SILENT: list[Observation] = [
    EVENT,
    Comment("x"),
    RetryHint(1.0),
    Position("7"),
    Duplicate(EVENT),
    Received(5),
]


@pytest.fixture(autouse=True)
def structlog_as_found() -> Iterator[None]:
    """Structlog is not configured before a test, nor after it."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize(("item", "level", "name", "fields"), ITEMS, ids=[row[2] for row in ITEMS])
def test_each_item_makes_one_record(
    item: Observation, level: str, name: str, fields: dict[str, object]
) -> None:
    """The level, the name and the fields are those of the documentation."""
    assert record_of(item) == (level, name, fields)


@pytest.mark.parametrize("item", SILENT, ids=lambda item: type(item).__name__)
def test_what_streams_by_makes_no_record(item: Observation, caplog: pytest.LogCaptureFixture) -> None:
    """A log that grows with the events would be read by nobody."""
    with caplog.at_level(logging.DEBUG, logger="everstream"):
        StreamLog(URL)(item)
    assert record_of(item) is None
    assert caplog.records == []


def test_every_observation_has_a_record_or_none() -> None:
    """A new one needs a row here."""
    assert {type(row[0]) for row in ITEMS} | {type(item) for item in SILENT} == set(get_args(Observation))


@pytest.mark.parametrize(("item", "level", "name", "fields"), ITEMS, ids=[row[2] for row in ITEMS])
def test_without_configuration_records_go_to_the_standard_library(
    item: Observation, level: str, name: str, fields: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    """The message can be read, and the fields are beside it."""
    with caplog.at_level(logging.DEBUG, logger="everstream"):
        StreamLog(URL, "orders")(item)
    [record] = caplog.records
    everything = {"stream": "orders", "url": PUBLIC_URL, **fields}
    assert (record.name, record.levelname.lower()) == ("everstream", level)
    assert vars(record)["everstream"] == {"event": name, **everything}
    assert record.getMessage() == " ".join([name, *(f"{key}={value!r}" for key, value in everything.items())])


def test_a_level_that_is_off_costs_nothing_and_writes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The standard library's levels hold."""
    with caplog.at_level(logging.WARNING, logger="everstream"):
        StreamLog(URL)(ITEMS[0][0])
        StreamLog(URL)(ITEMS[1][0])
        StreamLog(URL)(ITEMS[2][0])
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_configured_structlog_is_used_as_it_is() -> None:
    """Also if it was configured after the stream was made."""
    log = StreamLog(URL, "orders")
    with structlog.testing.capture_logs() as records:
        structlog.configure()
        log(ITEMS[3][0])
    assert records == [
        {
            "event": "stream.closed",
            "log_level": "info",
            "stream": "orders",
            "url": PUBLIC_URL,
            "reason": "until",
        }
    ]


def test_a_logger_of_structlog_can_be_passed() -> None:
    """What is bound to it stays bound."""
    out = io.StringIO()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(out), processors=[structlog.processors.JSONRenderer()]
    ).bind(service="worker")
    StreamLog(URL, logger=logger)(ITEMS[3][0])
    assert json.loads(out.getvalue()) == {
        "service": "worker",
        "url": PUBLIC_URL,
        "reason": "until",
        "event": "stream.closed",
    }


def test_a_logger_of_the_standard_library_can_be_passed(caplog: pytest.LogCaptureFixture) -> None:
    """Records carry its name, though structlog is configured."""
    structlog.configure()
    with caplog.at_level(logging.INFO, logger="my.worker"):
        StreamLog(URL, logger=logging.getLogger("my.worker"))(ITEMS[3][0])
    assert [(record.name, record.levelname) for record in caplog.records] == [("my.worker", "INFO")]


def test_nothing_is_printed_while_nobody_has_configured_anything() -> None:
    """Structlog alone would print to stdout, the standard library to stderr."""
    code = (
        "from everstream import Closed, Failed, StatusRejected\n"
        "from everstream.observe.logs import StreamLog\n"
        "log = StreamLog('http://h/')\n"
        "log(Closed('eof')), log(Failed(StatusRejected(status=404)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize(
    ("url", "public"),
    [
        (URL, PUBLIC_URL),
        ("http://[::1]:8000/events?a=b", "http://[::1]:8000/events"),
        ("http://user@h", "http://h"),
        ("http://us@er:p@ss@h/x", "http://h/x"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, public: str) -> None:
    """User-info, query and fragment are left out."""
    assert public_url(url) == public
