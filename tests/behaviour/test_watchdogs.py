"""Bytes come, but no event: the limits `first_event` and `event_idle`."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import requests
import trustme

from everstream import (
    Comment,
    Dedupe,
    Event,
    EventSource,
    Interrupted,
    StreamItem,
    StreamTimeout,
    Timeouts,
)
from everstream.testing import SSEServer, connection, cut, endless, event, pause, raw, silence, stall
from tests.behaviour.stores import Store
from tests.fakes import FakeClock
from tests.reading import Reading, data_in, errors_in, everything

MakeSource = Callable[..., EventSource]
Framing = Literal["chunked", "close", "length", "gzip"]
HEARTBEATS = endless(b": x\n\n", every=0.02)
FRAMINGS: list[Framing] = ["chunked", "close", "length", "gzip"]
LIMIT = 0.5
"""Seconds, so many that a heartbeat comes within them on any machine."""


def timeouts_in(items: list[StreamItem]) -> list[tuple[str, float | None]]:
    """Returns which limits have passed."""
    errors = [error for error in errors_in(items) if isinstance(error, StreamTimeout)]
    return [(error.kind, error.seconds) for error in errors]


@pytest.fixture(params=["own", "the caller's"])
def session(request: pytest.FixtureRequest) -> Iterator[requests.Session | None]:
    """No session, so that one of our own is used, and one of the caller's."""
    if request.param == "own":
        yield None
        return
    with requests.Session() as session:
        yield session


@pytest.mark.usefixtures("either_reader")
class TestOnEveryFraming:
    @pytest.mark.parametrize("framing", FRAMINGS)
    def test_heartbeats_are_no_first_event(
        self, sse_server: SSEServer, make_source: MakeSource, framing: Framing
    ) -> None:
        """The connection is dropped, and the next one goes on."""
        sse_server.script([connection(HEARTBEATS, framing=framing), event("a", id="1")])
        source = make_source(timeouts=Timeouts(read=10, first_event=LIMIT))
        items = everything(source)
        assert timeouts_in(items) == [("first_event", LIMIT)]
        assert data_in(items) == ["a"]
        assert any(isinstance(item, Comment) for item in items)
        sse_server.wait_until_client_gone(0)

    @pytest.mark.parametrize("framing", FRAMINGS)
    def test_heartbeats_are_no_further_event(
        self, sse_server: SSEServer, make_source: MakeSource, framing: Framing
    ) -> None:
        """The cursor goes with the next request: nothing is lost."""
        sse_server.script([connection(event("a", id="1"), HEARTBEATS, framing=framing), event("b", id="2")])
        source = make_source(timeouts=Timeouts(read=10, event_idle=LIMIT))
        items = everything(source)
        assert timeouts_in(items) == [("event_idle", LIMIT)]
        assert data_in(items) == ["a", "b"]
        assert [request.last_event_id for request in sse_server.requests] == [None, "1", "2"]

    @pytest.mark.parametrize("framing", FRAMINGS)
    def test_they_strike_though_no_byte_comes(
        self, sse_server: SSEServer, make_source: MakeSource, session: Any, framing: Framing
    ) -> None:
        """Before the read timeout, which is longer, and would not end this test in time."""
        sse_server.script([connection(event("a", id="1"), stall(), framing=framing)])
        source = make_source(session=session, timeouts=Timeouts(read=600, event_idle=LIMIT))
        items = Reading(source).join()
        assert timeouts_in(items) == [("event_idle", LIMIT)]

    @pytest.mark.parametrize("framing", FRAMINGS)
    def test_without_a_read_timeout_they_strike_as_well(
        self, sse_server: SSEServer, make_source: MakeSource, session: Any, framing: Framing
    ) -> None:
        """A limit on events is a limit on silence."""
        sse_server.script([connection(raw(b": x\n\n"), stall(), framing=framing)])
        source = make_source(session=session, timeouts=Timeouts(read=None, first_event=LIMIT))
        assert timeouts_in(Reading(source).join()) == [("first_event", LIMIT)]

    @pytest.mark.parametrize("framing", FRAMINGS)
    def test_the_read_timeout_is_still_that(
        self, sse_server: SSEServer, make_source: MakeSource, framing: Framing
    ) -> None:
        """If it is the shorter one: silence is silence."""
        sse_server.script([connection(event("a", id="1"), stall(), framing=framing)])
        source = make_source(timeouts=Timeouts(read=LIMIT, first_event=600, event_idle=600))
        assert timeouts_in(Reading(source).join()) == [("read", LIMIT)]

    def test_after_a_strike_the_next_connection_has_the_whole_time(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Of its own kind: it awaits a first event again."""
        sse_server.script([connection(event("a", id="1"), HEARTBEATS), connection(HEARTBEATS), event("b")])
        limits = Timeouts(read=10, first_event=LIMIT, event_idle=LIMIT)
        items = everything(make_source(timeouts=limits))
        assert timeouts_in(items) == [("event_idle", LIMIT), ("first_event", LIMIT)]
        assert data_in(items) == ["a", "b"]


@pytest.mark.usefixtures("either_reader")
class TestOverTLS:
    @pytest.mark.parametrize("last", [HEARTBEATS, stall()])
    def test_they_strike_there_too(self, make_source: MakeSource, tmp_path: Path, last: Any) -> None:
        """The limit is set on the socket that TLS wraps."""
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        with SSEServer(ssl_context=context) as server, requests.Session() as session:
            session.verify = str(tmp_path / "ca.pem")
            server.script([connection(event("a", id="1"), last), event("b", id="2")])
            source = make_source(server.url, session=session, timeouts=Timeouts(read=600, event_idle=LIMIT))
            items = Reading(source).join()
        assert timeouts_in(items) == [("event_idle", LIMIT)]
        assert data_in(items) == ["a", "b"]


class TestWhatCounts:
    def test_the_consumers_work_does_not(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """However long it takes over an event or a comment, while the next event is here already."""
        sse_server.script(
            [
                [
                    event("a"),
                    raw(b": x\n\n"),
                    pause(),
                    raw(b": y\n\n"),
                    pause(),
                    event("b"),
                    pause(),
                    event("c"),
                ]
            ]
        )
        clock = FakeClock()
        source = make_source(clock=clock, timeouts=Timeouts(read=10, first_event=5, event_idle=5))
        seen = list[StreamItem]()
        for item in source.all():
            seen.append(item)
            if isinstance(item, (Event, Comment)):
                clock.advance(1000)
                sse_server.release()
        assert data_in(seen) == ["a", "b", "c"]
        assert timeouts_in(seen) == []

    def test_a_duplicate_is_an_event(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """A server that repeats itself is not one whose source is dead."""
        clock = FakeClock()
        sse_server.script([[event("a", id="1"), cut()], [event("a", id="1"), raw(b": x\n\n"), stall()]])
        source = make_source(
            clock=clock, dedupe=Dedupe(), timeouts=Timeouts(read=LIMIT, first_event=5, event_idle=6)
        )
        items = list[StreamItem]()
        for item in source.all():
            items.append(item)
            if len(timeouts_in(items)) == 1:
                source.close()
        assert timeouts_in(items) == [("read", LIMIT)]

    def test_time_before_the_head_is_not_theirs(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """That is the read timeout's."""
        sse_server.script([silence(), event("a")])
        source = make_source(timeouts=Timeouts(read=LIMIT, first_event=0.001, event_idle=0.001))
        items = list[StreamItem]()
        for item in source.all():
            items.append(item)
            if isinstance(item, Interrupted):
                break
        assert timeouts_in(items) == [("read", LIMIT)]

    def test_they_are_off_by_default(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Heartbeats keep a stream alive for ever."""
        clock = FakeClock()
        sse_server.script([[event("a", id="1"), HEARTBEATS]])
        source = make_source(clock=clock)
        comments = 0
        for item in source.all():
            comments += isinstance(item, Comment)
            clock.advance(10_000)
            if comments == 20:
                source.close()
        assert source.stats.interruptions == 0

    def test_the_wait_for_room_does_not(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """It is for want of acknowledgements that nothing is given."""
        sse_server.script([[*(event(each, id=each) for each in "abc"), stall()]])
        clock = FakeClock()
        source = make_source(
            clock=clock, ack="manual", max_unacknowledged=1, timeouts=Timeouts(read=10, event_idle=5)
        )
        reading = Reading(source)
        for count in (1, 2):
            reading.wait_for(count)
            source.ack([item for item in reading.items if isinstance(item, Event)][count - 1])
        reading.wait_for(3)
        source.close()
        assert timeouts_in(reading.join()) == []

    def test_a_strike_saves_and_loses_nothing(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """The checkpoint is as it would be at any interruption."""
        sse_server.script([[event("a", id="1"), event("b", id="2"), HEARTBEATS]])
        store = Store()
        source = make_source(
            checkpoint=store, checkpoint_interval=0, name="n", timeouts=Timeouts(event_idle=LIMIT)
        )
        everything(source)
        assert store.saves == ["1", "2"]
        assert source.health().last_error == f"bytes came, but no event within {LIMIT:g} s"
