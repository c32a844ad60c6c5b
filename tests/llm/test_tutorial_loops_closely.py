"""What the page about tutorial loops says of single loops, beyond its table, is so."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from everstream import EverstreamError, StatusRejected, StreamIncomplete, StreamInterrupted
from everstream.llm import AnswerIncomplete, ProviderError
from everstream.testing import SSEServer, connection, cut, event, no_content, status
from tests.llm.tutorial_loops import (
    CHAT,
    JSON,
    LINES,
    SECTIONS,
    SSECLIENT,
    TRY,
    Run,
    Section,
    Sent,
    as_chunk,
    as_json,
    surroundings,
)

pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # some loops leave that to chance
NULL = event(json.dumps({"choices": [{"delta": {"role": "assistant", "content": None}}]}))
USAGE = event(json.dumps({"choices": [], "usage": {"total_tokens": 4}}))
HELLO = (event(as_chunk("He")), event(as_chunk("llo")))
DONE = event("[DONE]")


@pytest.fixture(autouse=True)
def sent() -> Iterator[list[Sent]]:
    """Gives what is sent to requests."""
    with surroundings() as sent:
        yield sent


@pytest.mark.parametrize("section", [LINES, JSON, CHAT, SSECLIENT], ids=lambda section: section.column)
def test_no_limit_on_silence(section: Section, sse_server: SSEServer, sent: list[Sent]) -> None:
    """Four loops wait for a silent server for ever: they give requests no timeout. The replacements do."""
    sse_server.script([connection(DONE)] * 2)
    Run().of(section.loop, sse_server)
    Run().of(section.replacement, sse_server)
    limits = [each.timeout for each in sent]
    assert limits[0] is None
    assert all(connect > 0 and read > 0 for connect, read in limits[1:])


class TestLines:
    @pytest.mark.parametrize("code", [401, 404])
    def test_an_error_page_is_an_empty_answer(self, code: int, sse_server: SSEServer) -> None:
        """And an error, with what the server said, in the replacement."""
        sse_server.script([], then=status(code, body=b"That did not work."))
        loop = Run().of(LINES.loop, sse_server)
        assert (loop.text, loop.error) == ("", None)
        error = Run().of(LINES.replacement, sse_server).error
        assert isinstance(error, StatusRejected)
        assert (error.status, error.body_excerpt) == (code, b"That did not work.")

    def test_half_an_event_is_a_whole_one(self, sse_server: SSEServer) -> None:
        """The replacement does not give it, and says that something was on its way."""
        half = connection(event("Every"), cut(b"data: str"), framing="close")
        sse_server.script([half] * 2)
        loop = Run().of(LINES.loop, sse_server)
        assert (loop.pieces, loop.error) == (["Every", "str"], None)
        replacement = Run().of(LINES.replacement, sse_server)
        assert replacement.pieces == ["Every"]
        assert isinstance(replacement.error, StreamInterrupted)


class TestJSON:
    def test_a_result_without_its_end_counts_as_all_of_it(self, sse_server: SSEServer) -> None:
        """The replacement knows better, and has what came."""
        sse_server.script([connection(event(as_json("Nile")))] * 2)
        loop = Run().of(JSON.loop, sse_server)
        assert (loop.text, loop.error) == ("Nile", None)
        error = Run().of(JSON.replacement, sse_server).error
        assert isinstance(error, StreamIncomplete)
        assert [each.json() for each in error.received] == [{"river": "Nile"}]


class TestChat:
    def test_half_an_answer_is_printed_as_a_whole_one(self, sse_server: SSEServer) -> None:
        """The replacement prints it as well, and then raises an error that has it."""
        sse_server.script([connection(*HELLO)] * 2)
        loop = Run().of(CHAT.loop, sse_server)
        assert (loop.text, loop.error) == ("Hello", None)
        replacement = Run().of(CHAT.replacement, sse_server)
        assert isinstance(replacement.error, AnswerIncomplete)
        assert replacement.text == replacement.error.text == "Hello"

    @pytest.mark.parametrize("code", [401, 404, 503, 200])
    def test_an_error_in_json_is_an_empty_line(self, code: int, sse_server: SSEServer) -> None:
        """Whatever its status; the replacement has what the server said."""
        said = b'{"error": {"message": "Not with this key."}}'
        sse_server.script([], then=status(code, body=said, content_type="application/json"))
        loop = Run().of(CHAT.loop, sse_server)
        assert (loop.text, loop.error) == ("", None)
        error = Run().of(CHAT.replacement, sse_server).error
        assert isinstance(error, EverstreamError)
        reported = error if isinstance(error, ProviderError) else error.__cause__
        assert isinstance(reported, ProviderError)
        assert reported.message.startswith("Not with this key.")

    def test_an_error_after_the_first_token_is_a_missing_key(self, sse_server: SSEServer) -> None:
        """In the replacement it is the error that the server reported, with the text before it."""
        sse_server.script([connection(*HELLO, event('{"error": {"message": "Overloaded."}}'))] * 2)
        loop = Run().of(CHAT.loop, sse_server)
        assert repr(loop.error) == "KeyError('choices')"
        error = Run().of(CHAT.replacement, sse_server).error
        assert isinstance(error, ProviderError)
        assert (error.message, error.text) == ("Overloaded.", "Hello")

    def test_null_is_printed(self, sse_server: SSEServer) -> None:
        """Many servers begin with a chunk that has a role, and null for its content."""
        sse_server.script([connection(NULL, *HELLO, DONE)] * 2)
        assert Run().of(CHAT.loop, sse_server).text == "NoneHello"
        assert Run().of(CHAT.replacement, sse_server).text == "Hello"

    def test_usage_is_an_error(self, sse_server: SSEServer) -> None:
        """The chunk with the usage has no choices."""
        sse_server.script([connection(*HELLO, USAGE, DONE)] * 2)
        assert isinstance(Run().of(CHAT.loop, sse_server).error, IndexError)
        replacement = Run().of(CHAT.replacement, sse_server)
        assert (replacement.text, replacement.error) == ("Hello", None)


class TestTry:
    def test_half_an_answer_and_an_error_that_nobody_sees(self, sse_server: SSEServer) -> None:
        """The loop ends in order, and has printed the beginning three times; the replacement raises."""
        broken = connection(*HELLO, cut())
        sse_server.script([broken] * 4)
        loop = Run().of(TRY.loop, sse_server)
        assert (loop.text, loop.error) == ("HelloHelloHello", None)
        replacement = Run().of(TRY.replacement, sse_server)
        assert isinstance(replacement.error, AnswerIncomplete)
        assert replacement.text == replacement.error.text == "Hello"

    def test_a_refused_connection_is_an_empty_answer(self, sse_server: SSEServer) -> None:
        """Three attempts without a pause, and nothing: the error was yielded."""
        with sse_server.refusing():
            loop = Run().of(TRY.loop, sse_server)
            replacement = Run().of(TRY.replacement, sse_server)
        assert (loop.pieces, loop.error) == ([""], None)
        assert isinstance(replacement.error, EverstreamError)

    def test_a_beginning_is_printed_and_paid_for_twice(self, sse_server: SSEServer) -> None:
        """The replacement asks once: it has given something already."""
        broken, whole = connection(*HELLO, cut()), connection(*HELLO, event(as_chunk("!")), DONE)
        sse_server.script([broken, whole])
        assert Run().of(TRY.loop, sse_server).text == "HelloHello!"
        assert len(sse_server.requests) == 2
        sse_server.script([broken, whole])
        assert Run().of(TRY.replacement, sse_server).text == "Hello"
        assert len(sse_server.requests) == 3

    def test_before_the_first_text_it_is_tried_three_times(self, sse_server: SSEServer) -> None:
        """A cut and a 503 before anything was given cost nothing; a third failure is the end."""
        cut_at_once, whole = connection(NULL, cut()), connection(*HELLO, DONE)
        sse_server.script([cut_at_once, status(503), whole])
        replacement = Run().of(TRY.replacement, sse_server)
        assert (replacement.text, replacement.error) == ("Hello", None)
        sse_server.script([cut_at_once, status(503), status(503), whole])
        assert isinstance(Run().of(TRY.replacement, sse_server).error, EverstreamError)
        assert sse_server.unplayed == 1

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            (status(503), requests.HTTPError),
            (connection(event('{"error": {"message": "Overloaded."}}')), KeyError),
            (connection(*HELLO), type(None)),
        ],
        ids=["status", "in the stream", "an early end"],
    )
    def test_what_fails_most_often_is_none_of_the_three(
        self, fault: object, error: type[Exception], sse_server: SSEServer
    ) -> None:
        """No error is yielded, and none of the three is raised; the replacement's is ours."""
        sse_server.script([], then=fault)  # type: ignore[arg-type]
        loop = Run().of(TRY.loop, sse_server)
        assert type(loop.error) is error
        assert loop.text in ("", "Hello")
        assert isinstance(Run().of(TRY.replacement, sse_server).error, EverstreamError)


class TestSSEClient:
    def test_half_an_event_is_a_whole_one(self, sse_server: SSEServer) -> None:
        """The replacement gives the whole, from the next connection."""
        half = connection(event("1", id="1"), cut(b"data: hal"), framing="close")
        sse_server.script([half])
        assert Run().of(SSECLIENT.loop, sse_server).pieces == ["1", "hal"]
        sse_server.script([half, connection(event("half", id="2"))])
        assert Run().of(SSECLIENT.replacement, sse_server).pieces == ["1", "half"]

    def test_a_cut_is_an_exception_of_requests(self, sse_server: SSEServer) -> None:
        """The replacement reconnects, and says how far it was."""
        broken = connection(event("1", id="1"), cut())
        sse_server.script([broken])
        loop = Run().of(SSECLIENT.loop, sse_server)
        assert isinstance(loop.error, requests.exceptions.ChunkedEncodingError)
        sse_server.script([broken, connection(event("2", id="2"))])
        assert Run().of(SSECLIENT.replacement, sse_server).pieces == ["1", "2"]
        assert sse_server.requests[2].headers["Last-Event-ID"] == "1"

    def test_a_restart_of_the_server_is_the_end(self, sse_server: SSEServer) -> None:
        """The loop asks once; the replacement until the server says that there is no more."""
        script = [connection(event("1", id="1")), status(503), connection(event("2", id="2")), no_content()]
        sse_server.script(script)
        loop = Run().of(SSECLIENT.loop, sse_server)
        assert (loop.pieces, loop.error, sse_server.unplayed) == (["1"], None, 3)
        sse_server.script(script)
        assert Run().of(SSECLIENT.replacement, sse_server).pieces == ["1", "2"]


def test_the_page_has_five_loops() -> None:
    """None is left out of the tests."""
    assert len({section.loop for section in SECTIONS}) == 5
