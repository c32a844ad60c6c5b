"""Whatever a server sends, the error is ours, and nothing counts as whole without its end."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everstream import EverstreamError, RetryPolicy
from everstream.llm import ModelStream
from everstream.testing import SSEServer, event
from tests.llm.wires import (  # fmt: skip
    APIS,
    MESSAGE_START,
    MESSAGE_STOP,
    ask,
    block,
    candidate,
    completed,
    delta,
    grown,
    message_end,
    output,
    response,
)

FUNCTION = {"type": "function_call", "name": "now", "arguments": "{}", "args": {}}
USUAL: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "chat": [
        delta("a", reasoning="b", refusal="c"),
        delta("a", choice=1, end="stop"),
        delta(tool_calls=[{"index": 0, "id": "a", "function": FUNCTION}]),
        {"choices": [], "usage": {"total_tokens": 1}},
        {"error": {"message": "no", "type": "server_error", "code": 500}},
    ],
    "messages": [
        MESSAGE_START,
        block(0, type="text", text="a"),
        block(1, type="tool_use", id="a", name="now", input={"a": 1}),
        grown(1, type="input_json_delta", partial_json="{}"),
        grown(0, type="text_delta", text="a"),
        {"type": "content_block_stop", "index": 1},
        message_end(output_tokens=1),
        MESSAGE_STOP,
        {"type": "error", "error": {"type": "overloaded_error", "message": "no"}},
    ],
    "responses": [
        response("created"),
        output("a", 1),
        {
            "type": "response.output_item.added",
            "output_index": 1,
            "item": {"type": "function_call", **FUNCTION},
        },
        {"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{}"},
        completed("a", 2, usage={"total_tokens": 1}),
        response("failed", error={"code": "server_error", "message": "no"}),
        {"type": "error", "error": {"message": "no"}},
    ],
    "generate_content": [
        candidate("a", thought=True),
        candidate("a", end="STOP"),
        candidate(functionCall=FUNCTION),
        {"usageMetadata": {"totalTokenCount": 1}, "promptFeedback": {"blockReason": "SAFETY"}},
        {"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}},
    ],
}
IS_END: Mapping[str, Callable[[Any], object]] = {
    "chat": lambda value: value == "[DONE]",
    "messages": lambda value: isinstance(value, dict) and value.get("type") == "message_stop",
    "responses": lambda value: isinstance(value, dict) and value.get("type") == "response.completed",
    "generate_content": lambda value: '"finishReason": "' in json.dumps(value),
}
TYPES = {"chat": ["error", "ping"], "generate_content": ["error", "ping"]}

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 600), st.floats(allow_nan=False), st.text(max_size=3)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Gives every place inside of a JSON value, as a container and a key of it."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from places(value[key])


@st.composite
def payloads(draw: st.DrawFn, api: str) -> object:
    """Draws a usual payload in which something may have become another thing, or something odd altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(VALUES)
    payload = copy.deepcopy(dict(draw(st.sampled_from(USUAL[api]))))
    for _ in range(draw(st.integers(0, 2))):
        container, key = draw(st.sampled_from(list(places(payload)) or [(payload, "a")]))
        if draw(st.booleans()) and isinstance(container, dict):
            container.pop(key, None)
        else:
            container[key] = draw(VALUES)
    return payload


@pytest.fixture(scope="module")
def server() -> Iterator[SSEServer]:
    """One server for all examples."""
    with SSEServer() as server:
        yield server


def given_by(stream: ModelStream) -> tuple[list[str], EverstreamError | None]:
    """Returns the pieces of text that a stream gives, and its error if it fails."""
    given: list[str] = []
    try:
        given.extend(stream)
    except EverstreamError as error:
        return given, error
    return given, None


@pytest.mark.parametrize("api", APIS)
@settings(max_examples=60)
@given(data=st.data())
def test_any_payload_is_read_or_refused(api: str, server: SSEServer, data: st.DataObject) -> None:
    """It is an error of ours, or a whole answer whose end was sent; and what was given is what came."""
    sent: list[object] = data.draw(st.lists(payloads(api), max_size=6))
    if data.draw(st.booleans()):
        sent.append("[DONE]")
    kinds = st.sampled_from([None, None, None, *TYPES.get(api, ["message", "error", "ping"])])
    steps = [
        event(value if value == "[DONE]" else json.dumps(value), type=data.draw(kinds))  # type: ignore[arg-type]
        for value in sent
    ]
    server.script([steps])
    stream = ask(server, api, retry=RetryPolicy.never(), keep_chunks=True)
    given, error = given_by(stream)
    if error is None:
        assert stream.is_complete
        assert any(map(IS_END[api], sent))
    else:
        assert not stream.is_complete
        assert str(error)
    if api != "responses":  # whose last event may hold all of the text
        # What stands beside an error is given to nobody who iterates, but kept.
        assert stream.text.startswith("".join(given))
    # Nothing of what can be asked for breaks on it either.
    for choice in stream.choices:
        assert all(isinstance(text, str) for text in (choice.text, choice.reasoning, choice.refusal))
        assert all(isinstance(call.arguments, str) for call in choice.tool_calls)
    assert isinstance(stream.usage, (dict, type(None)))
    assert len(stream.chunks) <= len(sent)
