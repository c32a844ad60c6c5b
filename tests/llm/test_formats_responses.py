"""What the events of a response mean."""

from __future__ import annotations

from typing import Any

import pytest

from everstream.llm import TextDelta, ToolCall, ToolCallDelta
from everstream.llm.formats.responses import ResponsesFormat
from tests.llm.wires import Part, answer_of, completed, output, response

RESPONSES = ResponsesFormat()
FUNCTION = {"type": "function_call", "id": "fc", "call_id": "a", "name": "weather", "arguments": ""}
CUSTOM = {"type": "custom_tool_call", "id": "ct", "call_id": "b", "name": "sql", "input": ""}


def added(item: object, index: int) -> Part:
    """Returns the beginning of an item."""
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def of_call(kind: str, piece: str, index: int) -> Part:
    """Returns what a call grows by."""
    return {"type": f"response.{kind}.delta", "output_index": index, "delta": piece}


class TestDeltas:
    @pytest.mark.parametrize(
        ("kind", "delta"),
        [
            ("output_text", TextDelta("Hi")),
            ("refusal", TextDelta("Hi", "refusal")),
            ("reasoning_summary_text", TextDelta("Hi", "reasoning")),
            ("reasoning_text", TextDelta("Hi", "reasoning")),
            ("function_call_arguments", ToolCallDelta("Hi", index=1)),
            ("custom_tool_call_input", ToolCallDelta("Hi", index=1)),
        ],
    )
    def test_items_grow(self, kind: str, delta: object) -> None:
        """By text, refusal, thinking and arguments."""
        assert list(RESPONSES.deltas(of_call(kind, "Hi", 1))) == [delta]

    @pytest.mark.parametrize(
        "payload",
        [
            {},
            {"type": ["response.output_text.delta"], "delta": "Hi"},
            {"type": {"a": 1}, "delta": "Hi"},
            {"type": "response.output_text.delta", "delta": None},
            {"type": "response.output_text.delta", "delta": {"text": "Hi"}},
            {"type": "response.output_text.done", "text": "Hi"},
            {"type": "response.code_interpreter_call_code.delta", "delta": "1+1"},
            {"type": "response.from_the_future.delta", "delta": "Hi"},
            {"type": "response.function_call_arguments.delta", "delta": "", "output_index": 0},
            added({"type": "message", "content": []}, 0),
            added({"type": "web_search_call"}, 0),
            added({"type": ["function_call"]}, 0),
            added(None, 0),
            response("created"),
        ],
        ids=repr,
    )
    def test_what_brings_nothing_gives_nothing(self, payload: Part) -> None:
        """Null, of another kind, or of a type that is not known."""
        assert list(RESPONSES.deltas(payload)) == []


class TestAnswers:
    def test_calls_are_put_together(self) -> None:
        """Functions and custom tools, whose pieces come in turns."""
        answer = answer_of(
            RESPONSES,
            [
                added(FUNCTION, 0),
                added(CUSTOM, 1),
                of_call("function_call_arguments", '{"city":', 0),
                of_call("custom_tool_call_input", "SELECT ", 1),
                of_call("function_call_arguments", '"Paris"}', 0),
                of_call("custom_tool_call_input", "1", 1),
            ],
        )
        assert answer.choice(0).tool_calls == (
            ToolCall("a", "weather", '{"city":"Paris"}'),
            ToolCall("b", "sql", "SELECT 1"),
        )

    def test_the_end_has_the_whole(self) -> None:
        """Which counts, since after a resumption the pieces are a part only."""
        usage = {"input_tokens": 1, "output_tokens": 2}
        calls = [{**FUNCTION, "arguments": "{}"}, {**CUSTOM, "input": "SELECT 1"}, {"type": "reasoning"}]
        end = completed("Paris", 9, usage=usage)
        end["response"]["output"] += calls
        answer = answer_of(RESPONSES, [response("created"), output("is", 8), end])
        first = answer.choice(0)
        assert (first.text, first.finish_reason, answer.usage) == ("Paris", "completed", usage)
        assert first.tool_calls == (ToolCall("a", "weather", "{}"), ToolCall("b", "sql", "SELECT 1"))
        assert (answer.id, answer.model) == ("resp-1", "model-3")

    def test_all_parts_of_all_messages_are_text(self) -> None:
        """Joined, as in the package of OpenAI; refusals are not."""
        parts = [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "no"}, None]
        items = [
            {"type": "message", "content": parts},
            {"type": "message", "content": parts},
            {"type": "message"},
        ]
        assert answer_of(RESPONSES, [response("completed", output=items)]).choice(0).text == "aa"

    @pytest.mark.parametrize("whole", [{}, {"output": None}, {"output": []}, {"output": [None]}])
    def test_an_end_without_output_leaves_what_came(self, whole: dict[str, Any]) -> None:
        """Some servers repeat nothing there."""
        answer = answer_of(RESPONSES, [output("Hi", 1), response("completed", **whole)])
        assert (answer.choice(0).text, answer.choice(0).finish_reason) == ("Hi", "completed")

    def test_only_completed_is_an_end(self) -> None:
        """Though other events carry the response too."""
        assert RESPONSES.gives(completed("Hi", 1))
        assert not RESPONSES.gives(response("in_progress"))
        assert not RESPONSES.gives({})


class TestErrors:
    @pytest.mark.parametrize(
        "payload",
        [
            {"type": "error", "code": "server_error", "message": "no", "param": None},
            {"type": "error", "error": {"code": "server_error", "message": "no"}},
            {"error": {"code": "server_error", "message": "no"}},
        ],
        ids=repr,
    )
    def test_an_error_of_the_stream(self, payload: Part) -> None:
        """Flat, as it is documented, and nested, as it is sent."""
        error = RESPONSES.error_in(payload)
        assert error is not None
        assert (error.message, error.code, error.type, error.retryable) == ("no", "server_error", None, True)

    @pytest.mark.parametrize("resumable", [False, True])
    def test_a_response_that_failed(self, resumable: bool) -> None:
        """Is retryable if the next request makes a new one; the same has failed for good."""
        payload = response("failed", error={"code": "server_error", "message": "no"})
        error = ResponsesFormat(resumable=resumable).error_in(payload)
        assert error is not None
        assert (error.type, error.code, error.message) == ("failed", "server_error", "no")
        assert error.retryable is not resumable

    @pytest.mark.parametrize(
        ("payload", "code", "message"),
        [
            (response("failed", error=None), None, "the response is failed"),
            ({"type": "response.failed", "response": None}, None, "the response is failed"),
            (response("cancelled"), None, "the response is cancelled"),
            (
                response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
                "max_output_tokens",
                "the response is incomplete",
            ),
            (response("incomplete", incomplete_details=None), None, "the response is incomplete"),
        ],
        ids=repr,
    )
    def test_a_response_that_is_not_whole(self, payload: Part, code: str | None, message: str) -> None:
        """It says so, and is not retried."""
        error = RESPONSES.error_in(payload)
        assert error is not None
        assert (error.code, error.message, error.retryable) == (code, message, False)

    @pytest.mark.parametrize(
        "payload", [{}, response("completed", error=None), output("Hi", 1), {"error": None}, {"type": []}]
    )
    def test_other_events_are_none(self, payload: Part) -> None:
        """Whatever they are."""
        assert RESPONSES.error_in(payload) is None
