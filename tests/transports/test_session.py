"""Our own session: its sockets are shown when they are made, and its heads are whole."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import trustme

from everstream.testing import SSEServer, connection, event, garbage, raw, stall
from everstream.transports.sync.session import own_session, watching


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks the scripted server directly."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Our own session."""
    with own_session() as session:
        yield session


class TestWatching:
    def test_a_socket_is_shown_when_it_is_connected(
        self, sse_server: SSEServer, session: requests.Session
    ) -> None:
        """Before the response; it is the one on which the request goes out."""
        sse_server.script([event("1")])
        shown: list[tuple[object, int]] = []
        with watching(lambda sock: shown.append((sock.getsockname(), len(sse_server.requests)))):
            session.get(sse_server.url, timeout=10)
        assert shown == [(sse_server.requests[0].peer, 0)]

    def test_with_tls_it_is_shown_before_the_handshake(
        self, session: requests.Session, tmp_path: Path
    ) -> None:
        """As the plain socket below."""
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        shown: list[type] = []
        with SSEServer(ssl_context=context) as server:
            with watching(lambda sock: shown.append(type(sock))):
                session.get(server.url, verify=str(tmp_path / "ca.pem"), timeout=10)
            assert len(server.requests) == 1
        assert shown == [socket.socket]

    def test_one_to_a_proxy_is_shown_too(self, sse_server: SSEServer, session: requests.Session) -> None:
        """It is the one that a reader waits on."""
        shown: list[object] = []
        session.proxies["http"] = sse_server.url_for("/")
        with watching(lambda sock: shown.append(sock.getpeername()[1])):
            session.get("http://stream.example/", timeout=10)
        assert shown == [sse_server.port]

    def test_nothing_is_shown_outside_of_it(self, sse_server: SSEServer, session: requests.Session) -> None:
        """Nor to whoever watches in another thread."""
        shown: list[object] = []
        with watching(shown.append):
            thread = threading.Thread(target=session.get, args=(sse_server.url,), kwargs={"timeout": 10})
            thread.start()
            thread.join(10)
        session.get(sse_server.url, timeout=10)
        assert len(sse_server.requests) == 2
        assert shown == []

    def test_inside_another_the_inner_one_is_shown(
        self, sse_server: SSEServer, session: requests.Session
    ) -> None:
        """And afterwards the outer one again."""
        outer: list[object] = []
        inner: list[object] = []
        with watching(outer.append):
            with watching(inner.append):
                session.get(sse_server.url, timeout=10)
            assert (len(outer), len(inner)) == (0, 1)
            session.get(sse_server.url, timeout=10)
        assert (len(outer), len(inner)) == (1, 1)

    def test_whoever_watches_may_refuse(self, sse_server: SSEServer, session: requests.Session) -> None:
        """Then the socket is closed and the error passes; nothing is sent."""
        shown: list[socket.socket] = []

        def refuse(sock: socket.socket) -> None:
            shown.append(sock)
            raise LookupError

        with watching(refuse), pytest.raises(LookupError):
            session.get(sse_server.url, timeout=10)
        assert [sock.fileno() for sock in shown] == [-1]
        assert sse_server.requests == []

    def test_its_sockets_notice_a_peer_that_has_vanished(
        self, sse_server: SSEServer, session: requests.Session
    ) -> None:
        """Even where the read timeout is off."""
        options: list[int] = []
        with watching(lambda sock: options.append(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))):
            session.get(sse_server.url, timeout=10)
        # The option is set before the socket is shown.
        assert options[0] != 0

    def test_a_plain_session_shows_nothing(self, sse_server: SSEServer) -> None:
        """Nobody else's connections are touched."""
        shown: list[object] = []
        with watching(shown.append), requests.Session() as plain:
            plain.get(sse_server.url, timeout=10)
        assert shown == []


class TestHeads:
    @pytest.mark.parametrize(
        "wire",
        [
            b"",
            b"HTTP/1.1",
            b"HTTP/1.1 200 OK",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nA: b",
            b"HTTP/1.1 200 OK\r\nA: b\r\n",
            b"HTTP/1.1 200 OK\nA: b\n",
            b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n",
        ],
    )
    def test_one_that_is_cut_off_is_none(
        self, sse_server: SSEServer, session: requests.Session, wire: bytes
    ) -> None:
        """Wherever the connection ends before the empty line."""
        sse_server.script([garbage(wire)])
        with pytest.raises(requests.ConnectionError) as caught:
            session.get(sse_server.url, stream=True, timeout=10)
        assert http.client.RemoteDisconnected.__name__ in repr(caught.value)

    @pytest.mark.parametrize(
        "wire",
        [
            b"HTTP/1.1 200 OK\r\n\r\nbody",
            b"HTTP/1.1 200 OK\n\nbody",
            b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody",
            b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\n\r\nbody",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody",
            b"HTTP/1.0 200 OK\r\n\r\nbody",
        ],
    )
    def test_one_that_is_whole_is_read_with_its_body(
        self, sse_server: SSEServer, session: requests.Session, wire: bytes
    ) -> None:
        """In all the forms that are read otherwise."""
        sse_server.script([garbage(wire)])
        response = session.get(sse_server.url, timeout=10)
        assert (response.status_code, response.content) == (200, b"body")

    def test_a_line_of_the_greatest_length_is_whole(
        self, sse_server: SSEServer, session: requests.Session
    ) -> None:
        """And a longer one is refused as it was."""
        longest = b"A: " + b"b" * (65536 - 5) + b"\r\n"
        sse_server.script(
            [garbage(b"HTTP/1.1 200 OK\r\n%b\r\n" % line) for line in (longest, b"A" + longest)]
        )
        assert len(session.get(sse_server.url, timeout=10).headers["A"]) == 65531
        with pytest.raises(requests.ConnectionError, match="got more than 65536 bytes"):
            session.get(sse_server.url, timeout=10)


def test_it_retries_nothing_by_itself(sse_server: SSEServer, session: requests.Session) -> None:
    """A second layer of retries would multiply the attempts of the policy."""
    sse_server.script([], then=garbage(b""))
    with pytest.raises(requests.ConnectionError):
        session.get(sse_server.url, timeout=10)
    assert len(sse_server.requests) == 1


def test_it_keeps_cookies_after_it_was_closed(sse_server: SSEServer, session: requests.Session) -> None:
    """Each connection ends with that, so that none is used twice."""
    sse_server.script(
        [connection(raw(b"x"), headers={"Set-Cookie": "a=1"}, keep_alive=True), [event("1"), stall()]]
    )
    session.get(sse_server.url, timeout=10)
    session.close()
    session.get(sse_server.url, stream=True, timeout=10).close()
    first, second = sse_server.requests
    assert first.peer != second.peer
    assert second.headers["Cookie"] == "a=1"
