"""An application of sse-starlette on uvicorn: a program that `starlette_server.py` starts.

It says on its standard output what it sees, a line each: the port it listens on, the position each client
asks for, and when a client's stream is over.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route


async def log(request: Request) -> EventSourceResponse:
    """Streams a log of so many events, a millisecond apart, from the `Last-Event-ID` on, and its end."""
    last_event_id = request.headers.get("last-event-id", "")
    print("asked", last_event_id, flush=True)
    total = int(request.query_params["total"])
    return EventSourceResponse(_events(int(last_event_id or 0) + 1, total, request.query_params.get("sep")))


async def quiet(request: Request) -> EventSourceResponse:
    """Streams one event and then nothing but pings, so many seconds apart."""
    return EventSourceResponse(_one_event(), ping=float(request.query_params["ping"]))


async def _events(first: int, total: int, sep: str | None) -> AsyncIterator[ServerSentEvent]:
    for number in range(first, total + 1):
        kind = "odd" if number % 2 else None
        retry = 10 if number == first else None
        data = f"event {number}\nof {total}"
        yield ServerSentEvent(data, id=str(number), event=kind, retry=retry, sep=sep)
        await asyncio.sleep(0.001)
    yield ServerSentEvent("the end", sep=sep)


async def _one_event() -> AsyncIterator[ServerSentEvent]:
    try:
        yield ServerSentEvent("hello", id="1")
        await asyncio.Event().wait()
    finally:
        print("over", flush=True)


class _Announcing(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says the port once it listens."""
        await super().startup(sockets)
        assert sockets
        print("listening", sockets[0].getsockname()[1], flush=True)


def main(port: int) -> None:
    """Serves until it is ended by a signal."""
    app = Starlette(routes=[Route("/log", log), Route("/quiet", quiet)])
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning")
    _Announcing(config).run(sockets=[config.bind_socket()])


if __name__ == "__main__":
    main(int(sys.argv[1]))
