"""Framings and content codings: each event can be read before the next is sent."""

import http.client

import pytest
import requests

from everstream.testing import SSEServer, connection, cut, end, event, pause, stall
from everstream.testing.steps import Connection, Encoding, Framing
from everstream.testing.wire import Body
from tests.testing.judges import DEADLINE, decoder, everything, get, raw_get, read_until

FRAMINGS: list[Framing] = ["chunked", "trickle", "length", "close"]
ENCODINGS: list[Encoding] = ["identity", "gzip", "deflate"]
A, B = b"data: a\n\n", b"data: b\n\n"


def head_and_body(wire: bytes) -> tuple[bytes, bytes]:
    """Parts a response at its first blank line."""
    head, _, body = wire.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize("split", [None, 1, 4])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_each_event_arrives_before_the_next_is_sent(
    sse_server: SSEServer, framing: Framing, encoding: Encoding, split: int | None
) -> None:
    """Nothing is held back by the framing, the compressor or the network."""
    steps = (event("a"), pause(), event("b"), pause())
    sse_server.script([connection(*steps, framing=framing, encoding=encoding, split=split)])
    with get(sse_server) as response:
        decode = decoder(response.getheader("Content-Encoding"))
        for expected in (A, B):
            body = b""
            while body != expected:
                body += decode(response.read1(100))
            sse_server.release()
        assert decode(response.read()) == b""


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_requests_decodes_the_whole_body(sse_server: SSEServer, framing: Framing, encoding: Encoding) -> None:
    """A body that comes to its proper end is correct to the last byte."""
    sse_server.script([connection(event("a"), event("b"), framing=framing, encoding=encoding)])
    assert requests.get(sse_server.url, timeout=DEADLINE).content == A + B


def test_a_step_is_a_chunk(sse_server: SSEServer) -> None:
    """The usual framing has one HTTP chunk for each step."""
    sse_server.script([[event("a"), event("b")]])
    with raw_get(sse_server) as client:
        head, body = head_and_body(everything(client))
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"9\r\ndata: a\n\n\r\n9\r\ndata: b\n\n\r\n0\r\n\r\n"


def test_a_split_makes_small_chunks(sse_server: SSEServer) -> None:
    """Each piece is an HTTP chunk of its own."""
    sse_server.script([connection(event("a"), split=4)])
    with raw_get(sse_server) as client:
        _, body = head_and_body(everything(client))
    assert body == b"4\r\ndata\r\n4\r\n: a\n\r\n1\r\n\n\r\n0\r\n\r\n"


def test_a_chunk_can_trickle_in() -> None:
    """Its header announces all of it; its bytes are sent one by one, or in pieces of the given size."""
    bytewise = Body(connection(framing="trickle"))
    assert list(bytewise.pieces(b"abc")) == [b"3\r\n", b"a", b"b", b"c", b"\r\n"]
    by_two = Body(connection(framing="trickle", split=2))
    assert list(by_two.pieces(b"abc")) == [b"3\r\n", b"ab", b"c", b"\r\n"]


def test_a_length_is_exact_where_the_script_ends(sse_server: SSEServer) -> None:
    """With `end()`, said or implied, the response is complete; compression is counted."""
    sse_server.script(
        [
            connection(event("a"), end(), framing="length"),
            connection(event("a"), framing="length", encoding="gzip"),
        ]
    )
    for _ in range(2):
        with get(sse_server) as response:
            declared = int(response.headers["Content-Length"])
            assert len(response.read()) == declared


@pytest.mark.parametrize("last", [cut(), stall()], ids=repr)
def test_a_length_is_too_long_where_it_does_not(sse_server: SSEServer, last: Connection) -> None:
    """A body that is cut falls short of its length."""
    sse_server.script([connection(event("a"), last, framing="length")])  # type: ignore[arg-type]
    with get(sse_server) as response:
        assert int(response.headers["Content-Length"]) > 100_000
        assert response.read1(100) == A


def test_a_length_can_be_given(sse_server: SSEServer) -> None:
    """A wrong length is as good a fault as any."""
    sse_server.script([connection(event("a"), framing="length", length=10)])
    with get(sse_server) as response, pytest.raises(http.client.IncompleteRead):
        response.read()


def test_a_body_can_be_delimited_by_the_close_alone(sse_server: SSEServer) -> None:
    """Neither chunks nor a length; the end is a proper end."""
    sse_server.script([connection(event("a"), framing="close")])
    with get(sse_server) as response:
        assert response.headers["Transfer-Encoding"] is None
        assert response.headers["Content-Length"] is None
        assert response.read() == A


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_coding_is_short_for_chunks_with_it(sse_server: SSEServer, coding: Encoding) -> None:
    """`framing="gzip"` is `framing="chunked", encoding="gzip"`."""
    sse_server.script([connection(event("a"), pause(), framing=coding)])  # type: ignore[arg-type]
    with get(sse_server) as response:
        assert response.headers["Transfer-Encoding"] == "chunked"
        assert response.headers["Content-Encoding"] == coding
        assert read_until(response, A) == A
        sse_server.release()


def test_the_head_comes_before_the_first_step(sse_server: SSEServer) -> None:
    """A stream can be open long before its first event."""
    sse_server.script([[pause(), event("a")]])
    with get(sse_server) as response:
        assert response.status == 200
        sse_server.release()
        assert response.read() == A


def test_status_type_and_headers_are_free(sse_server: SSEServer) -> None:
    """An event stream with any status, any content type or none, and repeated headers."""
    cookies = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    sse_server.script(
        [
            connection(event("a"), status=299, content_type="text/html", headers=cookies),
            connection(event("a"), content_type=None, headers={"X-Name": "\u20ac"}),
        ]
    )
    with get(sse_server) as response:
        assert (response.status, response.headers["Content-Type"]) == (299, "text/html")
        assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
        assert response.read() == A
    with get(sse_server) as response:
        assert response.headers["Content-Type"] is None
        assert response.headers["X-Name"] == "\u20ac".encode().decode("latin-1")


def test_a_connection_can_stay_open_for_the_next_request(sse_server: SSEServer) -> None:
    """With `keep_alive`, a pool finds the connection usable after a proper end."""
    sse_server.script([connection(event("a"), keep_alive=True), [event("b")], [event("c")]])
    with requests.Session() as session:
        bodies = [session.get(sse_server.url, timeout=DEADLINE).content for _ in range(3)]
    assert bodies == [A, B, b"data: c\n\n"]
    first, second, third = (request.peer for request in sse_server.requests)
    assert first == second != third
    assert sse_server.accepted == 2
