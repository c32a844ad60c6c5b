"""`until`: how a stream says that it is over, and what it means if it does not."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from everstream import (
    Closed,
    ConfigurationError,
    Event,
    EventSourceProtocol,
    Failed,
    Headers,
    Interrupted,
    Outcome,
    RetryPolicy,
    StreamIncomplete,
    StreamInterrupted,
    WireItem,
)
from everstream.core.body import Body

MIB = 1_048_576
STREAM = Headers({"Content-Type": "text/event-stream"})


class Mark(str, enum.Enum):
    """A caller's own names for what ends a stream."""

    DONE = "[DONE]"


def is_last(event: Event) -> bool:
    """What the streams of these tests end with."""
    return event.data == "last"


def protocol_of(**options: Any) -> EventSourceProtocol:
    """A protocol with an open connection, of a request that is not to be made again."""
    protocol = EventSourceProtocol(**{"until": is_last, "replay_safe": False, **options})
    protocol.connecting(0.0)
    protocol.opened(200, STREAM, 0.0)
    return protocol


def taken(protocol: EventSourceProtocol, *chunks: bytes) -> list[WireItem | Outcome]:
    """Receives chunks up to an outcome, and delivers what comes before it."""
    items: list[WireItem | Outcome] = []
    for chunk in chunks:
        for item in protocol.receive(chunk, 0.0):
            items.append(item)
            if isinstance(item, (Interrupted, Closed, Failed)):
                return items
            protocol.delivered(item)
    return items


def incomplete(protocol: EventSourceProtocol) -> StreamIncomplete:
    """Ends the body, and returns the error that it must be."""
    outcome = protocol.ended(1.0)
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, StreamIncomplete)
    return outcome.error


class TestAFunction:
    def test_the_event_that_it_picks_is_the_last_one_delivered(self) -> None:
        """The cursor moves past it, and nothing after it is given."""
        protocol = protocol_of()
        wire = b"id: 1\ndata: a\n\nid: 2\ndata: last\n\nid: 3\ndata: b\n\n"
        assert taken(protocol, wire) == [
            Event("message", "a", "1"),
            Event("message", "last", "2"),
            Closed("until"),
        ]
        assert protocol.last_event_id == "2"

    @pytest.mark.parametrize("size", range(1, 40))
    def test_it_picks_the_same_wherever_the_bytes_are_cut(self, size: int) -> None:
        """What it says does not depend on chunks."""
        wire = b"data: a\r\n\r\nid: 2\r\ndata: last\r\n\r\ndata: b\r\n\r\n"
        protocol = protocol_of()
        *events, outcome = taken(protocol, *(wire[at : at + size] for at in range(0, len(wire), size)))
        assert events == [Event("message", "a", ""), Event("message", "last", "2")]
        assert outcome == Closed("until")

    @pytest.mark.parametrize("tail", [b"data: last", b"data: last\n", b"data: last\r"])
    def test_a_last_block_without_its_blank_line_is_not_asked_about(self, tail: bytes) -> None:
        """It may lack a line; only a text that is named exactly cannot."""
        protocol = protocol_of()
        taken(protocol, b"data: a\n\n", tail)
        assert incomplete(protocol).received == (Event("message", "a", ""),)

    def test_it_is_asked_once_for_each_event_and_for_nothing_else(self) -> None:
        """Comments, positions and reconnection times are no events."""
        asked: list[str] = []
        protocol = protocol_of(until=lambda event: bool(asked.append(event.data)))
        taken(protocol, b": c\n\nid: 1\n\nretry: 5\n\ndata: a\n\ndata: b\n\n")
        assert asked == ["a", "b"]

    @pytest.mark.parametrize("answer", [0, "", None, []])
    def test_what_it_answers_is_taken_for_true_or_false(self, answer: object) -> None:
        """As a condition is."""
        assert len(taken(protocol_of(until=lambda _event: answer), b"data: a\n\n")) == 1
        assert len(taken(protocol_of(until=lambda event: event.data), b"data: a\n\n")) == 2

    def test_an_error_of_its_own_goes_through(self) -> None:
        """Before the event is given: it was not looked at."""
        protocol = protocol_of(until=lambda event: {}[event.data])
        with pytest.raises(KeyError):
            next(protocol.receive(b"id: 1\ndata: a\n\n", 0.0))
        assert protocol.last_event_id == ""

    def test_the_last_event_shares_its_id_with_nothing(self) -> None:
        """What follows it is not given to anybody, so that a restart has nothing to ask for."""
        protocol = protocol_of()
        chunk = b"id: 7\ndata: a\n\ndata: last\n\ndata: [DONE]\n\n"
        shared = [
            (item.data, protocol.id_is_shared) for item in protocol.receive(chunk, 0.0) if type(item) is Event
        ]
        assert shared == [("a", True), ("last", False)]


class TestWhatItCanBe:
    @pytest.mark.parametrize("until", ["", b"[DONE]", 5, ["[DONE]"], True, ("a", "b")])
    def test_anything_else_is_refused(self, until: object) -> None:
        """When it is passed."""
        with pytest.raises(ConfigurationError, match="until="):
            EventSourceProtocol(until=until)  # type: ignore[arg-type]

    def test_a_text_may_be_of_a_class_of_its_own(self) -> None:
        """A member of an enumeration of texts is the text that it is."""
        protocol = protocol_of(until=Mark.DONE)
        assert taken(protocol, b"data: [DONE]\n\n") == [Closed("until")]


class TestIncomplete:
    def test_it_carries_what_was_received(self) -> None:
        """All events of the connection, in order, and the counts."""
        protocol = protocol_of()
        wire = b"id: 1\ndata: a\n\nevent: x\ndata: b\n\n"
        events = taken(protocol, wire)
        error = incomplete(protocol)
        assert error.received == tuple(events)
        assert (error.until, error.events_received, error.bytes_received) == (None, 2, len(wire))
        assert isinstance(error.__cause__, StreamInterrupted)

    @pytest.mark.parametrize("until", ["[DONE]", is_last])
    def test_it_may_be_nothing(self, until: Any) -> None:
        """A body without an event."""
        error = incomplete(protocol_of(until=until, retry=RetryPolicy.never()))
        assert (error.received, error.events_received) == ((), 0)
        assert error.until == (until if until == "[DONE]" else None)

    def test_it_is_that_of_the_last_connection(self) -> None:
        """What came on an earlier one belongs to another body."""
        protocol = protocol_of(progress_in=lambda event: event.data == "b")
        taken(protocol, b"data: a\n\n")
        assert isinstance(protocol.ended(1.0), Interrupted)
        protocol.connecting(2.0)
        protocol.opened(200, STREAM, 2.0)
        taken(protocol, b"data: b\n\n")
        error = incomplete(protocol)
        assert (error.received, error.events_received, error.bytes_received) == (
            (Event("message", "b", ""),),
            1,
            9,
        )

    @pytest.mark.parametrize("reason", ["reset", "broken chunk", "short body", "undecodable body"])
    def test_a_cut_is_a_cut(self, reason: Any) -> None:
        """How it broke says more."""
        protocol, cut = protocol_of(), StreamInterrupted(reason=reason)
        taken(protocol, b"data: a\n\n")
        assert protocol.interrupted(cut, 0.0) == Failed(cut)


class TestWhatIsRemembered:
    def body(self, **options: Any) -> Body:
        """A body that remembers its events."""
        return Body("", 10 * MIB, **{"remembers": True, **options})

    def give(self, body: Body, event: Event) -> None:
        """Has a body receive an event, and gives it to a consumer."""
        assert body.feed(f"event: {event.type}\nid: {event.id}\ndata: {event.data}\n\n".encode()) is None
        assert list(body.upcoming) == [event]
        body.remember(event)

    @pytest.mark.parametrize("size", [1000, 100_000])
    def test_of_a_long_stream_it_is_the_latest(self, size: int) -> None:
        """With at most 1 MiB of data, however long the stream is."""
        body = self.body()
        events = [
            Event("message", f"{number:06}" + "x" * (size - 6), "") for number in range(3_000_000 // size)
        ]
        for event in events:
            self.give(body, event)
        received = body.incomplete(None).received
        assert received == tuple(events[-len(received) :])
        assert MIB * 0.7 < sum(len(event.data) for event in received) <= MIB
        assert body.incomplete(None).events_received == len(events)

    @pytest.mark.parametrize(
        "event", [Event("message", "", ""), Event("message", "1", ""), Event("m", "", "i" * 9)], ids=repr
    )
    def test_events_of_no_size_do_not_add_up(self, event: Event) -> None:
        """An object takes room though its text be empty."""
        body = self.body()
        for _ in range(10_000):
            self.give(body, event)
        assert 1000 < len(body.incomplete(None).received) < 5000

    def test_a_long_id_counts_as_well(self) -> None:
        """The server chooses it, as it does the data."""
        body = self.body()
        for number in range(30):
            self.give(body, Event("message", "", f"{number}" + "i" * 100_000))
        assert len(body.incomplete(None).received) == 10

    def test_an_event_above_the_bound_is_not_kept(self) -> None:
        """Nor is what came before it; those after it are."""
        body = self.body()
        for data in ("a", "x" * MIB, "b"):
            self.give(body, Event("message", data, ""))
        assert [event.data for event in body.incomplete(None).received] == ["b"]

    def test_without_until_nothing_is_kept(self) -> None:
        """A stream without an end has no error of this kind."""
        body = self.body(remembers=False)
        self.give(body, Event("message", "a", ""))
        assert (body.incomplete(None).received, body.events) == ((), 1)
