"""A recorded answer that is cut anywhere is never taken for a whole one.

What the official packages do is not tested here, since they may change. Measured with openai 3.54, anthropic
2.12 and google-genai 3.4, on the recordings that end well, cut at every 50th byte, each followed by the clean
end of a chunked body:

| API | cuts | accumulator raises nothing | and its text or calls are wrong | a loop ends normally |
| --- | --- | --- | --- | --- |
| chat completions | 4,925 | 4,859 | 4,696 | 4,923 |
| messages | 1,525 | 1,481 | 1,417 | 1,524 |
| responses | 1,310 | 0 | 0 | 1,310 |
| generateContent | 196 | there is none | there is none | 0 |

The accumulators are those of `sdks.py`; a loop is one over the package's stream that adds up text. Where text
or calls were wrong, the finish reason was missing each time: that is all there is to tell it by. Google's
package raises where it finds half of a payload; where the cut is between two events, its loop ends normally
as well, at 8 of 8. A body that is cut inside of a chunk raises in all three packages, at all of these cuts.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from requests import Session

from everstream import StreamInterrupted
from everstream.llm import AnswerIncomplete, ModelStream, ProviderError, ToolCall
from everstream.testing import Connection, SSEServer, connection, cut, raw, reset
from tests.captures import Capture, captures
from tests.llm.answers import Answered, answer_so_far, answered, failure_of
from tests.llm.sdks import Api, api_of, without_settings

RECORDED = [(api, capture) for capture in captures() if (api := api_of(capture)) is not None]
each_recorded = pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded[1].name)

ENDS = {
    "chat completions": b"[DONE]",
    "messages": b"message_stop",
    "responses": b"response.completed",
    "generateContent": b"finishReason",
}
"""What is in the event that ends an answer, and in none after it."""


@dataclass(frozen=True)
class Ending:
    """How connections end, and where in a body.

    Attributes:
        name: Its name.
        connection: Makes one from the bytes before its end.
        step: Bytes from one cut to the next.
        last: In so many bytes at the end, each counts: there is the blank line of the last event.
        between_events: Whether to cut behind every event, too, where nothing shows that there is more.
    """

    name: str
    connection: Callable[[bytes], Connection]
    step: int
    last: int = 0
    between_events: bool = False

    def places(self, capture: Capture) -> list[int]:
        """Returns where to cut a recording; behind all of it, too."""
        size = len(capture.body)
        ends = [found.end() for found in re.finditer(rb"\r?\n\r?\n", capture.body)]
        return sorted(
            {
                *range(self.step, size, self.step),
                *range(size - self.last, size + 1),
                *(ends if self.between_events else ()),
            }
        )


CLEAN = Ending("clean end", lambda body: connection(raw(body), keep_alive=True), 50, 8, between_events=True)
CUT = Ending("cut chunk", lambda body: connection(cut(body)), 500, 4)
RESET = Ending("reset", lambda body: connection(raw(body), reset()), 2000)


@dataclass(frozen=True)
class Whole:
    """An answer as it is when nothing is cut, with the calls as they came."""

    answer: Answered
    tool_calls: tuple[ToolCall, ...]


def behind_the_end(api: Api, capture: Capture) -> int:
    """Returns the place behind the blank line of the event that ends the answer."""
    blank_line = re.compile(rb"\r?\n\r?\n").search(capture.body, capture.body.rindex(ENDS[api.name]))
    assert blank_line is not None
    return blank_line.end()


def whole_of(api: Api, capture: Capture, server: SSEServer) -> Whole:
    """Reads a recording that is not cut."""
    server.script([connection(raw(capture.body))])
    stream = api.ours(server, None)
    return Whole(answered(stream), stream.tool_calls)


def complete_at(recorded: tuple[Api, Capture], ending: Ending) -> set[int]:
    """Cuts a recording at one place after the other; returns where the answer still counts as whole."""
    api, capture = recorded
    complete: set[int] = set()
    with without_settings(), SSEServer() as server, Session() as session:
        whole = whole_of(api, capture, server)
        server.script([ending.connection(capture.body[:place]) for place in ending.places(capture)])
        for place in ending.places(capture):
            with api.ours(server, session) as stream:
                if is_taken_as_whole(stream, whole):
                    complete.add(place)
        assert server.unplayed == 0
    return complete


def is_taken_as_whole(stream: ModelStream, whole: Whole) -> bool:
    """Returns whether an answer counts as whole: then it is whole, and else it is how the whole begins."""
    raised = failure_of(stream)
    if raised is None:
        assert stream.is_complete
        assert answer_so_far(stream) == whole.answer
        return True
    assert isinstance(raised, AnswerIncomplete | ProviderError | StreamInterrupted)
    assert not isinstance(raised, ProviderError) or raised.message == whole.answer.error
    assert not stream.is_complete
    assert stream.text == getattr(raised, "text", "")
    assert whole.answer.text.startswith(stream.text)
    assert is_beginning(stream.tool_calls, whole.tool_calls)
    return False


def is_beginning(calls: tuple[ToolCall, ...], whole: tuple[ToolCall, ...]) -> bool:
    """Returns whether these calls, with what there is of their arguments, are how the others begin."""
    return len(calls) <= len(whole) and all(
        (call.id, call.name) == (other.id, other.name) and other.arguments.startswith(call.arguments)
        for call, other in zip(calls, whole, strict=False)
    )


@pytest.mark.parametrize("ending", [CLEAN, CUT], ids=lambda ending: ending.name)
@each_recorded
def test_an_answer_is_whole_only_if_no_more_than_white_space_is_missing(
    recorded: tuple[Api, Capture], ending: Ending
) -> None:
    """A cut before the end of the last event raises; one behind it takes nothing away."""
    api, capture = recorded
    complete = complete_at(recorded, ending)
    if answer_fails(capture) or (api.name == "generateContent" and ending is CUT):
        # An error is no answer; and the only terminator that Google's streams have is a clean end.
        assert not complete
        return
    end = behind_the_end(api, capture)
    assert complete >= {place for place in ending.places(capture) if place >= end}
    assert all(not capture.body[place:end].strip() for place in complete)


@each_recorded
def test_an_answer_that_ends_with_a_reset_is_whole_or_an_error(recorded: tuple[Api, Capture]) -> None:
    """What has arrived before a reset may be less than was sent; it is never more than it seems."""
    _, capture = recorded
    complete = complete_at(recorded, RESET)
    assert not (answer_fails(capture) and complete)


def answer_fails(capture: Capture) -> bool:
    """Returns whether the server reports an error in a recording."""
    return b'"error":{' in capture.body
