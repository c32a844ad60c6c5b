"""What is asked for again, and how often: until the first delta by policy, and never after it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest
from tenacity import wait_none

from everstream import (
    AnswerIncomplete,
    ConnectFailed,
    FullJitter,
    InvalidJSON,
    ProviderError,
    RetriesExhausted,
    RetryPolicy,
    StatusRejected,
    StreamIncomplete,
    StreamInterrupted,
    StreamTimeout,
    Timeouts,
)
from everstream.testing import (
    SSEServer,
    Step,
    connection,
    cut,
    end,
    event,
    pause,
    raw,
    reset,
    stall,
    status,
)
from tests.fakes import FakeClock
from tests.llm.wires import (
    APIS,
    GREETINGS,
    PIECES,
    ask,
    delta,
    failure_of,
    named,
    part,
    response,
    whole,
)

OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
UNAVAILABLE = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
SERVER_ERROR = {"error": {"message": "sorry", "type": "server_error"}}

RETRYABLE: Mapping[str, Sequence[Step]] = {
    "chat": [
        part(SERVER_ERROR),
        part(SERVER_ERROR["error"], type="error"),
        part({"error": "x", "code": "502"}),
    ],
    "messages": [named(OVERLOADED), part(OVERLOADED), part(SERVER_ERROR)],
    "responses": [
        named(response("failed", error={"code": "server_error", "message": "sorry"})),
        named({"type": "error", "code": "rate_limit_exceeded", "message": "slowly"}),
    ],
    "generate_content": [part(UNAVAILABLE)],
}
FINAL: Mapping[str, Step] = {
    "chat": part({"error": {"message": "no", "type": "invalid_request_error"}}),
    "messages": named({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}),
    "responses": named(response("incomplete", incomplete_details={"reason": "content_filter"})),
    "generate_content": part({"promptFeedback": {"blockReason": "SAFETY"}}),
}
IN_STREAM = [(api, error) for api in APIS for error in RETRYABLE[api]]
BREAKS = {"cut": cut(), "torn": cut(b'data: {"cho'), "reset": reset(), "end": end(), "stall": stall()}
QUICKLY = {"timeouts": Timeouts(connect=10, read=0.2)}


def retryable_ids(value: object) -> str | None:
    """Returns the name of an API; errors are told apart by their numbers."""
    return value if isinstance(value, str) else None


class TestBeforeTheFirstDelta:
    @pytest.mark.parametrize(("api", "error"), IN_STREAM, ids=retryable_ids)
    def test_an_error_in_the_stream_is_retried(self, sse_server: SSEServer, api: str, error: Step) -> None:
        """After a greeting too; the answer is whole, and not doubled."""
        sse_server.script([[error], [*GREETINGS[api], error], whole(api)])
        stream = ask(sse_server, api, keep_chunks=True)
        assert (list(stream), stream.text, stream.is_complete) == (["wh", "ole"], "whole", True)
        bodies = {request.body for request in sse_server.requests}
        assert (len(sse_server.requests), len(bodies)) == (3, 1)
        assert len(stream.chunks) == len([step for step in whole(api) if step != event("[DONE]")])

    @pytest.mark.parametrize("api", APIS)
    @pytest.mark.parametrize("code", [408, 429, 500, 503, 529])
    def test_a_status_that_passes_is_retried(self, sse_server: SSEServer, api: str, code: int) -> None:
        """Whatever its body says."""
        sse_server.script([status(code), status(code, body=json.dumps(SERVER_ERROR).encode()), whole(api)])
        assert ask(sse_server, api).read() == "whole"
        assert len(sse_server.requests) == 3

    @pytest.mark.parametrize("api", APIS)
    @pytest.mark.parametrize("how", BREAKS)
    def test_a_connection_that_breaks_is_retried(self, sse_server: SSEServer, api: str, how: str) -> None:
        """Cut, reset, ended or silent: it has given nothing."""
        sse_server.script([connection(*GREETINGS[api], BREAKS[how]), whole(api)])
        stream = ask(sse_server, api, keep_chunks=True, **(QUICKLY if how == "stall" else {}))
        assert (list(stream), len(sse_server.requests)) == (["wh", "ole"], 2)
        assert len(stream.chunks) == len([step for step in whole(api) if step != event("[DONE]")])

    def test_what_a_failed_attempt_told_is_forgotten(self, sse_server: SSEServer) -> None:
        """Its id and model are not those of the answer, and ids of events lead nowhere."""
        first = part({"id": "other", "model": "other", "usage": {"a": 1}, "choices": []}, id="7")
        sse_server.script(
            [[first, cut()], [part({"choices": delta("a")["choices"]}, id="8"), event("[DONE]")]]
        )
        stream = ask(sse_server)
        assert stream.read() == "a"
        assert (stream.id, stream.model, stream.usage) == (None, None, None)
        assert [request.last_event_id for request in sse_server.requests] == [None, None]

    def test_the_server_says_how_long_to_wait(self, sse_server: SSEServer) -> None:
        """By Retry-After, or more finely in milliseconds; the backoff of the policy comes on top."""
        clock = FakeClock()
        sse_server.script(
            [
                status(429, retry_after=7),
                status(529, retry_after=7, headers={"retry-after-ms": "1500"}),
                [part(SERVER_ERROR)],
                whole("chat"),
            ]
        )
        policy = RetryPolicy.attempts(4, wait=FullJitter(random=lambda: 0.5))
        assert ask(sse_server, clock=clock, retry=policy).read() == "whole"
        assert clock.waits == [7.5, 2.5, 2.0]


class TestAttempts:
    @pytest.mark.parametrize("api", APIS)
    def test_they_run_out(self, sse_server: SSEServer, api: str) -> None:
        """Though each begins well; the last error is the cause."""
        sse_server.script([], then=[*GREETINGS[api], RETRYABLE[api][0]])
        error = failure_of(ask(sse_server, api))
        assert isinstance(error, RetriesExhausted)
        assert (error.attempts, len(sse_server.requests)) == (3, 3)
        assert isinstance(error.__cause__, ProviderError)
        assert error.__cause__.text == ""

    @pytest.mark.parametrize("how", BREAKS)
    def test_they_run_out_of_connections(self, sse_server: SSEServer, how: str) -> None:
        """That end before they give anything."""
        sse_server.script([], then=connection(*GREETINGS["messages"], BREAKS[how]))
        error = failure_of(ask(sse_server, "messages", **(QUICKLY if how == "stall" else {})))
        assert isinstance(error, RetriesExhausted)
        assert isinstance(error.__cause__, (StreamInterrupted, StreamTimeout))
        assert len(sse_server.requests) == 3

    def test_they_run_out_though_each_lasts_for_long(self, sse_server: SSEServer) -> None:
        """A model that thinks for minutes, and is cut off each time, is not asked without end."""
        clock = FakeClock()

        class Thinking(FakeClock):
            def monotonic(self) -> float:
                # Each look at the clock is an hour later.
                clock.advance(3600)
                return clock.monotonic()

        sse_server.script([[*GREETINGS["chat"], cut()]] * 6, then=status(400))
        error = failure_of(ask(sse_server, clock=Thinking()))
        assert isinstance(error, RetriesExhausted)
        assert len(sse_server.requests) == 3

    def test_there_may_be_one_only(self, sse_server: SSEServer) -> None:
        """Then the error itself is raised."""
        once = {"retry": RetryPolicy.never()}
        sse_server.script([[part(SERVER_ERROR)], status(503), [*GREETINGS["chat"], end()], [cut()]])
        kinds = [type(failure_of(ask(sse_server, **once))) for _ in range(4)]
        assert kinds == [ProviderError, ProviderError, AnswerIncomplete, StreamInterrupted]
        assert len(sse_server.requests) == 4

    def test_the_policy_says_what_is_retried(self, sse_server: SSEServer) -> None:
        """It sees the provider's error."""
        seen: list[object] = []
        policy = RetryPolicy(wait=wait_none(), retryable=lambda error: bool(seen.append(error)))
        sse_server.script([status(503)], then=whole("chat"))
        assert isinstance(failure_of(ask(sse_server, retry=policy)), ProviderError)
        assert [type(error) for error in seen] == [ProviderError]


class TestAfterTheFirstDelta:
    @pytest.mark.parametrize(("api", "error"), IN_STREAM, ids=retryable_ids)
    def test_an_error_is_raised_with_the_text(self, sse_server: SSEServer, api: str, error: Step) -> None:
        """However retryable: nothing is asked, or paid for, twice."""
        sse_server.script([[*GREETINGS[api], PIECES[api]("half"), error]], then=whole(api))
        stream = ask(sse_server, api)
        raised = failure_of(stream)
        assert isinstance(raised, ProviderError)
        assert (raised.text, raised.retryable, stream.text) == ("half", True, "half")
        assert "half" not in str(raised)
        assert (stream.is_complete, len(sse_server.requests)) == (False, 1)

    @pytest.mark.parametrize("api", APIS)
    @pytest.mark.parametrize("how", BREAKS)
    def test_a_connection_that_breaks_is_an_answer_that_is_incomplete(
        self, sse_server: SSEServer, api: str, how: str
    ) -> None:
        """With the text, what came, and what befell the connection."""
        sse_server.script([connection(*GREETINGS[api], PIECES[api]("half"), BREAKS[how])], then=whole(api))
        stream = ask(sse_server, api, **(QUICKLY if how == "stall" else {}))
        error = failure_of(stream)
        assert isinstance(error, AnswerIncomplete)
        assert (error.text, stream.text, error.retryable) == ("half", "half", True)
        assert isinstance(error.__cause__, (StreamIncomplete, StreamInterrupted, StreamTimeout))
        assert error.events_received == len(GREETINGS[api]) + 1
        assert str(error).startswith("the answer broke off after 4 characters: ")
        assert (stream.is_complete, len(sse_server.requests)) == (False, 1)

    @pytest.mark.parametrize(
        "chunk",
        [
            delta(reasoning="Hm"),
            delta(refusal="No"),
            delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "now"}}]),
            delta(end="stop"),
            delta("b", choice=1),
        ],
        ids=repr,
    )
    def test_anything_of_an_answer_is_a_delta(self, sse_server: SSEServer, chunk: object) -> None:
        """Thinking, a refusal, a tool call, another choice, an end: all is paid for."""
        sse_server.script([[part(chunk), cut()]], then=whole("chat"))
        error = failure_of(ask(sse_server))
        assert isinstance(error, AnswerIncomplete)
        assert (error.text, len(sse_server.requests)) == ("", 1)

    def test_a_delta_that_is_no_json_breaks_an_answer_off(self, sse_server: SSEServer) -> None:
        """Before the first it is an error of its own; it is not retried."""
        broken = event('{"choices": [{"delta": {"content": "canary')
        sse_server.script([[part(delta("half")), broken], [broken]], then=whole("chat"))
        after, before = failure_of(ask(sse_server)), failure_of(ask(sse_server))
        assert isinstance(after, AnswerIncomplete)
        assert isinstance(after.__cause__, InvalidJSON)
        assert isinstance(before, InvalidJSON)
        assert "canary" not in f"{after} {before}"
        assert len(sse_server.requests) == 2

    def test_a_delta_that_is_still_in_hand_counts(self, sse_server: SSEServer) -> None:
        """Though the consumer has not come back for the next one when the connection breaks."""
        sse_server.script([[part(delta("half")), pause(), cut()]], then=whole("chat"))
        stream = ask(sse_server)
        assert next(iter(stream)) == "half"
        sse_server.release()
        assert isinstance(failure_of(stream), AnswerIncomplete)
        assert len(sse_server.requests) == 1


class TestWhatIsFinal:
    def test_a_model_that_ends_with_an_error_has_given_no_answer(self, sse_server: SSEServer) -> None:
        """Though the server adds no error, and `[DONE]` follows; what came before is kept."""
        for pieces in ([], [part(delta("half"))]):
            sse_server.script([[*GREETINGS["chat"], *pieces, part(delta(end="error")), event("[DONE]")]])
            stream = ask(sse_server)
            error = failure_of(stream)
            assert isinstance(error, ProviderError)
            assert (error.message, error.text) == ("the model ended with an error", "half" * len(pieces))
            assert not stream.is_complete
        assert len(sse_server.requests) == 2

    @pytest.mark.parametrize("api", APIS)
    def test_an_error_that_lasts_is_raised_at_once(self, sse_server: SSEServer, api: str) -> None:
        """One request, before the first delta and after it."""
        sse_server.script([[FINAL[api]], [PIECES[api]("half"), FINAL[api]]], then=whole(api))
        for text in ("", "half"):
            error = failure_of(ask(sse_server, api))
            assert isinstance(error, ProviderError)
            assert (error.text, error.retryable) == (text, False)
        assert len(sse_server.requests) == 2

    @pytest.mark.parametrize("api", APIS)
    @pytest.mark.parametrize(
        ("refusal", "said"),
        [
            (status(404, body=b'{"error": {"message": "no such model"}}'), "404 Not Found: no such model"),
            (status(401, body=b"who are you?"), "401 Unauthorized: who are you?"),
            (status(404, body=b"<h1>Not Found</h1>", content_type="text/html"), "404 Not Found: Not Found"),
            (
                connection(raw(b"<p>Log in</p>"), content_type="text/html"),
                "200 OK with text/html, not text/event-stream; it said: Log in",
            ),
            (
                connection(raw(b'{"choices": []}'), content_type="application/json"),
                'as if it had not been asked to stream; it said: {"choices": []}',
            ),
            (
                connection(
                    raw(b'{"error": "bad"}'), status=400, encoding="gzip", content_type="application/json"
                ),
                "400 Bad Request: bad",
            ),
        ],
    )
    def test_a_response_that_is_no_stream_says_what_it_is(
        self, sse_server: SSEServer, api: str, refusal: Step, said: str
    ) -> None:
        """In the server's words, and where that was, after one request; the response itself is the cause."""
        sse_server.script([refusal], then=whole(api))
        error = failure_of(ask(sse_server, api))
        assert isinstance(error, ProviderError)
        assert str(error).partition(" (it was asked at ")[0].endswith(said)
        assert isinstance(error.__cause__, StatusRejected) or error.status == 200
        assert len(sse_server.requests) == 1


def test_an_address_where_nobody_is_is_named(sse_server: SSEServer) -> None:
    """After three attempts, or at once."""
    with sse_server.refusing():
        exhausted = failure_of(ask(sse_server))
        at_once = failure_of(ask(sse_server, retry=RetryPolicy.never()))
    assert isinstance(exhausted, RetriesExhausted)
    assert exhausted.attempts == 3
    assert isinstance(exhausted.__cause__, ConnectFailed)
    assert isinstance(at_once, ConnectFailed)
    assert str(at_once).startswith(f"could not connect to 127.0.0.1:{sse_server.port}: ")
    assert sse_server.requests == []
