"""What a model gives is asked for once, whatever it is; and what it told is kept, whatever happens then."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from everstream import AnswerIncomplete, ProviderError
from everstream.llm import ChatStream, GenerateContentStream, ResponsesStream
from everstream.testing import SSEServer, Step, connection, cut, stall, status
from tests.llm.wires import (
    APIS,
    DONE,
    GREETINGS,
    PIECES,
    ask,
    base_url,
    block,
    candidate,
    completed,
    delta,
    failure_of,
    named,
    part,
    patient,
    response,
    whole,
)

Part = Mapping[str, Any]
GIVEN: Mapping[str, tuple[str, Step]] = {
    "sound": ("chat", part({"choices": [{"delta": {"audio": {"data": "UklGRg=="}}}]})),
    "a picture of Google": (
        "generate_content",
        part({"candidates": [{"content": {"parts": [{"inlineData": {"data": "iVBO"}}]}}]}),
    ),
    "a search of Anthropic": (
        "messages",
        named({"type": "content_block_start", **block(0, type="web_search_tool_result", content=[])}),
    ),
    "a picture of OpenAI": (
        "responses",
        named({"type": "response.image_generation_call.partial_image", "partial_image_b64": "iVBO"}),
    ),
    "a search of OpenAI": (
        "responses",
        named({"type": "response.output_item.added", "item": {"type": "web_search_call"}}),
    ),
}
PREPARED: Mapping[str, Sequence[Part]] = {
    "responses": [
        {"type": "response.output_item.added", "item": {"type": "message", "content": []}},
        {"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}},
    ],
    "messages": [{"type": "content_block_start", **block(0, type="text", text="")}],
}


@pytest.mark.parametrize(("api", "given"), GIVEN.values(), ids=list(GIVEN))
def test_what_is_no_text_is_not_asked_for_twice(sse_server: SSEServer, api: str, given: Step) -> None:
    """It was given, and is paid for."""
    sse_server.script([connection(*GREETINGS[api], given, cut())], then=whole(api))
    error = failure_of(ask(sse_server, api))
    assert isinstance(error, AnswerIncomplete)
    assert len(sse_server.requests) == 1


@pytest.mark.parametrize("api", PREPARED)
def test_what_is_only_prepared_is_asked_for_again(sse_server: SSEServer, api: str) -> None:
    """A place for an answer is none yet."""
    prepared = [named(dict(payload)) for payload in PREPARED[api]]
    sse_server.script([connection(*GREETINGS[api], *prepared, cut()), whole(api)])
    assert (ask(sse_server, api).read(), len(sse_server.requests)) == ("whole", 2)


def test_without_numbers_a_response_in_the_background_is_not_begun_twice(sse_server: SSEServer) -> None:
    """After its first delta there is nothing to go on from, and no other answer is asked for."""
    piece = {"type": "response.output_text.delta", "delta": "Air"}
    sse_server.script(
        [connection(named({"type": "response.created"}), named(piece), cut())], then=status(500)
    )
    stream = ResponsesStream(f"{base_url(sse_server)}/v1", "m", "Hi", background=True, **patient())
    error = failure_of(stream)
    assert isinstance(error, AnswerIncomplete)
    assert (error.text, [request.method for request in sse_server.requests]) == ("Air", ["POST"])


class TestAfterAnError:
    def test_a_response_tells_all_that_there_is_of_it(self, sse_server: SSEServer) -> None:
        """Text, usage and id; and its payload is among the chunks."""
        text = {"type": "message", "content": [{"type": "output_text", "text": "the whole"}]}
        usage, reason = {"total_tokens": 3}, {"reason": "max_output_tokens"}
        broken_off = response("incomplete", output=[text], usage=usage, incomplete_details=reason)
        sse_server.script([[*GREETINGS["responses"], PIECES["responses"]("whole"), named(broken_off)]])
        stream = ask(sse_server, "responses", keep_chunks=True)
        error = failure_of(stream)
        assert isinstance(error, ProviderError)
        assert (error.text, stream.usage, stream.is_complete) == ("the whole", usage, False)
        assert stream.chunks[-1]["type"] == "response.incomplete"

    def test_a_chunk_tells_its_usage_and_its_piece(self, sse_server: SSEServer) -> None:
        """Beside the error."""
        last = {**delta(" lot"), "usage": {"total_tokens": 3}, "error": {"message": "no more"}}
        sse_server.script([[part(delta("a")), part(last)]])
        stream = ask(sse_server)
        error = failure_of(stream)
        assert isinstance(error, ProviderError)
        assert (error.text, stream.usage) == ("a lot", {"total_tokens": 3})


class TestSeveralAnswers:
    def test_the_terminator_counts(self, sse_server: SSEServer) -> None:
        """Though not each has a finish reason: with litellm, only the first has."""
        pieces = [part(delta("all", choice=choice)) for choice in (0, 1)]
        sse_server.script([[*pieces, part(delta(end="stop")), DONE]])
        stream = ChatStream(f"{base_url(sse_server)}/v1", "m", "Hi", n=2, **patient())
        assert stream.read() == "all"
        assert [(choice.text, choice.finish_reason) for choice in stream.choices] == [
            ("all", "stop"),
            ("all", None),
        ]

    def test_google_is_held_to_the_number_that_was_asked_for(self, sse_server: SSEServer) -> None:
        """By `candidateCount`."""
        config = {"candidateCount": 2}
        ends = [part(candidate("a", end="STOP", index=index)) for index in (0, 1)]
        sse_server.script([ends[:1], ends])
        one, both = (
            GenerateContentStream(base_url(sse_server), "m", "Hi", generationConfig=config, **patient())
            for _ in range(2)
        )
        assert isinstance(failure_of(one), AnswerIncomplete)
        assert (both.read(), len(both.choices)) == ("a", 2)


def test_a_whole_that_leaves_something_out_does_not_take_it_away(sse_server: SSEServer) -> None:
    """Text that came by deltas stays, if the end holds reasoning only."""
    end = completed("", 2)
    end["response"]["output"] = [{"type": "reasoning", "summary": []}]
    sse_server.script([[PIECES["responses"]("Hello"), named(end)]])
    stream = ask(sse_server, "responses")
    assert (stream.read(), stream.is_complete) == ("Hello", True)


def test_a_wait_that_is_known_to_be_too_short_is_not_begun(sse_server: SSEServer) -> None:
    """Whoever waits for an answer learns at once that there is none for an hour."""
    sse_server.script([status(429, retry_after=3600)], then=whole("chat"))
    error = failure_of(ask(sse_server))
    assert isinstance(error, ProviderError)
    assert (error.retry_after, len(sse_server.requests)) == (3600.0, 1)


def test_what_is_pending_is_not_given_after_close(sse_server: SSEServer) -> None:
    """An event may bring more than one piece."""
    both = part({"choices": [*delta("a")["choices"], *delta("b", choice=1)["choices"]]})
    sse_server.script([connection(both, stall())])
    stream = ask(sse_server)
    deltas = stream.deltas()
    next(deltas)
    stream.close()
    assert (list(deltas), list(stream)) == ([], [])


def test_pieces_can_be_taken_one_by_one(sse_server: SSEServer) -> None:
    """With `next`, as events of an event source."""
    sse_server.script([whole("chat")])
    stream = ask(sse_server)
    assert (next(stream), next(stream), list(stream)) == ("wh", "ole", [])


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("background", [False, True])
def test_a_stream_that_nobody_holds_is_gone_at_once(
    sse_server: SSEServer, api: str, background: bool
) -> None:
    """With its connection, so that the provider stops: no collector of garbage is needed."""
    sse_server.script([connection(*GREETINGS[api], PIECES[api]("half"), stall())])
    gc.disable()
    try:
        stream = ask(sse_server, api, **({"background": True} if background and api == "responses" else {}))
        assert next(stream) == "half"
        gone = weakref.ref(stream.source)
        del stream
        assert gone() is None
    finally:
        gc.enable()
