"""Leaving out what came on an earlier connection, within a bound."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everstream.core.deduplication import Dedupe, Memory, content_key
from everstream.core.errors import ConfigurationError
from everstream.core.events import Event

A, B = Event("message", "a", "1"), Event("message", "b", "1")
CONNECTIONS = st.lists(st.lists(st.integers(0, 12)))


def event(number: int) -> Event:
    """An event that is as good as its number."""
    return Event("message", str(number), "1")


def given_on(connections: list[list[int]], memory: Memory) -> list[list[int]]:
    """Returns what is left of the events of each connection."""
    left = list[list[int]]()
    for numbers in connections:
        memory.opened()
        left.append([number for number in numbers if not memory.knows(event(number))])
    return left


class TestTheKey:
    def test_it_is_all_of_the_event(self) -> None:
        """Of two events that differ in anything, neither is left out."""
        others = [B, Event("other", "a", "1"), Event("message", "a", "2")]
        assert content_key(A) == content_key(Event("message", "a", "1"))
        assert content_key(A) not in [content_key(other) for other in others]

    def test_it_is_small(self) -> None:
        """What is remembered does not hold the data."""
        assert isinstance(content_key(Event("message", "x" * 1_000_000, "1")), int)

    def test_an_event_before_the_first_id_has_none(self) -> None:
        """It has no place in the stream: the same again may be meant."""
        assert content_key(Event("message", "a", "")) is None

    @pytest.mark.parametrize("key", [None, "id", 1])
    def test_what_is_no_function_is_refused(self, key: object) -> None:
        """When it is passed, not at the first event."""
        with pytest.raises(ConfigurationError, match=r"Dedupe\(key="):
            Dedupe(key=key)  # type: ignore[arg-type]

    @pytest.mark.parametrize("size", [0, -1, 1.5, True, "10", None])
    def test_what_is_no_count_is_refused(self, size: object) -> None:
        """A memory for nothing would be a mistake in silence."""
        with pytest.raises(ConfigurationError, match=r"Dedupe\(size="):
            Dedupe(size=size)  # type: ignore[arg-type]


class TestTheMemory:
    def test_without_a_wish_nothing_is_known(self) -> None:
        """It is off by default."""
        memory = Memory(None)
        for _ in range(3):
            memory.opened()
            assert not memory.knows(A)

    def test_what_came_on_an_earlier_connection_is_known(self) -> None:
        """However many connections ago, and each time it comes."""
        memory = Memory(Dedupe())
        assert given_on([[1, 2], [], [2, 3], [1, 2, 3, 4]], memory) == [[1, 2], [], [3], [4]]

    def test_an_event_without_a_key_is_always_given(self) -> None:
        """And takes no room."""
        memory = Memory(Dedupe(key=lambda event: None if event == A else event.data, size=1))
        for _ in range(3):
            memory.opened()
            assert not memory.knows(A)
        assert not memory.knows(B)
        memory.opened()
        assert not memory.knows(A)
        assert memory.knows(B)

    def test_the_key_is_the_callers(self) -> None:
        """Two events that differ are one if the caller says so."""

        def number(event: Event) -> Hashable:
            return int(event.data) // 10

        memory = Memory(Dedupe(key=number))
        assert given_on([[10, 11], [12, 20]], memory) == [[10, 11], [20]]

    def test_what_comes_again_is_remembered_for_longer(self) -> None:
        """The keys that were not seen for the longest time go first."""
        memory = Memory(Dedupe(size=2))
        assert given_on([[1, 2, 1, 3], [1, 2]], memory) == [[1, 2, 1, 3], [2]]

    @given(CONNECTIONS)
    def test_nothing_is_left_out_on_the_connection_where_it_first_came(
        self, connections: list[list[int]]
    ) -> None:
        """Equal events on one connection are all meant."""
        seen = set[int]()
        for numbers, left in zip(connections, given_on(connections, Memory(Dedupe())), strict=True):
            assert left == [number for number in numbers if number not in seen]
            seen.update(numbers)

    @given(CONNECTIONS, st.integers(1, 5))
    def test_no_more_is_remembered_than_was_asked_for(self, connections: list[list[int]], size: int) -> None:
        """What is known is among the latest keys, as many as the size says, and was not first seen here."""
        memory = Memory(Dedupe(size=size))
        latest = dict[int, int]()
        for connection, numbers in enumerate(connections):
            memory.opened()
            for number in numbers:
                first_seen = latest.pop(number, connection)
                assert memory.knows(event(number)) == (first_seen != connection)
                latest[number] = first_seen
                while len(latest) > size:
                    del latest[next(iter(latest))]

    @given(st.integers(1, 50))
    def test_the_bound_is_exact(self, size: int) -> None:
        """Of one key more than it may hold, the first is forgotten and the last is not."""
        memory = Memory(Dedupe(size=size))
        [everything] = given_on([list(range(size + 1))], memory)
        assert len(everything) == size + 1
        memory.opened()
        assert memory.knows(event(size))
        assert not memory.knows(event(0))
