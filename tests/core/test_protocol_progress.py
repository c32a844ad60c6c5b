"""The protocol where not every event is progress: what ends an outage, and what may be repeated."""

from __future__ import annotations

from everstream import (
    Closed,
    Event,
    Failed,
    Interrupted,
    Position,
    ProviderError,
    RetriesExhausted,
    RetryPolicy,
    StreamInterrupted,
)
from everstream.core.deduplication import Dedupe
from tests.core.driving import BUSY, ONE, WAIT, error_of, items_of, open_, protocol_of, read


class TestAttempts:
    def test_events_before_an_error_end_no_outage(self) -> None:
        """A server that answers each request with a word and an error is failing all the time."""
        protocol = protocol_of(retry=RetryPolicy.attempts(3, wait=WAIT))
        for attempt in (2, 3):
            outcome = read(protocol, ONE + BUSY)[-1]
            assert isinstance(outcome, Interrupted)
            assert outcome.attempt == attempt
        error = error_of(read(protocol, ONE + BUSY)[-1])
        assert isinstance(error, RetriesExhausted)
        assert (error.attempts, type(error.last_error)) == (3, ProviderError)
        assert error.__cause__ is error.last_error

    def test_a_connection_that_broke_after_an_event_does(self) -> None:
        """It gave what was asked for, as far as anybody knows; its end is the first failure of the next."""
        protocol = protocol_of(retry=RetryPolicy.attempts(2, wait=WAIT))
        for _ in range(3):
            read(protocol, ONE)
            assert isinstance(protocol.ended(0.0), Interrupted)
        assert isinstance(error_of(read(protocol, ONE + BUSY)[-1]), RetriesExhausted)

    def test_the_time_of_an_outage_goes_on(self) -> None:
        """From the first failure, over the events that came meanwhile."""
        protocol = protocol_of(retry=RetryPolicy.within(100.0, wait=WAIT))
        for now in (0.0, 50.0, 99.0):
            assert isinstance(read(protocol, ONE + BUSY, now=now)[-1], Interrupted)
        error = error_of(read(protocol, ONE + BUSY, now=101.0)[-1])
        assert isinstance(error, RetriesExhausted)
        assert error.elapsed == 101.0

    def test_a_stream_that_was_well_has_not_been_down(self) -> None:
        """Its first error is the beginning of an outage, not the end of one as long as its life."""
        protocol = protocol_of(retry=RetryPolicy.within(20.0, wait=WAIT))
        open_(protocol, 0.0)
        [*_] = items_of(protocol, ONE, now=1.0)
        [outcome] = items_of(protocol, BUSY, now=50.0)
        assert outcome == Interrupted(error_of(outcome), 5.0, 2, "1")

    def test_a_connection_that_was_stable_ends_an_outage(self) -> None:
        """Long enough open, though it ends with an error."""
        protocol = protocol_of(retry=RetryPolicy.attempts(2, wait=WAIT))
        read(protocol, BUSY)
        open_(protocol, 10.0)
        [outcome] = items_of(protocol, BUSY, now=70.0)
        assert isinstance(outcome, Interrupted)
        assert outcome.attempt == 2


class TestARequestThatIsNotToBeRepeated:
    def test_an_error_before_anything_came_is_retried(self) -> None:
        """By the policy."""
        protocol = protocol_of(replay_safe=False)
        assert isinstance(read(protocol, b": c\n\n" + BUSY)[-1], Interrupted)
        assert read(protocol, ONE)[-1] == Event("message", "a", "1")

    def test_one_after_that_is_the_end(self) -> None:
        """Though it be retryable: nothing is paid for twice."""
        outcome = read(protocol_of(replay_safe=False), ONE + BUSY)[-1]
        assert isinstance(outcome, Failed)
        assert outcome.error.retryable

    def test_what_is_no_progress_does_not_count(self) -> None:
        """It is repeated until the first that is."""
        protocol = protocol_of(replay_safe=False, progress_in=lambda event: event.data == "b")
        for end in (BUSY, b""):
            read(protocol, ONE + end)
            if not end:
                assert isinstance(protocol.ended(0.0), Interrupted)
            assert protocol.may_connect_again
        read(protocol, ONE + b"data: b\n\n")
        assert not protocol.may_connect_again
        assert protocol.ended(0.0) == Closed("eof")


class TestProgress:
    def attempts(self, *wires: bytes) -> list[int]:
        """The attempts that follow connections with these events, of which `b` is progress."""
        protocol = protocol_of(progress_in=lambda event: event.data == "b")
        found = []
        for wire in wires:
            read(protocol, wire)
            outcome = protocol.ended(0.0)
            assert isinstance(outcome, Interrupted)
            found.append(outcome.attempt)
        return found

    def test_it_alone_ends_an_outage(self) -> None:
        """A greeting before each failure is none."""
        assert self.attempts(ONE, ONE, ONE + b"data: b\n\n", ONE) == [2, 3, 2, 3]

    def test_it_does_not_matter_what_comes_after_it(self) -> None:
        """Neither an event that is none, nor a comment."""
        assert self.attempts(ONE, b"data: b\n\n: c\n\n" + ONE, b"data: b\n\nid: 9\n\n") == [2, 2, 2]

    def test_what_is_none_moves_the_cursor(self) -> None:
        """It was delivered."""
        protocol = protocol_of(progress_in=lambda event: False)
        assert read(protocol, ONE + b"id: 2\n\n") == [Event("message", "a", "1"), Position("2")]
        assert protocol.last_event_id == "2"

    def test_it_counts_when_it_is_delivered(self) -> None:
        """Not when it is received; but a request that has given it to somebody is not made again."""
        protocol = protocol_of(retry=RetryPolicy.attempts(2, wait=WAIT), replay_safe=False)
        protocol.connecting(0.0)
        protocol.interrupted(StreamInterrupted(reason="reset"), 0.0)
        open_(protocol)
        items = protocol.receive(ONE, 0.0)
        assert protocol.may_connect_again
        next(items)
        assert not protocol.may_connect_again

    def test_a_duplicate_may_be_progress(self) -> None:
        """The server gives what was asked for."""
        protocol = protocol_of(dedupe=Dedupe())
        for _ in range(3):
            read(protocol, ONE)
            outcome = protocol.ended(0.0)
            assert isinstance(outcome, Interrupted)
            assert outcome.attempt == 2
