"""The exit codes of the command, in one place: the documentation is checked against this one."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Exit"]


class Exit(IntEnum):
    """What a shell learns of how it ended."""

    ENDED = 0
    """The stream ended normally, as many events as were asked for came, or nobody reads any more."""
    TROUBLE = 1
    """The output could not be written; or the demo found an event lost, duplicated or out of order."""
    USAGE = 2
    """An option cannot work, or an extra is not installed."""
    REFUSED = 3
    """The stream failed with an error that is not retried."""
    EXHAUSTED = 4
    """The stream failed as often in a row as `--max-attempts` allows."""
    INTERRUPTED = 130
    """SIGINT came: 128 and the signal's number, as shells have it."""
    TERMINATED = 143
    """SIGTERM came: likewise."""
