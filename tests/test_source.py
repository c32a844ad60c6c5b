"""The event source: its arguments, its ways to be read, and what it says of itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from requests.auth import HTTPBasicAuth
from tenacity import wait_none

from everstream import (
    Closed,
    ConfigurationError,
    Event,
    EventSource,
    Failed,
    Interrupted,
    Opened,
    Position,
    QueryCursor,
    ReadyState,
    RetriesExhausted,
    RetryPolicy,
    Stats,
    StatusRejected,
    StreamInterrupted,
    Timeouts,
)
from everstream.testing import SSEServer, comment, connection, cut, event, pause, raw, retry, stall, status
from tests.fakes import FakeClock
from tests.reading import RECEIVING, Reading, data_in, everything

URL = "https://stream.example/events"
AT_ONCE = RetryPolicy(wait=wait_none())


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks the scripted server directly."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def source(sse_server: SSEServer) -> Iterator[EventSource]:
    """An event source on the scripted server that does not wait between attempts."""
    with EventSource(sse_server.url, retry=AT_ONCE, timeouts=Timeouts(connect=10, read=10)) as source:
        yield source


class TestArguments:
    @pytest.mark.parametrize(
        "arguments",
        [
            {"url": ""},
            {"url": "stream.example/events"},
            {"url": "ftp://stream.example/"},
            {"url": "http://"},
            {"url": "http:///events"},
            {"url": "http://[::1/"},
            {"url": "http://host:99999/"},
            {"url": "http://host:port/"},
            {"url": f"http://{'a' * 64}.example/"},
            {"url": b"http://stream.example/"},
            {"url": None},
            {"method": ""},
            {"method": "GET /"},
            {"method": "GET\r\nX-Injected: 1"},
            {"method": None},
            {"headers": [("Accept", "x")]},
            {"headers": "Accept: x"},
            {"params": "a=1"},
            {"params": [("a", "1")]},
            {"auth": "user:password"},
            {"auth": ["user", "password"]},
            {"auth": ("user",)},
            {"auth": ("user", "password", "more")},
            {"json": {1, 2}},
            {"json": len},
            {"json": float("nan")},
            {"json": {}, "data": b""},
            {"data": 5},
            {"data": iter([b"piece"])},
            {"timeouts": 5},
            {"timeouts": (5, 60)},
            {"retry": 3},
            {"last_event_id": 7},
            {"until": b"[DONE]"},
            {"max_event_bytes": 0},
            {"max_event_bytes": -1},
            {"name": 1},
            {"metrics": True, "name": "prices"},
        ],
        ids=",".join,
    )
    def test_what_cannot_work_is_refused_at_once(self, arguments: dict[str, Any]) -> None:
        """As a ConfigurationError, which is a ValueError too, before anything is asked."""
        with pytest.raises(ConfigurationError) as caught:
            EventSource(**{"url": URL, **arguments})
        assert isinstance(caught.value, ValueError)
        assert str(caught.value)

    @pytest.mark.parametrize(
        "arguments",
        [
            {"headers": lambda: "Accept: x"},
            {"headers": {"X-Number": 5}},
            {"headers": {"X-Line": "a\r\nb"}},
            {"headers": {"X-Text": "日本"}},
            {"params": lambda: "a=1"},
            {"auth": lambda: "user:password"},
            {"auth": lambda: ("one", "two", "three")},
            {"auth": lambda: 5},
        ],
        ids=["headers", "a number", "a line", "no latin", "params", "a text", "a triple", "a number as auth"],
    )
    def test_what_turns_out_not_to_work_ends_the_stream(
        self, sse_server: SSEServer, arguments: dict[str, Any]
    ) -> None:
        """With the same error, for good, and nothing is asked."""
        source = EventSource(sse_server.url, retry=AT_ONCE, **arguments)
        with pytest.raises(ConfigurationError):
            next(source)
        assert sse_server.accepted == 0

    @pytest.mark.parametrize(
        "arguments",
        [
            {"url": "HTTPS://Stream.Example/"},
            {"url": "http://[::1]:8080/"},
            {"url": "http://host_name/"},
            {"url": "http://bücher.example/"},
            {"method": "report"},
            {"headers": {}, "params": {}},
            {"headers": dict, "params": dict},
            {"auth": HTTPBasicAuth("u", "p")},
            {"json": 0},
            {"json": ""},
            {"data": bytearray(b"x").decode()},
            {"data": [("a", "1"), ("a", "2")]},
            {"timeouts": Timeouts(read=None)},
            {"last_event_id": ""},
            {"resume": QueryCursor("after", lambda event: event.id)},
        ],
        ids=",".join,
    )
    def test_what_can_work_is_taken(self, arguments: dict[str, Any]) -> None:
        """Nothing is asked for until the first item is."""
        assert EventSource(**{"url": URL, **arguments}).state is ReadyState.CONNECTING


class TestReading:
    def test_a_loop_gives_events_only(self, sse_server: SSEServer, source: EventSource) -> None:
        """And ends where the stream does."""
        sse_server.script([[comment(), retry(0), raw(b"id: 5\n\n"), event("1"), cut()], event("2")])
        events = list(source)
        assert [type(each) for each in events] == [Event, Event]
        assert [each.data for each in events] == ["1", "2"]

    def test_all_gives_everything_in_order(self, sse_server: SSEServer, source: EventSource) -> None:
        """What came over the wire, and what became of the connections."""
        sse_server.script([[comment("hi"), retry(0), raw(b"id: 5\n\n"), event("1"), cut()], status(503)])
        assert [type(item).__name__ for item in source.all()] == [
            *("Opened", "Comment", "RetryHint", "Position", "Event", "Interrupted", "Interrupted", "Closed")
        ]

    def test_next_gives_one_event_and_then_stops(self, sse_server: SSEServer, source: EventSource) -> None:
        """It ends as iterators do."""
        sse_server.script([event("1")])
        assert next(source).data == "1"
        with pytest.raises(StopIteration):
            next(source)
        assert next(source, None) is None

    def test_nothing_is_asked_before_the_first_item_is(
        self, sse_server: SSEServer, source: EventSource
    ) -> None:
        """Making one, and making an iterator of it, cost nothing."""
        stream = source.all()
        iter(source)
        assert sse_server.accepted == 0
        next(stream)
        assert len(sse_server.requests) == 1

    def test_two_iterators_are_one_stream(self, sse_server: SSEServer, source: EventSource) -> None:
        """Whoever asks gets the next item."""
        sse_server.script([[event("1"), event("2"), event("3"), stall()]])
        first, second = iter(source), iter(source)
        assert [next(first).data, next(second).data, next(first).data] == ["1", "2", "3"]
        assert len(sse_server.requests) == 1

    def test_the_same_id_on_several_events_loses_none(
        self, sse_server: SSEServer, source: EventSource
    ) -> None:
        """Ids are positions, not keys."""
        sse_server.script([[event("1", id="a"), event("2", id="a"), event("3", id="a")], event("4", id="a")])
        assert [each.data for each in source] == ["1", "2", "3", "4"]


class TestFailure:
    def test_it_is_raised_by_the_loop_and_again_by_the_next(
        self, sse_server: SSEServer, source: EventSource
    ) -> None:
        """Nobody takes a failed stream for one that has ended."""
        sse_server.script([event("1"), status(410)], then=event("never"))
        seen: list[Event] = []
        with pytest.raises(StatusRejected) as first:
            seen.extend(source)
        with pytest.raises(StatusRejected) as second:
            list(source)
        with pytest.raises(StatusRejected):
            next(source)
        assert second.value is first.value
        assert len(sse_server.requests) == 2

    def test_all_gives_it_as_an_item_and_raises_it_then(
        self, sse_server: SSEServer, source: EventSource
    ) -> None:
        """The item comes first, so that nothing depends on catching."""
        sse_server.script([status(410)])
        stream = source.all()
        item = next(stream)
        assert isinstance(item, Failed)
        with pytest.raises(StatusRejected) as caught:
            next(stream)
        assert caught.value is item.error

    def test_all_need_not_raise_it(self, sse_server: SSEServer, source: EventSource) -> None:
        """It is still there for whoever asks later."""
        sse_server.script([status(410)])
        assert [type(item) for item in source.all(raise_on_failure=False)] == [Failed]
        assert everything(source) == []
        with pytest.raises(StatusRejected):
            next(source)

    def test_giving_up_keeps_the_reason(self, sse_server: SSEServer) -> None:
        """RetriesExhausted in the loop, its cause behind it."""
        sse_server.script([], then=status(503))
        source = EventSource(sse_server.url, retry=RetryPolicy.attempts(2, wait=wait_none()))
        with pytest.raises(RetriesExhausted) as caught:
            next(source)
        assert isinstance(caught.value.__cause__, StatusRejected)
        assert caught.value.__cause__.status == 503

    def test_an_error_of_a_callers_logger_is_the_callers(self, sse_server: SSEServer) -> None:
        """It passes, and the connection is closed."""

        class Fails:
            def _record(self, name: str, /, **_: object) -> None:
                if name == "stream.opened":
                    raise LookupError(name)

            debug = info = warning = error = _record

        sse_server.script([[event("1"), stall()]])
        with pytest.raises(LookupError):
            next(EventSource(sse_server.url, logger=Fails()))
        sse_server.wait_until_client_gone(0)

    def test_an_error_of_a_callers_function_is_not_taken_for_one_of_ours(self) -> None:
        """A ValueError is what a second reader would cause, too."""

        def fails() -> dict[str, str]:
            raise ValueError("mine")

        with pytest.raises(ValueError, match="mine") as caught:
            next(EventSource(URL, headers=fails))
        assert type(caught.value) is ValueError


class TestOneReader:
    def test_a_second_thread_is_refused(self, sse_server: SSEServer, source: EventSource) -> None:
        """While the first one waits; it is left alone."""
        sse_server.script([[event("1"), stall()]])
        reading = Reading(source)
        reading.wait_for(1)
        reading.wait_until_in(RECEIVING)
        with pytest.raises(ConfigurationError, match="another thread"):
            next(source)
        with pytest.raises(ConfigurationError, match="another thread"):
            next(source.all())
        source.close()
        assert reading.join()[-1] == Closed("close")

    def test_so_is_one_that_was_reading_before(self, sse_server: SSEServer, source: EventSource) -> None:
        """It left its place to another in the middle of its loop."""
        sse_server.script([[event("1"), stall()]])
        stream = source.all()
        next(stream)
        reading = Reading(source)
        reading.wait_for(1)
        reading.wait_until_in(RECEIVING)
        with pytest.raises(ConfigurationError, match="another thread"):
            next(stream)
        source.close()
        assert data_in(reading.join()) == ["1"]

    def test_threads_may_take_turns(self, sse_server: SSEServer, source: EventSource) -> None:
        """One after the other, on the same connection."""
        sse_server.script([[event("1"), event("2"), stall()]])
        seen: list[str] = []
        for _ in range(2):
            thread = threading.Thread(target=lambda: seen.append(next(source).data))
            thread.start()
            thread.join(10)
        assert seen == ["1", "2"]
        assert len(sse_server.requests) == 1


class TestReconnecting:
    def test_a_request_that_must_not_be_repeated_is_not(
        self, sse_server: SSEServer, source: EventSource
    ) -> None:
        """Neither asked for nor done; the stream goes on as it was."""
        sse_server.script([[event("1"), pause(), event("2")]], then=event("again"))
        with EventSource(sse_server.url, method="POST", json={}) as post:
            post.reconnect()
            assert next(post).data == "1"
            next_event = post.all()
            sse_server.release()
            assert data_in([next(next_event)]) == ["2"]
            with pytest.raises(ConfigurationError, match="replay_safe"):
                post.reconnect()
            assert everything(post) == [Closed("eof")]
        assert len(sse_server.requests) == 1

    @pytest.mark.parametrize(
        "options", [{}, {"method": "POST", "json": {}, "replay_safe": True}], ids=["GET", "POST"]
    )
    def test_one_that_may_be_is(self, sse_server: SSEServer, options: dict[str, Any]) -> None:
        """It resumes."""
        sse_server.script([[event("1", id="a"), stall()], [event("2"), stall()]])
        with EventSource(sse_server.url, **options) as source:
            assert next(source).data == "1"
            source.reconnect()
            assert next(source).data == "2"
        assert sse_server.requests[1].last_event_id == "a"

    def test_before_the_first_item_there_is_nothing_to_drop(
        self, sse_server: SSEServer, source: EventSource
    ) -> None:
        """The one connection is made when it is asked for."""
        sse_server.script([[event("1"), stall()]])
        source.reconnect()
        assert next(source).data == "1"
        assert len(sse_server.requests) == 1


class TestState:
    def test_it_follows_the_connection(self, sse_server: SSEServer, source: EventSource) -> None:
        """Connecting, open, connecting between two connections, closed."""
        sse_server.script([event("1"), status(503)])
        states = [(type(item).__name__, source.state.name) for item in source.all()]
        assert states == [
            ("Opened", "OPEN"),
            ("Event", "OPEN"),
            ("Interrupted", "CONNECTING"),
            ("Interrupted", "CONNECTING"),
            ("Closed", "CLOSED"),
        ]

    def test_a_failed_stream_is_closed(self, sse_server: SSEServer, source: EventSource) -> None:
        """At its last item already."""
        sse_server.script([status(404)])
        assert source.state is ReadyState.CONNECTING
        assert [source.state for _ in source.all(raise_on_failure=False)] == [ReadyState.CLOSED]

    def test_the_representation_has_a_name_and_a_state(self) -> None:
        """The URL's public part if there is no name."""
        source = EventSource("https://user:word@stream.example/events?key=secret#part")
        assert repr(source) == "<EventSource https://stream.example/events connecting>"
        with closing(EventSource(URL, name="news")) as named:
            assert repr(named) == "<EventSource news connecting>"
        assert repr(named) == "<EventSource news closed>"


class TestCursor:
    def test_it_moves_when_the_next_item_is_asked_for(
        self, sse_server: SSEServer, source: EventSource
    ) -> None:
        """Not when an event is received: a consumer that dies with it gets it again."""
        sse_server.script([[event("1", id="a"), event("2", id="b"), raw(b"id: c\n\n"), event("3"), stall()]])
        seen: list[tuple[str, str]] = []
        for item in source.all():
            if isinstance(item, (Event, Position)):
                seen.append((item.id, source.last_event_id))
            if isinstance(item, Event) and item.data == "3":
                break
        assert seen == [("a", ""), ("b", "a"), ("c", "b"), ("c", "c")]

    def test_a_query_cursor_replaces_its_parameter_on_a_reconnect(self, sse_server: SSEServer) -> None:
        """There is one of it, wherever the first one came from; the others stay."""
        sse_server.script([event("1", id="7"), event("2")])
        source = EventSource(
            sse_server.url + "?after=0&b=%20",
            params={"after": "1"},
            resume=QueryCursor("after", lambda each: each.id),
            retry=AT_ONCE,
        )
        assert [each.data for each in source] == ["1", "2"]
        assert [request.query_pairs for request in sse_server.requests[:2]] == [
            [("after", "0"), ("b", " "), ("after", "1")],
            [("b", " "), ("after", "7")],
        ]
        assert sse_server.requests[1].last_event_id is None

    def test_a_reconnect_resumes_after_the_event_that_was_delivered(
        self, sse_server: SSEServer, source: EventSource
    ) -> None:
        """Also when the connection breaks while the consumer is busy."""
        sse_server.script([[event("1", id="a"), pause(), cut()], event("2")])
        for each in source:
            if each.data == "1":
                sse_server.release()
        assert sse_server.requests[1].last_event_id == "a"
        assert source.last_event_id == "a"


class TestStats:
    def test_there_is_nothing_to_begin_with(self, source: EventSource) -> None:
        """Zeros, and no error."""
        assert source.stats == Stats(0, 0, 0, 0, None, None)

    def test_everything_is_counted(self, sse_server: SSEServer) -> None:
        """Connections, interruptions, events, bytes of body, the time of the last event, the last error."""
        sse_server.script([[event("1"), comment("é"), cut()], status(503), event("2"), status(404)])
        clock = FakeClock(time=5000.0)
        source = EventSource(sse_server.url, retry=AT_ONCE, clock=clock)
        assert next(source).data == "1"
        clock.advance(7)
        items = everything(source)
        assert [type(item) for item in items if not isinstance(item, Event)][-1] is Failed
        stats = source.stats
        sent = len(b"data: 1\n\n: \xc3\xa9\ndata: 2\n\n")
        assert (stats.connects, stats.interruptions, stats.events, stats.bytes) == (2, 3, 2, sent)
        assert stats.last_event_time == 5007.0
        assert isinstance(stats.last_error, StatusRejected)
        assert stats.last_error.status == 404

    def test_a_passing_error_is_the_last_error(self, sse_server: SSEServer, source: EventSource) -> None:
        """Until another one comes; a normal end is none."""
        sse_server.script([[event("1"), cut()]])
        items = everything(source)
        assert source.stats.last_error is next(each.error for each in items if isinstance(each, Interrupted))
        assert isinstance(source.stats.last_error, StreamInterrupted)

    def test_compressed_bytes_count_decompressed(self, sse_server: SSEServer, source: EventSource) -> None:
        """As the parser sees them."""
        sse_server.script([connection(event("x" * 1000), framing="gzip")])
        everything(source)
        assert source.stats.bytes == len("data: \n\n") + 1000

    def test_a_snapshot_does_not_change(self, sse_server: SSEServer, source: EventSource) -> None:
        """It may be kept."""
        before = source.stats
        everything(source)
        assert before.connects == before.events == 0


class TestOpened:
    def test_it_says_what_was_answered(self, sse_server: SSEServer, source: EventSource) -> None:
        """Status, header fields in any case, the attempt, how long the stream was down."""
        sse_server.script([status(503), connection(event("1"), headers={"X-Trace": "t"})])
        opened = next(item for item in source.all() if isinstance(item, Opened))
        assert (opened.status, opened.attempt, opened.downtime) == (200, 2, None)
        assert opened.headers["x-trace"] == "t"
        assert opened.headers["CONTENT-TYPE"] == "text/event-stream"

    def test_downtime_counts_from_the_moment_it_broke(self, sse_server: SSEServer) -> None:
        """Over all attempts in between."""
        sse_server.script([[retry(3000), event("1"), pause()], status(503), status(503), event("2")])
        clock = FakeClock()
        opened: list[float | None] = []
        for item in EventSource(sse_server.url, retry=AT_ONCE, clock=clock).all():
            if isinstance(item, Opened):
                opened.append(item.downtime)
            if isinstance(item, Event) and item.data == "1":
                clock.advance(1000)
                sse_server.release()
        assert opened == [None, 9.0]
