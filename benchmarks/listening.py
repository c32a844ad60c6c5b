"""The process whose latency is measured: takes events as they come, and prints how late each was, as JSON.

`python -m benchmarks.listening MODULE URL EVENTS` prints, for each event, the nanoseconds from its sending to
its delivery. No event is left out, the first neither.
"""

from __future__ import annotations

import importlib
import itertools
import json
import re
import socket
import sys
import time
from urllib.parse import urlsplit

from benchmarks.clients import Client, EventT
from benchmarks.trickles import sent_at

__all__ = ["BARE"]

BARE = "bare"
"""Instead of a client's module: a loop that only reads a socket, to show what the machine itself takes."""

_SENT = re.compile(rb'"sent":(\d+)\}\n')


def client_delays(client: Client[EventT], url: str, events: int) -> list[int]:
    """Returns the delays of the events that a client gives, in nanoseconds."""
    delays = []
    with client.reading(url) as source:
        for event in itertools.islice(source, events):
            delivered = time.monotonic_ns()
            delays.append(delivered - sent_at(client.data_of(event)))
    return delays


def bare_delays(url: str) -> list[int]:
    """Returns the delays of bytes that `recv` gives, in nanoseconds."""
    parts = urlsplit(url)
    delays = []
    with socket.create_connection((parts.hostname, parts.port or 80)) as connection:
        connection.sendall(f"GET /bare HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        while received := connection.recv(65_536):
            delivered = time.monotonic_ns()
            delays += [delivered - int(sent) for sent in _SENT.findall(received)]
    return delays


def main(module: str, url: str, events: str) -> None:
    """Listens once."""
    if module == BARE:
        delays = bare_delays(url)
    else:
        delays = client_delays(importlib.import_module(f"benchmarks.clients.{module}"), url, int(events))
    print(json.dumps(delays))


if __name__ == "__main__":
    main(*sys.argv[1:])
