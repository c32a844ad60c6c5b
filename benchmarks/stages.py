"""The process that reads a stream with a part of everstream, and prints the processor time that took.

`python -m benchmarks.stages STAGE URL FEW MANY` reads `URL/FEW` first, to load and warm up all code, then
`URL/MANY` against the clock, in seconds. `python -m benchmarks.stages sampled URL MANY SECONDS` reads
`URL/MANY` again and again, looks where it is every few milliseconds, and prints how often that was in which
function.
"""

from __future__ import annotations

import codecs
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import cast

from benchmarks.clients.bare_socket import read
from everstream import EventSource
from everstream.core.events import WireItem
from everstream.core.parsing import EventStreamParser
from everstream.core.protocol import EventSourceProtocol
from everstream.core.timeouts import Timeouts
from everstream.transports.sync import RequestTemplate, Transport

__all__ = ["STAGES"]

_INTERVAL = 0.001


def _received(url: str, count: int) -> int:
    """Returns the number of bytes, with those of HTTP."""
    return read(url)


def _unframed(url: str, count: int) -> int:
    """Returns the number of bytes of the body."""
    return sum(map(len, _chunks(url, EventSourceProtocol())))


def _decoded(url: str, count: int) -> int:
    """Returns the number of characters."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    return sum(len(decoder.decode(chunk)) for chunk in _chunks(url, EventSourceProtocol()))


def _parsed(url: str, count: int) -> int:
    """Returns the number of events."""
    parser = EventStreamParser()
    return sum(len(parser.feed(chunk)) for chunk in _chunks(url, EventSourceProtocol()))


def _decided(url: str, count: int) -> int:
    """Returns the number of events."""
    protocol = EventSourceProtocol()
    number = 0
    for chunk in _chunks(url, protocol):
        # Nothing ends such a stream but its body: there is no outcome among the items.
        items = cast(list[WireItem], list(protocol.receive(chunk, 0.0)))
        protocol.delivered_all(items)
        number += len(items)
    return number


def _delivered(url: str, count: int) -> int:
    """Returns the number of events."""
    number = 0
    with EventSource(url) as source:
        for _event in source:
            number += 1
            if number == count:
                break
    return number


def _chunks(url: str, protocol: EventSourceProtocol) -> Iterator[bytes]:
    """Gives the body as the transport gives it."""
    connection = Transport(None, Timeouts()).connection()
    connection.open(RequestTemplate(url=url), protocol.connecting(0.0))
    protocol.opened(connection.status, connection.headers, 0.0)
    try:
        while chunk := connection.read():
            yield chunk
    finally:
        connection.close()


STAGES: Mapping[str, Callable[[str, int], int]] = {
    "received": _received,
    "unframed": _unframed,
    "decoded": _decoded,
    "parsed": _parsed,
    "decided": _decided,
    "delivered": _delivered,
}
"""What is done with the bytes of `count` events; each does what the one before it does, and more."""


def seconds(stage: str, url: str, few: int, many: int) -> float:
    """Returns the processor time that a stage needs for many events, once it is warm."""
    STAGES[stage](f"{url}/{few}", few)
    start = time.process_time()
    STAGES[stage](f"{url}/{many}", many)
    return time.process_time() - start


def samples(url: str, many: int, least: float) -> dict[str, int]:
    """Returns how often a function was running, in `least` seconds of processor time or a little more."""
    found: Counter[str] = Counter()

    def look(_number: int, frame: FrameType | None) -> None:
        if frame is not None:
            found[f"{frame.f_globals['__name__']}: {frame.f_code.co_name}"] += 1

    _delivered(f"{url}/{many}", many)
    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
    start = time.process_time()
    while time.process_time() - start < least:
        _delivered(f"{url}/{many}", many)
    signal.setitimer(signal.ITIMER_PROF, 0.0)
    return dict(found)


def main(stage: str, url: str, *numbers: str) -> None:
    """Prints the result of one stage as JSON."""
    if stage == "sampled":
        result: object = samples(url, int(numbers[0]), float(numbers[1]))
    else:
        result = seconds(stage, url, *map(int, numbers))
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
