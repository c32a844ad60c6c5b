"""Compares what was received with what was sent.

Pure, and independent of how either came about, so that it can judge any client.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

__all__ = ["HasData", "Received", "SentEvent", "Verdict", "judged"]

_SHOWN = 5


class HasData(Protocol):
    """Any client's event: it has data, and usually an id."""

    @property
    def data(self) -> str:
        """The event's data."""
        ...


class SentEvent(HasData, Protocol):
    """An event of the log."""

    @property
    def id(self) -> str | None:
        """The event's id, if it has one."""
        ...


Received: TypeAlias = str | HasData
_Key: TypeAlias = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What went wrong between a log and a consumer of it: ideally nothing.

    Each event is named by its id, or by its data where ids do not tell events apart.
    """

    sent: int
    """How many events the log holds."""

    received: int
    """How many events the consumer got, duplicates among them."""

    lost: tuple[str, ...] = ()
    """Sent and never received."""

    duplicated: tuple[str, ...] = ()
    """Received more often than sent; once for each time too many."""

    reordered: tuple[str, ...] = ()
    """Received for the first time after an event that comes later in the log."""

    invented: tuple[str, ...] = ()
    """Received and never sent, such as the remains of an event that was cut."""

    @property
    def ok(self) -> bool:
        """Whether every event was received, once, in order, and nothing else."""
        return not (self.lost or self.duplicated or self.reordered or self.invented)

    def __str__(self) -> str:
        faults = {
            "lost": self.lost,
            "duplicated": self.duplicated,
            "reordered": self.reordered,
            "invented": self.invented,
        }
        counts = ", ".join(f"{len(names)} {fault}{_shown(names)}" for fault, names in faults.items())
        return f"{self.sent} sent, {self.received} received: {counts}"


def judged(sent: Sequence[SentEvent], received: Iterable[Received]) -> Verdict:
    """Gives the verdict on what was received of a log.

    Args:
        sent: The log's events.
        received: What the consumer got, in order: events (anything with `data`, and perhaps `id`),
            or only their ids, or only their data.
    """
    got = list(received)
    by_id, by_data = _telling(sent, got)
    expected = [_key(event, by_id, by_data) for event in sent]
    actual = [_key(item, by_id, by_data) for item in got]
    surplus = Counter(actual) - Counter(expected)
    return Verdict(
        sent=len(expected),
        received=len(actual),
        lost=_names((Counter(expected) - Counter(actual)).elements()),
        duplicated=_names(key for key in surplus.elements() if key in set(expected)),
        reordered=_names(_reordered(expected, actual)),
        invented=_names(key for key in surplus.elements() if key not in set(expected)),
    )


def _telling(sent: Sequence[SentEvent], received: list[Received]) -> tuple[bool, bool]:
    """Says whether ids tell the events apart, and whether there is data to compare."""
    ids = [event.id for event in sent]
    texts = [item for item in received if isinstance(item, str)]
    unique = None not in ids and len(set(ids)) == len(ids)
    if texts:
        are_ids = unique and set(texts) <= set(ids)
        return are_ids, not are_ids
    return unique and all(hasattr(item, "id") for item in received), True


def _key(item: Received, by_id: bool, by_data: bool) -> _Key:
    if isinstance(item, str):
        return (item, None) if by_id else (None, _normal(item))
    return (
        getattr(item, "id", None) if by_id else None,
        _normal(item.data) if by_data else None,
    )


def _normal(data: str) -> str:
    # The wire knows lines, not line ends: a parser gives every one of them back as LF.
    return re.sub("\r\n|\r", "\n", data)


def _reordered(expected: list[_Key], actual: list[_Key]) -> Iterable[_Key]:
    """Gives what came after something that it should have come before; duplicates aside."""
    places: dict[_Key, list[int]] = {}
    for place in reversed(range(len(expected))):
        places.setdefault(expected[place], []).append(place)
    furthest = -1
    for key in actual:
        if not places.get(key):
            continue
        place = places[key].pop()
        if place < furthest:
            yield key
        furthest = max(furthest, place)


def _names(keys: Iterable[_Key]) -> tuple[str, ...]:
    return tuple(name if name is not None else data or "" for name, data in keys)


def _shown(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    more = ", ..." if len(names) > _SHOWN else ""
    return f" ({', '.join(repr(name) for name in names[:_SHOWN])}{more})"
