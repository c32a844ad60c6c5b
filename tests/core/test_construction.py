"""Events that are made without their constructor are events like any other."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, replace
from itertools import repeat

import pytest

from everstream.core.construction import event, events
from everstream.core.events import Event
from tests.core.feeding import parse

PROPER = [Event("message", "a", "1"), Event("message", "é\n", "1"), Event("message", "", "1")]
WAYS = {
    "one": lambda: [event("message", each.data, "1") for each in PROPER],
    "many": lambda: events(repeat("message"), [each.data for each in PROPER], repeat("1")),
    "parsed by lines": lambda: parse("id: 1\ndata: a\n\ndata: é\ndata\n\ndata\n\n"),
    "parsed as blocks": lambda: parse(":\n\nid: 1\n\ndata: a\n\ndata: é\ndata\n\ndata: \n\n")[2:],
    "parsed as lines of data": lambda: [
        parse(f":\n\nid: 1\n\n{'data: a' + 2 * chr(10)}")[-1],
        parse(":\n\nid: 1\ndata: é\ndata: \n\n")[-1],
        parse(":\n\nid: 1\ndata: \n\n")[-1],
    ],
}
every_way = pytest.mark.parametrize("way", WAYS)


@every_way
def test_they_are_equal_to_proper_ones_in_every_respect(way: str) -> None:
    """In comparisons, hashes, representations, by attribute and by pattern."""
    made = WAYS[way]()
    assert made == PROPER
    for each, proper in zip(made, PROPER, strict=True):
        assert type(each) is Event
        assert (hash(each), repr(each), asdict(each)) == (hash(proper), repr(proper), asdict(proper))
        assert {each, proper} == {proper}
        match each:
            case Event(kind, data, last_event_id):
                assert (kind, data, last_event_id) == (proper.type, proper.data, proper.id)


@every_way
def test_they_can_be_copied_sent_and_replaced(way: str) -> None:
    """As values that go through a queue are."""
    for each, proper in zip(WAYS[way](), PROPER, strict=True):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.dumps(each, protocol) == pickle.dumps(proper, protocol)
            assert pickle.loads(pickle.dumps(each, protocol)) == proper
        assert copy.copy(each) == copy.deepcopy(each) == proper
        assert replace(each, data="other") == replace(proper, data="other")


@every_way
def test_they_cannot_be_changed(way: str) -> None:
    """Nor have they room for more."""
    for each in WAYS[way]():
        with pytest.raises(FrozenInstanceError):
            each.data = "other"
        with pytest.raises(FrozenInstanceError):
            del each.id
        assert not hasattr(each, "__dict__")


def test_each_of_many_is_an_event_of_its_own() -> None:
    """With what belongs to it, in order."""
    made = events(["a", "b"], ["1", "2"], ["x", "y"])
    assert made == [Event("a", "1", "x"), Event("b", "2", "y")]
    assert events(repeat("message"), [], repeat("")) == []
