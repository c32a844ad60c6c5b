"""What the server behind `https://stream.example` does, on any path, while a block of the docs runs.

Each scenario ends the stream for good, so that loops end by themselves.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from everstream.testing import (
    Connection,
    SSEServer,
    Step,
    comment,
    connection,
    cut,
    event,
    log_of,
    no_content,
    retry,
    stall,
    status,
)


@dataclass(frozen=True)
class Scenario:
    """A script for one connection after the other, and what comes after these: 204 if not said.

    Or a log of so many events, served to the end of it from the `Last-Event-ID` of each request on.
    """

    connections: tuple[Connection | Step, ...] = ()
    then: Connection | Step | None = None
    log: int = 0

    def serve(self, server: SSEServer) -> None:
        """Has a server do it."""
        if self.log:
            numbers = (str(number) for number in range(1, self.log + 1))
            server.serve_log(log_of(numbers), faults=(), longest_run=self.log)
        else:
            server.script(self.connections, then=self.then)


EVENTS = (
    connection(
        retry(10),
        event('{"n": 1}', id="1"),
        event('{"n": 2}', id="2", type="update"),
        event('{"n": 3}', id="2"),
        cut(b'data: {"n":'),
    ),
    status(503),
    connection(event('{"n": 4}'), event('{"n": 5}', id="5", type="update")),
    no_content(),
)
"""Mixed ids and types, a cut, an overloaded server, a clean end, and the end for good."""


def tokens(*texts: str) -> Iterator[Step]:
    """Yields the events of a chat completion."""
    for text in texts:
        yield event(json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}))


DONE = event("[DONE]")
"""The sentinel that ends a chat completion."""


def chunk(index: int = 0, finish_reason: str | None = None, **delta: object) -> Step:
    """Returns a chunk of a chat completion, with all that servers put into one."""
    choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return event(json.dumps({"id": "chatcmpl-7", "model": "any-2024", "choices": [choice]}))


def call_chunk(index: int, arguments: str, **named: object) -> Step:
    """Returns a chunk with a piece of a tool call."""
    name = {"name": named.pop("name")} if "name" in named else {}
    return chunk(tool_calls=[{"index": index, **named, "function": {**name, "arguments": arguments}}])


def typed(type: str, **payload: object) -> Step:  # noqa: A002
    """Returns an event whose type is in its payload as well."""
    return event(json.dumps({"type": type, **payload}), type=type)


def reported(type: str, message: str) -> Step:  # noqa: A002
    """Returns an error as chat completions have it."""
    return event(json.dumps({"error": {"type": type, "message": message}}))


def refused(code: int, error: str, *, retry_after: int | None = None) -> Step:
    """Returns a response that is an error, in JSON."""
    return status(code, body=f'{{"error": {error}}}'.encode(), retry_after=retry_after)


USAGE = event(json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}))
CHAT = (chunk(content="Air"), chunk(content=" scatters"), chunk(content=" blue."))
CHAT_END = (chunk(finish_reason="stop"), USAGE, DONE)
ANSWER = connection(*CHAT, *CHAT_END)
RESPONSE = {"id": "resp_7", "model": "any-2024", "status": "completed"}
WHOLE_RESPONSE = {
    **RESPONSE,
    "usage": {"input_tokens": 9, "output_tokens": 4},
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "Air scatters blue."}]}],
}


def response_delta(number: int, text: str) -> Step:
    """Returns a piece of the text of a response."""
    return typed("response.output_text.delta", sequence_number=number, delta=text)


def content_chunk(text: str, **more: object) -> Step:
    """Returns a chunk of generated content."""
    candidate = {"content": {"parts": [{"text": text}]}, "index": 0, **more}
    return event(json.dumps({"candidates": [candidate], "modelVersion": "any-2024"}))


RIVERS = tuple(event(json.dumps({"river": name})) for name in ("Nile", "Amazon"))
JOB = connection(event("10 %", type="status"), event("a"), event("b"), event("2 rows", type="done"))


def sequence(number: int) -> Step:
    """Returns an event that has its place in its data."""
    return event(json.dumps({"sequence": number}))


SCENARIOS = {
    "events": Scenario(EVENTS),
    "token-stream": Scenario((connection(*tokens("Every", " stream", " flows", " on."), DONE),)),
    "unauthorized-once": Scenario((status(401), *EVENTS)),
    "forbidden": Scenario((), then=status(403, body=b"no")),
    "down": Scenario((), then=status(503)),
    "expired-token": Scenario((status(401), connection(event("welcome")))),
    "every-time": Scenario((), then=connection(*(event(f"{n}", id=f"{n}") for n in (1, 2, 3)))),
    "log": Scenario(log=6),
    "forgotten": Scenario((status(410), connection(event("now", id="90")))),
    "only-heartbeats": Scenario(
        (
            connection(comment("ping"), stall()),
            connection(event("1", id="1"), comment("ping"), stall()),
            no_content(),
        )
    ),
    "heartbeats": Scenario((connection(comment("ping"), event("1", id="1"), comment("ping")),)),
    "no-ids": Scenario((connection(event("1"), cut()), connection(event("3")))),
    "not-there-yet": Scenario((status(404), connection(event("ready")))),
    "open": Scenario((), then=connection(*(event(f"{n}", id=f"{n}") for n in (1, 2, 3)), stall())),
    "please-wait": Scenario((status(503, retry_after=3600),)),
    "answer": Scenario((ANSWER,)),
    "answer-cut": Scenario((connection(*CHAT[:2], cut()),)),
    "answer-failed": Scenario((connection(*CHAT[:2], reported("server_error", "The engine is gone.")),)),
    "answer-at-last": Scenario(
        (
            refused(429, '{"message": "Slow down."}', retry_after=0),
            connection(reported("overloaded_error", "Overloaded.")),
            ANSWER,
        )
    ),
    "answer-without-done": Scenario((connection(*CHAT, CHAT_END[0]),)),
    "answers": Scenario(
        (
            connection(
                chunk(content="Air"),
                chunk(1, content="Light"),
                chunk(1, content=" bends."),
                chunk(content=" scatters."),
                chunk(1, "stop"),
                chunk(0, "stop"),
                DONE,
            ),
        )
    ),
    "thinking": Scenario(
        (
            connection(
                chunk(role="assistant", content=""),
                chunk(reasoning_content="Ask for the weather."),
                call_chunk(0, "", id="call_1", name="weather"),
                call_chunk(0, '{"city":'),
                call_chunk(0, ' "Oslo"}'),
                chunk(finish_reason="tool_calls"),
                DONE,
            ),
        )
    ),
    "key-expired": Scenario((refused(401, '{"message": "The key has expired."}'), ANSWER)),
    "unknown-model": Scenario(
        (refused(404, '{"message": "The model `ayn` does not exist.", "code": "model_not_found"}'),)
    ),
    "message": Scenario(
        (
            connection(
                typed("message_start", message={"id": "msg_7", "usage": {"input_tokens": 9}}),
                typed("content_block_delta", index=0, delta={"type": "text_delta", "text": "Air scatters"}),
                typed("content_block_delta", index=0, delta={"type": "text_delta", "text": " blue."}),
                typed("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 4}),
                typed("message_stop"),
            ),
        )
    ),
    "generated": Scenario(
        (connection(content_chunk("Air scatters"), content_chunk(" blue.", finishReason="STOP")),)
    ),
    "background": Scenario(
        (
            connection(
                typed("response.created", sequence_number=0, response=RESPONSE),
                response_delta(1, "Air"),
                response_delta(2, " scatters"),
                cut(),
            ),
            connection(
                response_delta(3, " blue."),
                typed("response.completed", sequence_number=4, response=WHOLE_RESPONSE),
            ),
        )
    ),
    "jobs": Scenario(
        (
            connection(event("queued", type="status"), event("busy", type="error")),
            JOB,
        )
    ),
    "job-elsewhere": Scenario(
        (
            connection(
                event('{"job": "j7", "number": 1}'),
                event('{"job": "j7", "number": 2}'),
                cut(b'data: {"job":'),
            ),
            connection(event('{"job": "j7", "number": 3, "state": "done"}')),
        )
    ),
    "jobs-well": Scenario((JOB,)),
    "rivers": Scenario((connection(*RIVERS, DONE),)),
    "rivers-cut": Scenario((connection(*RIVERS, cut(b'data: {"ri')),)),
    "rivers-truncated": Scenario((connection(*RIVERS),)),
    "half-json": Scenario((connection(event('{"n": 1}'), event("maintenance"), event('{"n": 3}')),)),
    "sequence": Scenario(
        (connection(sequence(1), sequence(2), cut()), connection(sequence(3)), connection()),
    ),
    "stalls": Scenario((connection(event("1", id="1"), stall()),)),
}
