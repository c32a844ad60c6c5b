"""What the events of a message mean."""

from __future__ import annotations

import pytest

from everstream.llm import TextDelta, ToolCall, ToolCallDelta
from everstream.llm.formats.messages import MessagesFormat
from tests.llm.wires import MESSAGE_START, MESSAGE_STOP, Part, answer_of, block, grown, message_end

MESSAGES = MessagesFormat()
STOPPED = {"type": "content_block_stop", "index": 1}


class TestDeltas:
    @pytest.mark.parametrize(
        ("payload", "delta"),
        [
            (block(0, type="text", text="Hi"), TextDelta("Hi")),
            (block(0, type="thinking", thinking="Hm"), TextDelta("Hm", "reasoning")),
            (block(2, type="tool_use", id="a", name="now", input={}), ToolCallDelta("", "a", "now", 2)),
            (
                block(2, type="tool_use", id="a", name="now", input={"zone": "é"}),
                ToolCallDelta('{"zone": "é"}', "a", "now", 2),
            ),
            (grown(0, type="text_delta", text="Hi"), TextDelta("Hi")),
            (grown(0, type="thinking_delta", thinking="Hm"), TextDelta("Hm", "reasoning")),
            (grown(2, type="input_json_delta", partial_json="{"), ToolCallDelta("{", index=2)),
        ],
        ids=repr,
    )
    def test_blocks_begin_and_grow(self, payload: Part, delta: object) -> None:
        """By text, thinking and input."""
        assert list(MESSAGES.deltas(payload)) == [delta]

    @pytest.mark.parametrize(
        "payload",
        [
            {},
            {"type": None},
            {"type": "ping"},
            {"type": "from_the_future", "delta": {"type": "text_delta", "text": "Hi"}},
            MESSAGE_START,
            MESSAGE_STOP,
            {"type": "content_block_start", "index": 0, "content_block": None},
            {"type": "content_block_delta", "index": 0, "delta": "text"},
            block(0, type="text", text=""),
            block(0, type="redacted_thinking", data="AAAA"),
            block(0, type="server_tool_use", id="a", name="web_search", input={}),
            block(0, type="web_search_tool_result", content=[{"type": "web_search_result"}]),
            block(0, type="from_the_future", text="Hi"),
            grown(0, type="text_delta", text=None),
            grown(0, type="signature_delta", signature="AAAA"),
            grown(0, type="citations_delta", citation={"cited_text": "Hi"}),
            grown(0, type="input_json_delta", partial_json=""),
            grown(0, type="from_the_future", text="Hi"),
        ],
        ids=repr,
    )
    def test_what_brings_nothing_gives_nothing(self, payload: Part) -> None:
        """Of a type or a kind that is not known, null or empty."""
        assert list(MESSAGES.deltas(payload)) == []


class TestAnswers:
    def test_a_message_is_put_together(self) -> None:
        """The totals at its end replace those at its beginning; null leaves them."""
        answer = answer_of(
            MESSAGES,
            [
                MESSAGE_START,
                block(0, type="text", text=""),
                grown(0, type="text_delta", text="Hi"),
                block(1, type="tool_use", id="a", name="weather", input={}),
                grown(1, type="input_json_delta", partial_json='{"city":'),
                grown(1, type="input_json_delta", partial_json='"Paris"}'),
                STOPPED,
                message_end("tool_use", output_tokens=9, input_tokens=None),
                MESSAGE_STOP,
            ],
        )
        first = answer.choice(0)
        assert (answer.id, answer.model, first.text) == ("msg-1", "model-2", "Hi")
        assert first.tool_calls == (ToolCall("a", "weather", '{"city":"Paris"}'),)
        assert first.finish_reason == "tool_use"
        assert answer.usage == {"input_tokens": 5, "output_tokens": 9}

    def test_a_tool_without_parameters_is_called_with_an_empty_object(self) -> None:
        """On the wire there is nothing, or an empty piece."""
        begun = block(1, type="tool_use", id="a", name="now", input={})
        pieces = [begun, grown(1, type="input_json_delta", partial_json="")]
        assert answer_of(MESSAGES, pieces).choice(0).tool_calls == (ToolCall("a", "now", ""),)
        assert answer_of(MESSAGES, [*pieces, STOPPED]).choice(0).tool_calls == (ToolCall("a", "now", "{}"),)

    def test_the_input_of_a_tool_of_the_provider_is_no_call(self) -> None:
        """Nothing is to be done about it; its pieces belong to nobody."""
        answer = answer_of(
            MESSAGES,
            [
                block(0, type="server_tool_use", id="s", name="web_search", input={}),
                grown(0, type="input_json_delta", partial_json='{"query":1}'),
                block(1, type="tool_use", id="a", name="now", input={}),
                grown(1, type="input_json_delta", partial_json="{}"),
            ],
        )
        assert answer.choice(0).tool_calls == (ToolCall("a", "now", "{}"),)

    @pytest.mark.parametrize("usage", [None, [], 7, {}])
    def test_usage_of_another_kind_says_nothing(self, usage: object) -> None:
        """It stays unknown."""
        assert answer_of(MESSAGES, [{"type": "message_delta", "usage": usage}]).usage is None

    @pytest.mark.parametrize("index", [None, "1", 7])
    def test_a_stop_of_no_known_block_ends_nothing(self, index: object) -> None:
        """Nor does it break anything."""
        begun = block(0, type="tool_use", id="a", name="now", input={})
        stopped = {"type": "content_block_stop", "index": index}
        assert answer_of(MESSAGES, [begun, stopped]).choice(0).tool_calls == (ToolCall("a", "now", ""),)

    @pytest.mark.parametrize(
        ("payload", "is_end"),
        [
            (MESSAGE_STOP, True),
            (message_end("max_tokens"), True),
            ({"type": "message_delta", "delta": {"stop_reason": None}}, False),
            ({"type": "message_delta", "delta": None}, False),
            (MESSAGE_START, False),
        ],
        ids=repr,
    )
    def test_a_message_is_over_when_it_says_why_or_stops(self, payload: Part, is_end: bool) -> None:
        """Nothing else is an end."""
        assert MESSAGES.gives(payload) is is_end


class TestErrors:
    def test_an_error_event_is_an_error(self) -> None:
        """Its type says what it is."""
        payload = {
            "type": "error",
            "error": {"type": "overloaded_error", "message": "Overloaded", "details": None},
        }
        error = MESSAGES.error_in(payload)
        assert error is not None
        assert (error.type, error.message, error.retryable) == ("overloaded_error", "Overloaded", True)

    @pytest.mark.parametrize(
        ("payload", "message"),
        [
            ({"type": "error"}, ""),
            ({"type": "error", "error": None}, ""),
            ({"type": "error", "error": "no"}, "no"),
            ({"type": "error", "message": "no"}, "no"),
            ({"error": {"message": "no"}}, "no"),
        ],
        ids=repr,
    )
    def test_an_error_of_another_shape_is_an_error_too(self, payload: Part, message: str) -> None:
        """Such as that of a gateway."""
        error = MESSAGES.error_in(payload)
        assert error is not None
        assert (error.message, error.retryable) == (message, False)

    @pytest.mark.parametrize("payload", [{}, {"type": "ping"}, MESSAGE_STOP, {"type": "ping", "error": None}])
    def test_other_events_are_none(self, payload: Part) -> None:
        """Whatever they are."""
        assert MESSAGES.error_in(payload) is None
