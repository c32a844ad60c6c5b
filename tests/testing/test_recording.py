"""What the server records of requests, and waiting for them."""

import socket
import threading
import time

import pytest
import requests

from everstream.testing import SSEServer, end, event, silence, stall, status
from tests.testing.judges import DEADLINE, get, raw_get


def test_a_request_is_recorded_before_it_is_answered(sse_server: SSEServer) -> None:
    """Method, path, query, body and time of arrival."""
    sse_server.script([silence()])
    before = time.monotonic()
    with raw_get(sse_server, b"POST /a%20b?x=1&x=2&y=&z=%C3%A9 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"):
        (request,) = sse_server.wait_for_requests(1)
        assert (request.method, request.target) == ("POST", "/a%20b?x=1&x=2&y=&z=%C3%A9")
        assert (request.path, request.body) == ("/a b", b"abc")
        assert request.query == {"x": "2", "y": "", "z": "\u00e9"}
        assert request.query_pairs == [("x", "1"), ("x", "2"), ("y", ""), ("z", "\u00e9")]
        assert before <= request.time <= time.monotonic()
        assert request.ended is None
    sse_server.wait_until_client_gone(0)
    assert request.ended is not None
    assert request.ended >= request.time


def test_headers_are_kept_as_they_were_on_the_wire(sse_server: SSEServer) -> None:
    """Bytes, duplicates, underscores, order; looked up without regard to case."""
    head = b"GET / HTTP/1.1\r\nX-A: 1\r\nx_under: u\r\nx-a:  \xe2\x82\xac \r\nEmpty:\r\n\r\n"
    with raw_get(sse_server, head) as client:
        client.recv(1)
    headers = sse_server.requests[0].headers
    assert headers.fields == ((b"X-A", b"1"), (b"x_under", b"u"), (b"x-a", b"\xe2\x82\xac"), (b"Empty", b""))
    assert headers.raw("X-a") == [b"1", b"\xe2\x82\xac"]
    assert headers["x-A"] == b"1, \xe2\x82\xac".decode("latin-1")
    assert (headers.count("x-a"), headers.count("absent")) == (2, 0)
    assert "X_UNDER" in headers
    assert "absent" not in headers
    assert list(headers) == ["x-a", "x_under", "empty"]
    assert len(headers) == 3


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"7", "7"),
        (b"", ""),
        ("\u65e5\u672c".encode(), "\u65e5\u672c"),
        (b"\xe9", "\udce9"),
        (b"x" * 100_000, "x" * 100_000),
    ],
    ids=["number", "empty", "UTF-8", "not UTF-8", "longer than the standard library takes"],
)
def test_the_last_event_id_is_what_the_client_sent(sse_server: SSEServer, raw: bytes, text: str) -> None:
    """As text (UTF-8) and as bytes."""
    sse_server.script([status(431)])
    with raw_get(sse_server, b"GET / HTTP/1.1\r\nLast-Event-ID: %b\r\n\r\n" % raw) as client:
        assert client.recv(12) == b"HTTP/1.1 431"
    (request,) = sse_server.requests
    assert request.raw_last_event_id == raw
    assert request.last_event_id == text


def test_no_last_event_id_is_none(sse_server: SSEServer) -> None:
    """An absent header is not an empty one."""
    with get(sse_server):
        pass
    assert sse_server.requests[0].last_event_id is None
    assert sse_server.requests[0].raw_last_event_id is None


def test_chunked_bodies_are_recorded(sse_server: SSEServer) -> None:
    """Without the chunks."""
    requests.post(sse_server.url, data=iter([b"ab", b"c"]), timeout=DEADLINE)
    assert sse_server.requests[0].body == b"abc"


def test_a_request_can_be_read_in_a_failure_message(sse_server: SSEServer) -> None:
    """With the position that it asked for."""
    for headers in ({}, {"Last-Event-ID": "7"}):
        with get(sse_server, "/x?y", headers):
            pass
    assert [str(request) for request in sse_server.requests] == [
        "GET /x?y",
        "GET /x?y (Last-Event-ID: '7')",
    ]


def test_waiting_for_requests_ends_when_they_are_there(sse_server: SSEServer) -> None:
    """Any thread may bring them."""
    sse_server.script([[event("a")], [event("b")]])
    client = threading.Thread(target=lambda: [requests.get(sse_server.url, timeout=DEADLINE) for _ in "ab"])
    client.start()
    assert [request.number for request in sse_server.wait_for_requests(2)] == [0, 1]
    client.join()


def test_waiting_for_requests_says_what_came_instead(sse_server: SSEServer) -> None:
    """At the deadline, the message lists the requests that there are."""
    with get(sse_server, "/only"):
        pass
    with pytest.raises(AssertionError, match=r"waited 0.01 s for 2 requests, saw 1\n  GET /only"):
        sse_server.wait_for_requests(2, timeout=0.01)


def test_waiting_for_a_client_to_go_says_why_it_did_not(sse_server: SSEServer) -> None:
    """It never came, it is still there, or the script ended the connection."""
    with pytest.raises(AssertionError, match=r"request 0 did not come within 0.01 s"):
        sse_server.wait_until_client_gone(0, timeout=0.01)
    sse_server.script([[stall()], [end()]])
    with get(sse_server), pytest.raises(AssertionError, match=r"request 0 did not go within 0.01 s"):
        sse_server.wait_until_client_gone(0, timeout=0.01)
    with get(sse_server), pytest.raises(AssertionError, match="request 1 did not go before the server"):
        sse_server.wait_until_client_gone(1)


def test_waiting_for_a_pause_says_that_none_came(sse_server: SSEServer) -> None:
    """The script may have none, or no client may have reached it."""
    with pytest.raises(AssertionError, match=r"no pause\(\) was reached within 0.01 s"):
        sse_server.wait_until_paused(timeout=0.01)


def test_connections_without_a_request_are_counted(sse_server: SSEServer) -> None:
    """They bring no request, but they were accepted."""
    with socket.create_connection(("127.0.0.1", sse_server.port)), get(sse_server):
        assert sse_server.accepted == 2
    assert len(sse_server.requests) == 1
