"""Which faults meet a client, by a seed.

Pure: what happens on a connection follows from the seed and the connection's number alone, so a
failure can be played again.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from everstream.testing.steps import Encoding, Framing

__all__ = ["DEFAULT_FAULTS", "Fault", "PlannedConnection", "planned"]

Fault: TypeAlias = Literal["end", "cut", "torn", "reset", "stall", "unavailable", "retry", "split", "framing"]
"""What a client may meet.

Ends of a connection: ``"end"``, a proper end of the response; ``"cut"``, a close between two events,
without a proper end; ``"torn"``, a cut in the middle of an event; ``"reset"``, an RST; ``"stall"``,
silence on an open connection, which only a client with a read timeout survives.

Other: ``"unavailable"``, a 503 with ``Retry-After``; ``"retry"``, a reconnection time; ``"split"``,
events in pieces of a few bytes; ``"framing"``, another framing or content coding each time.
"""

DEFAULT_FAULTS: tuple[Fault, ...] = tuple(fault for fault in get_args(Fault) if fault != "stall")
"""All faults except ``"stall"``."""

_ENDINGS: tuple[Fault, ...] = ("end", "cut", "torn", "reset", "stall")
_SPLITS = (None, 1, 2, 7)
_WIRES: tuple[tuple[Framing, Encoding], ...] = (
    ("chunked", "identity"),
    ("trickle", "identity"),
    ("length", "identity"),
    ("close", "identity"),
    ("chunked", "gzip"),
    ("chunked", "deflate"),
    ("close", "gzip"),
)
_UNAVAILABLE = 0.3
_RETRY = 0.3


@dataclass(frozen=True, slots=True)
class PlannedConnection:
    """What is done on one connection."""

    number: int
    """The connection's number, from 0."""

    ending: Fault
    """How it ends, or ``"unavailable"`` if it never was a stream."""

    events: int
    """After how many events it ends."""

    retry: bool
    """Whether it begins with a reconnection time."""

    framing: Framing
    encoding: Encoding
    split: int | None


def planned(seed: int, number: int, faults: Collection[Fault], longest_run: int) -> PlannedConnection:
    """Plans a connection.

    Args:
        seed: What all chance comes from.
        number: The connection's number, from 0.
        faults: What may happen.
        longest_run: The largest number of events before a connection ends.
    """
    # Every die is rolled whatever the faults are, so that leaving out one changes no other.
    dice = random.Random(f"{seed}/{number}")  # noqa: S311
    events = dice.randint(1, longest_run)
    unavailable = dice.random() < _UNAVAILABLE
    retry = dice.random() < _RETRY
    split = dice.choice(_SPLITS)
    framing, encoding = dice.choice(_WIRES)
    endings: list[Fault] = [ending for ending in _ENDINGS if ending in faults]
    ending: Fault = dice.choice(endings) if endings else "end"
    if "framing" not in faults:
        framing, encoding = "chunked", "identity"
    if framing == "length" and ending == "end":
        # The length cannot be known beforehand, and short of it there is no proper end.
        framing = "chunked"
    if "unavailable" in faults and unavailable and number % 2:
        # Never twice in a row, and never first: a client with few attempts is to come through.
        ending = "unavailable"
    return PlannedConnection(
        number=number,
        ending=ending,
        events=events if endings else sys.maxsize,
        retry="retry" in faults and retry,
        framing=framing,
        encoding=encoding,
        split=split if "split" in faults else None,
    )
