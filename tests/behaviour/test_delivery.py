"""Events reach the consumer at once, whole and in order (behaviours 34 to 44).

No time is measured. The server holds the stream after each event until the test has received it, so an
event that is held back fails the test by its read timeout.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from everstream import Event, EventSource
from everstream.testing import BOM, SSEServer, connection, encode_event, event, pause, raw, stall
from tests.behaviour.wire import data_of

MakeSource = Callable[..., EventSource]
MIB = 1024 * 1024
FRAMINGS = {"chunked": {}, "trickle": {}, "length": {"length": 10 * MIB}, "close": {}}
every_framing = pytest.mark.parametrize("framing", FRAMINGS)
every_compression = pytest.mark.parametrize("encoding", ["gzip", "deflate"])
# Twenty events of very different sizes; one does not fit into any buffer on the way.
DATA = [f"{number} {'…é😀' * number}" for number in range(18)] + ["x" * 100_000, "last"]
SHORT_DATA = DATA[:18]


def assert_delivered_one_by_one(
    server: SSEServer, source: EventSource, data: list[str], framing: Any, **options: Any
) -> None:
    """Has each event received before the server is allowed to send the next one."""
    held = [step for each in data[:-1] for step in (event(each), pause())]
    steps = [*held, event(data[-1]), stall()]
    server.script([connection(*steps, framing=framing, **{**FRAMINGS[framing], **options})])
    for number, expected in enumerate(data):
        server.release(min(number, 1))
        assert next(source) == Event("message", expected, "")
    assert len(server.requests) == 1


@pytest.mark.usefixtures("either_reader")
class TestAtOnce:
    @pytest.mark.parametrize("split", [None, 1, 7])
    def test_34_in_chunks(self, sse_server: SSEServer, make_source: MakeSource, split: int | None) -> None:
        """Whether an event is one HTTP chunk, or many."""
        data = DATA if split is None else SHORT_DATA
        assert_delivered_one_by_one(sse_server, make_source(), data, "chunked", split=split)

    def test_34_in_chunks_that_trickle_in(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Each byte of a chunk is a packet of its own."""
        assert_delivered_one_by_one(sse_server, make_source(), SHORT_DATA, "trickle")

    def test_34_in_the_middle_of_a_chunk(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """The end of an HTTP chunk is not waited for: a proxy may make one of many events."""
        begun, rest = raw(b"1B\r\ndata: 1\n\n"), raw(b"data: 2\n\ndata: 3\n\n\r\n0\r\n\r\n")
        headers = {"Transfer-Encoding": "chunked"}
        sse_server.script([connection(begun, pause(), rest, framing="close", headers=headers)])
        source = make_source()
        assert next(source).data == "1"
        sse_server.release()
        assert data_of(source) == ["2", "3"]

    def test_35_until_the_connection_closes(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Without chunks and without a length."""
        assert_delivered_one_by_one(sse_server, make_source(), DATA, "close")

    def test_36_within_a_length(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """The declared length is far from being reached."""
        assert_delivered_one_by_one(sse_server, make_source(), DATA, "length")

    @every_compression
    @every_framing
    def test_37_compressed(
        self, sse_server: SSEServer, make_source: MakeSource, framing: str, encoding: str
    ) -> None:
        """With a flush after each event, whatever the framing."""
        data = SHORT_DATA if framing == "trickle" else DATA
        assert_delivered_one_by_one(sse_server, make_source(), data, framing, encoding=encoding)

    @every_compression
    def test_37_compressed_to_a_hundredth(
        self, sse_server: SSEServer, make_source: MakeSource, encoding: str
    ) -> None:
        """A few packets hold many times what is read at once: the rest is not left in the decoder."""
        data = ["x" * MIB, *(["y" * 1000] * 3)]
        assert_delivered_one_by_one(sse_server, make_source(), data, "close", encoding=encoding)

    @pytest.mark.parametrize(
        "wire", [b"data: a\r\r", b"data: a\n\r", b"data: a\r\n\r"], ids=["CR CR", "LF CR", "CRLF CR"]
    )
    @every_framing
    def test_38_a_blank_line_that_ends_in_cr(
        self, sse_server: SSEServer, make_source: MakeSource, framing: Any, wire: bytes
    ) -> None:
        """The next byte, which might be its LF, is not waited for; when it comes it is no second line."""
        steps = [raw(wire), pause(), raw(b"\ndata: b\n\n"), pause()]
        sse_server.script([connection(*steps, framing=framing, **FRAMINGS[framing])])
        source = make_source()
        assert next(source).data == "a"
        sse_server.release()
        assert next(source).data == "b"


@pytest.mark.usefixtures("either_reader")
class TestWhole:
    @every_framing
    def test_39_cr_and_lf_apart_are_one_line_end(
        self, sse_server: SSEServer, make_source: MakeSource, framing: Any
    ) -> None:
        """The LF comes when the client has read the CR."""
        steps = [raw(b"data: 0\n\ndata: a\r"), pause(), raw(b"\ndata: b\r\n\r\n"), pause()]
        sse_server.script([connection(*steps, framing=framing, **FRAMINGS[framing])])
        source = make_source()
        assert next(source).data == "0"
        sse_server.release()
        assert next(source).data == "a\nb"

    @pytest.mark.parametrize("at", [1, 2, 3])
    @every_framing
    def test_40_a_character_in_two_pieces(
        self, sse_server: SSEServer, make_source: MakeSource, framing: Any, at: int
    ) -> None:
        """The second piece comes when the client has read the first."""
        character = "😀".encode()
        steps = [raw(b"data: 0\n\ndata: " + character[:at]), pause(), raw(character[at:] + b"\n\n"), pause()]
        sse_server.script([connection(*steps, framing=framing, **FRAMINGS[framing])])
        source = make_source()
        assert next(source).data == "0"
        sse_server.release()
        assert next(source).data == "😀"

    @pytest.mark.parametrize("framing", ["chunked", "close", "length"])
    def test_40_characters_byte_by_byte(
        self, sse_server: SSEServer, make_source: MakeSource, framing: Any
    ) -> None:
        """Each event is whole, and there before the next is sent."""
        data = ["日本語", "é" * 30, "a😀b…c", "\u2028\x85"]
        assert_delivered_one_by_one(sse_server, make_source(), data, framing, split=1)

    @pytest.mark.parametrize(
        "options",
        [
            {"framing": "chunked"},
            {"framing": "chunked", "split": 3 * MIB},
            {"framing": "chunked", "split": 1000},
            {"framing": "close"},
            {"framing": "length"},
            {"framing": "gzip"},
        ],
        ids=["one chunk", "two chunks", "many chunks", "close", "length", "gzip"],
    )
    def test_41_an_event_of_5_mib(
        self, sse_server: SSEServer, make_source: MakeSource, options: dict[str, Any]
    ) -> None:
        """Its content is exact, and what comes after it is not lost."""
        text = "".join(f"{number:07x}…" for number in range(5 * MIB // 10 + 1))
        assert len(text.encode()) > 5 * MIB
        sse_server.script([connection(event(text, id="big"), event("after"), **options)])
        source = make_source()
        assert next(source) == Event("message", text, "big")
        assert data_of(source) == ["after"]

    def test_43_a_byte_order_mark_is_stripped_on_every_connection(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """It is the mark of a stream, and each connection is a new one."""
        sse_server.script([raw(BOM + encode_event(str(number))) for number in (1, 2, 3)])
        assert data_of(make_source()) == ["1", "2", "3"]

    @every_framing
    def test_44_a_hundred_events_in_one_write_keep_their_order(
        self, sse_server: SSEServer, make_source: MakeSource, framing: Any
    ) -> None:
        """All of them, once."""
        expected = [Event("t", f"data {number}", str(number)) for number in range(100)]
        wire = b"".join(encode_event(each.data, id=each.id, type=each.type) for each in expected)
        sse_server.script([connection(raw(wire), framing=framing)])
        assert list(make_source()) == expected


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that nobody trusts yet."""
    return trustme.CA()


@pytest.fixture(params=["a session of the caller's", "REQUESTS_CA_BUNDLE"])
def trusting_session(
    authority: trustme.CA,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> requests.Session | None:
    """A session that trusts the authority, or None where the environment makes our own trust it."""
    bundle = str(tmp_path / "authority.pem")
    authority.cert_pem.write_to_path(bundle)
    if request.param == "REQUESTS_CA_BUNDLE":
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
        return None
    session = requests.Session()
    session.verify = bundle
    return session


@pytest.mark.usefixtures("either_reader")
class TestOverTLS:
    @every_framing
    @pytest.mark.parametrize("encoding", ["identity", "gzip"])
    def test_events_are_delivered_at_once(
        self,
        make_source: MakeSource,
        authority: trustme.CA,
        trusting_session: requests.Session | None,
        framing: str,
        encoding: str,
    ) -> None:
        """Nothing is held back in a TLS record."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        data = SHORT_DATA if framing == "trickle" else DATA
        with SSEServer(ssl_context=context) as server:
            with make_source(server.url, session=trusting_session) as source:
                assert_delivered_one_by_one(server, source, data, framing, encoding=encoding)
            server.wait_until_client_gone(0)
        if trusting_session is not None:
            trusting_session.close()
