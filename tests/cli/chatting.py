"""What a server sends that answers chat completions, and how the command asks it."""

import json

from everstream.testing import SSEServer, Step, event
from tests.cli.running import Done, everstream_here

KEY = "sk-canary-key-0123"
"""Shown nowhere, whatever happens."""

DONE = event("[DONE]")


def chunk(delta: dict[str, object], finish_reason: str | None = None, **more: object) -> Step:
    """Sends a chunk of a completion."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    return event(json.dumps({"id": "chatcmpl-1", "model": "m-2", "choices": choices, **more}))


def token(text: str) -> Step:
    """Sends a piece of text."""
    return chunk({"content": text})


def finish(reason: str = "stop") -> Step:
    """Tells why the answer is over."""
    return chunk({}, reason)


def base_url(server: SSEServer) -> str:
    """Returns where the API is."""
    return server.url.removesuffix("/events") + "/v1"


def asking(server: SSEServer, *arguments: str) -> list[str]:
    """Returns arguments that ask a server, and wait for nothing that fails."""
    options = ["--base-url", base_url(server), "--model", "m", "--max-delay", "0.01"]
    return ["chat", *options, *arguments]


def chat_here(server: SSEServer, *arguments: str) -> Done:
    """Asks a server in this process."""
    return everstream_here(*asking(server, "why?", *arguments))
