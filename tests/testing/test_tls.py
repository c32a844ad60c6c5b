"""The same server with TLS."""

import http.client
import socket
import ssl
from collections.abc import Iterator

import pytest
import requests
import trustme

from everstream.testing import SSEServer, connection, cut, event, pause, reset, stall
from everstream.testing.steps import Encoding, Framing
from tests.testing.judges import get, raw_get, read_until

A = b"data: a\n\n"
AUTHORITY = trustme.CA()


@pytest.fixture
def client_context() -> ssl.SSLContext:
    """A client that trusts the server's authority and insists on a proper farewell."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@pytest.fixture
def tls_server() -> Iterator[SSEServer]:
    """A server with a certificate for its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    with SSEServer(ssl_context=context) as server:
        yield server


def test_the_url_says_https(tls_server: SSEServer) -> None:
    """Of the stream, and of any path."""
    assert tls_server.url == f"https://127.0.0.1:{tls_server.port}/events"


@pytest.mark.parametrize(
    ("framing", "encoding"), [("chunked", "identity"), ("close", "identity"), ("trickle", "gzip")]
)
def test_each_event_arrives_before_the_next_is_sent(
    tls_server: SSEServer, client_context: ssl.SSLContext, framing: Framing, encoding: Encoding
) -> None:
    """TLS holds nothing back, and the end is a proper one."""
    tls_server.script([connection(event("a"), pause(), framing=framing, encoding=encoding)])
    with get(tls_server, tls=client_context) as response:
        assert read_until(response, A) == A
        tls_server.wait_until_paused()
        tls_server.release()
        response.read()


def tls_read(server: SSEServer, context: ssl.SSLContext) -> bytes:
    """Reads a response to its end; a missing farewell of TLS is an error here."""
    received: list[bytes] = []
    with (
        raw_get(server, b"") as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        received.extend(iter(lambda: client.recv(65536), b""))
    return b"".join(received)


def test_a_proper_end_says_farewell(tls_server: SSEServer, client_context: ssl.SSLContext) -> None:
    """Without it, nobody could tell a cut from the end of a body that the close delimits."""
    tls_server.script([connection(event("a"), framing="close")])
    assert tls_read(tls_server, client_context).endswith(A)


def test_a_cut_does_not(tls_server: SSEServer, client_context: ssl.SSLContext) -> None:
    """The connection is closed below TLS."""
    tls_server.script([connection(event("a"), cut(), framing="close")])
    with pytest.raises(ssl.SSLEOFError):
        tls_read(tls_server, client_context)


def test_a_cut_leaves_the_body_incomplete(tls_server: SSEServer, client_context: ssl.SSLContext) -> None:
    """As it does without TLS."""
    tls_server.script([[event("a"), cut()]])
    with get(tls_server, tls=client_context) as response:
        assert read_until(response, A) == A
        with pytest.raises((http.client.IncompleteRead, ssl.SSLEOFError)):
            response.read()


def test_a_reset_is_a_real_one(tls_server: SSEServer, client_context: ssl.SSLContext) -> None:
    """After everything that was sent before it; seen below TLS, which may call it an end of file."""
    tls_server.script([connection(event("a"), reset(), framing="close")])
    with (
        raw_get(tls_server, b"") as plain,
        client_context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        received = b""
        while not received.endswith(A):
            received += client.recv(65536)
        with pytest.raises(ConnectionResetError):
            socket.socket.recv(client, 1)


def test_the_server_notices_that_the_client_has_gone(
    tls_server: SSEServer, client_context: ssl.SSLContext
) -> None:
    """With or without a farewell."""
    tls_server.script([[stall()]])
    with get(tls_server, tls=client_context):
        pass
    tls_server.wait_until_client_gone(0)


def test_a_client_that_does_not_trust_it_sends_no_request(
    tls_server: SSEServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """The connection is counted, and nothing is printed."""
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(tls_server.url, timeout=10)
    assert tls_server.accepted == 1
    tls_server.stop()
    assert tls_server.requests == []
    assert capfd.readouterr() == ("", "")


def test_a_slow_handshake_keeps_out_nobody(tls_server: SSEServer, client_context: ssl.SSLContext) -> None:
    """A client that connects and says nothing has its own thread."""
    tls_server.script([[event("a")]])
    with raw_get(tls_server, b""), get(tls_server, tls=client_context) as response:
        assert response.read() == A
