"""Answers are what the official packages make of the same bytes, for every recording of a model.

What is compared: text, thinking, tool calls with their arguments parsed, the finish reason, usage, the model,
the id, and the message of an error. Where the two may differ, and do:

| | the package | everstream |
| --- | --- | --- |
| usage | the fields that it declares or was sent | all that was sent: never less, no other value |
| usage beside an error | none, as it raises | what was sent |
| usage of Groq, in `x_groq` only | none | none |
| Responses: `tool_search_call` | an output item | only in `chunks`: it names no tool to call |
| Messages: tools that the provider runs | content blocks | only in `chunks`: nothing is left to do |
| Messages: compaction, redacted thinking | content blocks | only in `chunks`: no text |
| no id (Google's calls; Snowflake's answers) | None, or empty text | empty text for calls, None for answers |
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from everstream.testing import SSEServer, connection, raw
from tests.captures import Capture, captures
from tests.llm.answers import Answered, answered
from tests.llm.sdks import PLAINLY, Api, api_of, new_types_allowed, without_settings

RECORDED = [(api, capture) for capture in captures() if (api := api_of(capture)) is not None]

FAILED = {
    "groq-tool-use-failed-error-streaming-with-text": (
        "maybe",
        "Tool choice is required, but model did not call a tool",
    ),
    "openrouter-openrouter-stream-error": ("", "Token limit reached"),
}
"""The recordings in which the server reports an error: the text before it, and its message."""


AT_LEAST = Counter(
    {
        "chat completions": 12,
        "messages": 5,
        "responses": 8,
        "generateContent": 3,
        "text": 20,
        "reasoning": 8,
        "tool_calls": 7,
        "finish_reason": 25,
        "usage": 24,
        "error": 2,
    }
)
"""How many recordings there are of each API, and how many that have something to compare."""


def read_twice(api: Api, capture: Capture) -> tuple[Answered, Answered]:
    """Serves a recording to the package and to our stream; returns what each makes of it."""
    with without_settings(), SSEServer() as server:
        server.script([], then=connection(raw(capture.body), content_type=capture.content_type))
        with api.client(server) as client, new_types_allowed():
            theirs = api.theirs(client, capture)
        return theirs, answered(api.ours(server, None))


def is_within(part: Any, whole: Any) -> bool:
    """Returns whether every field of one JSON value is in the other, and equal."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and is_within(value, whole[name]) for name, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(is_within, part, whole))
    return bool(part == whole)


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded[1].name)
def test_an_answer_is_what_the_official_package_makes_of_the_same_bytes(
    recorded: tuple[Api, Capture],
) -> None:
    """All that the package understood is equal; of usage there may be more."""
    api, capture = recorded
    theirs, ours = read_twice(api, capture)
    assert replace(ours, usage=None) == replace(theirs, usage=None)
    if theirs.usage is not None or capture.name not in FAILED:
        assert (ours.usage is None) == (theirs.usage is None)
        assert is_within(theirs.usage, ours.usage), (theirs.usage, ours.usage)
    assert (ours.text, ours.error) == FAILED.get(capture.name, (ours.text, None))


def test_the_recordings_have_all_that_is_compared() -> None:
    """Of all that is equal, there is something in the recordings: nothing here is equal since it is empty."""
    assert {capture.name for _, capture in RECORDED} >= {*PLAINLY, *FAILED}
    found = Counter(api.name for api, _ in RECORDED)
    with without_settings(), SSEServer() as server:
        server.script([connection(raw(capture.body)) for _, capture in RECORDED])
        for api, _ in RECORDED:
            answer = answered(api.ours(server, None))
            found.update(name for name, value in vars(answer).items() if value)
    assert found >= AT_LEAST
