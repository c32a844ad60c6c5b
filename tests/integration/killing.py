"""Kills the consumer of a stream again and again, and tells what it has handled in all of its lives."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.integration.programs import Program
from tests.reading import DEADLINE

__all__ = ["THE_END", "Biography", "Nursery", "kill_often", "numbered"]

THE_END = "the end"
"""The data that ends a consumer's stream."""
PAUSE = 0.002
"""The greatest number of seconds between the event that a kill waits for and the kill."""

_WIDTH = 8
"""Digits of an event's data, all with leading zeros: so the size of the record tells how many there are."""


def numbered(number: int) -> str:
    """Gives the data of the event with this number, from 0."""
    return f"{number:0{_WIDTH}}"


@dataclass
class Biography:
    """What the consumer has handled, life by life.

    Attributes:
        lives: The numbers of the events, in the order in which they were handled.
        kills: How often it was killed.
        kills_in_mid_stream: How often there were events that it had not handled yet.
    """

    lives: list[list[int]] = field(default_factory=list)
    kills: int = 0
    kills_in_mid_stream: int = 0

    @property
    def repeated(self) -> list[int]:
        """How many events each life handled that an earlier one had handled; the first has none before it."""
        repeated, furthest = [], -1
        for life in self.lives:
            repeated.append(sum(number <= furthest for number in life))
            furthest = max(furthest, *life)
        return repeated

    @property
    def skipped(self) -> list[tuple[int, int]]:
        """Where a life did not go on with the next event: the number before, and the one after.

        A life may begin with any number that is not beyond the next.
        """
        jumps, furthest = [], -1
        for life in self.lives:
            if life[0] > furthest + 1:
                jumps.append((furthest, life[0]))
            jumps += [(before, after) for before, after in pairwise(life) if after != before + 1]
            furthest = max(furthest, *life)
        return jumps

    def __str__(self) -> str:
        handled = sum(map(len, self.lives))
        return (
            f"{self.kills} kills, {self.kills_in_mid_stream} in mid-stream; {handled} events handled, "
            f"{sum(self.repeated)} of them again, at most {max(self.repeated)} after a kill"
        )


class Nursery(Program):
    """Gives birth to consumers. Use it as a context manager.

    Args:
        folder: Where the record of what was handled is kept.
        url: The stream.
        interval: The consumer's `checkpoint_interval`, seconds.
        store: Which store: `sqlite=` a path, or `redis=` a port.
    """

    def __init__(self, folder: Path, url: str, interval: float, **store: object) -> None:
        self.record = folder / "handled"
        self.record.touch()
        plan = {"url": url, "record": str(self.record), "until": THE_END, "interval": interval, **store}
        super().__init__("nursery.py", json.dumps(plan, default=str))
        self._consumer = 0

    @property
    def handled(self) -> int:
        """How many events were handled so far, those of earlier lives and those handled again too."""
        return self.record.stat().st_size // (_WIDTH + 1)

    def handled_from(self, place: int) -> list[int]:
        """Gives the numbers of the events that were handled, from a place in the record on."""
        with self.record.open("rb") as record:
            record.seek(place * (_WIDTH + 1))
            return [int(line) for line in record]

    def bear(self) -> None:
        """Begins a life."""
        self._consumer = self.ask("birth")

    def kill(self) -> int:
        """Ends a life, and gives how it ended: -9, unless it has ended by itself."""
        # Nobody else can have this number: its parent has not yet been told to wait for it.
        os.kill(self._consumer, signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        """Waits until a life has ended by itself, and gives the exit status."""
        ended: int = self.ask("death")
        return ended


def kill_often(
    nursery: Nursery, kills: int, total: int, offer: Callable[[list[str]], None], seed: int
) -> Biography:
    """Kills a consumer so many times, all over a stream, and then lets it come to the end.

    The events are offered in as many stretches as there are kills. A kill comes at a random place of its
    stretch, a random time after the consumer has handled that event; the next stretch has been offered by
    then, so that the consumer is at work. As no more is offered, it cannot run away either, however late this
    process gets its turn: each kill comes before the end.

    Args:
        nursery: Where consumers come from.
        kills: How many times.
        total: How many events.
        offer: Adds events to the stream, of which it is given the data.
        seed: What all chance comes from.
    """
    dice = random.Random(seed)
    biography = Biography()
    stretch = total // (kills + 2)
    offered = 0
    for kill in range(kills):
        offered = _offer_until(offer, offered, (kill + 2) * stretch)
        place = nursery.handled
        nursery.bear()
        _wait_for_event(nursery, place, kill * stretch + dice.randrange(stretch))
        _pass(dice.uniform(0, PAUSE))
        ended = nursery.kill()
        assert ended == -signal.SIGKILL, f"the consumer has ended by itself, with {ended}"
        biography.lives.append(nursery.handled_from(place))
        biography.kills += 1
        biography.kills_in_mid_stream += biography.lives[-1][-1] < offered - 1
    _offer_until(offer, offered, total)
    offer([THE_END])
    biography.lives.append(_last_life(nursery))
    return biography


def _last_life(nursery: Nursery) -> list[int]:
    place = nursery.handled
    nursery.bear()
    ended = nursery.wait()
    assert ended == 0, f"the last consumer has ended with {ended}"
    return nursery.handled_from(place)


def _offer_until(offer: Callable[[list[str]], None], offered: int, until: int) -> int:
    offer([numbered(number) for number in range(offered, until)])
    return until


def _wait_for_event(nursery: Nursery, place: int, number: int) -> None:
    """Waits until a life has handled an event, and this one."""
    deadline = time.monotonic() + DEADLINE
    while nursery.handled <= place or nursery.handled_from(nursery.handled - 1)[0] < number:
        assert time.monotonic() < deadline, f"event {number} was not handled within {DEADLINE:g} s"
        time.sleep(0.0002)


def _pass(seconds: float) -> None:
    """Lets time pass: the moment of a kill must not depend on what the consumer is doing."""
    moment = time.monotonic() + seconds
    while time.monotonic() < moment:
        pass
