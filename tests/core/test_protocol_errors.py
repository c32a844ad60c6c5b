"""The protocol where payloads say that something failed."""

from __future__ import annotations

import pytest

from everstream import (
    Closed,
    Event,
    EventSourceProtocol,
    Failed,
    Headers,
    Interrupted,
    InvalidJSON,
    Outcome,
    ProviderError,
    QueryCursor,
    RetriesExhausted,
    RetryPolicy,
    StatusRejected,
    StreamInterrupted,
)
from everstream.core.deduplication import Dedupe
from tests.core.driving import BUSY, NO, ONE, error_of, open_, protocol_of, read


class TestAnErrorInAnEvent:
    def test_it_takes_the_place_of_the_event(self) -> None:
        """Which is not delivered: the cursor stays before it, and nothing after it is given."""
        protocol = protocol_of()
        event, outcome = read(protocol, ONE + BUSY + b"data: b\n\n")
        assert event == Event("message", "a", "1")
        assert outcome == Interrupted(error_of(outcome), 5.0, 2, "1")
        assert protocol.connecting(1.0).cursor_headers == {"Last-Event-ID": b"1"}

    def test_one_that_is_not_retryable_is_the_end(self) -> None:
        """As with any error."""
        _, outcome = read(protocol_of(), ONE + NO)
        assert isinstance(outcome, Failed)
        assert str(outcome.error) == "the server reported an error: no"

    @pytest.mark.parametrize("size", range(1, 30))
    def test_it_is_found_wherever_the_bytes_are_cut(self, size: int) -> None:
        """What it says does not depend on chunks."""
        wire = ONE + BUSY
        items = read(protocol_of(), *(wire[at : at + size] for at in range(0, len(wire), size)))
        assert [type(item).__name__ for item in items] == ["Event", "Interrupted"]

    def test_it_is_not_looked_for_in_a_block_that_is_not_finished(self) -> None:
        """It was cut, and may say anything."""
        protocol = protocol_of(retry=RetryPolicy.never())
        read(protocol, NO[:-1])
        outcome = protocol.ended(1.0)
        assert isinstance(error_of(outcome), StreamInterrupted)

    def test_the_sentinel_is_no_error(self) -> None:
        """It says nothing but that this is the end, whatever a function makes of it."""
        protocol = protocol_of(until="[DONE]", error_in=lambda event: ProviderError(message="no"))
        assert read(protocol, b"data: [DONE]\n\n") == [Closed("until")]

    def test_an_event_that_is_the_last_may_be_an_error(self) -> None:
        """Then it is one: what failed is not whole."""
        protocol = protocol_of(until=lambda event: True)
        [outcome] = read(protocol, NO)
        assert isinstance(error_of(outcome), ProviderError)

    def test_an_error_that_came_before_is_one_again(self) -> None:
        """It is no duplicate: nobody got it."""
        protocol = protocol_of(dedupe=Dedupe(key=lambda event: event.data))
        for _ in range(2):
            [outcome] = read(protocol, BUSY)
            assert isinstance(outcome, Interrupted)

    def test_an_event_before_it_may_be_a_duplicate(self) -> None:
        """Each for itself."""
        protocol = protocol_of(dedupe=Dedupe())
        for name in ("Event", "Duplicate"):
            items = read(protocol, ONE + BUSY)
            assert [type(item).__name__ for item in items] == [name, "Interrupted"]

    def test_one_that_is_raised_is_found(self) -> None:
        """As that of an event that is no JSON."""
        protocol = protocol_of(error_in=lambda event: event.json().get("error"))
        [outcome] = read(protocol, b"data: {\n\n")
        assert isinstance(error_of(outcome), InvalidJSON)

    def test_its_own_wait_is_the_floor(self) -> None:
        """That of the policy comes on top, and the greater of two wishes counts."""
        protocol = protocol_of(
            error_in=lambda event: ProviderError(message="", retryable=True, retry_after=20.0)
        )
        for wire, delay in ((b"data: a\n\n", 25.0), (b"retry: 30000\n\ndata: a\n\n", 35.0)):
            outcome = read(protocol, wire)[-1]
            assert isinstance(outcome, Interrupted)
            assert outcome.delay == delay

    def test_an_id_that_it_shares_is_held_back(self) -> None:
        """A restart asks for the event before it once more: twice is better than never."""
        protocol = protocol_of()
        open_(protocol)
        items = protocol.receive(ONE + NO, 0.0)
        assert next(items) == Event("message", "a", "1")
        assert protocol.id_is_shared


class TestARefusal:
    def refuse(self, protocol: EventSourceProtocol, status: int, **headers: str) -> Outcome:
        """Makes a request that is refused, and returns what follows."""
        protocol.connecting(0.0)
        with pytest.raises(StatusRejected) as caught:
            protocol.opened(status, Headers(headers), 0.0)
        protocol.resume_rejected(caught.value)
        return protocol.interrupted(caught.value, 0.0)

    def test_what_it_means_goes_to_the_policy(self) -> None:
        """529 is not retryable by itself; the refusal is the cause."""
        outcome = self.refuse(protocol_of(), 529)
        assert isinstance(outcome, Interrupted)
        assert isinstance(outcome.error, ProviderError)
        assert isinstance(outcome.error.__cause__, StatusRejected)

    def test_what_means_nothing_else_is_what_it_is(self) -> None:
        """The function has returned None."""
        assert isinstance(error_of(self.refuse(protocol_of(), 404)), StatusRejected)

    def test_the_wait_that_was_asked_for_is_the_floor(self) -> None:
        """The error of these tests has none of its own."""
        outcome = self.refuse(protocol_of(), 503, **{"Retry-After": "7"})
        assert isinstance(outcome, Interrupted)
        assert outcome.delay == 12.0

    def test_a_renewed_credential_is_tried_at_once(self) -> None:
        """Once, though the meaning is not retryable."""
        protocol = protocol_of(error_in=lambda found: ProviderError(message="key"), credentials_renewed=True)
        first = self.refuse(protocol, 401)
        assert isinstance(first, Interrupted)
        assert (first.delay, type(first.error)) == (0.0, ProviderError)
        assert isinstance(error_of(self.refuse(protocol, 401)), ProviderError | RetriesExhausted)

    def test_a_refused_cursor_is_left_out(self) -> None:
        """By choice, as without a function."""
        protocol = protocol_of(
            error_in=lambda found: ProviderError(message="gone"),
            last_event_id="7",
            on_resume_rejected="restart",
        )
        outcome = self.refuse(protocol, 410)
        assert outcome == Interrupted(error_of(outcome), 0.0, 2, "")
        assert isinstance(error_of(outcome), ProviderError)

    def test_by_default_a_refused_cursor_is_the_end(self) -> None:
        """With what it means, which is retryable here, and nevertheless not retried."""
        protocol = protocol_of(
            error_in=lambda found: ProviderError(message="gone", retryable=True), last_event_id="7"
        )
        outcome = self.refuse(protocol, 410)
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, ProviderError)


def test_a_cursor_is_not_asked_of_an_event_with_an_error() -> None:
    """It need not have one."""
    protocol = protocol_of(resume=QueryCursor("after", of=lambda event: event.json(int)))
    assert len(read(protocol, b"data: 5\n\n" + NO)) == 2
    assert protocol.last_event_id == "5"
