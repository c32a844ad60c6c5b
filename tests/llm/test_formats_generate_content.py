"""What the chunks of generated content mean."""

from __future__ import annotations

from typing import Any

import pytest

from everstream.llm import TextDelta, ToolCall
from everstream.llm.formats.generate_content import GenerateContentFormat
from tests.llm.wires import Part, answer_of, candidate

GOOGLE = GenerateContentFormat()


class TestDeltas:
    def test_parts_are_text_or_thoughts(self) -> None:
        """Of the candidate that they are in."""
        assert list(GOOGLE.deltas(candidate("Hi", index=1))) == [TextDelta("Hi", choice=1)]
        assert list(GOOGLE.deltas(candidate("Hm", thought=True))) == [TextDelta("Hm", "reasoning")]

    def test_each_call_is_whole(self) -> None:
        """Whether it has an id or not, and though two are alike."""
        weather: dict[str, Any] = {"name": "weather", "args": {"city": "Zürich"}}
        calls = [weather, weather, {"name": "now"}, {"id": "a", "name": "now", "args": None}]
        answer = answer_of(GOOGLE, [candidate(functionCall=call) for call in calls])
        assert answer.choice(0).tool_calls == (
            ToolCall("", "weather", '{"city": "Zürich"}'),
            ToolCall("", "weather", '{"city": "Zürich"}'),
            ToolCall("", "now", "{}"),
            ToolCall("a", "now", "{}"),
        )

    @pytest.mark.parametrize(
        "payload",
        [
            {},
            {"candidates": None},
            {"candidates": [None, "text"]},
            {"candidates": [{}]},
            {"candidates": [{"content": None}]},
            {"candidates": [{"content": {"role": "model"}, "finishReason": "STOP"}]},
            {"candidates": [{"content": {"parts": None}}]},
            {"candidates": [{"content": {"parts": ["text", {"text": None}, {"text": ""}, {}]}}]},
            candidate(thoughtSignature="AAAA"),
            candidate(functionCall=None),
            candidate(functionCall="now()"),
            candidate(executableCode={"code": "1+1"}),
            {"usageMetadata": {"totalTokenCount": 1}},
        ],
        ids=repr,
    )
    def test_what_brings_nothing_gives_nothing(self, payload: Part) -> None:
        """Null, of another kind, empty or unknown."""
        assert list(GOOGLE.deltas(payload)) == []


class TestAnswers:
    def test_facts_are_noted(self) -> None:
        """The latest usage counts."""
        usages = [{"usageMetadata": {"totalTokenCount": count}} for count in (1, 2)]
        answer = answer_of(
            GOOGLE, [{**candidate("a"), **usages[0]}, {**candidate("b", end="STOP"), **usages[1]}]
        )
        assert (answer.id, answer.model) == ("gen-1", "model-4")
        assert (answer.usage, answer.choice(0).finish_reason) == ({"totalTokenCount": 2}, "STOP")
        assert answer.choice(0).text == "ab"

    @pytest.mark.parametrize(("ends", "is_whole"), [([0], False), ([0, 1], True), ([], False)])
    def test_it_is_whole_when_each_candidate_is_over(self, ends: list[int], is_whole: bool) -> None:
        """There is no terminator."""
        payloads = [candidate("a"), candidate("b", index=1), *(candidate(end="STOP", index=n) for n in ends)]
        assert GOOGLE.is_whole(answer_of(GOOGLE, payloads)) is is_whole

    @pytest.mark.parametrize("end", [None, "", 1])
    def test_an_end_is_a_word(self, end: object) -> None:
        """Nothing else is one."""
        assert not GOOGLE.gives({"candidates": [{"finishReason": end}]})
        assert GOOGLE.gives(candidate(end="MAX_TOKENS"))


class TestErrors:
    def test_an_error_in_place_of_candidates(self) -> None:
        """Its code is a status."""
        payload = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
        error = GOOGLE.error_in(payload)
        assert error is not None
        assert (error.status, error.type, error.message, error.retryable) == (
            503,
            "UNAVAILABLE",
            "overloaded",
            True,
        )

    @pytest.mark.parametrize(
        ("feedback", "message"),
        [
            ({"blockReason": "SAFETY"}, "the prompt was blocked"),
            ({"blockReason": "OTHER", "blockReasonMessage": "not this"}, "not this"),
        ],
    )
    def test_a_prompt_that_was_blocked(self, feedback: dict[str, str], message: str) -> None:
        """No candidate follows, so it is an error; to ask again would not help."""
        error = GOOGLE.error_in({"promptFeedback": feedback})
        assert error is not None
        assert (error.type, error.code, error.message) == ("blocked", feedback["blockReason"], message)
        assert not error.retryable

    @pytest.mark.parametrize(
        "payload",
        [
            {},
            {"promptFeedback": None},
            {"promptFeedback": {"safetyRatings": []}},
            candidate("a"),
            {"error": None},
        ],
    )
    def test_other_chunks_are_none(self, payload: Part) -> None:
        """Feedback may say that all is well."""
        assert GOOGLE.error_in(payload) is None
