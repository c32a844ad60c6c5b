"""What the demo streams: a feed that goes on whether anybody listens or not, behind a bad network."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from everstream.testing import DEFAULT_FAULTS, EventLog, PlannedConnection, SSEServer, Verdict, log_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from everstream import Event

__all__ = ["LONGEST_RUN", "Feed"]

_EVENTS_PER_SECOND = 60
LONGEST_RUN = 45
"""The largest number of events on one connection."""
_RETRY_AFTER = 1


class Feed:
    """A log that grows at a steady pace, served by the scripted server with all its faults.

    Args:
        events: How many events there will be.
        seed: Decides what the network does.
    """

    def __init__(self, events: int, seed: int) -> None:
        self._texts = list(_readings(events, seed))
        self._server = SSEServer()
        self._over = threading.Event()
        self._publisher = threading.Thread(target=self._publish, name="demo feed", daemon=True)
        self.log: EventLog = self._server.serve_log(
            log_of(()),
            faults=(*DEFAULT_FAULTS, "stall"),
            seed=seed,
            follow=True,
            longest_run=LONGEST_RUN,
            retry_after=_RETRY_AFTER,
        )

    @property
    def url(self) -> str:
        """Where it is served."""
        return self._server.url

    @property
    def last_id(self) -> str:
        """The id of its last event; events are numbered from 1."""
        return str(len(self._texts))

    @property
    def seconds(self) -> float:
        """How long it takes to come, in seconds."""
        return len(self._texts) / _EVENTS_PER_SECOND

    def latest_connection(self) -> PlannedConnection:
        """Returns what is done on the connection that came last."""
        return self.log.connections[-1]

    def verdict(self, received: list[Event]) -> Verdict:
        """Compares what was received with everything there was."""
        for text in self._texts[len(self.log) :]:
            self.log.append(text)  # was not even published: the demo was ended early
        return self.log.verdict(received)

    def __enter__(self) -> Self:
        self._server.start()
        self._publisher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._publisher.join()
        self._server.stop()
        if error is None:
            self._server.check()

    def _publish(self) -> None:
        for text in self._texts:
            self.log.append(text)
            if self._over.wait(1 / _EVENTS_PER_SECOND):
                return


def _readings(events: int, seed: int) -> Iterator[str]:
    dice = random.Random(seed)  # noqa: S311
    level = 20.0
    for number in range(1, events + 1):
        level += dice.uniform(-0.5, 0.5)
        yield json.dumps({"reading": number, "celsius": round(level, 1)})
