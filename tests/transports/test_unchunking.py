"""Taking off the chunked coding: payload, promptness, mistakes, ends; over the bytes of a wire alone."""

from __future__ import annotations

import contextlib
import http.client
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise, repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everstream.transports.sync import unchunking
from everstream.transports.sync.unchunking import Unchunked

HELLO = b"5\r\nhello\r\n"
LAST = b"0\r\n\r\n"
LIMIT = 16_384
"""Bytes of the line of a size, or of all trailers."""


class Recvs(io.RawIOBase):
    """Gives one piece for each `recv`, and nothing after the last.

    Attributes:
        count: How many were asked for.
        given: How many bytes were given.
    """

    def __init__(self, pieces: Iterable[bytes], at_each: Callable[[], None] = lambda: None) -> None:
        self.count = self.given = 0
        self._pieces = iter(pieces)
        self._rest = b""
        self._at_each = at_each

    def readable(self) -> bool:
        """Returns that it is."""
        return True

    def fileno(self) -> int:
        """Returns a number that nothing else has."""
        return 4711

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Receives; what does not fit is the next piece."""
        self._at_each()
        self.count += 1
        piece = self._rest or next(self._pieces, b"")
        taken, self._rest = piece[: len(buffer)], piece[len(buffer) :]
        buffer[: len(taken)] = taken
        self.given += len(taken)
        return len(taken)


def reader(*pieces: bytes) -> tuple[Unchunked, Recvs]:
    """Returns what is tested, and what it reads from."""
    recvs = Recvs(pieces)
    return over(recvs), recvs


def over(recvs: Recvs) -> Unchunked:
    """Returns what is tested, over a buffer as sockets have it."""
    return Unchunked(io.BufferedReader(recvs))


def payloads(read1: Callable[[int], bytes], size: int = 65_536) -> tuple[list[bytes], bool]:
    """Reads to the end: what each call gave, and whether the body was whole."""
    got: list[bytes] = []
    with contextlib.suppress(http.client.HTTPException):
        got.extend(iter(lambda: read1(size), b""))
        return got, True
    return got, False


def of_http_client(wire: bytes) -> tuple[bytes, bool]:
    """Reads the same with `http.client`."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    class Connected:
        def makefile(self, *_: object) -> io.BufferedReader:
            return io.BufferedReader(Recvs([head + wire]))

    response = http.client.HTTPResponse(Connected())  # type: ignore[arg-type]
    response.begin()
    got, is_whole = payloads(response.read1)
    return b"".join(got), is_whole


@dataclass(frozen=True)
class Wire:
    """A chunked body, in parts.

    Attributes:
        parts: Framing and payload in turn; the last chunk, which is empty, is the last payload.
        trailers: What follows it.
    """

    parts: tuple[bytes, ...]
    trailers: bytes

    @property
    def chunks(self) -> bytes:
        """All but the trailers."""
        return b"".join(self.parts)

    @property
    def whole(self) -> bytes:
        """All of it."""
        return self.chunks + self.trailers

    def payload(self, within: int = 10**9) -> bytes:
        """Returns the payload in the first bytes of the wire."""
        starts = accumulate(map(len, self.parts), initial=0)
        inside = list(zip(starts, self.parts, strict=False))[1::2]
        return b"".join(part[: max(within - start, 0)] for start, part in inside)


EXTENSIONS = st.sampled_from([b"", b" ", b"\t ", b";a", b";a=b", b' ; a="b;c"', b";\xff\r"])
LINE_ENDS = st.sampled_from([b"\r\n", b"\n"])


@st.composite
def sizes(draw: st.DrawFn, size: int) -> bytes:
    """Draws a line that announces a chunk of this size."""
    digits = draw(st.sampled_from([b"%x", b"%X", b"00%x", b"%05X"])) % size
    return digits + draw(EXTENSIONS) + draw(LINE_ENDS)


@st.composite
def wires(draw: st.DrawFn) -> Wire:
    """Draws a whole body."""
    chunks = draw(st.lists(st.binary(min_size=1, max_size=40) | st.just(b"\r\n0\r\n\r\n" * 30), max_size=6))
    parts: list[bytes] = []
    for chunk in [*chunks, b""]:
        end_of_the_one_before = b"\r\n" if parts else b""
        parts += [end_of_the_one_before + draw(sizes(len(chunk))), chunk]
    trailers = draw(st.lists(st.sampled_from([b"A: b\r\n", b"A:\n", b"0\r\n"]), max_size=3))
    return Wire(tuple(parts), b"".join(trailers) + draw(LINE_ENDS))


@st.composite
def pieces_of(draw: st.DrawFn, wire: bytes) -> list[bytes]:
    """Draws a way to cut a wire into what each `recv` brings."""
    cuts = draw(st.sets(st.integers(0, len(wire)), max_size=12) | st.integers(1, 3).map(every_byte_of(wire)))
    return [wire[start:end] for start, end in pairwise(sorted({0, *cuts, len(wire)}))]


def every_byte_of(wire: bytes) -> Callable[[int], set[int]]:
    """Returns what gives the places of all cuts into pieces of one size."""
    return lambda size: set(range(0, len(wire), size))


class TestAnyBody:
    @given(wire=wires(), data=st.data(), size=st.sampled_from([1, 2, 7, 100, 65_536]))
    def test_its_payload_is_given_as_it_comes(self, wire: Wire, data: st.DataObject, size: int) -> None:
        """All of it, nothing else, never more than was asked for, and nothing is kept over a `recv`."""
        got = list[bytes]()

        def nothing_is_kept() -> None:
            assert b"".join(got) == wire.payload(recvs.given)

        recvs = Recvs(data.draw(pieces_of(wire.whole)), at_each=nothing_is_kept)
        unchunked = over(recvs)
        got.extend(iter(lambda: unchunked.read1(size), b""))
        assert b"".join(got) == wire.payload()
        assert recvs.given == len(wire.whole)
        assert all(len(each) <= size for each in got)
        assert unchunked.read1(size) == b""

    @given(wire=wires(), data=st.data())
    def test_what_came_with_its_head_is_not_lost(self, wire: Wire, data: st.DataObject) -> None:
        """The reader's buffer may hold some of the body already."""
        first, *rest = data.draw(pieces_of(wire.whole))
        buffered: Any = io.BufferedReader(Recvs([b"head\n" + first, *rest]))
        assert buffered.readline() == b"head\n"
        assert b"".join(payloads(Unchunked(buffered).read1)[0]) == wire.payload()

    @given(wire=wires())
    def test_it_is_what_http_client_reads(self, wire: Wire) -> None:
        """The same bytes, and an end."""
        assert of_http_client(wire.whole) == (wire.payload(), True)

    @given(wire=wires(), data=st.data())
    def test_cut_off_anywhere_it_is_broken_after_what_came(self, wire: Wire, data: st.DataObject) -> None:
        """Only after the line of the last chunk the end of the connection is an end."""
        length = data.draw(st.integers(0, len(wire.whole) - 1))
        unchunked, _ = reader(*data.draw(pieces_of(wire.whole[:length])))
        parts, is_whole = payloads(unchunked.read1)
        assert (b"".join(parts), is_whole) == (wire.payload(length), length >= len(wire.chunks))
        of_other, other_is_whole = of_http_client(wire.whole[:length])
        assert of_other == wire.payload(length)
        # It takes a beginning of the last line for all of it.
        assert other_is_whole >= is_whole

    @given(wire=wires(), data=st.data(), amount=st.sampled_from([None, -1, 1, 10, 1000]))
    def test_whoever_goes_on_with_other_means_can(
        self, wire: Wire, data: st.DataObject, amount: int | None
    ) -> None:
        """`read` gives as much as was asked for, and less at the end; lines and `readinto` come of it."""
        unchunked, _ = reader(*data.draw(pieces_of(wire.whole)))
        parts = list(iter(lambda: unchunked.read(amount), b""))
        whole = b"".join(parts)
        assert whole == wire.payload()
        least = amount if amount is not None and amount > 0 else len(whole)
        assert [len(part) for part in parts[:-1]] == [least] * (len(parts) - 1)
        assert len(b"".join(parts[-1:])) <= least
        assert b"".join(reader(wire.whole)[0]) == whole
        into = bytearray(len(whole) + 1)
        assert reader(wire.whole)[0].readinto(into) == len(whole)
        assert bytes(into[:-1]) == whole


class TestPromptness:
    def test_payload_is_given_with_the_recv_that_brought_it(self) -> None:
        """Also from inside of a chunk, and without a look at what follows."""
        unchunked, recvs = reader(
            b"A\r\nhe", b"llo", b"wor", b"ld\r\n3\r\nabc\r\n2", b"\r\n", b"xy\r\n0\r\n\r\n"
        )
        got = [(unchunked.read1(65_536), recvs.count) for _ in range(6)]
        assert got == [(b"he", 1), (b"llo", 2), (b"wor", 3), (b"ldabc", 4), (b"xy", 6), (b"", 6)]

    def test_many_chunks_come_with_one_recv(self) -> None:
        """Which is what it is for."""
        unchunked, recvs = reader(HELLO * 1000 + LAST)
        assert unchunked.read1(65_536) == b"hello" * 1000
        assert unchunked.read1(65_536) == b""
        assert recvs.count == 1

    @pytest.mark.parametrize(
        "last",
        [LAST, b"0\n\n", b"0\r\n\n", b"0\n\r\n", b"0\r\na: b\r\n\r\n", b"00;a\na: b\n\n", b"0 \na: b\n\r\n"],
    )
    def test_after_the_end_nothing_is_received(self, last: bytes) -> None:
        """It would be waited for: the connection stays open. Nor is it payload."""
        unchunked, recvs = reader(HELLO + last + HELLO, HELLO)
        assert payloads(unchunked.read1) == ([b"hello"], True)
        assert unchunked.read1(65_536) == b""
        assert recvs.count == 1

    def test_none_of_it_is_none(self) -> None:
        """Without a `recv`, and without a mistake."""
        unchunked, recvs = reader(HELLO, LAST)
        assert (unchunked.read1(0), unchunked.read(0), recvs.count) == (b"", b"", 0)
        assert unchunked.read() == b"hello"

    def test_what_came_before_a_timeout_is_not_lost(self) -> None:
        """Neither payload nor half a size."""

        def pieces() -> Iterator[bytes]:
            yield HELLO + b"1"
            raise TimeoutError

        recvs = Recvs(pieces())
        unchunked = over(recvs)
        assert unchunked.read1(65_536) == b"hello"
        with pytest.raises(TimeoutError):
            unchunked.read1(65_536)
        recvs._pieces = iter([b"0\r\n" + b"x" * 16 + b"\r\n" + LAST])
        assert unchunked.read() == b"x" * 16


BROKEN_SIZES = [
    *(
        b"",
        b"-5",
        b"+5",
        b"0x5",
        b"0X5",
        b"5_0",
        b" 5",
        b"\t5",
        b"5 5",
        b"5h",
        b"g",
        b"\xff",
        b"5\x00",
        b"5,a",
    ),
    *(b"\r5", b"5\r\r", "٥".encode(), b"\x0b5", b"5\x0c", b"HTTP/1.1 200 OK"),
]


def assert_broken_after(payload: bytes, *pieces: bytes) -> None:
    """Checks that all payload before the mistake comes, and then, each time, the error."""
    unchunked, recvs = reader(*pieces)
    parts, is_whole = payloads(unchunked.read1)
    assert (b"".join(parts), is_whole) == (payload, False)
    count = recvs.count
    for read in (unchunked.read1, unchunked.read):
        with pytest.raises(http.client.IncompleteRead) as caught:
            read(10)
        # Without a number: only a body with a length knows how much it lacks.
        assert (caught.value.partial, caught.value.expected) == (b"", None)
    if recvs.given < len(b"".join(pieces)):
        assert recvs.count == count, "after a mistake nothing is received"


class TestMistakes:
    @pytest.mark.parametrize("size", BROKEN_SIZES)
    @pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b" \r\n"])
    def test_a_size_is_hexadecimal_digits(self, size: bytes, line_end: bytes) -> None:
        """Nothing that a lenient parser of numbers takes as well."""
        wire = size + line_end + HELLO + LAST
        assert_broken_after(b"", wire)
        assert_broken_after(b"hello", HELLO + wire)
        assert_broken_after(b"hello", *(bytes([each]) for each in HELLO + wire))

    @pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"X\n", b"\rX", b"XX", b"\n\r", b" \r\n", b"!"])
    def test_a_chunk_ends_where_its_size_says(self, end: bytes) -> None:
        """With CRLF, and nothing before it."""
        assert_broken_after(b"hello", b"5\r\nhello" + end + HELLO + LAST)

    @pytest.mark.parametrize("line", [b"0", b"f", b"5;", b"5 ", b"\r", b"5;a=\r"])
    @pytest.mark.parametrize("size", [1, 1000, 65_536])
    def test_a_line_without_end_is_given_up(self, line: bytes, size: int) -> None:
        """Soon, and with little kept."""
        pieces = repeat((line + line[-1:] * size)[:size])
        recvs = Recvs(pieces)
        unchunked = over(recvs)
        assert payloads(unchunked.read1) == ([], False)
        assert recvs.given <= LIMIT + size + 2

    def test_a_line_that_is_too_long_is_a_mistake_even_if_it_ends(self) -> None:
        """It may all come at once; and what is made up by a server is not kept for ever."""
        fits = HELLO + b"5;" + b"x" * (LIMIT - 5) + b"\r\nworld\r\n" + LAST
        assert payloads(reader(fits)[0].read1) == ([b"helloworld"], True)
        kept = unchunking._size.cache_info().currsize
        for number in range(10):
            assert_broken_after(b"hello", HELLO + b"5;%d" % number + b"x" * LIMIT + b"\r\nworld\r\n" + LAST)
        assert unchunking._size.cache_info().currsize == kept

    @pytest.mark.parametrize("trailer", [b"a: b\r\n", b"a", b"\r"])
    def test_trailers_without_end_are_given_up(self, trailer: bytes) -> None:
        """Whether they have lines or not."""
        recvs = Recvs([HELLO + b"0\r\n", *([trailer * 100] * 1000)])
        assert payloads(over(recvs).read1) == ([b"hello"], False)
        assert recvs.given < 2 * LIMIT

    @pytest.mark.parametrize("digits", [8, 16, 17, 1000])
    def test_a_chunk_without_end_is_no_mistake(self, digits: int) -> None:
        """A size may be larger than anything; the payload comes nevertheless, until the end does."""
        assert_broken_after(b"hello!", b"F" * digits + b"\r\nhello", b"!")


class TestEnds:
    @pytest.mark.parametrize("rest", [b"", b"\r", b"a", b"a: b", b"a: b\r", b"a: b\r\n", b"a: b\r\nc: d\r\n"])
    def test_the_end_of_the_connection_is_that_of_the_trailers(self, rest: bytes) -> None:
        """As in `http.client`: all payload is there."""
        wire = HELLO + b"0\r\n" + rest
        assert payloads(reader(wire)[0].read1) == ([b"hello"], True)
        assert of_http_client(wire) == (b"hello", True)

    @pytest.mark.parametrize("last", [b"0", b"00", b"0\r", b"0;a"])
    def test_half_the_line_of_the_last_chunk_is_no_end(self, last: bytes) -> None:
        """It may be the beginning of another size: `http.client` takes it for an end."""
        assert_broken_after(b"hello", HELLO + last)
        assert of_http_client(HELLO + last) == (b"hello", True)

    @pytest.mark.parametrize(
        "wire", [b"", b"\r\n", b"5", b"5\r\n", b"5\r\nhe", b"5\r\nhello", HELLO, HELLO + b"5"]
    )
    def test_without_a_last_chunk_there_is_no_end(self, wire: bytes) -> None:
        """As in `http.client`."""
        payload = b"hello" if b"hello" in wire else b"he" if b"he" in wire else b""
        assert_broken_after(payload, wire)
        assert of_http_client(wire) == (payload, False)


class TestAsAFile:
    def test_closing_it_closes_what_it_reads_from(self) -> None:
        """As often as one likes; afterwards it cannot be read."""
        unchunked, recvs = reader(HELLO)
        unchunked.flush()
        for _ in range(2):
            unchunked.close()
        assert (unchunked.closed, recvs.closed) == (True, True)
        with pytest.raises(ValueError, match="closed file"):
            unchunked.read1(1)

    def test_it_has_what_the_reader_below_has(self) -> None:
        """The way to the socket, and its descriptor."""
        unchunked, recvs = reader(HELLO)
        assert unchunked.readable()
        assert unchunked.raw is recvs
        assert unchunked.fileno() == 4711
