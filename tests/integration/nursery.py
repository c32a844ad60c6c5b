"""A program that `killing.py` starts: it gives birth to consumers of a stream, one after the other.

It imports everything once and forks for each life, so that a life begins within milliseconds. It has one
thread and no connection, and a consumer makes its own event source and its own store after the fork: it
finds nothing of the lives before it but what these have left in the store.

On its standard input it is told `birth` and `death`; it answers with the number of the new process and, when
that has ended, with how.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from contextlib import suppress

import redis

from everstream import EventSource, FullJitter, RetryPolicy, Timeouts
from everstream.checkpoints import CheckpointStore, RedisCheckpoint, SQLiteCheckpoint

QUICK = RetryPolicy(wait=FullJitter(initial=0.001, cap=0.02))
LIMITS = Timeouts(connect=5, read=5)


def main(plan: dict[str, object]) -> None:
    """Obeys until its standard input is closed."""
    consumer = 0
    # Without a buffer, of which each child would have a copy.
    with open(0, "rb", buffering=0) as told:
        while line := told.readline():
            if line == b"birth\n":
                consumer = os.fork() or _live(plan)
                _say(consumer)
            else:
                _, status = os.waitpid(consumer, 0)
                consumer = 0
                _say(os.waitstatus_to_exitcode(status))
    if consumer:
        with suppress(ProcessLookupError):
            os.kill(consumer, signal.SIGKILL)


def _say(number: int) -> None:
    os.write(1, b"%d\n" % number)


def _live(plan: dict[str, object]) -> int:
    try:
        _consume(plan)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _consume(plan: dict[str, object]) -> None:
    record = os.open(str(plan["record"]), os.O_WRONLY | os.O_APPEND)
    with EventSource(
        str(plan["url"]),
        until=str(plan["until"]),
        checkpoint=_store(plan),
        checkpoint_interval=float(str(plan["interval"])),
        retry=QUICK,
        timeouts=LIMITS,
    ) as source:
        for event in source:
            # One write for each event, before the next one is asked for: what is recorded was handled.
            os.write(record, event.data.encode() + b"\n")


def _store(plan: dict[str, object]) -> CheckpointStore:
    if "sqlite" in plan:
        return SQLiteCheckpoint(str(plan["sqlite"]))
    return RedisCheckpoint(redis.Redis(port=int(str(plan["redis"]))))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
