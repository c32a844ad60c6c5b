"""Responses in the background: begun by a POST, gone on with by GETs, in this process or another."""

from __future__ import annotations

from typing import Any

import pytest

from everstream import AnswerIncomplete, ProviderError, RetriesExhausted
from everstream.llm import ResponsesStream
from everstream.testing import SSEServer, cut, end, event, no_content, reset, status
from tests.fakes import FakeClock
from tests.llm.wires import KEY, ask, base_url, completed, failure_of, named, output, patient, response

CREATED = named(response("created", 0))
QUEUED = named(response("queued", 1))
FAILED = response("failed", 3, error={"code": "server_error", "message": "sorry"})


def background(server: SSEServer, **options: Any) -> ResponsesStream:
    """Returns a stream of a response that is made in the background."""
    stream = ask(server, "responses", background=True, **options)
    assert isinstance(stream, ResponsesStream)
    return stream


def resumed(server: SSEServer, starting_after: int | None = None, **options: Any) -> ResponsesStream:
    """Returns the stream of a response that somebody began."""
    given = {**patient(), "api_key": KEY, **options}
    return ResponsesStream.resume("resp-1", starting_after, f"{base_url(server)}/v1", **given)


def requests_of(server: SSEServer) -> list[tuple[str, str]]:
    """Returns the method and the target of each request."""
    return [(request.method, request.target) for request in server.requests]


def rest(after: int) -> tuple[str, str]:
    """Returns the request for what follows an event."""
    return "GET", f"/v1/responses/resp-1?stream=true&starting_after={after}"


POST = ("POST", "/v1/responses")


class TestInterruptions:
    @pytest.mark.parametrize(
        "how", [cut(), reset(), end(), cut(b'event: response.output_text.delta\ndata: {"ty')]
    )
    def test_the_rest_is_got_from_where_it_stopped(self, sse_server: SSEServer, how: Any) -> None:
        """However the connection broke; nothing is given twice, and nothing is missing."""
        sse_server.script(
            [
                [CREATED, QUEUED, named(output("wh", 2)), how],
                [named(output("ol", 3)), how],
                [named(output("e", 4)), named(completed("whole", 5))],
            ]
        )
        stream = background(sse_server)
        assert list(stream) == ["wh", "ol", "e"]
        assert (stream.text, stream.is_complete, stream.last_sequence_number) == ("whole", True, 5)
        assert requests_of(sse_server) == [POST, rest(2), rest(3)]

    def test_the_request_for_the_rest_has_the_key_and_no_body(self, sse_server: SSEServer) -> None:
        """And the headers of the caller."""
        sse_server.script([[CREATED, cut()], [named(completed("a", 1))]])
        background(sse_server, headers={"OpenAI-Organization": "mine"}).read()
        first, second = sse_server.requests
        assert (second.method, second.body) == ("GET", b"")
        for name in ("Authorization", "OpenAI-Organization", "Accept"):
            assert second.headers[name] == first.headers[name]
        assert not {"content-type", "content-length", "transfer-encoding"} & set(second.headers)

    def test_before_its_first_event_it_is_begun_again(self, sse_server: SSEServer) -> None:
        """Nobody knows its id."""
        sse_server.script([[cut()], status(503), [CREATED, named(completed("a", 1))]])
        assert background(sse_server).read() == "a"
        assert requests_of(sse_server) == [POST] * 3

    def test_its_id_goes_into_the_path_quoted(self, sse_server: SSEServer) -> None:
        """It is the server's data, and leads nowhere else."""
        created = {"type": "response.created", "sequence_number": 0, "response": {"id": "../a?b"}}
        sse_server.script([[named(created), cut()], [named(completed("a", 1))]])
        background(sse_server).read()
        target = "/v1/responses/..%2Fa%3Fb?stream=true&starting_after=0"
        assert requests_of(sse_server)[1] == ("GET", target)

    def test_attempts_count_from_the_last_delta(self, sse_server: SSEServer) -> None:
        """Two failures in a row, and two more, are not three."""
        fails = [status(503)]
        steps: list[Any] = [[CREATED, named(output("a", 1)), cut()], *fails]
        steps += [[named(output("b", 2)), cut()], *fails, [named(output("c", 3)), named(completed("abc", 4))]]
        sse_server.script(steps)
        assert background(sse_server).read() == "abc"
        assert len(sse_server.requests) == 5

    def test_attempts_that_run_out_leave_an_answer_incomplete(self, sse_server: SSEServer) -> None:
        """With the text, and the number from which somebody may go on later."""
        sse_server.script([[CREATED, named(output("half", 1)), cut()]], then=status(503))
        stream = background(sse_server)
        error = failure_of(stream)
        assert isinstance(error, AnswerIncomplete)
        assert (error.text, stream.last_sequence_number) == ("half", 1)
        assert isinstance(error.__cause__, RetriesExhausted)
        assert len(sse_server.requests) == 3

    def test_an_error_of_the_stream_is_an_interruption(self, sse_server: SSEServer) -> None:
        """The response goes on without it, after the first delta too."""
        failed = named({"type": "error", "sequence_number": 2, "code": "server_error", "message": "sorry"})
        sse_server.script([[CREATED, named(output("a", 1)), failed], [named(completed("ab", 3))]])
        assert background(sse_server).read() == "ab"
        assert requests_of(sse_server) == [POST, rest(1)]

    @pytest.mark.parametrize("text", ["", "half"])
    def test_a_response_that_failed_is_not_asked_for_again(self, sse_server: SSEServer, text: str) -> None:
        """It would have failed again."""
        pieces = [named(output(text, 1))] if text else []
        sse_server.script([[CREATED, *pieces, named(FAILED)]], then=[named(completed("never", 4))])
        error = failure_of(background(sse_server))
        assert isinstance(error, ProviderError)
        assert (error.type, error.text, error.retryable) == ("failed", text, False)
        assert len(sse_server.requests) == 1

    @pytest.mark.parametrize("refusal", [404, 400, 410])
    def test_a_refusal_of_the_rest_is_final(self, sse_server: SSEServer, refusal: int) -> None:
        """The text that came is not lost."""
        gone = status(refusal, body=b'{"error": {"message": "no such response"}}')
        sse_server.script([[CREATED, named(output("half", 1)), cut()], gone], then=[CREATED])
        error = failure_of(background(sse_server))
        assert isinstance(error, ProviderError)
        assert (error.status, error.message, error.text) == (refusal, "no such response", "half")
        assert len(sse_server.requests) == 2

    def test_heartbeats_of_its_own_leave_it_where_it_is(self, sse_server: SSEServer) -> None:
        """They have no number, or are no JSON."""
        odd = [
            event("no JSON", type="keepalive"),
            event("[DONE]"),
            event('{"sequence_number": "9"}', type="x"),
        ]
        sse_server.script([[CREATED, *odd, cut()], [named(completed("a", 1))]])
        assert background(sse_server).read() == "a"
        assert requests_of(sse_server)[1] == rest(0)

    def test_without_background_it_is_not_gone_on_with(self, sse_server: SSEServer) -> None:
        """The response dies with its connection."""
        sse_server.script([[CREATED, named(output("half", 1)), cut()]], then=[named(completed("never", 2))])
        stream = ask(sse_server, "responses", background=False)
        assert isinstance(failure_of(stream), AnswerIncomplete)
        assert requests_of(sse_server) == [POST]


class TestAttemptsByDefault:
    def test_the_rest_is_asked_for_ten_times_in_a_row(self, sse_server: SSEServer) -> None:
        """The connection that broke is the first of them, and a delta begins the count anew."""
        outage = [status(503)] * 8
        steps: list[Any] = [[CREATED, named(output("wh", 1)), cut()], *outage]
        steps += [[named(output("ole", 2)), cut()], *outage, [named(completed("whole", 3))]]
        sse_server.script(steps, then=status(400))
        clock = FakeClock()
        assert background(sse_server, retry=None, clock=clock).read() == "whole"
        assert requests_of(sse_server) == [POST, *[rest(1)] * 9, *[rest(2)] * 9]
        assert len(clock.waits) == 18

    def test_after_ten_the_answer_is_incomplete(self, sse_server: SSEServer) -> None:
        """Not after three, as with a response that ends with its connection."""
        for is_background, times in ((True, 10), (False, 3)):
            sse_server.script([], then=status(503))
            asked = len(sse_server.requests)
            stream = ask(sse_server, "responses", background=is_background, retry=None)
            error = failure_of(stream)
            assert isinstance(error, RetriesExhausted)
            assert (error.attempts, len(sse_server.requests) - asked) == (times, times)

    def test_another_process_has_as_many(self, sse_server: SSEServer) -> None:
        """Each to the same place."""
        sse_server.script([], then=status(503))
        clock = FakeClock()
        error = failure_of(resumed(sse_server, 7, retry=None, clock=clock))
        assert isinstance(error, RetriesExhausted)
        assert requests_of(sse_server) == [rest(7)] * 10
        assert len(clock.waits) == 9

    def test_the_callers_policy_counts(self, sse_server: SSEServer) -> None:
        """In both."""
        sse_server.script([], then=status(503))
        for stream in (background(sse_server), resumed(sse_server)):
            error = failure_of(stream)
            assert isinstance(error, RetriesExhausted)
            assert error.attempts == 3


class TestResuming:
    def test_another_process_goes_on_after_a_number(self, sse_server: SSEServer) -> None:
        """It gets the rest by pieces, and at the end the whole."""
        sse_server.script(
            [[named(output("ol", 3)), cut()], [named(output("e", 4)), named(completed("whole", 5))]]
        )
        stream = resumed(sse_server, 2)
        assert stream.last_sequence_number == 2
        assert (list(stream), stream.text, stream.is_complete) == (["ol", "e"], "whole", True)
        assert requests_of(sse_server) == [rest(2), rest(3)]
        assert sse_server.requests[0].headers["Authorization"] == f"Bearer {KEY}"

    @pytest.mark.parametrize("zero", [True, False])
    def test_without_a_number_all_is_given(self, sse_server: SSEServer, zero: bool) -> None:
        """0 is a number."""
        sse_server.script([[named(completed("a", 1))]])
        stream = resumed(sse_server, 0) if zero else resumed(sse_server)
        assert stream.last_sequence_number == (0 if zero else None)
        assert stream.read() == "a"
        expected = rest(0) if zero else ("GET", "/v1/responses/resp-1?stream=true")
        assert requests_of(sse_server) == [expected]

    def test_the_number_is_that_of_the_event_in_hand(self, sse_server: SSEServer) -> None:
        """Whoever saves it with each piece neither misses nor repeats one."""
        wire = [CREATED, *(named(output(text, n)) for n, text in enumerate("whole", 1))]
        sse_server.script([[*wire, named(completed("whole", 6))]])
        stream = background(sse_server)
        assert [(text, stream.last_sequence_number) for text in stream] == [
            *zip("whole", range(1, 6), strict=True)
        ]

    def test_a_response_that_is_gone_says_so(self, sse_server: SSEServer) -> None:
        """At once, with what the server said, and where."""
        url = f"{base_url(sse_server)}/v1/responses/resp-1"
        sse_server.script([], then=status(404, body=b'{"error": {"message": "no such response"}}'))
        for after in (None, 7):
            error = failure_of(resumed(sse_server, after))
            assert isinstance(error, ProviderError)
            assert (error.status, error.message) == (404, f"no such response (it was asked at {url})")
        assert len(sse_server.requests) == 2

    def test_nothing_there_is_no_answer(self, sse_server: SSEServer) -> None:
        """A 204 ends the stream for good."""
        sse_server.script([no_content()])
        assert isinstance(failure_of(resumed(sse_server, 7)), AnswerIncomplete)

    def test_an_outage_is_sat_out(self, sse_server: SSEServer) -> None:
        """A GET may be made again at any time."""
        sse_server.script([status(503), [cut()], [named(completed("a", 1))]])
        assert resumed(sse_server).read() == "a"
        assert len(sse_server.requests) == 3
