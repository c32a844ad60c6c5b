"""The process that is measured: reads a stream with one client, and prints what it took, as JSON.

`python -m benchmarks.client MODULE URL CHECKED TIMED` first reads CHECKED events from `URL/CHECKED` and takes
the checksum of their data, which loads and warms up all code. Then it reads TIMED events from `URL/TIMED`
against the clock, and does nothing with them but count.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from dataclasses import asdict, dataclass, replace

from benchmarks.clients import CLIENTS, LIMITS, OURS, Client, EventT, Limit
from benchmarks.payloads import Checksum

__all__ = ["Reading"]

_ANSWERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a process found.

    Attributes:
        checked: How many events came when they were checked, up to as many as were sent.
        checksum: The checksum of their data.
        timed: How many events came against the clock, up to as many as were sent. For a limit, the bytes.
        seconds: The processor time that took, of user and system, from before the request to the last event.
        elapsed: The time that took.
        error: The name of the error that the client raised, if it did.
    """

    checked: int = 0
    checksum: int = 0
    timed: int = 0
    seconds: float = 0.0
    elapsed: float = 0.0
    error: str = ""


class _Stopwatch:
    def __init__(self) -> None:
        self._elapsed, self._seconds = time.perf_counter(), time.process_time()

    def reading(self, timed: int) -> Reading:
        seconds = time.process_time() - self._seconds
        return Reading(timed=timed, seconds=seconds, elapsed=time.perf_counter() - self._elapsed)


def checked(client: Client[EventT], url: str, count: int) -> tuple[int, int]:
    """Returns how many events came, up to `count`, and the checksum of their data."""
    taken, checksum = 0, Checksum()
    with client.reading(url) as events:
        for event in events:
            checksum.add(client.data_of(event))
            taken += 1
            # Everybody leaves after the last event: some clients would reconnect for ever.
            if taken == count:
                break
    return taken, checksum.value


def timed(client: Client[EventT], url: str, count: int) -> Reading:
    """Takes up to `count` events against the clock."""
    taken = 0
    stopwatch = _Stopwatch()
    with client.reading(url) as events:
        for _event in events:
            taken += 1
            if taken == count:
                break
        return stopwatch.reading(taken)


def timed_limit(limit: Limit, url: str) -> Reading:
    """Takes the bytes of an answer against the clock: the mean of several, as each takes but milliseconds."""
    stopwatch = _Stopwatch()
    count = sum(limit.read(url) for _ in range(_ANSWERS))
    whole = stopwatch.reading(count)
    return Reading(
        timed=count // _ANSWERS, seconds=whole.seconds / _ANSWERS, elapsed=whole.elapsed / _ANSWERS
    )


def measured_client(client: Client[EventT], url: str, few: int, many: int) -> Reading:
    """Checks a client, and takes its time."""
    came, checksum = checked(client, f"{url}/{few}", few)
    return replace(timed(client, f"{url}/{many}", many), checked=came, checksum=checksum)


def main(name: str, url: str, few: str, many: str) -> None:
    """Measures one client or limit once, and prints the reading."""
    module = importlib.import_module(f"benchmarks.clients.{name}")
    try:
        if name in LIMITS.values():
            reading = timed_limit(module, f"{url}/{many}")
        else:
            reading = measured_client(module, url, int(few), int(many))
    except Exception as error:
        if name == CLIENTS[OURS]:
            raise
        # That a peer fails is a result.
        reading = Reading(error=type(error).__name__)
    print(json.dumps(asdict(reading)))


if __name__ == "__main__":
    main(*sys.argv[1:])
