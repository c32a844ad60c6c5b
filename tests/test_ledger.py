"""What waits for an acknowledgement: the cursor moves over a gapless prefix, and no further."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from everstream.core.errors import ConfigurationError
from everstream.core.events import Event
from everstream.ledger import Ledger


def event(number: int) -> Event:
    """An event with an id of its own."""
    return Event("message", "x", str(number))


def ledger_of(count: int) -> Ledger:
    """A ledger that has handed out so many events, from 1 on."""
    ledger = Ledger("0")
    for number in range(1, count + 1):
        ledger.handed(event(number), str(number))
    return ledger


class TestTheCursor:
    def test_it_begins_where_the_caller_says(self) -> None:
        """And an event that is only handed out does not move it."""
        assert Ledger().cursor == ""
        assert ledger_of(3).cursor == "0"

    def test_it_waits_for_the_first(self) -> None:
        """And then moves past all that were acknowledged before it."""
        ledger = ledger_of(4)
        moves = list[str]()
        for number in (3, 2, 1, 4):
            ledger.ack(event(number))
            moves.append(ledger.cursor)
        assert moves == ["0", "0", "3", "4"]

    @given(st.permutations(range(1, 13)))
    def test_it_is_that_of_the_longest_prefix(self, order: list[int]) -> None:
        """In whatever order the acknowledgements come."""
        ledger = ledger_of(len(order))
        done = set[int]()
        for number in order:
            ledger.ack(event(number))
            done.add(number)
            first_missing = next(n for n in range(1, len(order) + 2) if n not in done)
            assert ledger.cursor == str(first_missing - 1)
            assert len(ledger) == len(order) - first_missing + 1

    def test_what_needs_no_acknowledgement_moves_it(self) -> None:
        """At once if nothing waits, else with the event before it."""
        ledger = Ledger("0")
        ledger.passed("a")
        assert ledger.cursor == "a"
        ledger.handed(event(1), "1")
        ledger.passed("b")
        ledger.passed("c")
        assert ledger.cursor == "a"
        ledger.ack(event(1))
        assert ledger.cursor == "c"

    def test_what_needs_no_acknowledgement_takes_no_room(self) -> None:
        """A server that sends ids alone does not use up `max_unacknowledged`, nor the memory."""
        ledger = Ledger()
        for number in range(1, 4):
            ledger.handed(event(number), str(number))
            for position in range(100):
                ledger.passed(f"{number}.{position}")
        assert len(ledger) == 3

    def test_of_equal_events_each_needs_its_own(self) -> None:
        """Two that are the same are two; which of them is meant makes no difference."""
        ledger = Ledger("0")
        for cursor in ("1", "2"):
            ledger.handed(event(7), cursor)
        ledger.ack(event(7))
        assert (ledger.cursor, len(ledger)) == ("1", 1)
        ledger.ack(event(7))
        assert (ledger.cursor, len(ledger)) == ("2", 0)

    def test_a_copy_of_an_event_acknowledges_it(self) -> None:
        """It may have been to another process and back."""
        ledger = Ledger()
        ledger.handed(Event("a", "b", "c"), "c")
        ledger.ack(Event("a", "b", "c"))
        assert ledger.cursor == "c"


class TestMistakes:
    @pytest.mark.parametrize(
        "other", [event(2), Event("other", "x", "1"), Event("message", "y", "1"), Event("message", "x", "")]
    )
    def test_an_event_that_was_not_handed_out_is_refused(self, other: Event) -> None:
        """And nothing moves."""
        ledger = ledger_of(1)
        with pytest.raises(ConfigurationError, match="not acknowledged yet"):
            ledger.ack(other)
        assert (ledger.cursor, len(ledger)) == ("0", 1)

    def test_the_second_acknowledgement_is_refused(self) -> None:
        """Whether the cursor has moved past the event or not."""
        ledger = ledger_of(2)
        ledger.ack(event(2))
        with pytest.raises(ConfigurationError):
            ledger.ack(event(2))
        ledger.ack(event(1))
        for number in (1, 2):
            with pytest.raises(ConfigurationError):
                ledger.ack(event(number))
        assert ledger.cursor == "2"


class AnyHistory(RuleBasedStateMachine):
    """Events, some of them equal, positions and acknowledgements in any order, against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger("0")
        self.clock = 0
        self.rows: list[tuple[Event | None, str]] = []
        self.waiting: Counter[Event] = Counter()
        self.cursor = "0"

    @rule(kind=st.integers(0, 3))
    def hand(self, kind: int) -> None:
        """An event is handed out."""
        self.clock += 1
        self.rows.append((event(kind), str(self.clock)))
        self.waiting[event(kind)] += 1
        self.ledger.handed(event(kind), str(self.clock))

    @rule()
    def pass_by(self) -> None:
        """The cursor moves without an event."""
        self.clock += 1
        self.rows.append((None, str(self.clock)))
        self.ledger.passed(str(self.clock))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def ack(self, data: st.DataObject) -> None:
        """Any event that waits is acknowledged: the first of its equals."""
        chosen = data.draw(st.sampled_from(sorted(self.waiting, key=repr)))
        self.ledger.ack(chosen)
        self.waiting -= Counter([chosen])
        place = next(place for place, (row, _) in enumerate(self.rows) if row == chosen)
        self.rows[place] = (None, self.rows[place][1])

    @rule(kind=st.integers(0, 4))
    def ack_what_does_not_wait(self, kind: int) -> None:
        """A mistake changes nothing."""
        if not self.waiting[event(kind)]:
            with pytest.raises(ConfigurationError):
                self.ledger.ack(event(kind))

    @invariant()
    def the_cursor_is_that_of_the_prefix(self) -> None:
        """And only what lies behind it is kept."""
        while self.rows and self.rows[0][0] is None:
            self.cursor = self.rows.pop(0)[1]
        assert self.ledger.cursor == self.cursor
        assert (len(self.ledger) > 0) == (len(self.waiting) > 0)
        assert len(self.ledger) <= len(self.rows)


TestAnyHistory = AnyHistory.TestCase


class TestThreads:
    def test_many_threads_may_acknowledge_at_once(self) -> None:
        """The cursor never goes back, never passes a gap, and ends at the end."""
        count = 5000
        ledger = Ledger("0")
        over = threading.Event()
        order = list(range(1, count + 1))
        random.Random(7).shuffle(order)
        seen = list[int]()

        def watch() -> None:
            while not over.is_set():
                seen.append(int(ledger.cursor))

        def ack(number: int) -> None:
            ledger.ack(event(number))
            done.append(number)
            assert int(ledger.cursor) < count or len(ledger) == 0

        done = list[int]()
        with ThreadPoolExecutor(9) as pool:
            watching = pool.submit(watch)
            for number in range(1, count + 1):
                ledger.handed(event(number), str(number))
            for each in [pool.submit(ack, number) for number in order]:
                each.result()
            over.set()
            watching.result()
        assert seen == sorted(seen)
        assert (ledger.cursor, len(ledger), len(done)) == (str(count), 0, count)

    def test_one_event_is_acknowledged_once(self) -> None:
        """Of many threads that try, one succeeds."""
        ledger = ledger_of(1)

        def ack(_: int) -> bool:
            try:
                ledger.ack(event(1))
            except ConfigurationError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(ack, range(100))) == 1
        assert ledger.cursor == "1"
