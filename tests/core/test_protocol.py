"""The event source without its I/O, driven by hand: scripts of calls, and what they give."""

from __future__ import annotations

import pytest
from tenacity import wait_none

from everstream import (
    Closed,
    Comment,
    ConfigurationError,
    ConnectFailed,
    ContentTypeRejected,
    Event,
    EventSourceProtocol,
    EventTooLarge,
    Failed,
    Headers,
    Interrupted,
    LastEventID,
    Opened,
    Outcome,
    Position,
    QueryCursor,
    ReadyState,
    RetriesExhausted,
    RetryHint,
    RetryPolicy,
    StatusRejected,
    StreamIncomplete,
    StreamInterrupted,
    WireItem,
)

STREAM = Headers({"Content-Type": "text/event-stream"})
AT_ONCE = RetryPolicy(wait=wait_none())
REFUSED = ConnectFailed(host="h", reason="Connection refused")


def opened(protocol: EventSourceProtocol, now: float = 0.0) -> Opened:
    """Connects, and is accepted."""
    protocol.connecting(now)
    head = protocol.opened(200, STREAM, now)
    assert isinstance(head, Opened)
    return head


def taken(protocol: EventSourceProtocol, chunk: bytes) -> list[WireItem | Outcome]:
    """Receives a chunk, and delivers all of it."""
    items: list[WireItem | Outcome] = []
    for item in protocol.receive(chunk, now=0.0):
        items.append(item)
        if not isinstance(item, (Interrupted, Closed, Failed)):
            protocol.delivered(item)
    return items


class TestConnecting:
    """What to send."""

    def test_the_standards_headers_and_no_cursor_at_first(self) -> None:
        """`Last-Event-ID` is absent, not empty."""
        connecting = EventSourceProtocol().connecting(0.0)
        assert connecting.headers == {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        assert (connecting.cursor_headers, connecting.cursor_params) == ({}, {})
        assert (connecting.attempt, connecting.last_event_id) == (1, "")

    def test_a_cursor_to_begin_with_is_sent(self) -> None:
        """As one that was received."""
        connecting = EventSourceProtocol(last_event_id="abc").connecting(0.0)
        assert connecting.cursor_headers == {"Last-Event-ID": b"abc"}
        assert connecting.last_event_id == "abc"

    def test_a_cursor_that_cannot_be_sent_is_not_called_sent(self) -> None:
        """`Opened` must not claim that nothing was missed."""
        protocol = EventSourceProtocol(last_event_id="  ")
        assert opened(protocol).last_event_id == ""

    def test_the_strategy_says_where_the_cursor_goes(self) -> None:
        """Here into the query."""
        protocol = EventSourceProtocol(resume=QueryCursor("after", lambda event: event.data), retry=AT_ONCE)
        opened(protocol)
        taken(protocol, b"data: 7\n\n")
        protocol.ended(1.0)
        connecting = protocol.connecting(1.0)
        assert (connecting.cursor_headers, connecting.cursor_params) == ({}, {"after": "7"})

    def test_a_cursor_of_another_kind_is_not_an_events_id(self) -> None:
        """Events without an id then have none."""
        protocol = EventSourceProtocol(resume=QueryCursor("after", lambda event: None), last_event_id="41")
        opened(protocol)
        assert taken(protocol, b"data: a\n\n") == [Event("message", "a", "")]
        assert protocol.last_event_id == "41"
        by_id = EventSourceProtocol(last_event_id="41")
        opened(by_id)
        assert taken(by_id, b"data: a\n\n") == [Event("message", "a", "41")]


class TestOpened:
    """The head of a response."""

    def test_it_is_announced(self) -> None:
        """With the attempt and the cursor that led to it."""
        protocol = EventSourceProtocol(last_event_id="3", retry=AT_ONCE)
        protocol.connecting(0.0)
        protocol.interrupted(REFUSED, 1.0)
        assert opened(protocol, 2.0) == Opened(200, STREAM, 2, "3", None)
        assert protocol.state is ReadyState.OPEN

    def test_it_says_how_long_the_stream_was_down(self) -> None:
        """From the end of the last open connection, over failed attempts."""
        protocol = EventSourceProtocol(retry=AT_ONCE)
        opened(protocol, 0.0)
        protocol.ended(10.0)
        protocol.connecting(11.0)
        protocol.interrupted(REFUSED, 12.0)
        assert opened(protocol, 15.0).downtime == 5.0

    def test_a_cursor_lost_on_a_redirect_is_not_called_sent(self) -> None:
        """The gap is reported."""
        protocol = EventSourceProtocol(last_event_id="3")
        protocol.connecting(0.0)
        head = protocol.opened(200, STREAM, 0.0, cursor_sent=False)
        assert isinstance(head, Opened)
        assert head.last_event_id == ""

    def test_no_content_is_the_end(self) -> None:
        """[spec] 204 tells an event source to stop."""
        protocol = EventSourceProtocol()
        protocol.connecting(0.0)
        assert protocol.opened(204, Headers(), 0.0) == Closed("no content")
        assert protocol.state is ReadyState.CLOSED

    @pytest.mark.parametrize(("status", "error"), [(500, StatusRejected), (200, ContentTypeRejected)])
    def test_anything_else_is_raised(self, status: int, error: type[Exception]) -> None:
        """The state stays what it was."""
        protocol = EventSourceProtocol()
        protocol.connecting(0.0)
        with pytest.raises(error):
            protocol.opened(status, Headers({"Content-Type": "text/html"}), 0.0)
        assert protocol.state is ReadyState.CONNECTING


class TestReceiving:
    """Items, and the cursor behind them."""

    def test_the_cursor_moves_on_delivery_not_on_receipt(self) -> None:
        """A consumer that dies on the second of three has taken one."""
        protocol = EventSourceProtocol()
        opened(protocol)
        items = list(protocol.receive(b"id: 1\ndata\n\nid: 2\ndata\n\nid: 3\ndata\n\n", now=0.0))
        assert protocol.last_event_id == ""
        assert isinstance(items[0], Event)
        protocol.delivered(items[0])
        assert protocol.last_event_id == "1"

    def test_a_block_with_an_id_only_moves_it_in_its_turn(self) -> None:
        """It is an item, so that it cannot overtake an event before it."""
        protocol = EventSourceProtocol()
        opened(protocol)
        assert taken(protocol, b"id: 5\n\n: c\nretry: 10\n\n") == [
            Position("5"),
            Comment("c"),
            RetryHint(0.01),
        ]
        assert protocol.last_event_id == "5"

    def test_an_unfinished_block_leaves_it_and_dies_with_its_connection(self) -> None:
        """[spec] The buffer is lost, the string is not."""
        protocol = EventSourceProtocol(retry=AT_ONCE)
        opened(protocol)
        assert len(taken(protocol, b"id: 1\ndata: a\n\nid: 2\ndata: b\n")) == 1
        protocol.ended(1.0)
        opened(protocol, 1.0)
        assert taken(protocol, b"data: c\n\n") == [Event("message", "c", "1")]

    def test_the_reconnection_time_outlives_the_connection(self) -> None:
        """[spec] It belongs to the event source."""
        protocol = EventSourceProtocol(retry=AT_ONCE)
        opened(protocol)
        taken(protocol, b"retry: 1500\n\n")
        first = protocol.ended(1.0)
        opened(protocol, 2.0)
        second = protocol.ended(3.0)
        assert isinstance(first, Interrupted)
        assert isinstance(second, Interrupted)
        assert (first.delay, second.delay) == (1.5, 1.5)

    def test_what_came_before_an_event_too_large_is_not_lost(self) -> None:
        """It is given first, then the outcome."""
        protocol = EventSourceProtocol(max_event_bytes=20)
        opened(protocol)
        *before, last = taken(protocol, b"data: a\n\ndata: " + b"x" * 21)
        assert before == [Event("message", "a", "")]
        assert isinstance(last, Failed)
        assert isinstance(last.error, EventTooLarge)
        assert protocol.state is ReadyState.CLOSED

    def test_a_limit_of_nothing_is_refused(self) -> None:
        """When the protocol is made, not when it is used."""
        with pytest.raises(ConfigurationError, match="max_event_bytes"):
            EventSourceProtocol(max_event_bytes=0)


class TestUntil:
    """The data that ends a stream."""

    def test_it_closes_the_stream_and_is_not_delivered(self) -> None:
        """Nor is what comes after it."""
        protocol = EventSourceProtocol(until="[DONE]")
        opened(protocol)
        assert taken(protocol, b"data: a\n\ndata: [DONE]\n\ndata: b\n\n") == [
            Event("message", "a", ""),
            Closed("until"),
        ]
        assert protocol.state is ReadyState.CLOSED

    def test_it_must_be_the_whole_data(self) -> None:
        """`[DONE]x` is an event like any other."""
        protocol = EventSourceProtocol(until="[DONE]")
        opened(protocol)
        assert taken(protocol, b"data: [DONE]x\n\n") == [Event("message", "[DONE]x", "")]

    @pytest.mark.parametrize("tail", [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r"])
    def test_a_last_one_without_its_blank_line_counts(self, tail: bytes) -> None:
        """Many servers end like this."""
        protocol = EventSourceProtocol(until="[DONE]")
        opened(protocol)
        taken(protocol, b"data: a\n\n" + tail)
        assert protocol.ended(1.0) == Closed("until")

    def test_without_it_a_stream_that_may_be_repeated_reconnects(self) -> None:
        """GET asks for the rest."""
        protocol = EventSourceProtocol(until="[DONE]", retry=AT_ONCE)
        opened(protocol)
        taken(protocol, b"data: a\n\n")
        assert isinstance(protocol.ended(1.0), Interrupted)

    @pytest.mark.parametrize("tail", [b"", b"data: half"])
    def test_without_it_a_stream_that_may_not_is_incomplete(self, tail: bytes) -> None:
        """A half answer is not taken for a whole one."""
        protocol = EventSourceProtocol(until="[DONE]", replay_safe=False)
        opened(protocol)
        taken(protocol, b"data: a\n\n" + tail)
        outcome = protocol.ended(1.0)
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, StreamIncomplete)
        assert (outcome.error.until, outcome.error.events_received) == ("[DONE]", 1)
        assert isinstance(outcome.error.__cause__, StreamInterrupted)

    def test_it_cannot_be_empty(self) -> None:
        """An event without data is no sign of the end."""
        with pytest.raises(ConfigurationError, match="until="):
            EventSourceProtocol(until="")


class TestTheEnd:
    """Every way in which a connection can be over."""

    def test_a_clean_end_is_an_interruption_if_the_request_may_be_repeated(self) -> None:
        """The error says what was received, the outcome where it goes on."""
        protocol = EventSourceProtocol(retry=AT_ONCE)
        opened(protocol)
        taken(protocol, b"id: 1\ndata: a\n\n")
        outcome = protocol.ended(1.0)
        assert isinstance(outcome, Interrupted)
        assert (outcome.delay, outcome.attempt, outcome.last_event_id) == (0.0, 2, "1")
        error = outcome.error
        assert isinstance(error, StreamInterrupted)
        assert (error.reason, error.bytes_received, error.events_received) == ("eof", 15, 1)
        assert protocol.state is ReadyState.CONNECTING

    def test_the_counts_are_those_of_the_connection(self) -> None:
        """The second one starts at nothing."""
        protocol = EventSourceProtocol(retry=AT_ONCE)
        opened(protocol)
        taken(protocol, b"data: a\n\n")
        protocol.ended(1.0)
        opened(protocol, 1.0)
        outcome = protocol.interrupted(StreamInterrupted(reason="reset"), 2.0)
        assert isinstance(outcome, Interrupted)
        assert isinstance(outcome.error, StreamInterrupted)
        assert (outcome.error.bytes_received, outcome.error.events_received) == (0, 0)

    @pytest.mark.parametrize(
        "protocol",
        [EventSourceProtocol(retry=RetryPolicy.never()), EventSourceProtocol(replay_safe=False)],
        ids=["never", "not replay-safe"],
    )
    def test_a_clean_end_is_the_end_if_it_may_not(self, protocol: EventSourceProtocol) -> None:
        """Nothing is wrong then."""
        opened(protocol)
        taken(protocol, b"data: a\n\n")
        assert protocol.ended(1.0) == Closed("eof")
        assert protocol.state is ReadyState.CLOSED

    def test_an_end_inside_a_block_is_never_clean(self) -> None:
        """A part of an event was lost."""
        protocol = EventSourceProtocol(retry=RetryPolicy.never())
        opened(protocol)
        taken(protocol, b"data: a\n\ndata: b\n")
        outcome = protocol.ended(1.0)
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, StreamInterrupted)
        assert outcome.error.reason == "unfinished block"

    def test_clean_ends_without_an_event_exhaust_the_policy(self) -> None:
        """A server that accepts and ends at once is failing."""
        protocol = EventSourceProtocol(retry=RetryPolicy.attempts(2, wait=wait_none()))
        opened(protocol)
        assert isinstance(protocol.ended(1.0), Interrupted)
        opened(protocol, 2.0)
        outcome = protocol.ended(3.0)
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, RetriesExhausted)

    def test_close_is_the_callers_end(self) -> None:
        """Whatever the state was."""
        protocol = EventSourceProtocol()
        assert protocol.close() == Closed("close")
        assert protocol.state is ReadyState.CLOSED

    def test_a_connection_dropped_on_purpose_counts_no_failure(self) -> None:
        """The next one is attempt 1, and the downtime runs."""
        protocol = EventSourceProtocol(retry=AT_ONCE)
        opened(protocol, 0.0)
        protocol.dropped(4.0)
        assert protocol.state is ReadyState.CONNECTING
        head = opened(protocol, 5.0)
        assert (head.attempt, head.downtime) == (1, 1.0)


class TestReplay:
    """A request that must not be made twice."""

    def test_it_is_repeated_until_an_event_was_delivered(self) -> None:
        """Nothing was printed, so nothing is printed twice."""
        protocol = EventSourceProtocol(replay_safe=False, retry=AT_ONCE)
        protocol.connecting(0.0)
        assert isinstance(protocol.interrupted(REFUSED, 0.0), Interrupted)
        opened(protocol)
        taken(protocol, b": hello\n\nid: 1\n\n")
        assert isinstance(protocol.interrupted(StreamInterrupted(reason="reset"), 0.0), Interrupted)
        opened(protocol)
        taken(protocol, b"data: a\n\n")
        broken = StreamInterrupted(reason="reset")
        assert protocol.interrupted(broken, 0.0) == Failed(broken)

    def test_it_may_be_made_again_until_an_event_was_given(self) -> None:
        """The consumer has it in hand before it counts as delivered."""
        protocol = EventSourceProtocol(replay_safe=False)
        opened(protocol)
        items = protocol.receive(b": c\n\ndata: a\n\n", now=0.0)
        assert next(items) == Comment("c")
        assert protocol.may_connect_again
        assert next(items) == Event("message", "a", "")
        assert not protocol.may_connect_again
        assert EventSourceProtocol().may_connect_again


class TestCredentials:
    """A 401 when the next request has fresh credentials."""

    def refuse(self, protocol: EventSourceProtocol, status: int = 401) -> Outcome:
        """Is asked for credentials."""
        protocol.connecting(0.0)
        with pytest.raises(StatusRejected) as caught:
            protocol.opened(status, Headers(), 0.0)
        return protocol.interrupted(caught.value, 0.0)

    def test_once_at_once(self) -> None:
        """The second refusal in a row is an answer."""
        protocol = EventSourceProtocol(credentials_renewed=True)
        first = self.refuse(protocol)
        assert isinstance(first, Interrupted)
        assert first.delay == 0.0
        assert isinstance(self.refuse(protocol), Failed)

    def test_again_after_a_success(self) -> None:
        """Tokens expire every hour."""
        protocol = EventSourceProtocol(credentials_renewed=True, retry=AT_ONCE)
        self.refuse(protocol)
        opened(protocol)
        protocol.ended(1.0)
        assert isinstance(self.refuse(protocol), Interrupted)

    def test_only_401_and_only_with_fresh_ones(self) -> None:
        """The same credentials get the same answer."""
        assert isinstance(self.refuse(EventSourceProtocol()), Failed)
        assert isinstance(self.refuse(EventSourceProtocol(credentials_renewed=True), 403), Failed)


def test_an_explicit_strategy_is_used() -> None:
    """`LastEventID()` given is `LastEventID()` by default."""
    protocol = EventSourceProtocol(resume=LastEventID(), last_event_id="1")
    assert protocol.connecting(0.0).cursor_headers == {"Last-Event-ID": b"1"}
