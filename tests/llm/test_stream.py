"""What a program holds of a model stream: loops, the whole, attributes, and the end."""

from __future__ import annotations

import logging
import threading

import pytest

from everstream import AnswerIncomplete, ProviderError
from everstream.llm import ChatStream, ModelStream, TextDelta, ToolCall, ToolCallDelta, stream_chat_completion
from everstream.testing import SSEServer, connection, cut, event, no_content, pause, raw, status
from tests.llm.wires import (
    APIS,
    DONE,
    KEY,
    PIECES,
    ask,
    base_url,
    delta,
    failure_of,
    named,
    part,
    patient,
    response,
    whole,
)
from tests.observe.measuring import Measurement
from tests.reading import DEADLINE, wait_until

CALL = delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "now", "arguments": "{}"}}])
ODD_ONES = [
    event("", type="unknown"),
    event("no JSON", type="keepalive"),
    part(["a", "list"], type="unknown"),
    part("text", type="unknown"),
    raw(b": comment\n\n"),
    raw(b"id: 7\n\n"),
    raw(b"retry: 1\n\n"),
]


def texts(stream: ModelStream) -> list[str]:
    """Reads a stream to its end."""
    return list(stream)


class TestLoops:
    @pytest.mark.parametrize("api", APIS)
    def test_a_loop_gives_the_pieces_of_text(self, sse_server: SSEServer, api: str) -> None:
        """And ends when the answer is whole."""
        sse_server.script([whole(api)])
        stream = ask(sse_server, api)
        assert not stream.is_complete
        assert texts(stream) == ["wh", "ole"]
        assert (stream.text, stream.is_complete, len(sse_server.requests)) == ("whole", True, 1)
        assert None not in (stream.finish_reason, stream.model or stream.id)

    @pytest.mark.parametrize("api", APIS)
    def test_what_is_not_known_is_passed_over(self, sse_server: SSEServer, api: str) -> None:
        """Types of events, comments, ids: between all others."""
        steps = [each for step in whole(api) for each in (*ODD_ONES, step)]
        sse_server.script([steps])
        stream = ask(sse_server, api)
        assert (stream.read(), stream.is_complete) == ("whole", True)

    def test_nothing_is_sent_before_the_first_piece_is_asked_for(self, sse_server: SSEServer) -> None:
        """Nor afterwards, when all has been given."""
        sse_server.script([whole("chat")])
        stream = ask(sse_server)
        deltas = stream.deltas()
        assert (stream.text, stream.choices[0].text, sse_server.requests) == ("", "", [])
        assert len(list(deltas)) == 2
        assert texts(stream) == list(stream.deltas()) == []
        assert (stream.read(), len(sse_server.requests)) == ("whole", 1)

    def test_deltas_are_of_all_kinds_and_choices_and_a_loop_gives_text_of_the_first(
        self, sse_server: SSEServer
    ) -> None:
        """In the order of the wire."""
        chunks = [
            delta(reasoning="Hm"),
            delta("Hi"),
            delta("Ho", choice=1),
            CALL,
            delta(refusal="No", end="stop"),
            delta(choice=1, end="length"),
        ]
        for _ in range(2):
            sse_server.script([[*map(part, chunks), DONE]])
            stream = ask(sse_server, n=2)
            if len(sse_server.requests):
                assert texts(stream) == ["Hi"]
            else:
                assert list(stream.deltas()) == [
                    TextDelta("Hm", "reasoning"),
                    TextDelta("Hi"),
                    TextDelta("Ho", choice=1),
                    ToolCallDelta("{}", "a", "now", 0),
                    TextDelta("No", "refusal"),
                ]
            assert (stream.text, stream.reasoning, stream.refusal) == ("Hi", "Hm", "No")
            assert stream.tool_calls == (ToolCall("a", "now", "{}"),)
            assert [(choice.text, choice.finish_reason) for choice in stream.choices] == [
                ("Hi", "stop"),
                ("Ho", "length"),
            ]

    def test_a_loop_that_was_left_can_be_entered_again(self, sse_server: SSEServer) -> None:
        """And loses nothing, though one event gave several pieces."""
        several = {"choices": [*delta("b", reasoning="1")["choices"], *delta("c")["choices"]]}
        sse_server.script([[part(delta("a")), part(several), part(delta("d")), DONE]])
        stream = ask(sse_server)
        found: list[str] = []
        while not stream.is_complete:
            for text in stream:
                found.append(text)
                break
        assert "".join(found) == stream.text == "abcd"
        assert len(sse_server.requests) == 1

    def test_reading_goes_on_where_a_loop_stopped(self, sse_server: SSEServer) -> None:
        """And gives the whole, not the rest."""
        sse_server.script([whole("chat")])
        stream = ask(sse_server)
        assert next(iter(stream)) == "wh"
        assert stream.read() == "whole"

    def test_attributes_grow_while_the_answer_comes(self, sse_server: SSEServer) -> None:
        """Each has what the pieces so far have told."""
        sse_server.script([[part(delta("a")), pause(), part(delta("b", end="stop")), DONE]])
        stream = ask(sse_server)
        pieces = iter(stream)
        assert next(pieces) == "a"
        assert (stream.text, stream.id, stream.model) == ("a", "chat-1", "model-1")
        assert (stream.finish_reason, stream.usage, stream.is_complete) == (None, None, False)
        sse_server.release()
        assert list(pieces) == ["b"]
        assert (stream.text, stream.finish_reason, stream.is_complete) == ("ab", "stop", True)

    def test_payloads_are_kept_if_asked_for(self, sse_server: SSEServer) -> None:
        """As they came; else there are none."""
        chunks = [
            delta("", role="assistant"),
            delta("a"),
            delta(end="stop"),
            {"choices": [], "usage": {"a": 1}},
        ]
        for keep in (True, False):
            sse_server.script([[*map(part, chunks), DONE]])
            stream = ask(sse_server, keep_chunks=keep)
            stream.read()
            assert list(stream.chunks) == (chunks if keep else [])


class TestEnds:
    def test_a_failure_is_raised_again(self, sse_server: SSEServer) -> None:
        """By every way to go on, and nothing is asked again."""
        sse_server.script([[part(delta("a")), cut()]], then=whole("chat"))
        stream = ask(sse_server)
        error = failure_of(stream)
        assert isinstance(error, AnswerIncomplete)
        for ask_again in (stream.read, lambda: texts(stream), lambda: list(stream.deltas())):
            with pytest.raises(AnswerIncomplete) as caught:
                ask_again()
            assert caught.value is error
        assert (stream.text, stream.is_complete, len(sse_server.requests)) == ("a", False, 1)

    def test_close_from_another_thread_ends_a_loop_normally(self, sse_server: SSEServer) -> None:
        """The answer is not complete, and whoever asks for the whole is told."""
        sse_server.script([[part(delta("a")), pause(), part(delta("b")), DONE]])
        stream = ask(sse_server)
        found: list[str] = []
        reader = threading.Thread(target=lambda: found.extend(stream), daemon=True)
        reader.start()
        wait_until(lambda: found, "the first piece")
        stream.close()
        reader.join(DEADLINE)
        assert not reader.is_alive()
        assert (found, stream.text, stream.is_complete) == (["a"], "a", False)
        assert texts(stream) == []
        error = failure_of(stream)
        assert isinstance(error, AnswerIncomplete)
        assert (error.text, error.reason, error.retryable) == ("a", "the stream was closed", False)

    def test_close_before_the_first_request_is_an_end_too(self, sse_server: SSEServer) -> None:
        """Nothing is sent."""
        stream = ask(sse_server)
        stream.close()
        assert (texts(stream), stream.is_complete, sse_server.requests) == ([], False, [])
        assert isinstance(failure_of(stream), AnswerIncomplete)

    def test_a_block_closes_the_stream_at_its_end(self, sse_server: SSEServer) -> None:
        """The server notices; the loop cannot be gone on with."""
        sse_server.script([[part(delta("a")), pause(), DONE]])
        with ask(sse_server) as stream:
            assert next(iter(stream)) == "a"
        sse_server.wait_until_client_gone(0)
        assert (texts(stream), stream.is_complete) == ([], False)
        assert isinstance(failure_of(stream), AnswerIncomplete)

    def test_close_after_the_end_changes_nothing(self, sse_server: SSEServer) -> None:
        """The answer is whole."""
        sse_server.script([whole("chat")])
        with ask(sse_server) as stream:
            stream.read()
        assert (stream.read(), stream.is_complete) == ("whole", True)

    @pytest.mark.parametrize("exception", [KeyboardInterrupt, RuntimeError])
    def test_an_exception_is_no_end(self, sse_server: SSEServer, exception: type[BaseException]) -> None:
        """Of a function of the caller's, or of Ctrl-C: no loop after it ends normally."""

        def key() -> str:
            raise exception

        stream = ask(sse_server, api_key=key)
        with pytest.raises(exception):
            stream.read()
        with pytest.raises((exception, AnswerIncomplete)):
            texts(stream)
        assert not stream.is_complete

    def test_an_answer_without_content_is_not_complete(self, sse_server: SSEServer) -> None:
        """And is not asked for again."""
        sse_server.script([no_content()], then=whole("chat"))
        error = failure_of(ask(sse_server))
        assert isinstance(error, AnswerIncomplete)
        assert (error.text, error.reason) == ("", "the server answered without content")
        assert (error.retryable, len(sse_server.requests)) == (False, 1)


class TestOneCall:
    def test_a_completion_is_shown_as_it_comes_and_returned(self, sse_server: SSEServer) -> None:
        """With all other arguments of the class."""
        sse_server.script([whole("chat")])
        shown: list[str] = []
        url = f"{base_url(sse_server)}/v1"
        text = stream_chat_completion(url, "m", "Hi", KEY, on_delta=shown.append, seed=1, **patient())
        assert (text, shown) == ("whole", ["wh", "ole"])
        assert b'"seed": 1' in sse_server.requests[0].body

    def test_without_a_callback_it_is_returned(self, sse_server: SSEServer) -> None:
        """And a half answer is raised."""
        url = f"{base_url(sse_server)}/v1"
        sse_server.script([whole("chat"), [part(delta("half")), cut()]])
        assert stream_chat_completion(url, "m", "Hi", **patient()) == "whole"
        with pytest.raises(AnswerIncomplete) as caught:
            stream_chat_completion(url, "m", "Hi", **patient())
        assert caught.value.text == "half"


class TestObservation:
    def test_nothing_of_the_answer_is_logged_or_shown(
        self, sse_server: SSEServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Nor of the question, nor the key: only what the server says of an error."""
        caplog.set_level(logging.DEBUG, "everstream")
        failed = part({"error": {"message": "told", "code": 500}})
        sse_server.script([status(503, body=b"told"), [part(delta("canary")), failed]])
        stream = ChatStream(f"{base_url(sse_server)}/v1", "m", "canary", f"canary-{KEY}", **patient())
        error = failure_of(stream)
        assert isinstance(error, ProviderError)
        assert error.text == "canary"
        shown = [repr(stream), repr(vars(stream)), repr(error), str(error), repr(list(stream.choices))]
        records = [str(vars(record)) for record in caplog.records if record.name == "everstream"]
        assert sum("told" in record for record in records) == 2
        assert not [text for text in (*shown, *records) if "canary" in text]

    def test_a_representation_says_what_became_of_it(self, sse_server: SSEServer) -> None:
        """With its name."""
        sse_server.script([whole("responses")])
        stream = ask(sse_server, "responses", name="mine")
        assert repr(stream) == "<ResponsesStream mine incomplete>"
        stream.read()
        assert repr(stream) == "<ResponsesStream mine complete>"

    def test_streams_are_measured(self, sse_server: SSEServer) -> None:
        """An error in a stream is a loss of its own kind."""
        measurement = Measurement()
        sse_server.script([[named(response("failed", error={"code": "server_error"}))], whole("responses")])
        options = {**patient(), "clock": measurement.clock, "metrics": measurement.metrics}
        ask(sse_server, "responses", name="prices", **options).read()
        assert measurement.value("stream.interruptions", "prices", "error_event") == 1

    def test_counts_are_those_of_the_source(self, sse_server: SSEServer) -> None:
        """Which is there for whoever wants more."""
        sse_server.script([connection(PIECES["chat"]("a"), DONE)])
        stream = ask(sse_server)
        stream.read()
        assert (stream.source.stats.events, stream.source.stats.connects) == (1, 1)
