"""Which ends are whole: by a terminator, or by a preset for those without one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from everstream import AnswerIncomplete, RetriesExhausted, StreamIncomplete, StreamInterrupted
from everstream.llm import ChatStream
from everstream.testing import SSEServer, Step, connection, cut, end, event, raw
from tests.llm.wires import (
    APIS,
    DONE,
    ENDS,
    MESSAGE_STOP,
    PIECES,
    ask,
    base_url,
    candidate,
    completed,
    delta,
    failure_of,
    named,
    part,
    patient,
    whole,
)

USAGE = {"choices": [], "usage": {"total_tokens": 3}}
STOP, HALF = part(delta(end="stop")), part(delta("half"))


def without_done(server: SSEServer, **options: int) -> ChatStream:
    """Returns a stream of a server that sends no `[DONE]`."""
    url = f"{base_url(server)}/v1"
    return ChatStream(url, "m", "Hi", terminator="finish_reason", **patient(), **options)


def incomplete(stream: object) -> AnswerIncomplete:
    """Returns the error of an answer that broke off."""
    error = failure_of(stream)  # type: ignore[arg-type]
    assert isinstance(error, AnswerIncomplete)
    return error


class TestTerminators:
    @pytest.mark.parametrize("api", ["chat", "messages", "responses"])
    def test_an_end_without_it_is_incomplete(self, sse_server: SSEServer, api: str) -> None:
        """Though all the text has come, and the reason: something else may be missing."""
        sse_server.script([whole(api)[:-1]])
        error = incomplete(ask(sse_server, api))
        assert (error.text, error.until) == ("whole", "[DONE]" if api == "chat" else None)
        assert isinstance(error.__cause__, StreamIncomplete)
        assert len(error.received) == error.events_received == len(whole(api)) - 1

    @pytest.mark.parametrize("framing", ["chunked", "trickle", "length", "close"])
    @pytest.mark.parametrize("api", APIS)
    def test_what_comes_after_it_is_not_waited_for(
        self, sse_server: SSEServer, api: str, framing: str
    ) -> None:
        """Nor does the framing matter."""
        after = [] if api == "generate_content" else [raw(b"data: no JSON\n\n"), cut()]
        sse_server.script([connection(*whole(api), *after, framing=framing)])  # type: ignore[arg-type]
        assert ask(sse_server, api).read() == "whole"

    def test_done_may_lack_its_blank_line(self, sse_server: SSEServer) -> None:
        """As with many servers."""
        for tail in (b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r\n"):
            sse_server.script([[HALF, raw(tail)]])
            assert ask(sse_server).read() == "half"

    @pytest.mark.parametrize("tail", [b"data: [DONE", b"data: [DONE]x\n\n", b": [DONE]\n\n", b"data: done\n"])
    def test_what_only_resembles_it_is_no_terminator(self, sse_server: SSEServer, tail: bytes) -> None:
        """Half of it proves nothing."""
        sse_server.script([[HALF, raw(tail)]])
        assert incomplete(ask(sse_server)).text == "half"

    @pytest.mark.parametrize(
        ("api", "last"), [("messages", MESSAGE_STOP), ("responses", completed("half", 9))]
    )
    def test_half_of_the_last_event_proves_nothing(
        self, sse_server: SSEServer, api: str, last: dict[str, object]
    ) -> None:
        """Without its blank line it is discarded, as the standard has it."""
        step = named(last)
        assert hasattr(step, "data")
        for tail in (step.data[:-1], step.data[:-2], step.data[:-9]):
            sse_server.script([[PIECES[api]("half"), raw(tail)]])
            assert incomplete(ask(sse_server, api)).text == "half"

    @pytest.mark.parametrize("api", ["messages", "responses"])
    def test_done_is_none_for_others(self, sse_server: SSEServer, api: str) -> None:
        """It is passed over."""
        sse_server.script([[PIECES[api]("a"), DONE, *ENDS[api]], [PIECES[api]("half"), DONE]])
        ask(sse_server, api).read()
        assert incomplete(ask(sse_server, api)).text == "half"

    def test_an_answer_may_be_empty(self, sse_server: SSEServer) -> None:
        """If something says that it was one."""
        sse_server.script([[STOP, DONE]])
        stream = ask(sse_server)
        assert (stream.read(), stream.is_complete, stream.finish_reason) == ("", True, "stop")

    def test_an_end_alone_is_no_answer(self, sse_server: SSEServer) -> None:
        """Though it be the right one: the server speaks another language."""
        sse_server.script([[named({"type": "message"}), DONE]])
        stream = ask(sse_server)
        assert "there was no answer in it" in str(incomplete(stream))
        assert not stream.is_complete


class TestGoogle:
    def test_a_finish_reason_and_a_clean_end_are_whole(self, sse_server: SSEServer) -> None:
        """What comes between them counts."""
        steps = [part(candidate("a", end="STOP")), part({"usageMetadata": {"totalTokenCount": 3}})]
        sse_server.script([steps])
        stream = ask(sse_server, "generate_content")
        assert (stream.read(), stream.is_complete) == ("a", True)
        assert (stream.finish_reason, stream.usage) == ("STOP", {"totalTokenCount": 3})

    @pytest.mark.parametrize(
        "steps",
        [
            [part(candidate("half"))],
            [part(candidate("half")), part(candidate(end="STOP", index=1))],
            [part(candidate("half", end="STOP")), part(candidate("b", index=1))],
            [part(candidate("half", end="STOP")), cut()],
            [part(candidate("half", end="STOP")), cut(b'data: {"cand')],
            [part(candidate("half", end="STOP")), raw(b'data: {"cand')],
        ],
        ids=["no reason", "of another", "not of all", "cut", "torn", "unfinished"],
    )
    def test_anything_less_is_incomplete(self, sse_server: SSEServer, steps: Sequence[Step]) -> None:
        """A reason without a clean end, or an end without the reason of each candidate."""
        sse_server.script([steps])
        stream = ask(sse_server, "generate_content")
        assert incomplete(stream).text == "half"
        assert (stream.is_complete, len(sse_server.requests)) == (False, 1)

    def test_an_end_before_anything_is_an_interruption(self, sse_server: SSEServer) -> None:
        """And is retried."""
        sse_server.script([[end()], whole("generate_content")], then=[part({})])
        assert ask(sse_server, "generate_content").read() == "whole"
        error = failure_of(ask(sse_server, "generate_content"))
        assert isinstance(error, RetriesExhausted)
        assert isinstance(error.__cause__, StreamInterrupted)


class TestChatWithoutDone:
    @pytest.mark.parametrize("tail", [[], [part(USAGE)], [DONE], [part(USAGE), DONE]], ids=repr)
    def test_finish_reasons_and_a_clean_end_are_whole(self, sse_server: SSEServer, tail: list[Step]) -> None:
        """Usage may follow, and `[DONE]` does no harm."""
        sse_server.script([[HALF, STOP, *tail]])
        stream = without_done(sse_server)
        assert (stream.read(), stream.finish_reason, stream.is_complete) == ("half", "stop", True)

    @pytest.mark.parametrize(
        "steps",
        [[HALF], [HALF, DONE], [HALF, STOP, cut()], [HALF, STOP, raw(b"data: {")]],
        ids=["no reason", "DONE only", "cut", "unfinished"],
    )
    def test_anything_less_is_incomplete(self, sse_server: SSEServer, steps: list[Step]) -> None:
        """`[DONE]` too, without a reason."""
        sse_server.script([steps])
        assert incomplete(without_done(sse_server)).text == "half"

    @pytest.mark.parametrize(
        ("asked", "ends", "is_whole"),
        [(2, (0, 1), True), (2, (0,), False), (2, (1,), False), (3, (0, 1), False)],
    )
    def test_each_choice_must_be_over(
        self, sse_server: SSEServer, asked: int, ends: Sequence[int], is_whole: bool
    ) -> None:
        """Those too of which nothing came."""
        reasons = [part(delta(choice=choice, end="stop")) for choice in ends]
        sse_server.script([[HALF, *reasons]])
        stream = without_done(sse_server, n=asked)
        if is_whole:
            assert stream.read() == "half"
        else:
            assert incomplete(stream).text == "half"
        assert stream.is_complete is is_whole

    def test_a_choice_that_came_unasked_must_be_over_as_well(self, sse_server: SSEServer) -> None:
        """It was begun."""
        sse_server.script([[HALF, STOP, part(delta("b", choice=1))]])
        assert incomplete(without_done(sse_server)).text == "half"

    def test_by_default_a_finish_reason_does_not_replace_done(self, sse_server: SSEServer) -> None:
        """The error says what is missing."""
        sse_server.script([[HALF, STOP]])
        error = incomplete(ask(sse_server))
        assert (error.text, error.until) == ("half", "[DONE]")
        assert "[DONE]" in str(error)


def test_events_of_unknown_kinds_are_no_ends(sse_server: SSEServer) -> None:
    """Whatever they say."""
    sse_server.script([[HALF, event("[DONE]x", type="unknown"), event("stop", type="end")]])
    assert incomplete(ask(sse_server)).text == "half"
