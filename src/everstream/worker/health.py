"""How workers are, as plain data: what operators ask, and what probes answer with."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from everstream.stats import Health

__all__ = ["GroupHealth", "WorkerHealth"]


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """How a worker is. Times are seconds since the epoch; None for what has not been.

    Attributes:
        alive: Whether it works, or may still be started: its thread runs, and the event in hand is not
            there longer than `stuck_after`. A worker whose stream backs off is alive: to restart its
            process would not help.
        ready: Whether it is alive, connected, and not asked to stop.
        handled: Events that the handler has handled.
        poisoned: Events skipped, or given to `on_poison`.
        handling_since: When the event in hand was taken; None if there is none.
        failure: The message of the error that ended it; None if there was none.
        stream: How its stream is.
    """

    alive: bool
    ready: bool
    handled: int
    poisoned: int
    handling_since: float | None
    failure: str | None
    stream: Health

    def as_dict(self) -> dict[str, object]:
        """Returns the attributes by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class GroupHealth:
    """How a group of workers is.

    Attributes:
        alive: Whether all of them are.
        ready: Whether all of them are.
        workers: Each, in order.
    """

    alive: bool
    ready: bool
    workers: tuple[WorkerHealth, ...]

    def as_dict(self) -> dict[str, object]:
        """Returns the attributes by name, ready for JSON."""
        return asdict(self)
