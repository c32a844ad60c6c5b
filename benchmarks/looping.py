"""Loops over connections that each give one event and end, without a wait in between."""

from __future__ import annotations

import itertools
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

__all__ = ["LOOPS"]


def everstream(url: str) -> Iterator[object]:
    """Gives events of everstream, which reconnects at once."""
    import tenacity

    from everstream import EventSource, RetryPolicy

    return iter(EventSource(url, retry=RetryPolicy(wait=tenacity.wait_none())))


def launchdarkly(url: str) -> Iterator[object]:
    """Gives events of launchdarkly-eventsource, told to go on whatever happens, and not to wait."""
    from ld_eventsource import SSEClient
    from ld_eventsource.config import ErrorStrategy

    client = SSEClient(url, initial_retry_delay=0, error_strategy=ErrorStrategy.always_continue())
    return iter(client.events)


def requests_sse(url: str) -> Iterator[object]:
    """Gives events of requests-sse, with a reconnection time of zero."""
    from requests_sse import EventSource

    source = EventSource(url, reconnection_time=timedelta(0))
    source.connect()
    return iter(source)


def bare_requests(url: str) -> Iterator[object]:
    """Gives bodies that `requests.get` returns: a loop without a parser."""
    import requests

    for _ in itertools.repeat(None):
        with requests.get(url, stream=True, timeout=60) as response:
            yield response.raw.read()


def bare_session(url: str) -> Iterator[object]:
    """Gives bodies that a session of requests returns: the same with one session for all."""
    import requests

    with requests.Session() as session:
        for _ in itertools.repeat(None):
            with session.get(url, stream=True, timeout=60) as response:
                yield response.raw.read()


def bare_socket(url: str) -> Iterator[object]:
    """Gives responses that are read from sockets."""
    parts = urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    for _ in itertools.repeat(None):
        with socket.create_connection((parts.hostname, parts.port or 80)) as connection:
            connection.sendall(request)
            yield b"".join(iter(lambda: connection.recv(65_536), b""))


LOOPS: dict[str, Callable[[str], Iterator[object]]] = {
    "everstream": everstream,
    "launchdarkly-eventsource": launchdarkly,
    "requests-sse": requests_sse,
    "requests.get": bare_requests,
    "requests.Session": bare_session,
    "socket": bare_socket,
}
"""By the names in the table. The last three are loops that only read."""


def main(name: str, url: str, attempts: str) -> None:
    """Makes as many connections, and prints the seconds that each took, of processor time and in all."""
    loop, count = LOOPS[name](url), int(attempts)
    # The first ones load all code.
    for _ in itertools.islice(loop, 10):
        pass
    elapsed, seconds = time.perf_counter(), time.process_time()
    for _ in itertools.islice(loop, count):
        pass
    seconds, elapsed = time.process_time() - seconds, time.perf_counter() - elapsed
    print(json.dumps([seconds / count, elapsed / count]), flush=True)
    # Some of these loops would go on when they are let go of.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
