"""One connection: opening, reading, giving up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from everstream import (
    ConfigurationError,
    EverstreamError,
    StreamInterrupted,
    StreamTimeout,
    Timeouts,
    iter_events,
)
from everstream.core.protocol import EventSourceProtocol
from everstream.testing import SSEServer, connection, endless, event, raw, silence, stall, status
from everstream.transports.sync import Connection, RequestTemplate, Transport, is_response, response_chunks
from tests.reading import DEADLINE, RECEIVING, is_in, open_sockets, wait_until

LIMITS = Timeouts(connect=10, read=10)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks the scripted server directly."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(params=[True, False], ids=["own session", "the caller's session"])
def transport(request: pytest.FixtureRequest) -> Iterator[Transport]:
    """Both kinds."""
    with requests.Session() as session:
        yield Transport(None if request.param else session, LIMITS)


def opened(transport: Transport, server: SSEServer) -> Connection:
    """Returns an open connection."""
    made = transport.connection()
    made.open(RequestTemplate(url=server.url), EventSourceProtocol().connecting(0.0))
    return made


class TestOpening:
    def test_it_has_a_status_and_headers_then(self, sse_server: SSEServer, transport: Transport) -> None:
        """Of the response, whatever it is."""
        sse_server.script([status(418, headers={"X-Pot": "tea"})])
        made = opened(transport, sse_server)
        assert (made.status, made.headers["x-pot"], made.crossed_origin) == (418, "tea", False)
        made.close()

    def test_given_up_before_it_asks_for_nothing(self, sse_server: SSEServer, transport: Transport) -> None:
        """And says so, as an error that its owner takes for what it is."""
        made = transport.connection()
        made.abort()
        with pytest.raises(StreamInterrupted):
            made.open(RequestTemplate(url=sse_server.url), EventSourceProtocol().connecting(0.0))
        assert made.aborted
        assert sse_server.requests == []

    def test_an_adapter_whose_responses_cannot_be_read_promptly_is_refused(self) -> None:
        """Any other way to read would hold events back."""

        class Adapter(HTTPAdapter):
            def send(self, *_: Any, **__: Any) -> requests.Response:
                response = requests.Response()
                response.status_code, response.raw = 200, object()
                return response

        with requests.Session() as session:
            session.mount("http://", Adapter())
            made = Transport(session, LIMITS).connection()
            with pytest.raises(ConfigurationError, match="read1"):
                made.open(
                    RequestTemplate(url="http://stream.example/"), EventSourceProtocol().connecting(0.0)
                )


class OddResponse(requests.Response):
    """A response of an adapter that has a bug."""

    def __init__(self) -> None:
        super().__init__()
        self.status_code, self.raw = 200, self

    def read1(self, *_: Any, **__: Any) -> bytes:
        """Fails as no network does."""
        raise LookupError("a bug")

    def release_conn(self) -> None:
        """Does what urllib3's does."""


def through(send: Callable[..., requests.Response]) -> Connection:
    """Returns a connection whose requests are answered by a function."""

    class Adapter(HTTPAdapter):
        def send(self, *_: Any, **__: Any) -> requests.Response:
            return send()

    session = requests.Session()
    session.mount("http://", Adapter())
    return Transport(session, LIMITS).connection()


TEMPLATE = RequestTemplate(url="http://stream.example/")


class TestBugsOfOthers:
    def test_while_opening_they_pass(self) -> None:
        """They are no failure of the network."""
        with pytest.raises(ZeroDivisionError):
            through(lambda: 1 // 0).open(TEMPLATE, EventSourceProtocol().connecting(0.0))  # type: ignore[arg-type,return-value]

    def test_but_not_what_fails_because_it_was_given_up(self) -> None:
        """A socket that is shut down in the middle of things fails in many ways."""

        def send() -> requests.Response:
            made.abort()
            raise ZeroDivisionError

        made = through(send)
        with pytest.raises(StreamInterrupted):
            made.open(TEMPLATE, EventSourceProtocol().connecting(0.0))

    def test_while_reading_they_pass(self) -> None:
        """Likewise."""
        made = through(OddResponse)
        made.open(TEMPLATE, EventSourceProtocol().connecting(0.0))
        with pytest.raises(LookupError, match="a bug"):
            made.read()


@pytest.mark.usefixtures("either_reader")
class TestReading:
    def test_it_gives_what_is_there_and_nothing_at_the_end(
        self, sse_server: SSEServer, transport: Transport
    ) -> None:
        """Nothing for ever, then."""
        sse_server.script([[raw(b"one"), raw(b"two")]])
        made = opened(transport, sse_server)
        whole = b""
        while chunk := made.read():
            whole += chunk
        assert whole == b"onetwo"
        assert made.read() == b""
        made.close()

    def test_before_it_is_open_there_is_nothing(self, transport: Transport) -> None:
        """No error either."""
        assert transport.connection().read() == b""

    @pytest.mark.parametrize("length", [0, 1, 1023, 1024, 1025, 5000])
    def test_an_excerpt_is_at_most_a_kibibyte(
        self, sse_server: SSEServer, transport: Transport, length: int
    ) -> None:
        """The first bytes of the body."""
        sse_server.script([status(500, body=b"x" * length)])
        made = opened(transport, sse_server)
        assert made.excerpt() == b"x" * min(length, 1024)
        made.close()

    @pytest.mark.parametrize(
        ("rest", "excerpt"),
        [
            ([raw(b"so far"), stall()], b"so far"),
            ([stall()], b""),
            ([raw(b"x" * 2000), endless(b"x")], b"x" * 1024),
        ],
        ids=["that stops", "that never comes", "without end"],
    )
    def test_an_excerpt_does_not_wait_for_a_body(
        self,
        sse_server: SSEServer,
        transport: Transport,
        monkeypatch: pytest.MonkeyPatch,
        rest: Any,
        excerpt: bytes,
    ) -> None:
        """It has what came within a second (here less), though the read timeout is longer."""
        monkeypatch.setattr("everstream.transports.sync.connection._EXCERPT_SECONDS", 0.2)
        sse_server.script([connection(*rest, status=500)])
        made = opened(transport, sse_server)
        assert made.excerpt() == excerpt
        made.close()
        sse_server.wait_until_client_gone(0)

    def test_an_excerpt_of_a_broken_body_is_what_came(
        self, sse_server: SSEServer, transport: Transport
    ) -> None:
        """No second error on top of the first."""
        sse_server.script([connection(raw(b"not gzip"), status=500, headers={"Content-Encoding": "gzip"})])
        made = opened(transport, sse_server)
        assert made.excerpt() == b""
        made.close()


@pytest.mark.usefixtures("either_reader")
class TestGivingUp:
    @pytest.mark.parametrize("times", [1, 2])
    def test_closed_any_number_of_times_it_is_closed(
        self, sse_server: SSEServer, transport: Transport, times: int
    ) -> None:
        """The server sees it."""
        sse_server.script([[event("1"), stall()]])
        made = opened(transport, sse_server)
        for _ in range(times):
            made.close()
        sse_server.wait_until_client_gone(0)
        assert not made.aborted

    def test_given_up_between_two_reads_it_is_closed_at_once(
        self, sse_server: SSEServer, transport: Transport
    ) -> None:
        """Nobody else would close it."""
        before = open_sockets()
        sse_server.script([[event("1"), event("2"), stall()]])
        made = opened(transport, sse_server)
        assert made.read()
        made.abort()
        sse_server.wait_until_client_gone(0)
        assert made.read() == b""
        made.close()
        made.abort()
        wait_until(lambda: open_sockets() <= before, "all sockets to be closed")

    def test_given_up_while_it_is_read_it_is_closed_by_the_reader(
        self, sse_server: SSEServer, transport: Transport
    ) -> None:
        """Closing it under the reader would wait for the reader."""
        before = open_sockets()
        sse_server.script([[stall()]])
        made = opened(transport, sse_server)
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append(made.read()), daemon=True)
        reader.start()
        wait_until(lambda: is_in(reader.ident, RECEIVING), "the reader to wait")
        made.abort()
        reader.join(DEADLINE)
        assert read == [b""]
        wait_until(lambda: open_sockets() <= before, "all sockets to be closed")

    def test_an_own_session_is_closed_with_it_and_a_callers_is_not(self, sse_server: SSEServer) -> None:
        """Which is what makes every connection a new one, or not."""
        for session in (None, requests.Session()):
            sse_server.script([connection(raw(b"x"), keep_alive=True)] * 2)
            transport = Transport(session, LIMITS)
            assert transport.is_own_session is (session is None)
            for _ in range(2):
                made = opened(transport, sse_server)
                while made.read():
                    pass
                made.close()
            transport.session.close()
        peers = [request.peer for request in sse_server.requests]
        assert peers[0] != peers[1]
        assert peers[2] == peers[3]


@pytest.mark.usefixtures("either_reader")
class TestACallersResponse:
    def test_it_is_known_from_other_sources(self) -> None:
        """Chunks may come from anywhere."""
        assert is_response(requests.Response())
        assert not is_response([b"x"])

    def test_its_chunks_come_as_they_are(self, sse_server: SSEServer) -> None:
        """Decompressed, until the body ends."""
        sse_server.script([connection(raw(b"one"), raw(b"two"), framing="gzip")])
        with requests.get(sse_server.url, stream=True, timeout=10) as response:
            assert b"".join(response_chunks(response)) == b"onetwo"

    def test_its_own_timeout_is_ours(self, sse_server: SSEServer) -> None:
        """Without a number: the limit is the caller's."""
        sse_server.script([[event("1"), stall()]])
        with requests.get(sse_server.url, stream=True, timeout=0.15) as response:
            events = iter_events(response)
            assert next(events).data == "1"
            with pytest.raises(StreamTimeout) as caught:
                next(events)
        assert caught.value.kind == "read"


def test_two_connections_of_one_transport_do_not_disturb_each_other(sse_server: SSEServer) -> None:
    """Giving one up while the other is being opened in another thread."""
    sse_server.script([[event("1"), stall()], silence()])
    transport = Transport(None, LIMITS)
    first, second = opened(transport, sse_server), transport.connection()
    failed: list[BaseException] = []

    def open_second() -> None:
        try:
            second.open(RequestTemplate(url=sse_server.url), EventSourceProtocol().connecting(0.0))
        except EverstreamError as error:
            failed.append(error)

    thread = threading.Thread(target=open_second)
    thread.start()
    sse_server.wait_for_requests(2)
    first.abort()
    sse_server.wait_until_client_gone(0)
    assert thread.is_alive()
    assert failed == []
    second.abort()
    thread.join(10)
    assert len(failed) == 1
    assert (first.aborted, second.aborted) == (True, True)
