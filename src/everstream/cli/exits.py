"""The exit codes of the command, in one place: the documentation is checked against this one."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit"]


class Exit(IntEnum):
    """What a shell learns of how it ended."""

    ENDED = 0
    """The stream ended normally, as many events as were asked for came, or nobody reads any more; or a
    worker was told to end, and did so in order."""
    TROUBLE = 1
    """The output could not be written; a worker was told to end, and its event was not finished; or the
    demo found an event lost, duplicated or out of order."""
    USAGE = 2
    """An option cannot work, or an extra is not installed."""
    REFUSED = 3
    """The stream failed with an error that is not retried."""
    EXHAUSTED = 4
    """The stream failed as often in a row as `--max-attempts` allows."""
    POISONED = 5
    """A worker's handler could not handle an event, and nobody else took it."""
    INCOMPLETE = 6
    """The answer of a model broke off; what had come of it was written."""
    INTERRUPTED = 130
    """SIGINT came: 128 and the signal's number, as shells have it."""
    TERMINATED = 143
    """SIGTERM came: likewise."""
