"""Taking off the chunked coding below urllib3: all that it does besides goes on as before."""

from __future__ import annotations

import gzip
import http.client
import io
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import urllib3.exceptions as u3
from urllib3 import HTTPResponse

from everstream import iter_events
from everstream.testing import Connection, SSEServer, Step, connection, cut, event, garbage, pause, raw, stall
from everstream.transports.sync.connection import response_chunks
from everstream.transports.sync.patience import Patience
from everstream.transports.sync.unchunking import Unchunked, unchunk
from tests.reading import DEADLINE, RECEIVING, is_in, wait_until

HELLO = b"5\r\nhello\r\n"
LAST = b"0\r\n\r\n"


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A caller's session that asks the scripted server directly."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def chunks(*steps: Step, **options: Any) -> Connection:
    """Returns a connection whose steps are the bytes of a chunked body, framing and all; it stays open."""
    headers = {"Transfer-Encoding": "chunked", **options.pop("headers", {})}
    return connection(*steps, framing="close", headers=headers, **{"keep_alive": True, **options})


def get(session: requests.Session, server: SSEServer, timeout: float = DEADLINE) -> requests.Response:
    """Asks for a response whose body is unread."""
    return session.get(server.url, stream=True, timeout=timeout)


def unchunked(session: requests.Session, server: SSEServer, timeout: float = DEADLINE) -> HTTPResponse:
    """Asks, and has the body read by `Unchunked`."""
    response = get(session, server, timeout)
    unchunk(response.raw)
    assert is_unchunked(response.raw)
    raw: HTTPResponse = response.raw
    return raw


def is_unchunked(raw: Any) -> bool:
    """Returns whether the body is read by `Unchunked`."""
    return isinstance(getattr(getattr(raw, "_fp", None), "fp", None), Unchunked)


def read(raw: Any) -> tuple[bytes, str]:
    """Reads to the end: the body, and the names of the errors that ended it."""
    body = b""
    try:
        while part := raw.read1(65_536, decode_content=True):
            body += part
    except u3.HTTPError as error:
        return body, " of ".join(type(each).__name__ for each in (error, *error.args[1:]))
    return body, ""


class TestWhichBodies:
    @pytest.mark.parametrize("framing", ["chunked", "trickle", "gzip", "deflate"])
    def test_a_chunked_one_is_read_so(
        self, sse_server: SSEServer, session: requests.Session, framing: Any
    ) -> None:
        """Once, however often it is asked for."""
        sse_server.script([connection(event("1"), event("2"), framing=framing)])
        raw = unchunked(session, sse_server)
        before = raw._fp.fp  # type: ignore[union-attr]
        unchunk(raw)
        assert raw._fp.fp is before  # type: ignore[union-attr]
        assert read(raw) == (b"data: 1\n\ndata: 2\n\n", "")

    @pytest.mark.parametrize("framing", ["length", "close"])
    def test_no_other_is(self, sse_server: SSEServer, session: requests.Session, framing: Any) -> None:
        """It is not in chunks."""
        sse_server.script([connection(event("1"), framing=framing)])
        raw = get(session, sse_server).raw
        unchunk(raw)
        assert not is_unchunked(raw)
        assert read(raw) == (b"data: 1\n\n", "")

    @pytest.mark.parametrize("first", [1, 5, 6])
    def test_one_that_was_begun_is_left_alone(
        self, sse_server: SSEServer, session: requests.Session, first: int
    ) -> None:
        """`http.client` is somewhere inside of it, and goes on."""
        sse_server.script([chunks(raw(HELLO + b"6\r\n world\r\n" + LAST))])
        body = get(session, sse_server).raw
        begun = body.read1(first)
        unchunk(body)
        assert not is_unchunked(body)
        assert (begun + read(body)[0], read(body)) == (b"hello world", (b"", ""))

    def test_one_that_was_read_is_at_its_end(self, sse_server: SSEServer, session: requests.Session) -> None:
        """There is no reader any more."""
        sse_server.script([chunks(raw(HELLO + LAST))])
        body = get(session, sse_server).raw
        assert read(body) == (b"hello", "")
        unchunk(body)
        assert read(body) == (b"", "")

    def test_urllib3_may_have_read_whole_chunks(
        self, sse_server: SSEServer, session: requests.Session
    ) -> None:
        """It then stands where a size begins."""
        sse_server.script([chunks(raw(HELLO), pause(), raw(HELLO * 2 + LAST))])
        response = get(session, sse_server)
        by_urllib3 = response.iter_content(None)
        assert next(by_urllib3) == b"hello"
        sse_server.release()
        assert b"".join(response_chunks(response)) == b"hellohello"

    @pytest.mark.parametrize("method", ["HEAD", "GET"])
    def test_one_that_cannot_be_is_left_alone(
        self, sse_server: SSEServer, session: requests.Session, method: str
    ) -> None:
        """Whatever the header says, there is nothing to read: neither after HEAD nor with 204 or 304."""
        status = 200 if method == "HEAD" else 304
        head = f"HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        sse_server.script([connection(garbage(head))])
        raw = session.request(method, sse_server.url, stream=True, timeout=DEADLINE).raw
        unchunk(raw)
        assert not is_unchunked(raw)

    @pytest.mark.parametrize(
        ("head", "wire"),
        [(b"", b"hello"), (b"Transfer-Encoding: chunked\r\n", HELLO + LAST)],
        ids=["until it closes", "in chunks"],
    )
    def test_with_http_1_0_it_is_as_http_client_has_it(
        self, sse_server: SSEServer, session: requests.Session, head: bytes, wire: bytes
    ) -> None:
        """Which reads chunks there too."""
        sse_server.script([connection(garbage(b"HTTP/1.0 200 OK\r\n" + head + b"\r\n" + wire))])
        raw = get(session, sse_server).raw
        unchunk(raw)
        assert is_unchunked(raw) == bool(head)
        assert read(raw) == (b"hello", "")

    @pytest.mark.parametrize("coding", ["Chunked", "CHUNKED"])
    def test_the_coding_is_named_without_case(
        self, sse_server: SSEServer, session: requests.Session, coding: str
    ) -> None:
        """As everywhere in HTTP."""
        sse_server.script([chunks(raw(HELLO + LAST), headers={"Transfer-Encoding": coding})])
        assert read(unchunked(session, sse_server)) == (b"hello", "")


class Recorded(http.client.HTTPResponse):
    """A response that was recorded: nothing of its base class was ever made."""

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)

    def read1(self, size: int = -1) -> bytes:
        """Reads what was recorded."""
        return self._body.read1(size)

    def isclosed(self) -> bool:
        """Returns whether it was."""
        return False

    def close(self) -> None:
        """Has nothing to close."""


class TestResponsesOfOthers:
    @pytest.mark.parametrize("kind", [io.BytesIO, Recorded])
    def test_whatever_is_below_them_is_left_alone(self, kind: Any) -> None:
        """An adapter may have made it of anything."""
        headers = {"Transfer-Encoding": "chunked"}
        raw = HTTPResponse(kind(HELLO + LAST), headers=headers, preload_content=False)
        unchunk(raw)
        assert read(raw) == (HELLO + LAST, "")

    def test_so_is_another_reader_below_http_client(self) -> None:
        """Only that which sockets give is known."""

        class Connected:
            def makefile(self, *_: object) -> io.BytesIO:
                return io.BytesIO(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + HELLO + LAST)

        response = http.client.HTTPResponse(Connected())  # type: ignore[arg-type]
        response.begin()
        raw = HTTPResponse(response, preload_content=False)
        unchunk(raw)
        assert not is_unchunked(raw)
        assert read(raw) == (b"hello", "")

    def test_so_is_one_of_no_known_kind(self) -> None:
        """It has nothing that could be replaced."""
        unchunk(object())  # type: ignore[arg-type]


GZIPPED = gzip.compress(b"data: 1\n\n" * 1000)
WIRES = {
    "whole": HELLO * 3 + LAST,
    "empty": LAST,
    "with extensions and trailers": b"5;a=b\r\nhello\r\n0;c\r\nD: e\r\n\r\n",
    "no size": HELLO + b"zz\r\nhello\r\n",
    "an empty size": HELLO + b"\r\n",
    "no end of a chunk": b"5\r\nhelloworld\r\n" + LAST,
    "a line without end": HELLO + b"5;" + b"x" * 70_000,
}


class TestAsBefore:
    @pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)
    @pytest.mark.parametrize("keep_alive", [True, False])
    def test_the_body_and_how_it_breaks(
        self, sse_server: SSEServer, session: requests.Session, wire: bytes, keep_alive: bool
    ) -> None:
        """The same bytes, and an error of urllib3's that stems from one of `http.client`'s."""
        sse_server.script([chunks(raw(wire), keep_alive=keep_alive)] * 2)
        before = read(get(session, sse_server).raw)
        assert read(unchunked(session, sse_server)) == (
            before[0],
            before[1].replace("LineTooLong", "IncompleteRead"),
        )

    @pytest.mark.parametrize("size", [1, 7, 10_000])
    def test_decompression(self, sse_server: SSEServer, session: requests.Session, size: int) -> None:
        """Cut into chunks anywhere."""
        parts = [GZIPPED[start : start + size] for start in range(0, len(GZIPPED), size)]
        wire = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + LAST
        sse_server.script([chunks(raw(wire), headers={"Content-Encoding": "gzip"})])
        assert read(unchunked(session, sse_server)) == (b"data: 1\n\n" * 1000, "")

    def test_what_cannot_be_decompressed(self, sse_server: SSEServer, session: requests.Session) -> None:
        """The same error."""
        sse_server.script([chunks(raw(HELLO + LAST), headers={"Content-Encoding": "gzip"})])
        assert read(unchunked(session, sse_server))[1].startswith("DecodeError")

    def test_a_length_besides_is_not_looked_at(
        self, sse_server: SSEServer, session: requests.Session
    ) -> None:
        """The chunks say where the body ends."""
        sse_server.script([chunks(raw(HELLO + LAST), headers={"Content-Length": "3"})])
        assert read(unchunked(session, sse_server)) == (b"hello", "")

    def test_whoever_goes_on_with_other_means_gets_the_rest(
        self, sse_server: SSEServer, session: requests.Session
    ) -> None:
        """After some events, a caller may read their response in any way."""
        ways = (
            lambda response: response.raw.read(),
            lambda response: response.raw.data,
            lambda response: b"".join(response.iter_content(3)),
            lambda response: b"\n".join([*response.iter_lines(), b""]),
            lambda response: b"".join(response.raw),
            lambda response: io.BufferedReader(response.raw).read(),
            lambda response: b"".join(iter(lambda: response.raw._fp.readline(), b"")),
        )
        for way in ways:
            sse_server.script(
                [chunks(raw(b"9\r\ndata: 1\n\n\r\n"), pause(), raw(HELLO + b"1\r\n\n\r\n" + LAST))]
            )
            with get(session, sse_server) as response:
                assert next(iter_events(response)).data == "1"
                sse_server.release()
                assert is_unchunked(response.raw)
                assert way(response) == b"hello\n"

    def test_its_descriptor_is_that_of_the_socket(
        self, sse_server: SSEServer, session: requests.Session
    ) -> None:
        """Some set options by it."""
        sse_server.script([chunks(raw(HELLO), stall())])
        body = unchunked(session, sse_server)
        assert body.fileno() == body.connection.sock.fileno()  # type: ignore[union-attr]


class TestThePool:
    @pytest.mark.parametrize(
        ("rest", "is_reused"),
        [
            (LAST, True),
            (b"0;a\r\nb: c\r\n\r\n", True),
            (LAST + b"more", True),
            (b"zz\r\n", False),
            (b"5\r\nhelloworld\r\n", False),
            (b"\r\n", False),
        ],
    )
    def test_a_connection_goes_back_to_it_after_a_whole_body_and_no_other(
        self, sse_server: SSEServer, session: requests.Session, rest: bytes, is_reused: bool
    ) -> None:
        """A caller's session uses it again; what came after the body has no part in the next."""
        sse_server.script([chunks(raw(HELLO + rest)), chunks(raw(b"2\r\nhi\r\n" + LAST))])
        body, error = read(unchunked(session, sse_server))
        assert (body.startswith(b"hello"), error == "") == (True, is_reused)
        assert read(unchunked(session, sse_server)) == (b"hi", "")
        first, second = (request.peer for request in sse_server.requests)
        assert (first == second) == is_reused

    @pytest.mark.parametrize("over", [cut(b"data"), garbage(b"0\r\na: b")], ids=["in a chunk", "in trailers"])
    def test_nor_does_one_that_was_closed(
        self, sse_server: SSEServer, session: requests.Session, over: Any
    ) -> None:
        """Whether that was an end or not."""
        sse_server.script([connection(event("1"), over), [event("2")]])
        read(unchunked(session, sse_server))
        assert read(unchunked(session, sse_server)) == (b"data: 2\n\n", "")
        assert sse_server.accepted == 2

    def test_nor_does_one_that_is_left(self, sse_server: SSEServer, session: requests.Session) -> None:
        """In the middle of its body."""
        sse_server.script([chunks(raw(HELLO), stall()), [event("2")]])
        with get(session, sse_server) as response:
            unchunk(response.raw)
            assert response.raw.read1(100) == b"hello"
        sse_server.wait_until_client_gone(0)
        assert read(unchunked(session, sse_server)) == (b"data: 2\n\n", "")
        assert sse_server.accepted == 2


class TestGivingUp:
    def test_closed_it_is_closed(self, sse_server: SSEServer, session: requests.Session) -> None:
        """The server sees it; there is nothing to read then."""
        sse_server.script([chunks(raw(HELLO), stall())])
        response = get(session, sse_server)
        unchunk(response.raw)
        assert response.raw.read1(100) == b"hello"
        for _ in range(2):
            response.close()
        sse_server.wait_until_client_gone(0)
        assert response.raw.closed
        assert response.raw.read1(2) == b""

    @pytest.mark.parametrize(
        ("before", "error"),
        [(HELLO, "ProtocolError of IncompleteRead"), (HELLO + b"0\r\n", "")],
        ids=["in a chunk", "in trailers"],
    )
    def test_shut_down_by_another_thread_it_ends(
        self, sse_server: SSEServer, session: requests.Session, before: bytes, error: str
    ) -> None:
        """The reader that waits for bytes comes back at once."""
        sse_server.script([chunks(raw(before), stall())])
        body = unchunked(session, sse_server)
        results: list[tuple[bytes, str]] = []
        reader = threading.Thread(target=lambda: results.append(read(body)), daemon=True)
        reader.start()
        wait_until(lambda: is_in(reader.ident, RECEIVING), "the reader to wait")
        body.shutdown()
        reader.join(DEADLINE)
        assert results == [(b"hello", error)]

    @pytest.mark.parametrize("before", [b"", b"5", b"5\r\n", HELLO, HELLO[:-1], HELLO + b"0\r\n"])
    def test_the_read_timeout_ends_it(
        self, sse_server: SSEServer, session: requests.Session, before: bytes
    ) -> None:
        """Wherever the body stops; after what came."""
        sse_server.script([chunks(raw(before), stall())])
        body, error = read(unchunked(session, sse_server, timeout=0.1))
        assert (body, error) == (b"hello" if b"hello" in before else b"", "ReadTimeoutError")

    def test_patience_finds_the_socket(self, sse_server: SSEServer, session: requests.Session) -> None:
        """And can make one read shorter, and the next as long as before."""
        sse_server.script([chunks(raw(HELLO), stall())])
        body = unchunked(session, sse_server)
        patience, limits = Patience(body, DEADLINE), list[float | None]()
        for within in (None, 3, None, 0.05):
            patience.limit(within)
            limits.append(body.connection.sock.gettimeout())  # type: ignore[union-attr]
        assert limits == [DEADLINE, 3, DEADLINE, 0.05]
        assert read(body) == (b"hello", "ReadTimeoutError")

    def test_over_tls_as_well(self, session: requests.Session, tmp_path: Path) -> None:
        """The reader is the same, and so is the way to the socket."""
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        session.verify = str(tmp_path / "ca.pem")
        with SSEServer(ssl_context=context) as server:
            server.script([chunks(raw(HELLO), stall())])
            body = unchunked(session, server)
            assert body.read1(10) == b"hello"
            Patience(body, DEADLINE).limit(0.05)
            with pytest.raises(u3.ReadTimeoutError):
                body.read1(100)


def test_both_ways_to_read_are_really_taken(
    sse_server: SSEServer, session: requests.Session, either_reader: str
) -> None:
    """By the tests that ask for them."""
    sse_server.script([[event("1"), stall()]])
    with get(session, sse_server) as response:
        assert next(response_chunks(response)) == b"data: 1\n\n"
        assert is_unchunked(response.raw) == (either_reader == "unchunked")
