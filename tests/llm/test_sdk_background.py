"""A response in the background that is interrupted goes on where it stopped, from recordings of both legs.

One recording is what began such a response, whole; the other is the answer to `starting_after=0`. From each,
the server answers a request for the rest as the real one does: with the events of higher numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import pytest
from tenacity import wait_none

from everstream import EverstreamError, RetryPolicy
from everstream.llm import AnswerIncomplete, Delta, ResponsesStream
from everstream.testing import Connection, SSEServer, Step, cut, end, raw, reset
from tests.captures import Capture, captures
from tests.llm.answers import QUIET, Answered, answer_so_far, answered
from tests.llm.sdks import KEY, without_settings

_BACKGROUND = "openai-responses-background-mode-streaming"
BEGUN, RESUMED = (capture for capture in captures() if capture.name.startswith(_BACKGROUND))
AT_ONCE = RetryPolicy(wait=wait_none())

ENDINGS: dict[str, Callable[[], Step]] = {"clean end": end, "cut": cut, "reset": reset}
INSIDE = (0.0, 0.01, 0.5, 0.99)
"""How much of the next event comes before an interruption; it is lost, and asked for again."""

each_ending = pytest.mark.parametrize("ending", ENDINGS)
each_recording = pytest.mark.parametrize("capture", [BEGUN, RESUMED], ids=lambda capture: capture.name)


@dataclass(frozen=True)
class Block:
    """One event of a recording, as it was sent."""

    data: bytes
    number: int


def blocks(capture: Capture) -> list[Block]:
    """Returns the events of a recording."""
    texts = re.findall(rb"(?s).+?\n\n", capture.body)
    assert b"".join(texts) == capture.body
    return [Block(text, json.loads(text.partition(b"data: ")[2])["sequence_number"]) for text in texts]


def response_id(capture: Capture) -> str:
    """Returns the id of a recorded response."""
    found = re.search(rb'"id":"(resp_\w+)"', capture.body)
    assert found is not None
    return found[1].decode()


def first_leg(recorded: list[Block], count: int, inside: float, ending: str) -> Connection:
    """Returns a connection that brings so many events, and some of the next."""
    whole = b"".join(block.data for block in recorded[:count])
    piece = recorded[count].data if count < len(recorded) else b""
    return Connection([raw(whole + piece[: int(len(piece) * inside)]), ENDINGS[ending]()])


def rest_of(server: SSEServer, recorded: list[Block], count: int | None = None) -> Connection:
    """Returns a connection that brings what its request asks for; at most so many events, and then a cut."""

    def steps() -> Iterator[Step]:
        after = int(server.requests[-1].query["starting_after"])
        rest = [block.data for block in recorded if block.number > after]
        yield raw(b"".join(rest[:count]))
        yield cut() if count else end()

    return Connection(steps())


def begun(server: SSEServer, retry: RetryPolicy = AT_ONCE) -> ResponsesStream:
    """Returns a stream that begins a response in the background."""
    return ResponsesStream(
        server.url_for("/v1"), "m", "2+2?", KEY, background=True, retry=retry, logger=QUIET
    )


def resumed(
    server: SSEServer, capture: Capture, after: int | None, retry: RetryPolicy = AT_ONCE
) -> ResponsesStream:
    """Returns a stream that goes on with a response that another has begun."""
    return ResponsesStream.resume(
        response_id(capture), after, server.url_for("/v1"), KEY, retry=retry, logger=QUIET
    )


@dataclass(frozen=True)
class Uncut:
    """What a recording says when nothing interrupts it."""

    deltas: list[Delta]
    answer: Answered
    last_number: int

    def assert_is(self, stream: ResponsesStream) -> None:
        """Asserts that a stream has come to the same."""
        assert stream.is_complete
        assert answer_so_far(stream) == self.answer
        assert stream.last_sequence_number == self.last_number


def uncut(server: SSEServer, capture: Capture) -> Uncut:
    """Reads a recording without interruption."""
    server.script([Connection([raw(capture.body), end()])])
    stream = begun(server)
    deltas = list(stream.deltas())
    assert len(deltas) > 2
    assert stream.id == response_id(capture)
    return Uncut(deltas, answered(stream), blocks(capture)[-1].number)


def asked(server: SSEServer, already: int) -> list[tuple[str, str, str | None]]:
    """Returns the method, the path and the number of each request after the first so many."""
    return [
        (request.method, request.path, request.query.get("starting_after"))
        for request in server.requests[already:]
    ]


@each_ending
def test_an_interrupted_response_goes_on_where_it_stopped(ending: str) -> None:
    """Between any two events and inside of any: no delta twice, none lost, and one POST."""
    recorded = blocks(BEGUN)
    with without_settings(), SSEServer() as server:
        whole = uncut(server, BEGUN)
        for count, inside in product(range(1, len(recorded)), INSIDE):
            already = len(server.requests)
            server.script([first_leg(recorded, count, inside, ending), rest_of(server, recorded)])
            stream = begun(server)
            assert list(stream.deltas()) == whole.deltas
            after = int(server.requests[-1].query["starting_after"])
            assert asked(server, already) == [
                ("POST", "/v1/responses", None),
                ("GET", f"/v1/responses/{stream.id}", str(after)),
            ]
            assert server.requests[-1].query["stream"] == "true"
            assert after == recorded[count - 1].number
            whole.assert_is(stream)


def test_a_response_may_be_interrupted_after_each_of_its_events() -> None:
    """A leg for every event still makes the whole, of which nothing was asked for twice."""
    recorded = blocks(BEGUN)
    with without_settings(), SSEServer() as server:
        whole = uncut(server, BEGUN)
        already = len(server.requests)
        legs = [rest_of(server, recorded, 1) for _ in recorded[1:]]
        server.script([first_leg(recorded, 1, 0.0, "cut"), *legs])
        stream = begun(server)
        assert list(stream.deltas()) == whole.deltas
        numbers = [after for method, _, after in asked(server, already) if method == "GET"]
        assert numbers == [str(block.number) for block in recorded[:-1]]
        assert len(asked(server, already)) == len(recorded)
        whole.assert_is(stream)


@each_recording
@each_ending
def test_a_resumed_response_goes_on_where_it_stopped(capture: Capture, ending: str) -> None:
    """The answer to a request for the rest may be interrupted as well, between any two events or inside."""
    recorded = [block for block in blocks(capture) if block.number > 0]
    with without_settings(), SSEServer() as server:
        whole = uncut(server, capture)
        for count, inside in product(range(len(recorded)), INSIDE):
            already = len(server.requests)
            server.script([first_leg(recorded, count, inside, ending), rest_of(server, recorded)])
            stream = resumed(server, capture, 0)
            assert list(stream.deltas()) == whole.deltas
            assert {(method, path) for method, path, _ in asked(server, already)} == {
                ("GET", f"/v1/responses/{response_id(capture)}")
            }
            whole.assert_is(stream)


def test_another_process_goes_on_with_what_the_first_has_not_given() -> None:
    """With the id and the last number, the deltas of the second follow on those of the first."""
    recorded = blocks(BEGUN)
    with without_settings(), SSEServer() as server:
        whole = uncut(server, BEGUN)
        for count, inside in product(range(1, len(recorded)), INSIDE):
            server.script([first_leg(recorded, count, inside, "cut"), rest_of(server, recorded)])
            first = begun(server, RetryPolicy.never())
            given: list[Delta] = []
            with pytest.raises(EverstreamError) as caught:
                given.extend(first.deltas())  # what it gives before it raises stays
            assert isinstance(caught.value, AnswerIncomplete) == bool(given)
            second = resumed(server, BEGUN, first.last_sequence_number, RetryPolicy.never())
            assert [*given, *second.deltas()] == whole.deltas
            whole.assert_is(second)
