"""The end of a connection, and what follows (behaviours 45 to 51)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from tenacity import wait_none

from everstream import (
    CertificateInvalid,
    Closed,
    ConnectFailed,
    Event,
    EventSource,
    Failed,
    FullJitter,
    Interrupted,
    Opened,
    RetriesExhausted,
    RetryPolicy,
    StreamIncomplete,
    StreamInterrupted,
    StreamTimeout,
    Timeouts,
)
from everstream.testing import (
    SSEServer,
    comment,
    connection,
    cut,
    end,
    event,
    garbage,
    pause,
    raw,
    reset,
    retry,
    silence,
    stall,
    wait,
)
from tests.fakes import FakeClock
from tests.reading import data_in, errors_in, everything
from tests.sockets import full_backlog

MakeSource = Callable[..., EventSource]


@pytest.mark.usefixtures("either_reader")
class TestACleanEnd:
    def test_45_a_clean_end_reconnects_after_the_reconnection_time(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """The end is told as an interruption, with the wait that follows; then the stream goes on."""
        sse_server.script([[retry(1500), event("1", id="a")], event("2")])
        clock = FakeClock()
        items = everything(make_source(clock=clock))
        assert [type(item).__name__ for item in items] == [
            *("Opened", "RetryHint", "Event", "Interrupted", "Opened", "Event", "Interrupted", "Closed")
        ]
        interrupted = items[3]
        assert isinstance(interrupted, Interrupted)
        assert isinstance(interrupted.error, StreamInterrupted)
        assert (interrupted.error.reason, interrupted.error.events_received) == ("eof", 1)
        assert (interrupted.delay, interrupted.attempt, interrupted.last_event_id) == (1.5, 2, "a")
        assert clock.waits == [1.5, 1.5]

    def test_45_the_first_reconnect_has_jitter_too(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """A restarted server does not get all its clients back in one instant."""
        sse_server.script([[retry(1500), event("1")]])
        policy, clock = RetryPolicy(wait=FullJitter(random=lambda: 0.25)), FakeClock()
        everything(make_source(retry=policy, clock=clock))
        assert clock.waits == [1.75]

    def test_45_a_post_that_gave_an_event_has_ended(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """It may not be repeated, so the end of its body is the end of the stream."""
        sse_server.script([event("1")], then=event("paid for twice"))
        items = everything(make_source(method="POST", json={}))
        assert data_in(items) == ["1"]
        assert items[-1] == Closed("eof")

    def test_45_with_never_the_end_of_the_body_is_the_end(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """There is one connection."""
        sse_server.script([event("1")], then=event("no more"))
        items = everything(make_source(retry=RetryPolicy.never()))
        assert [type(item).__name__ for item in items] == ["Opened", "Event", "Closed"]
        assert items[-1] == Closed("eof")

    @pytest.mark.parametrize(
        "options", [{"method": "POST"}, {"retry": RetryPolicy.never()}], ids=["POST", "never"]
    )
    def test_45_a_final_end_inside_a_block_is_an_error(
        self, sse_server: SSEServer, make_source: MakeSource, options: dict[str, Any]
    ) -> None:
        """Something was cut off, and the caller must know."""
        sse_server.script([[event("1"), raw(b"data: 2\n")]], then=event("no more"))
        items = everything(make_source(**options))
        assert data_in(items) == ["1"]
        assert isinstance(items[-1], Failed)
        error = items[-1].error
        assert isinstance(error, StreamInterrupted)
        assert error.reason == "unfinished block"

    @pytest.mark.parametrize("rest", [b"", b"data: half"], ids=["at a boundary", "inside a block"])
    def test_45_a_final_end_without_until_is_incomplete(
        self, sse_server: SSEServer, make_source: MakeSource, rest: bytes
    ) -> None:
        """What was to end the stream never came; how the body ended is the cause."""
        sse_server.script([[event("1"), event("2"), raw(rest)]], then=event("no more"))
        items = everything(make_source(method="POST", until="[DONE]"))
        assert isinstance(items[-1], Failed)
        error = items[-1].error
        assert isinstance(error, StreamIncomplete)
        assert (error.until, error.events_received) == ("[DONE]", 2)
        assert isinstance(error.__cause__, StreamInterrupted)

    @pytest.mark.parametrize("last", [b"data: [DONE]\n\n", b"data: [DONE]\n", b"data: [DONE]"])
    def test_45_until_ends_the_stream_even_without_its_blank_line(
        self, sse_server: SSEServer, make_source: MakeSource, last: bytes
    ) -> None:
        """It is not delivered, and nothing is asked again, though a GET might be."""
        sse_server.script([[event("1"), raw(last)]], then=event("no more"))
        items = everything(make_source(until="[DONE]"))
        assert data_in(items) == ["1"]
        assert items[-1] == Closed("until")
        assert len(sse_server.requests) == 1

    def test_45_what_comes_after_until_is_not_delivered(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Nor waited for: the connection is given up."""
        sse_server.script([[raw(b"data: 1\n\ndata: [DONE]\n\ndata: 2\n\n"), stall()]])
        items = everything(make_source(until="[DONE]"))
        assert (data_in(items), items[-1]) == (["1"], Closed("until"))
        sse_server.wait_until_client_gone(0)

    def test_45_without_any_id_the_gap_is_reported(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """A reconnect that could not say where it stopped says so, and how long the stream was down."""
        sse_server.script([[retry(2000), event("1")], event("2", id="7"), event("3")])
        items = everything(make_source(clock=FakeClock()))
        opened = [item for item in items if isinstance(item, Opened)]
        assert [(each.last_event_id, each.downtime) for each in opened] == [("", None), ("", 2.0), ("7", 2.0)]


@pytest.mark.usefixtures("either_reader")
class TestWhatIsLeftOver:
    @pytest.mark.parametrize("ending", [end, cut], ids=["ended", "cut"])
    @pytest.mark.parametrize("framing", ["chunked", "length", "close"])
    @pytest.mark.parametrize(
        "rest",
        [
            b"event: a\ndata: x",
            b"event: a\ndata: x\n",
            b"data: \xe2\x82",
            b"\xe2",
            b"da",
            b"data: x\r",
            b"retry: 9000",
        ],
    )
    def test_46_the_rest_of_a_connection_does_not_reach_the_next(
        self, sse_server: SSEServer, make_source: MakeSource, ending: Any, framing: Any, rest: bytes
    ) -> None:
        """Neither data, type, half a line, half a character nor a waiting CR."""
        sse_server.script(
            [
                connection(event("0", id="0"), raw(rest), ending(), framing=framing),
                raw(b"\ndata: y\n\n"),
            ]
        )
        clock = FakeClock()
        events = list(make_source(clock=clock))
        assert [(each.type, each.data) for each in events] == [("message", "0"), ("message", "y")]
        assert sse_server.requests[1].last_event_id == "0"
        assert clock.waits == [0, 0]

    def test_46_the_id_of_a_block_that_was_cut_is_not_resumed_from(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """It would lose the event."""
        sse_server.script([[event("1", id="a"), raw(b"id: b\ndata: 2\n"), cut()], event("2", id="b")])
        assert [each.data for each in make_source()] == ["1", "2"]
        assert [request.last_event_id for request in sse_server.requests] == [None, "a", "b"]


@pytest.mark.usefixtures("either_reader")
class TestABrokenBody:
    @pytest.mark.parametrize(
        ("broken", "reason"),
        [
            (connection(event("1", id="a"), pause(), cut(b"data: 2\n\n")), "broken chunk"),
            (connection(event("1", id="a"), pause(), garbage(b"")), "broken chunk"),
            (connection(event("1", id="a"), pause(), garbage(b"zz\r\n")), "broken chunk"),
            (connection(event("1", id="a"), pause(), cut(), framing="length"), "short body"),
            (connection(event("1", id="a"), pause(), reset()), "reset"),
            (connection(event("1", id="a"), pause(), reset(), framing="length"), "reset"),
            (connection(event("1", id="a"), pause(), reset(), framing="close"), "reset"),
            (connection(event("1", id="a"), pause(), cut(), framing="close"), "eof"),
            (connection(event("1", id="a"), pause(), cut(), framing="gzip"), "broken chunk"),
        ],
        ids=[
            *("inside a chunk", "no last chunk", "no chunk size", "short", "reset"),
            *("reset with a length", "reset without either", "closed without either", "compressed"),
        ],
    )
    def test_47_a_broken_body_reconnects(
        self, sse_server: SSEServer, make_source: MakeSource, broken: Any, reason: str
    ) -> None:
        """What came before is delivered, the error says how it broke, and the stream resumes."""
        sse_server.script([broken, event("3")])
        source = make_source()
        stream = source.all()
        assert data_in(list(islice(stream, 2))) == ["1"]
        sse_server.release()
        items = list(stream)
        error = errors_in(items)[0]
        assert isinstance(error, StreamInterrupted)
        assert (error.reason, error.events_received) == (reason, items.count(Event("message", "2", "a")) + 1)
        assert data_in(items)[-1] == "3"
        assert sse_server.requests[1].last_event_id == "a"

    def test_47_a_body_that_cannot_be_decompressed_reconnects(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """It is an interruption like the others."""
        body = connection(raw(b"not gzip at all"), headers={"Content-Encoding": "gzip"})
        sse_server.script([body, event("1")])
        items = everything(make_source())
        assert isinstance(errors_in(items)[0], StreamInterrupted)
        assert errors_in(items)[0].reason == "undecodable body"  # type: ignore[attr-defined]
        assert data_in(items) == ["1"]

    @pytest.mark.parametrize(
        "wire",
        [
            b"",
            b"\x00\xff not HTTP\r\n\r\n",
            b"HTTP/1.1 20",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Ty",
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n",
        ],
        ids=["nothing", "no HTTP", "in the status", "after the status", "in a header", "after a header"],
    )
    def test_47_a_response_that_breaks_off_in_its_head_reconnects(
        self, sse_server: SSEServer, make_source: MakeSource, wire: bytes
    ) -> None:
        """On the very first connection too: half a head is no answer."""
        broken = connection(garbage(wire))
        sse_server.script([broken, event("1", id="a"), broken, event("2")])
        items = everything(make_source())
        assert [type(each) for each in errors_in(items)].count(ConnectFailed) == 2
        assert data_in(items) == ["1", "2"]
        assert sse_server.requests[3].last_event_id == "a"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Gives a port on which connections are made and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts yet."""
    return trustme.CA()


@pytest.fixture(params=[None, requests.Session], ids=["own session", "the caller's session"])
def session(request: pytest.FixtureRequest) -> Iterator[requests.Session | None]:
    """Both kinds of session."""
    if request.param is None:
        yield None
    else:
        with requests.Session() as session:
            yield session


def tls_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Returns the context of a server that has a certificate for this name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


class TestNoConnection:
    def test_48_a_refused_connection_is_retried_until_the_port_listens(
        self, sse_server: SSEServer, make_source: MakeSource, session: requests.Session | None
    ) -> None:
        """On the very first connection too, with attempts counted."""

        class OpensLater(FakeClock):
            def wait(self, seconds: float, wakeups: Any) -> None:
                super().wait(seconds, wakeups)
                if len(self.waits) == 3:
                    sse_server.accept()

        sse_server.script([event("1")])
        sse_server.refuse()
        items = everything(make_source(clock=OpensLater(), session=session))
        assert [str(each) for each in errors_in(items)[:3]] == [
            f"could not connect to 127.0.0.1:{sse_server.port}: Connection refused"
        ] * 3
        assert isinstance(items[3], Opened)
        assert items[3].attempt == 4
        assert data_in(items) == ["1"]

    def test_48_a_name_that_does_not_resolve_is_retried_up_to_the_limit(
        self, make_source: MakeSource
    ) -> None:
        """DNS failures pass; the resolver's words are the reason."""
        source = make_source("http://nowhere.invalid/events", retry=RetryPolicy.attempts(3, wait=wait_none()))
        with pytest.raises(RetriesExhausted) as caught:
            next(source)
        error = caught.value.last_error
        assert isinstance(error, ConnectFailed)
        assert (error.host, error.reason) == ("nowhere.invalid", "Name or service not known")
        assert isinstance(error.__cause__, socket.gaierror)

    def test_48_an_untrusted_certificate_is_final(
        self, authority: trustme.CA, make_source: MakeSource, session: requests.Session | None
    ) -> None:
        """Nothing is sent, and nothing tried again."""
        with SSEServer(ssl_context=tls_context(authority, "127.0.0.1")) as server:
            items = everything(make_source(server.url, session=session))
            assert [type(item) for item in items] == [Failed]
            assert isinstance(items[0], Failed)
            error = items[0].error
            assert isinstance(error, CertificateInvalid)
            assert error.host == f"127.0.0.1:{server.port}"
            assert "unable to get local issuer certificate" in str(error)
            assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
            assert (server.accepted, server.requests) == (1, [])

    def test_48_a_certificate_for_another_name_is_final(
        self,
        authority: trustme.CA,
        make_source: MakeSource,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Though its authority is trusted."""
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        with SSEServer(ssl_context=tls_context(authority, "other.example")) as server:
            with pytest.raises(CertificateInvalid, match=r"127\.0\.0\.1"):
                next(make_source(server.url))
            assert (server.accepted, server.requests) == (1, [])

    def test_48_a_server_that_speaks_no_tls_is_retried(
        self, sse_server: SSEServer, make_source: MakeSource, session: requests.Session | None
    ) -> None:
        """A proxy in front of it may be on its way up."""
        policy = RetryPolicy.attempts(2, wait=wait_none())
        url = f"https://127.0.0.1:{sse_server.port}/events"
        with pytest.raises(RetriesExhausted) as caught:
            next(make_source(url, retry=policy, session=session))
        error = caught.value.last_error
        assert type(error) is ConnectFailed
        assert error.reason.startswith("TLS failed (")
        assert isinstance(error.__cause__, ssl.SSLError)


class TestTimeouts:
    @pytest.mark.parametrize(
        "silent",
        [
            connection(event("1", id="a"), stall()),
            connection(event("1", id="a"), raw(b"data: half"), stall(), framing="length"),
            connection(event("1", id="a"), stall(), framing="gzip"),
        ],
        ids=["chunked", "inside a line", "gzip"],
    )
    @pytest.mark.usefixtures("either_reader")
    def test_49_silence_on_an_open_stream_reconnects(
        self, sse_server: SSEServer, make_source: MakeSource, session: requests.Session | None, silent: Any
    ) -> None:
        """A half-open connection is given up after the read timeout, and the stream resumes."""
        sse_server.script([silent, event("2")])
        items = everything(make_source(timeouts=Timeouts(connect=10, read=0.3), session=session))
        assert data_in(items) == ["1", "2"]
        error = errors_in(items)[0]
        assert isinstance(error, StreamTimeout)
        assert (error.kind, error.seconds) == ("read", 0.3)
        assert isinstance(error.__cause__, TimeoutError)
        assert sse_server.requests[1].last_event_id == "a"
        sse_server.wait_until_client_gone(0)

    def test_49_silence_before_the_response_reconnects(
        self, sse_server: SSEServer, make_source: MakeSource, session: requests.Session | None
    ) -> None:
        """The same limit holds for the head."""
        sse_server.script([silence(), event("1")])
        items = everything(make_source(timeouts=Timeouts(connect=10, read=0.3), session=session))
        assert (data_in(items), str(errors_in(items)[0])) == (["1"], "no byte came within 0.3 s")

    @pytest.mark.parametrize("beat", [comment(), raw(b"x")], ids=["comment", "part of a line"])
    @pytest.mark.usefixtures("either_reader")
    def test_50_any_byte_resets_the_read_timeout(
        self, sse_server: SSEServer, make_source: MakeSource, beat: Any
    ) -> None:
        """A server that sends a heartbeat now and then keeps its connection, for longer than the limit."""
        beats = [step for _ in range(16) for step in (beat, wait(0.05))]
        sse_server.script([[*beats, raw(b"\n"), event("1")]])
        items = everything(make_source(timeouts=Timeouts(connect=10, read=0.6)))
        assert data_in(items) == ["1"]
        assert [type(each) for each in errors_in(items)] == [StreamInterrupted]

    def test_51_a_connection_that_is_not_accepted_ends_after_the_connect_timeout(
        self, make_source: MakeSource, session: requests.Session | None
    ) -> None:
        """Though the read timeout is far longer."""
        with full_backlog() as port:
            items = everything(
                make_source(
                    f"http://127.0.0.1:{port}/",
                    timeouts=Timeouts(connect=0.3, read=600),
                    retry=RetryPolicy.never(),
                    session=session,
                )
            )
        assert [str(item.error) for item in items if isinstance(item, Failed)] == [
            "no connection within 0.3 s"
        ]

    def test_51_the_tls_handshake_counts_as_connecting(
        self, make_source: MakeSource, silent_port: int, session: requests.Session | None
    ) -> None:
        """A server that accepts and never answers the handshake."""
        source = make_source(
            f"https://127.0.0.1:{silent_port}/",
            timeouts=Timeouts(connect=0.3, read=600),
            retry=RetryPolicy.never(),
            session=session,
        )
        with pytest.raises(StreamTimeout) as caught:
            next(source)
        assert (caught.value.kind, caught.value.seconds, caught.value.retryable) == ("connect", 0.3, True)
