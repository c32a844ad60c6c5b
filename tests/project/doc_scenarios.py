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


def sequence(number: int) -> Step:
    """Returns an event that has its place in its data."""
    return event(json.dumps({"sequence": number}))


SCENARIOS = {
    "events": Scenario(EVENTS),
    "cut-answer": Scenario((connection(*tokens("Every", " stream"), cut(b'data: {"cho')),)),
    "token-stream": Scenario((connection(*tokens("Every", " stream", " flows", " on."), DONE),)),
    "truncated": Scenario((connection(*tokens("Every", " stream")),)),
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
    "sequence": Scenario(
        (connection(sequence(1), sequence(2), cut()), connection(sequence(3)), connection()),
    ),
    "stalls": Scenario((connection(event("1", id="1"), stall()),)),
}
