"""Ending a stream, by the thread that reads it (behaviours 72, 76 to 79 and 81)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
import requests
from tenacity import wait_none

from everstream import (
    Closed,
    Event,
    EventSource,
    EverstreamError,
    Interrupted,
    Opened,
    ReadyState,
    RetryPolicy,
)
from everstream.testing import SSEServer, connection, event, raw, stall, status
from tests.reading import data_in, everything, open_sockets, wait_until

MakeSource = Callable[..., EventSource]
THREE_IN_ONE_CHUNK = raw(b"id: a\ndata: 1\n\nid: b\ndata: 2\n\nid: c\ndata: 3\n\n")


def require_no_more_requests(server: SSEServer, count: int) -> None:
    """Checks that there were so many requests and no more, by making one that must be the next."""
    requests.get(server.url_for("/marker"), timeout=10)
    assert [request.path for request in server.requests] == [*["/events"] * count, "/marker"]


class TestTheOrder:
    def test_72_closed_before_it_is_iterated_it_gives_nothing(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Nothing is asked for."""
        source = make_source()
        source.close()
        assert source.state is ReadyState.CLOSED
        assert everything(source) == [Closed("close")]
        require_no_more_requests(sse_server, 0)

    def test_72_closed_twice_before_it_is_iterated_by_events(self, make_source: MakeSource) -> None:
        """The loop ends without an error."""
        source = make_source()
        source.close()
        source.close()
        assert list(source) == []

    @pytest.mark.parametrize("times", [1, 2])
    def test_72_closed_in_the_loop_it_ends_normally(
        self, sse_server: SSEServer, make_source: MakeSource, times: int
    ) -> None:
        """Once or twice, the loop ends, and the last item says that it was the caller."""
        sse_server.script([[event("1"), stall()]])
        source, items = make_source(), []
        for item in source.all():
            items.append(item)
            if isinstance(item, Event):
                for _ in range(times):
                    source.close()
        assert [type(item) for item in items] == [Opened, Event, Closed]
        assert items[-1] == Closed("close")
        sse_server.wait_until_client_gone(0)
        require_no_more_requests(sse_server, 1)

    def test_72_closed_after_it_ended_it_changes_nothing(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Neither how it ended nor what was received."""
        sse_server.script([event("1", id="a")])
        source = make_source()
        assert everything(source)[-1] == Closed("no content")
        source.close()
        source.close()
        assert everything(source) == []
        assert (source.state, source.last_event_id) == (ReadyState.CLOSED, "a")

    def test_72_closed_after_it_failed_it_still_tells_the_failure(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """To whoever iterates again."""
        sse_server.script([status(404)])
        source = make_source()
        with pytest.raises(EverstreamError, match="404") as first:
            next(source)
        source.close()
        with pytest.raises(EverstreamError, match="404") as second:
            next(source)
        assert second.value is first.value

    def test_72_reconnect_after_close_does_nothing(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Closed is for good."""
        sse_server.script([[event("1"), stall()]])
        source = make_source()
        assert next(source).data == "1"
        source.close()
        source.reconnect()
        assert list(source) == []
        require_no_more_requests(sse_server, 1)

    def test_72_leaving_with_twice_is_leaving_it_once(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Entering again does not open it again."""
        sse_server.script([[event("1"), stall()]])
        with make_source() as source:
            next(source)
        with source:
            assert list(source) == []
        require_no_more_requests(sse_server, 1)


@pytest.mark.usefixtures("either_reader")
class TestAfterClose:
    @pytest.mark.parametrize("framing", ["chunked", "length", "close", "gzip"])
    def test_76_what_came_with_the_last_event_is_not_given(
        self, sse_server: SSEServer, make_source: MakeSource, framing: Any
    ) -> None:
        """Three events in one chunk, closed at the first: there is no second."""
        sse_server.script([connection(THREE_IN_ONE_CHUNK, stall(), framing=framing)])
        source, seen = make_source(), []
        for each in source:
            seen.append(each.data)
            source.close()
        assert seen == ["1"]
        sse_server.wait_until_client_gone(0)

    def test_76_the_event_in_hand_counts_as_delivered_once_the_loop_comes_back(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """A consumer that leaves at once has not taken it: a new process would get it again."""
        sse_server.script([], then=[THREE_IN_ONE_CHUNK, stall()])
        left, came_back = make_source(), make_source()
        for _ in left:
            left.close()
            break
        for _ in came_back:
            came_back.close()
        assert (left.last_event_id, came_back.last_event_id) == ("", "a")


@pytest.mark.usefixtures("either_reader")
class TestLeaving:
    def test_77_breaking_out_of_the_loop_inside_with_closes_the_connection(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """The server sees the end."""
        sse_server.script([[event("1"), stall()]])
        with make_source() as source:
            for _ in source:
                break
            assert source.state is ReadyState.OPEN
        sse_server.wait_until_client_gone(0)
        assert source.state is ReadyState.CLOSED
        require_no_more_requests(sse_server, 1)

    def test_77_leaving_with_is_told_at_once(
        self, sse_server: SSEServer, make_source: MakeSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The record of the end does not wait until somebody iterates again."""
        caplog.set_level("INFO", "everstream")
        sse_server.script([[event("1"), stall()]])
        with make_source() as source:
            next(source)
        records = [
            record.getMessage().partition(" ")[0] for record in caplog.records if record.name == "everstream"
        ]
        assert records == ["stream.opened", "stream.closed"]

    def test_77_an_exception_inside_with_passes_and_closes_the_connection(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Whatever the consumer raises is the consumer's."""
        sse_server.script([[event("1"), stall()]])
        with pytest.raises(ZeroDivisionError), make_source() as source:
            for _ in source:
                _ = 1 / 0
        sse_server.wait_until_client_gone(0)

    def test_77_breaking_out_and_coming_back_goes_on_with_the_same_connection(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Loops, next() and all() take turns, and no event is lost between them."""
        sse_server.script([[THREE_IN_ONE_CHUNK, event("4"), event("5"), event("6"), stall()]])
        source, seen = make_source(), []
        for each in source:
            seen.append(each.data)
            break
        seen.append(next(source).data)
        seen += data_in(islice(source.all(), 1))
        seen += [each.data for each in islice(source, 3)]
        assert seen == ["1", "2", "3", "4", "5", "6"]
        assert len(sse_server.requests) == 1
        assert source.state is ReadyState.OPEN

    def test_77_leaving_with_before_the_first_item_asks_for_nothing(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """There is nothing to close."""
        with make_source() as source:
            iter(source)
        require_no_more_requests(sse_server, 0)
        assert source.state is ReadyState.CLOSED


class CountingSession(requests.Session):
    """A session that counts how often it is closed."""

    closed = 0

    def close(self) -> None:
        """Counts, and closes."""
        self.closed += 1
        super().close()


@pytest.mark.usefixtures("either_reader")
class TestSessions:
    def test_78_a_callers_session_is_not_closed(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Neither by a reconnect, by close() nor by leaving `with`; the stream's own connection is."""
        sse_server.script([event("1"), [event("2"), stall()]])
        session = CountingSession()
        with make_source(session=session) as source:
            assert [next(source).data, next(source).data] == ["1", "2"]
            source.close()
        assert session.closed == 0
        sse_server.wait_until_client_gone(1)
        assert session.get(sse_server.url, timeout=10).status_code == 204
        session.close()

    def test_78_other_connections_of_a_callers_session_go_on(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Two streams on one session: the end of one is not the end of the other."""
        sse_server.script([[event("1"), stall()], connection(event("2"), event("3"), stall())])
        with requests.Session() as session:
            first, second = make_source(session=session), make_source(session=session)
            assert (next(first).data, next(second).data) == ("1", "2")
            first.close()
            sse_server.wait_until_client_gone(0)
            assert next(second).data == "3"
            second.close()
        assert len(sse_server.requests) == 2

    def test_78_an_own_session_leaves_no_socket(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Not even if the server keeps the connection alive."""
        before = open_sockets()
        sse_server.script([connection(event("1"), keep_alive=True), [event("2"), stall()]])
        source = make_source()
        assert [next(source).data, next(source).data] == ["1", "2"]
        assert sse_server.requests[0].peer != sse_server.requests[1].peer
        source.close()
        wait_until(lambda: open_sockets() <= before, "all sockets to be closed")


class TestWhatPasses:
    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, RuntimeError])
    def test_79_what_the_consumer_raises_passes_and_the_connection_is_closed(
        self, sse_server: SSEServer, make_source: MakeSource, kind: type[BaseException]
    ) -> None:
        """As it was raised."""
        sse_server.script([[event("1"), stall()]])
        raised = kind()
        with pytest.raises(kind) as caught, make_source() as source:
            for _ in source:
                raise raised
        assert caught.value is raised
        sse_server.wait_until_client_gone(0)
        require_no_more_requests(sse_server, 1)

    def test_79_a_generator_around_it_can_be_closed(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """`with` inside a generator that the consumer leaves."""
        sse_server.script([[event("1"), stall()]])

        def consume() -> Iterator[str]:
            with make_source() as source:
                for each in source:
                    yield each.data

        generator = consume()
        assert next(generator) == "1"
        generator.close()  # type: ignore[attr-defined]
        sse_server.wait_until_client_gone(0)

    @pytest.mark.parametrize("argument", ["headers", "params", "auth"])
    def test_79_what_a_callers_function_raises_passes_and_ends_the_stream(
        self, sse_server: SSEServer, make_source: MakeSource, argument: str
    ) -> None:
        """A bug in it is not retried away."""
        functions = {argument: lambda: {}["no such key"]}
        source = make_source(**functions)
        with pytest.raises(KeyError, match="no such key"):
            next(source)
        assert source.state is ReadyState.CLOSED
        require_no_more_requests(sse_server, 0)


class TestClosedByWhatIsCalled:
    def test_81_closed_at_an_interruption_there_is_no_further_attempt(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """The consumer of `all()` decides that it is enough."""
        sse_server.script([], then=status(503))
        source, items = make_source(), []
        for item in source.all():
            items.append(item)
            if isinstance(item, Interrupted):
                source.close()
        assert [type(item) for item in items] == [Interrupted, Closed]
        require_no_more_requests(sse_server, 1)

    @pytest.mark.parametrize(
        ("record", "count"), [("stream.connecting", 0), ("stream.opened", 1), ("stream.interrupted", 1)]
    )
    def test_81_a_logger_may_close_it(
        self, sse_server: SSEServer, make_source: MakeSource, record: str, count: int
    ) -> None:
        """At any record; what was not asked for yet never is."""
        sse_server.script([[raw(b": no event\n")]], then=event("again"))

        class Closes:
            def _note(self, name: str, /, **_: object) -> None:
                if name == record:
                    source.close()

            debug = info = warning = error = _note

        source = make_source(logger=Closes())
        items = everything(source)
        assert items[-1] == Closed("close")
        assert data_in(items) == []
        require_no_more_requests(sse_server, count)

    @pytest.mark.parametrize("argument", ["headers", "params", "auth", "data"])
    def test_81_a_function_for_the_request_may_close_it(
        self, sse_server: SSEServer, make_source: MakeSource, argument: str
    ) -> None:
        """The request that it was asked for is not made."""

        def closes() -> Any:
            source.close()
            return {"headers": {}, "params": {}, "auth": ("u", "p"), "data": b""}[argument]

        source = make_source(**{argument: closes})
        assert everything(source) == [Closed("close")]
        require_no_more_requests(sse_server, 0)

    @pytest.mark.parametrize("part", ["retryable", "wait", "stop"])
    def test_81_a_retry_policy_may_close_it(
        self, sse_server: SSEServer, make_source: MakeSource, part: str
    ) -> None:
        """Whatever it then answers: there is no further attempt."""
        sse_server.script([], then=status(503))

        def closes(_: object) -> Any:
            source.close()
            return {"retryable": True, "wait": 60.0, "stop": False}[part]

        parts: dict[str, Any] = {"wait": wait_none(), part: closes}
        source = make_source(retry=RetryPolicy(**parts))
        assert everything(source)[-1] == Closed("close")
        require_no_more_requests(sse_server, 1)
