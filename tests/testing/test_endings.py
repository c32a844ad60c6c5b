"""The ways in which a connection ends, or never begins."""

import errno
import http.client
import socket

import pytest

from everstream.testing import (
    SSEServer,
    Step,
    comment,
    connection,
    cut,
    endless,
    event,
    garbage,
    no_content,
    pause,
    raw,
    redirect,
    reset,
    retry,
    silence,
    stall,
    status,
    wait,
)
from everstream.testing.steps import Framing
from tests.testing.judges import everything, get, raw_get, read_until

A = b"data: a\n\n"


def test_the_steps_that_send(sse_server: SSEServer) -> None:
    """Events, reconnection times, comments and raw bytes are sent in order."""
    sse_server.script(
        [[comment("hi"), retry(50), event("a", id="1", type="t"), raw(b"\xff\r"), wait(0), comment()]]
    )
    with get(sse_server) as response:
        assert response.read() == b": hi\nretry: 50\nevent: t\nid: 1\ndata: a\n\n\xff\r:\n"


@pytest.mark.parametrize("framing", ["chunked", "trickle", "length"])
@pytest.mark.parametrize("remains", [b"", b"data: b"])
def test_a_cut_leaves_the_body_incomplete(sse_server: SSEServer, framing: Framing, remains: bytes) -> None:
    """The client gets what was sent, also the half of an event, and can tell that more was to come."""
    sse_server.script([connection(event("a"), cut(remains), framing=framing)])
    with get(sse_server) as response:
        assert read_until(response, A + remains) == A + remains
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_a_cut_without_chunks_and_length_is_a_close(sse_server: SSEServer) -> None:
    """Nobody could tell it from a proper end."""
    sse_server.script([connection(event("a"), cut(b"data: b"), framing="close")])
    with get(sse_server) as response:
        assert response.read() == A + b"data: b"


@pytest.mark.parametrize("framing", ["chunked", "trickle", "length", "close"])
def test_a_reset_is_a_real_one(sse_server: SSEServer, framing: Framing) -> None:
    """The client's read fails with ECONNRESET, and only after it has got everything before it."""
    burst = [event("a") for _ in range(100)]
    sse_server.script([connection(*burst, reset(), framing=framing, split=3)])
    with raw_get(sse_server) as client:
        pieces: list[bytes] = []
        with pytest.raises(ConnectionResetError) as reset_by_peer:
            pieces.extend(iter(lambda: client.recv(65536), b""))
    assert reset_by_peer.value.errno == errno.ECONNRESET
    assert b"".join(pieces).count(b"a") >= 100


def test_a_reset_before_any_byte(sse_server: SSEServer) -> None:
    """A stream can be reset right after its head."""
    sse_server.script([[reset()]])
    with raw_get(sse_server) as client, pytest.raises(ConnectionResetError):
        assert everything(client).startswith(b"HTTP/1.1 200")


def test_garbage_in_place_of_a_response(sse_server: SSEServer) -> None:
    """A client that expects HTTP gets something else."""
    sse_server.script([garbage(), garbage(b"SSH-2.0-x\r\n")])
    for _ in range(2):
        with pytest.raises(http.client.BadStatusLine), get(sse_server):
            pass


def test_garbage_in_place_of_a_chunk(sse_server: SSEServer) -> None:
    """The chunk header in the middle of a stream is no number."""
    sse_server.script([[event("a"), garbage()]])
    with get(sse_server) as response:
        assert read_until(response, A) == A
        with pytest.raises(http.client.IncompleteRead):
            response.read()


def test_a_status_is_a_complete_response(sse_server: SSEServer) -> None:
    """With Retry-After, further headers, a body and its type."""
    sse_server.script(
        [
            status(503, retry_after=7, headers={"X-Reason": "tired"}, body=b"later"),
            status(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT", content_type=None),
        ]
    )
    with get(sse_server) as response:
        assert (response.status, response.read()) == (503, b"later")
        assert response.headers["Retry-After"] == "7"
        assert response.headers["X-Reason"] == "tired"
        assert response.headers["Content-Length"] == "5"
        assert response.headers["Content-Type"].startswith("text/plain")
    with get(sse_server) as response:
        assert response.headers["Retry-After"] == "Wed, 21 Oct 2015 07:28:00 GMT"
        assert response.headers["Content-Type"] is None


def test_the_body_of_a_status_can_be_endless(sse_server: SSEServer) -> None:
    """It goes on until the client has had enough."""
    sse_server.script([status(500, body=endless(b"no " * 1000))])
    with get(sse_server) as response:
        assert response.read(100_000)[:6] == b"no no "
    sse_server.wait_until_client_gone(0)


def test_a_redirect_says_where_to(sse_server: SSEServer) -> None:
    """Any code; and a location that is missing."""
    sse_server.script([redirect("/there"), redirect("http://127.0.0.1:1/", 301), redirect(None)])
    seen = []
    for _ in range(3):
        with get(sse_server) as response:
            seen.append((response.status, response.headers["Location"], response.read()))
    assert seen == [(307, "/there", b""), (301, "http://127.0.0.1:1/", b""), (307, None, b"")]


def test_no_content_has_no_body(sse_server: SSEServer) -> None:
    """204 has neither a length nor chunks."""
    sse_server.script([no_content()])
    with raw_get(sse_server) as client:
        assert everything(client) == b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def test_an_endless_stream_can_pause_between_its_pieces(sse_server: SSEServer) -> None:
    """Heartbeats, for example."""
    sse_server.script([[endless(b":\n", every=0.001)]])
    with get(sse_server) as response:
        assert read_until(response, b":\n:\n:\n")
    sse_server.wait_until_client_gone(0)


@pytest.mark.parametrize("step", [stall(), pause(), wait(60), endless(b"data: x\n\n")], ids=repr)
def test_the_server_notices_that_the_client_has_gone(sse_server: SSEServer, step: Step) -> None:
    """While it holds a stream, and while it sends."""
    sse_server.script([[event("a"), step]])
    with get(sse_server) as response:
        response.read1(9)
        assert not sse_server.requests[0].client_gone.is_set()
    sse_server.wait_until_client_gone(0)
    assert sse_server.requests[0].client_gone.is_set()


def test_silence_is_not_an_answer(sse_server: SSEServer) -> None:
    """The request is taken, and nothing comes until the client gives up."""
    sse_server.script([silence()])
    with raw_get(sse_server) as client:
        sse_server.wait_for_requests(1)
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
    sse_server.wait_until_client_gone(0)


def test_a_client_that_resets_has_gone(sse_server: SSEServer) -> None:
    """A reset counts like a close."""
    sse_server.script([[stall()]])
    with raw_get(sse_server) as client:
        sse_server.wait_for_requests(1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sse_server.wait_until_client_gone(0)


def test_what_a_client_sends_after_its_request_does_not_matter(sse_server: SSEServer) -> None:
    """The server is not woken again and again, and does not reset the connection at its end."""
    sse_server.script([[pause(), event("a")]])
    with raw_get(sse_server) as client:
        sse_server.wait_until_paused()
        client.sendall(b"anything")
        sse_server.release()
        client.sendall(b"more")
        assert everything(client).endswith(b"0\r\n\r\n")
