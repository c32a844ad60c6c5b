"""What one chunk has finished, and how far its consumer has come."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from everstream import Closed, Comment, Event, Position, RetryHint, WireItem
from everstream.source.batch import Batch


def event(event_id: str) -> Event:
    """An event with this id."""
    return Event("message", "x", event_id)


ITEMS: list[WireItem] = [
    Comment("x"), event("1"), event("2"), Comment("x"), event("2"), Position("3"), RetryHint(1.0), event("3"),
]  # fmt: skip


def batch_of(items: list[WireItem]) -> Batch:
    """A batch of which nothing was asked for."""
    return Batch(iter(items), is_wire=True, items=items)


@pytest.mark.parametrize("asked_for", range(len(ITEMS) + 1))
def test_to_ask_for_an_item_is_to_have_taken_the_one_before(asked_for: int) -> None:
    """The one in hand is not delivered, and of those before it the latest with an id is where to go on."""
    batch = batch_of(ITEMS)
    list(islice(batch.upcoming, asked_for))
    assert list(batch.delivered) == ITEMS[: max(asked_for - 1, 0)]
    latest, alone = batch.latest(), batch.latest_alone()
    assert (latest and latest.id) == [None, None, None, "1", "2", "2", "2", "3", "3"][asked_for]
    # The third shares its id with the fifth, and the sixth with the last.
    assert (alone and alone.id) == [None, None, None, "1", "1", "1", "2", "2", "2"][asked_for]


def test_all_are_delivered_when_somebody_came_back_after_the_last() -> None:
    """Which the iterator alone cannot tell."""
    batch = batch_of(ITEMS)
    assert list(batch.upcoming) == ITEMS
    assert list(batch.delivered) == ITEMS[:-1]
    batch.is_over = True
    assert list(batch.delivered) == ITEMS
    assert batch.latest() == batch.latest_alone() == event("3")


def test_it_does_not_matter_who_asks() -> None:
    """Several loops may take turns."""
    batch = batch_of(ITEMS)
    first, second = iter(batch.upcoming), iter(batch.upcoming)
    for loop in (first, second, second, first):
        next(loop)
    assert list(batch.delivered) == ITEMS[:3]


@pytest.mark.parametrize("asked_for", range(len(ITEMS) + 1))
def test_when_it_is_frozen_nothing_more_counts(asked_for: int) -> None:
    """Neither the item in hand, nor what is asked for then."""
    batch = batch_of(ITEMS)
    list(islice(batch.upcoming, asked_for))
    delivered = list(batch.delivered)
    batch.freeze()
    batch.freeze()
    assert list(batch.delivered) == delivered
    list(batch.upcoming)
    batch.is_over = True
    assert list(batch.delivered) == delivered


def test_where_each_is_noted_there_is_nothing_to_note() -> None:
    """Of a notice, and of items that somebody sees one by one."""

    def one_by_one() -> Iterator[WireItem]:
        yield from ITEMS

    for batch in (Batch(iter([Closed("eof")])), Batch(one_by_one(), is_wire=True)):
        assert (list(batch.delivered), batch.latest(), batch.latest_alone()) == ([], None, None)
        next(batch.upcoming)
        assert (list(batch.delivered), batch.latest(), batch.latest_alone()) == ([], None, None)
        batch.freeze()
        assert list(batch.delivered) == []
