"""`iter_events`: the events of a body that somebody else has opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Literal

import pytest
import requests

from everstream import (
    ConfigurationError,
    ContentTypeRejected,
    Event,
    EventTooLarge,
    EverstreamError,
    StatusRejected,
    StreamIncomplete,
    StreamInterrupted,
    StreamTimeout,
    iter_events,
)
from everstream.testing import (
    BOM,
    SSEServer,
    connection,
    cut,
    end,
    endless,
    event,
    garbage,
    no_content,
    pause,
    raw,
    reset,
    retry,
    stall,
    status,
)

Encoding = Literal["identity", "gzip"]
Get = Callable[..., requests.Response]
FRAMINGS: dict[str, dict[str, Any]] = {
    "chunked": {"framing": "chunked"},
    "split": {"framing": "chunked", "split": 2},
    "trickle": {"framing": "trickle"},
    "length": {"framing": "length"},
    "close": {"framing": "close"},
    "gzip": {"framing": "chunked", "encoding": "gzip"},
    "deflate": {"framing": "close", "encoding": "deflate"},
}
every_framing = pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
STREAM = (
    b": hello\nretry: 10\n\nevent: a\nid: 1\ndata: x\xe2\x80\xa6\r\n\r\n"
    b"data: y\rdata: z\r\rid: 2\n\ndata: w\n\n"
)
EVENTS = [Event("a", "x…", "1"), Event("message", "y\nz", "1"), Event("message", "w", "2")]


@pytest.fixture
def get(sse_server: SSEServer) -> Iterator[Get]:
    """Asks the scripted server, as a caller does, and closes the responses at the end."""
    with ExitStack() as responses, requests.Session() as session:
        session.trust_env = False

        def ask(*, timeout: float = 10) -> requests.Response:
            response = session.get(sse_server.url, stream=True, timeout=timeout)
            return responses.enter_context(response)

        yield ask


def read(source: Any, **options: Any) -> tuple[list[str], EverstreamError]:
    """Reads to an end that must be an error: the data of the events before it, and the error."""
    data: list[str] = []
    with pytest.raises(EverstreamError) as caught:
        data.extend(each.data for each in iter_events(source, **options))
    return data, caught.value


@pytest.mark.usefixtures("either_reader")
class TestAResponse:
    @every_framing
    def test_events_are_given_at_once_on_every_framing(
        self, sse_server: SSEServer, get: Get, framing: dict[str, Any]
    ) -> None:
        """Each is received before the server may send the next."""
        held = [step for number in range(20) for step in (event(str(number), id=str(number)), pause())]
        sse_server.script([connection(*held, event("last"), stall(), **framing)])
        events = iter_events(get())
        for number in range(20):
            assert next(events) == Event("message", str(number), str(number))
            sse_server.release()
        assert next(events) == Event("message", "last", "19")

    @every_framing
    def test_a_clean_end_ends_the_iteration(
        self, sse_server: SSEServer, get: Get, framing: dict[str, Any]
    ) -> None:
        """Comments and reconnection times are not given, and nothing is asked again."""
        sse_server.script([connection(raw(BOM + STREAM), **framing)])
        assert list(iter_events(get())) == EVENTS
        assert len(sse_server.requests) == 1

    def test_a_204_ends_the_iteration(self, sse_server: SSEServer, get: Get) -> None:
        """There are no events, and no error."""
        sse_server.script([no_content()])
        assert list(iter_events(get())) == []

    @pytest.mark.parametrize("code", [201, 401, 404, 500, 503])
    def test_another_status_is_rejected(self, sse_server: SSEServer, get: Get, code: int) -> None:
        """Though the body says that it is a stream."""
        sse_server.script([connection(raw(STREAM), status=code, headers={"Retry-After": "7"})])
        data, error = read(get())
        assert isinstance(error, StatusRejected)
        assert (data, error.status, error.retry_after) == ([], code, 7)
        assert error.headers["content-type"] == "text/event-stream"

    @pytest.mark.parametrize("content_type", ["text/html", "text/event-streamx", None])
    def test_another_content_type_is_rejected(
        self, sse_server: SSEServer, get: Get, content_type: str | None
    ) -> None:
        """The same rules as for an event source."""
        sse_server.script([connection(raw(STREAM), content_type=content_type)])
        data, error = read(get())
        assert isinstance(error, ContentTypeRejected)
        assert (data, error.content_type) == ([], content_type)

    @pytest.mark.parametrize(
        ("over", "framing", "reason"),
        [
            (cut(b"data: 3\n"), "chunked", "broken chunk"),
            (garbage(b"zz\r\n"), "chunked", "broken chunk"),
            (cut(), "length", "short body"),
            (reset(), "chunked", "reset"),
            (reset(), "close", "reset"),
        ],
        ids=["in a chunk", "no chunk", "short", "reset", "reset without chunks"],
    )
    def test_a_broken_body_is_an_interruption(
        self, sse_server: SSEServer, get: Get, over: Any, framing: Any, reason: str
    ) -> None:
        """What came before it is given; the error says how it broke, and after what."""
        two = b"data: 1\n\ndata: 2\n\n"
        sse_server.script([connection(raw(two), pause(), over, framing=framing)])
        events = iter_events(get())
        assert [next(events).data, next(events).data] == ["1", "2"]
        sse_server.release()
        with pytest.raises(StreamInterrupted) as caught:
            next(events)
        assert (caught.value.reason, caught.value.events_received) == (reason, 2)
        assert len(two) <= caught.value.bytes_received <= len(two) + 8
        assert type(caught.value.__cause__).__module__.partition(".")[0] not in ("requests", "urllib3")

    def test_silence_longer_than_the_callers_limit_is_a_timeout(
        self, sse_server: SSEServer, get: Get
    ) -> None:
        """After the events that came in time."""
        sse_server.script([[event("1"), stall()]])
        data, error = read(get(timeout=0.2))
        assert isinstance(error, StreamTimeout)
        assert (data, error.kind) == (["1"], "read")

    def test_leaving_it_to_be_closed_by_the_caller(self, sse_server: SSEServer, get: Get) -> None:
        """The response is the caller's: it stays open until they close it."""
        sse_server.script([[event("1"), pause(), event("2"), stall()]])
        with get() as response:
            for each in iter_events(response):
                assert each.data == "1"
                break
            sse_server.release()
            assert next(iter_events(response)).data == "2"
        sse_server.wait_until_client_gone(0)


@pytest.mark.usefixtures("either_reader")
class TestABodyThatWasReadBefore:
    @pytest.mark.parametrize("encoding", ["identity", "gzip"])
    def test_what_requests_has_kept_is_not_lost(
        self, sse_server: SSEServer, get: Get, encoding: Encoding
    ) -> None:
        """As without `stream=True`."""
        sse_server.script([connection(raw(STREAM), end(), framing="length", encoding=encoding)])
        response = get()
        assert response.content == STREAM
        assert list(iter_events(response)) == EVENTS

    def test_what_somebody_else_has_taken_is_missed(self, sse_server: SSEServer, get: Get) -> None:
        """An error, instead of no events."""
        sse_server.script([connection(raw(STREAM), end())])
        response = get()
        assert b"".join(response.iter_content(None)) == STREAM
        _, error = read(response)
        assert isinstance(error, ConfigurationError)

    def test_an_empty_body_has_no_events(self, sse_server: SSEServer, get: Get) -> None:
        """A length of 0 is an end, not a body that was read."""
        sse_server.script([connection(end(), framing="length")])
        assert list(iter_events(get())) == []


class TestAnIterableOfBytes:
    @pytest.mark.parametrize("source", [b"data: x\n\n", ["data: x\n\n"], [None]], ids=repr)
    def test_anything_else_is_refused(self, source: object) -> None:
        """Bytes themselves are an iterable of numbers."""
        data, error = read(source)
        assert isinstance(error, ConfigurationError)
        assert data == []

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
    def test_it_may_be_cut_anywhere(self, size: int) -> None:
        """A character, a line end or the byte order mark may be in two pieces, or there may be empty ones."""
        wire = BOM + STREAM
        chunks = [wire[start : start + size] for start in range(0, len(wire), size)]
        assert list(iter_events(chunks)) == EVENTS
        assert list(iter_events(piece for chunk in chunks for piece in (b"", chunk))) == EVENTS

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_its_pieces_may_be_anything_that_holds_bytes(self, kind: Callable[[bytes], Any]) -> None:
        """As in `bytes`, and those which may be changed are copied."""
        assert list(iter_events(map(kind, [STREAM[:9], STREAM[9:]]))) == EVENTS

    def test_events_are_given_before_the_next_piece_is_asked_for(self) -> None:
        """It works on a source that is itself a stream."""
        asked: list[int] = []

        def pieces() -> Iterator[bytes]:
            for number in (1, 2, 3):
                asked.append(number)
                yield b"data: %d\n\n" % number

        for number, each in enumerate(iter_events(pieces()), start=1):
            assert (each.data, asked[-1]) == (str(number), number)
        assert asked == [1, 2, 3]

    def test_an_empty_one_has_no_events(self) -> None:
        """It is a clean end."""
        assert list(iter_events([])) == []

    def test_its_own_errors_are_left_through(self) -> None:
        """They are the caller's."""

        def pieces() -> Iterator[bytes]:
            yield b"data: 1\n\n"
            raise ZeroDivisionError

        events = iter_events(pieces())
        assert next(events).data == "1"
        with pytest.raises(ZeroDivisionError):
            next(events)

    def test_it_begins_with_the_last_event_id_it_is_given(self) -> None:
        """Which an event without an id bears, and an empty id resets."""
        events = iter_events([b"data: 1\n\nid\ndata: 2\n\n"], last_event_id="abc")
        assert [each.id for each in events] == ["abc", ""]


class TestHowItEnds:
    @pytest.mark.parametrize("rest", [b"data: 3", b"data: 3\n", b"id: 3", b"data: \xe2\x80", b"event: a\n"])
    def test_an_unfinished_block_is_an_interruption(
        self, sse_server: SSEServer, get: Get, rest: bytes
    ) -> None:
        """Of a response as of an iterable, with the counts of what came."""
        wire = b"data: 1\n\ndata: 2\n\n" + rest
        sse_server.script([connection(raw(wire), framing="length")])
        for source in (get(), [wire[:12], wire[12:]]):
            data, error = read(source)
            assert isinstance(error, StreamInterrupted)
            assert (data, error.reason) == (["1", "2"], "unfinished block")
            assert (error.bytes_received, error.events_received) == (len(wire), 2)

    @pytest.mark.parametrize("rest", [b"", b": a comment", b": a comment\n", b"\n", b"\r"])
    def test_what_is_no_block_leaves_nothing_unfinished(self, rest: bytes) -> None:
        """A comment without its line end is not missed."""
        assert [each.data for each in iter_events([b"data: 1\n\n" + rest])] == ["1"]

    @pytest.mark.parametrize("end", [b"\n\n", b"\r\r", b"\n", b""])
    def test_until_ends_it_and_is_not_given(self, end: bytes) -> None:
        """Whether or not the last one has its blank line."""
        events = iter_events([b"data: 1\n\ndata: [DONE]" + end], until="[DONE]")
        assert [each.data for each in events] == ["1"]

    @pytest.mark.usefixtures("either_reader")
    def test_until_ends_it_though_the_body_goes_on(self, sse_server: SSEServer, get: Get) -> None:
        """What comes after it is not waited for, and not given."""
        sse_server.script([[event("1"), event("[DONE]"), stall()]])
        assert [each.data for each in iter_events(get(), until="[DONE]")] == ["1"]
        events = iter_events([b"data: 1\n\ndata: [DONE]\n\ndata: 2\n\n", b"data: 3\n\n"], until="[DONE]")
        assert [each.data for each in events] == ["1"]

    @pytest.mark.parametrize("size", [1, 2, 5, 1000])
    def test_until_may_be_a_function_whose_event_is_given(self, size: int) -> None:
        """As the last one, wherever the bytes are cut; the source is not asked for more."""
        wire = b"data: 1\n\ndata: last\n\ndata: 2\n\n"
        chunks = iter([*(wire[at : at + size] for at in range(0, len(wire), size)), b"data: 3\n\n"])
        events = iter_events(chunks, until=lambda each: each.data == "last")
        assert [each.data for each in events] == ["1", "last"]
        assert list(chunks)[-1] == b"data: 3\n\n"

    @pytest.mark.parametrize("rest", [b"", b"data: last", b"data: last\n"])
    def test_an_end_without_the_event_that_a_function_finds_is_incomplete(self, rest: bytes) -> None:
        """A block that is not finished is not asked about; the error has what came."""
        data, error = read([b"id: 7\ndata: 1\n\n" + rest], until=lambda each: each.data == "last")
        assert isinstance(error, StreamIncomplete)
        assert (data, error.until, error.received) == (["1"], None, (Event("message", "1", "7"),))

    @pytest.mark.parametrize("until", ["", b"[DONE]", 5])
    def test_until_must_be_able_to_end_it(self, until: Any) -> None:
        """Said when the first event is asked for."""
        _, error = read([b"data: 1\n\n"], until=until)
        assert isinstance(error, ConfigurationError)
        assert "until=" in str(error)

    def test_until_is_all_of_the_data(self) -> None:
        """Neither its beginning nor a line of it."""
        events = iter_events(
            [b"data: [DONE]x\n\ndata: [DONE]\ndata:\n\ndata:  [DONE]\n\ndata: [DONE]\n\n"], until="[DONE]"
        )
        assert [each.data for each in events] == ["[DONE]x", "[DONE]\n", " [DONE]"]

    @pytest.mark.parametrize("rest", [b"", b"data: [DON", b"id: 2\n"])
    @pytest.mark.usefixtures("either_reader")
    def test_an_end_without_until_is_incomplete(self, sse_server: SSEServer, get: Get, rest: bytes) -> None:
        """With the number of events that came, and the interruption as the cause."""
        wire = b"data: 1\n\ndata: 2\n\n" + rest
        sse_server.script([connection(raw(wire), framing="close")])
        for source in (get(), [wire]):
            data, error = read(source, until="[DONE]")
            assert isinstance(error, StreamIncomplete)
            assert (data, error.until, error.events_received) == (["1", "2"], "[DONE]", 2)
            assert isinstance(error.__cause__, StreamInterrupted)

    @pytest.mark.usefixtures("either_reader")
    def test_a_broken_body_is_an_interruption_with_until_as_well(
        self, sse_server: SSEServer, get: Get
    ) -> None:
        """How it broke says more than that it is incomplete."""
        sse_server.script([[retry(1), event("1"), cut()]])
        data, error = read(get(), until="[DONE]")
        assert (data, type(error)) == (["1"], StreamInterrupted)

    @pytest.mark.usefixtures("either_reader")
    def test_an_event_without_end_is_too_large(self, sse_server: SSEServer, get: Get) -> None:
        """What came before it is given."""
        sse_server.script([[event("1"), raw(b"data: "), endless(b"x" * 1000)]])
        for source in (get(), [b"data: 1\n\ndata: ", *[b"x" * 1000] * 100]):
            data, error = read(source, max_event_bytes=50_000)
            assert isinstance(error, EventTooLarge)
            assert (data, error.limit) == (["1"], 50_000)

    def test_a_rejection_is_raised_when_the_first_event_is_asked_for(
        self, sse_server: SSEServer, get: Get
    ) -> None:
        """Not before: it is an iterator."""
        sse_server.script([status(500)])
        events = iter_events(get())
        with pytest.raises(StatusRejected):
            next(events)
