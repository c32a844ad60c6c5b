"""What the chunks of a chat completion mean."""

from __future__ import annotations

from typing import Any

import pytest

from everstream.llm import TextDelta, ToolCall, ToolCallDelta
from everstream.llm.answer import Answer
from everstream.llm.formats.chat import ChatFormat, ChatFormatWithoutDone
from tests.llm.wires import Part, answer_of, delta

CHAT = ChatFormat()


def call(**fields: Any) -> Part:
    """Returns a chunk with a piece of a tool call."""
    return delta(tool_calls=[fields])


class TestDeltas:
    def test_content_is_text(self) -> None:
        """Of the choice that it is in."""
        assert list(CHAT.deltas(delta("Hi", choice=1))) == [TextDelta("Hi", choice=1)]

    @pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
    def test_thinking_has_two_names(self, name: str) -> None:
        """DeepSeek's and OpenRouter's."""
        assert list(CHAT.deltas(delta(**{name: "Hm"}))) == [TextDelta("Hm", "reasoning")]

    def test_thinking_under_both_names_counts_once(self) -> None:
        """Some servers send it twice in one chunk."""
        assert list(CHAT.deltas(delta(reasoning="Hm", reasoning_content="Hm"))) == [
            TextDelta("Hm", "reasoning")
        ]

    def test_a_refusal_is_a_refusal(self) -> None:
        """Not a text."""
        assert list(CHAT.deltas(delta(None, refusal="I cannot"))) == [TextDelta("I cannot", "refusal")]

    def test_content_may_be_a_list_of_parts(self) -> None:
        """As Mistral's is while the model thinks; parts of other kinds are passed over."""
        thinking = {
            "type": "thinking",
            "thinking": [{"type": "text", "text": "Hm"}, {"type": "text", "text": "."}],
        }
        parts = [
            thinking,
            {"type": "text", "text": "Hi"},
            {"type": "reference", "reference_ids": [1]},
            "odd",
            None,
        ]
        chunk = {"choices": [{"index": 0, "delta": {"content": parts}}]}
        assert list(CHAT.deltas(chunk)) == [TextDelta("Hm.", "reasoning"), TextDelta("Hi")]

    def test_pieces_of_calls_have_what_they_bring(self) -> None:
        """The id and the name come first, the arguments in pieces."""
        chunks = [
            call(index=0, id="a", type="function", function={"name": "now", "arguments": ""}),
            call(index=0, function={"arguments": "{}"}),
        ]
        assert [each for chunk in chunks for each in CHAT.deltas(chunk)] == [
            ToolCallDelta("", "a", "now", 0),
            ToolCallDelta("{}", index=0),
        ]

    def test_a_custom_tool_has_an_input(self) -> None:
        """Which need not be JSON."""
        chunk = call(index=0, id="a", type="custom", custom={"name": "sql", "input": "SELECT 1"})
        assert answer_of(CHAT, [chunk]).choice(0).tool_calls == (ToolCall("a", "sql", "SELECT 1"),)

    @pytest.mark.parametrize(
        "chunk",
        [
            {},
            {"choices": None},
            {"choices": []},
            {"choices": {}},
            {"choices": [None, 1, "text", []]},
            {"choices": [{}]},
            {"choices": [{"index": 0, "delta": None}]},
            {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
            {"choices": [{"index": 0, "delta": {"content": None, "refusal": None, "tool_calls": None}}]},
            {"choices": [{"index": 0, "delta": {"content": 7, "reasoning": {"text": "Hm"}, "refusal": []}}]},
            {"choices": [{"index": 0, "delta": {"content": [{"thinking": "Hm"}, {"text": None}]}}]},
            {"choices": [], "usage": {"total_tokens": 9}},
            {"choices": [{"index": 0, "delta": {"audio": {"data": "AAAA"}}}]},
        ],
        ids=repr,
    )
    def test_what_brings_nothing_gives_nothing(self, chunk: Part) -> None:
        """Null, of another kind, empty or unknown: none of it is progress."""
        assert list(CHAT.deltas(chunk)) == []

    @pytest.mark.parametrize("index", [None, "1", 1.0, True, {}])
    def test_a_choice_without_a_number_is_the_first(self, index: object) -> None:
        """As with servers that can give one only."""
        chunk = {"choices": [{"index": index, "delta": {"content": "Hi"}}]}
        assert list(CHAT.deltas(chunk)) == [TextDelta("Hi")]


class TestAnswers:
    def test_several_choices_come_in_turns(self) -> None:
        """Each has a text and an end of its own."""
        answer = answer_of(
            CHAT,
            [
                delta("Par"),
                delta("Ro", choice=1),
                delta("is", end="stop"),
                delta("me", choice=1),
                delta(choice=1, end="length"),
            ],
        )
        assert {n: (c.text, c.finish_reason) for n, c in answer.choices.items()} == {
            0: ("Paris", "stop"),
            1: ("Rome", "length"),
        }

    def test_several_choices_in_one_chunk_are_all_read(self) -> None:
        """As vLLM may send them."""
        both = {"choices": [*delta("a")["choices"], *delta("b", choice=1)["choices"]]}
        answer = answer_of(CHAT, [both])
        assert [answer.choice(n).text for n in (0, 1)] == ["a", "b"]

    def test_facts_are_noted(self) -> None:
        """Usage comes in a chunk without choices, or not at all."""
        usage = {"prompt_tokens": 1, "completion_tokens": 2}
        answer = answer_of(
            CHAT, [delta("a"), {"choices": [], "usage": None}, {"choices": [], "usage": usage}]
        )
        assert (answer.id, answer.model, answer.usage) == ("chat-1", "model-1", usage)
        assert not answer.finishes()

    @pytest.mark.parametrize("end", [None, "", 0, {}])
    def test_an_end_is_a_word(self, end: object) -> None:
        """Nothing else is one."""
        chunk = {"choices": [{"index": 0, "delta": {}, "finish_reason": end}]}
        assert not CHAT.gives(chunk)
        assert answer_of(CHAT, [chunk]).choice(0).finish_reason is None

    def test_an_end_is_an_end(self) -> None:
        """Of any word."""
        assert CHAT.gives(delta(end="whatever"))

    @pytest.mark.parametrize(
        ("asked", "ends", "is_whole"),
        [
            (1, [0], True),
            (1, [], False),
            (2, [0], False),
            (2, [1], False),
            (2, [0, 1], True),
            (1, [0, 1], True),
        ],
    )
    def test_without_a_terminator_all_choices_must_be_over(
        self, asked: int, ends: list[int], is_whole: bool
    ) -> None:
        """Those that were asked for, and those that came."""
        answer = Answer()
        for choice in ends:
            answer.finish("stop", choice)
        assert ChatFormatWithoutDone(asked).is_whole(answer) is is_whole


class TestErrors:
    @pytest.mark.parametrize(
        "payload",
        [
            {"error": {"message": "no", "code": 400}},
            {"error": {"message": "no", "code": 400}, "choices": delta("a")["choices"]},
            {"error": [{"message": "no", "code": 400}]},
            {"error": "no", "code": 400},
            {"error": "no", "status_code": 400},
            {"object": "error", "message": "no", "type": "BadRequestError", "param": None, "code": 400},
            {"choices": [{"index": 0, "error": {"message": "no", "code": 400}, "finish_reason": "error"}]},
        ],
        ids=repr,
    )
    def test_errors_have_many_shapes(self, payload: Part) -> None:
        """OpenAI's, OpenRouter's, TGI's and vLLM's."""
        error = CHAT.error_in(payload)
        assert error is not None
        assert (error.message, error.status, error.retryable) == ("no", 400, False)

    def test_an_end_by_an_error_is_one_though_nobody_says_which(self) -> None:
        """Of any choice; OpenRouter ends so what it cannot go on with."""
        for chunk in (delta(end="error"), delta("a", choice=1, end="error", role="assistant")):
            error = CHAT.error_in(chunk)
            assert error is not None
            assert (error.message, error.retryable) == ("the model ended with an error", False)
        assert CHAT.error_in(delta(end="errors")) is None

    @pytest.mark.parametrize("error", [None, "", {}, [], False, 0])
    def test_an_error_that_is_empty_is_none(self, error: object) -> None:
        """Some servers send the field in each chunk."""
        assert CHAT.error_in({**delta("a"), "error": error}) is None
