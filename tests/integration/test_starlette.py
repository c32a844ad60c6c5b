"""sse-starlette on uvicorn: chunked HTTP/1.1, CRLF, pings, and a server that stops and comes back."""

from __future__ import annotations

import http.client
import signal
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from everstream import (
    Comment,
    ConnectFailed,
    Event,
    EventSource,
    FullJitter,
    Interrupted,
    Opened,
    RetryHint,
    RetryPolicy,
    StreamInterrupted,
    StreamItem,
    Timeouts,
)
from tests.integration.starlette_server import StarletteServer
from tests.reading import DEADLINE, Reading, wait_until

pytestmark = pytest.mark.integration

QUICK = RetryPolicy(wait=FullJitter(initial=0.02, cap=0.2))
LIMITS = Timeouts(connect=5, read=5)
THE_END = "the end"
SEPARATORS = pytest.mark.parametrize("separator", ["\r\n", "\n", "\r"], ids=["CRLF", "LF", "CR"])


@pytest.fixture
def server() -> Iterator[StarletteServer]:
    """The application, running."""
    with StarletteServer() as running:
        yield running


def log(total: int) -> list[Event]:
    """Returns the events of the application's log."""
    return [
        Event("odd" if number % 2 else "message", f"event {number}\nof {total}", str(number))
        for number in range(1, total + 1)
    ]


def body_of(url: str) -> bytes:
    """Returns a whole body, read by another client."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=DEADLINE)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        return connection.getresponse().read()
    finally:
        connection.close()


@SEPARATORS
def test_a_log_comes_through_with_any_separator(server: StarletteServer, separator: str) -> None:
    """Ids, types, lines of data and the reconnection time arrive over chunked HTTP/1.1."""
    url = server.url(f"/log?total=20&sep={quote(separator)}")
    with EventSource(url, retry=QUICK, timeouts=LIMITS, until=THE_END) as source:
        opened, *items = source.all()
    assert isinstance(opened, Opened)
    assert opened.headers["Transfer-Encoding"] == "chunked"
    assert [item for item in items if isinstance(item, Event)] == log(20)
    assert [item for item in items if isinstance(item, RetryHint)] == [RetryHint(0.01)]
    assert body_of(url).count(separator.encode() * 2) == 21


def test_the_separator_is_crlf_if_nothing_is_said(server: StarletteServer) -> None:
    """What the test above calls CRLF is what applications send that do not care."""
    assert body_of(server.url("/log?total=3")).count(b"\r\n\r\n") == 4


def test_pings_arrive_as_comments_and_a_close_is_noticed(server: StarletteServer) -> None:
    """A quiet stream gives its pings as they come; the application's clean-up runs when we go."""
    with EventSource(server.url("/quiet?ping=0.05"), timeouts=LIMITS) as source:
        reading = Reading(source)
        wait_until(lambda: sum(isinstance(item, Comment) for item in reading.items) >= 3, "three pings")
        assert server.said("over") == []
    wait_until(lambda: len(server.said("over")) == 1, "the application to notice")
    _, *items = reading.join()
    assert reading.data == ["hello"]
    comments = [item.text for item in items if isinstance(item, Comment)]
    assert all(text.startswith("ping - ") for text in comments)
    assert source.stats.interruptions == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_a_server_that_stops_and_comes_back_is_resumed(
    server: StarletteServer, number: signal.Signals
) -> None:
    """Stopped in mid-stream and started again on the same port: no event is lost or doubled."""
    items: list[StreamItem] = []
    url = server.url("/log?total=1500")
    with EventSource(url, retry=QUICK, timeouts=LIMITS, until=THE_END) as source:
        for item in source.all():
            items.append(item)
            if item == log(1500)[299]:
                server.end(number)
            if is_refused(item) and len(server.said("listening")) == 1:
                server.wait()
                server.start()
    assert [item for item in items if isinstance(item, Event)] == log(1500)
    openings = [item for item in items if isinstance(item, Opened)]
    assert [opened.last_event_id for opened in openings] == server.said("asked")
    assert len(openings) == 2
    assert 300 <= int(openings[1].last_event_id) < 1500
    broken, *refused = [item for item in items if isinstance(item, Interrupted)]
    assert isinstance(broken.error, StreamInterrupted)
    assert refused


def is_refused(item: StreamItem) -> bool:
    """Returns whether a reconnect found no server."""
    return isinstance(item, Interrupted) and isinstance(item.error, ConnectFailed)
