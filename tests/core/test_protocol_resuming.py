"""The protocol where cursors come from elsewhere, are refused, or lead to what was there before."""

from __future__ import annotations

from typing import Any

import pytest
from tenacity import wait_fixed

from everstream.core.deduplication import Dedupe
from everstream.core.errors import ConnectFailed, EverstreamError, StatusRejected, StreamInterrupted
from everstream.core.events import (
    Comment,
    Duplicate,
    Event,
    Failed,
    Interrupted,
    Position,
    ResumeRejected,
    RetryHint,
)
from everstream.core.headers import Headers
from everstream.core.protocol import EventSourceProtocol
from everstream.core.reconnection import RetryPolicy
from everstream.core.resumption import QueryCursor

STREAM = Headers({"Content-Type": "text/event-stream"})
ONE = b"id: 1\ndata: a\n\n"
CUT = StreamInterrupted(reason="reset")


def protocol_of(**options: Any) -> EventSourceProtocol:
    """A protocol that waits 5 s after a failure."""
    return EventSourceProtocol(**{"retry": RetryPolicy(wait=wait_fixed(5)), **options})


def open_(protocol: EventSourceProtocol, now: float = 0.0) -> None:
    """Makes a connection that is accepted."""
    protocol.connecting(now)
    protocol.opened(200, STREAM, now)


def refuse(protocol: EventSourceProtocol, status: int, **options: Any) -> EverstreamError:
    """Makes a request that is refused."""
    protocol.connecting(0.0)
    with pytest.raises(StatusRejected) as caught:
        protocol.opened(status, Headers(), 0.0, **options)
    return caught.value


class TestACursorFromElsewhere:
    def test_it_goes_with_the_next_request(self) -> None:
        """In place of the one to begin with."""
        protocol = protocol_of(last_event_id="3")
        protocol.resume_after("7")
        assert protocol.last_event_id == "7"
        assert protocol.connecting(0.0).cursor_headers == {"Last-Event-ID": b"7"}

    def test_an_empty_one_asks_for_nothing(self) -> None:
        """That is a place as well: the beginning."""
        protocol = protocol_of(last_event_id="3")
        protocol.resume_after("")
        connecting = protocol.connecting(0.0)
        assert (connecting.cursor_headers, connecting.last_event_id) == ({}, "")

    def test_an_event_without_an_id_has_it_as_its_last_one(self) -> None:
        """Unless it is a cursor of another kind."""
        for resume, last in ((None, "7"), (QueryCursor("after", of=lambda _event: None), "")):
            protocol = protocol_of(resume=resume)
            protocol.resume_after("7")
            open_(protocol)
            assert list(protocol.receive(b"data: a\n\n", 0.0)) == [Event("message", "a", last)]


class TestTheCursorAfterAnItem:
    @pytest.mark.parametrize(
        ("item", "cursor"),
        [
            (Event("message", "a", "1"), "1"),
            (Duplicate(Event("message", "a", "1")), "1"),
            (Position("2"), "2"),
            (Comment("x"), "0"),
            (RetryHint(1.0), "0"),
        ],
    )
    def test_it_is_known_before_the_item_is_delivered(
        self, item: Event | Duplicate | Position | Comment | RetryHint, cursor: str
    ) -> None:
        """And to ask moves nothing."""
        protocol = protocol_of(last_event_id="0")
        assert (protocol.cursor_after(item), protocol.last_event_id) == (cursor, "0")
        protocol.delivered(item)
        assert protocol.last_event_id == cursor


class TestDuplicates:
    def test_an_event_of_an_earlier_connection_is_one(self) -> None:
        """It counts as received and as delivered, and ends the outage as any event does."""
        protocol = protocol_of(dedupe=Dedupe())
        open_(protocol)
        assert list(protocol.receive(ONE * 2, 0.0)) == [Event("message", "a", "1")] * 2
        assert protocol.interrupted(CUT, 0.0) == Interrupted(CUT, 5.0, 2, "")
        open_(protocol)
        [duplicate] = protocol.receive(ONE, 0.0)
        assert duplicate == Duplicate(Event("message", "a", "1"))
        protocol.delivered(duplicate)
        again = StreamInterrupted(reason="reset")
        assert protocol.interrupted(again, 0.0) == Interrupted(again, 5.0, 2, "1")
        assert again.events_received == 1

    def test_what_follows_it_in_the_chunk_is_given(self) -> None:
        """It takes the place of nothing else."""
        protocol = protocol_of(dedupe=Dedupe(), until="end")
        open_(protocol)
        list(protocol.receive(ONE, 0.0))
        open_(protocol)
        items = list(protocol.receive(ONE + b":x\n\ndata: b\n\ndata: end\n\n", 0.0))
        assert [type(item).__name__ for item in items] == ["Duplicate", "Comment", "Event", "Closed"]


class TestARefusedCursor:
    @pytest.mark.parametrize("status", [404, 409, 410, 412])
    def test_by_choice_the_next_request_has_none_and_follows_at_once(self, status: int) -> None:
        """Though such a status is not retryable."""
        protocol = protocol_of(last_event_id="7", on_resume_rejected="restart")
        error = refuse(protocol, status)
        assert protocol.resume_rejected(error) == ResumeRejected(error, "7", restarts=True)  # type: ignore[arg-type]
        assert protocol.interrupted(error, 0.0) == Interrupted(error, 0.0, 2, "")
        assert protocol.connecting(0.0).cursor_headers == {}

    def test_by_default_it_is_the_end(self) -> None:
        """And the cursor stays, for whoever wants to look at it."""
        protocol = protocol_of(last_event_id="7")
        error = refuse(protocol, 410)
        assert protocol.resume_rejected(error) == ResumeRejected(error, "7", restarts=False)  # type: ignore[arg-type]
        assert protocol.interrupted(error, 0.0) == Failed(error)
        assert protocol.last_event_id == "7"

    def test_a_second_refusal_is_an_ordinary_one(self) -> None:
        """Without a cursor there is nothing to leave out."""
        protocol = protocol_of(last_event_id="7", on_resume_rejected="restart")
        error = refuse(protocol, 410)
        protocol.resume_rejected(error)
        protocol.interrupted(error, 0.0)
        second = refuse(protocol, 410)
        assert protocol.resume_rejected(second) is None
        assert protocol.interrupted(second, 0.0) == Failed(second)

    def test_one_that_did_not_reach_the_server_was_not_refused(self) -> None:
        """A redirect to another origin loses it."""
        protocol = protocol_of(last_event_id="7", on_resume_rejected="restart")
        assert protocol.resume_rejected(refuse(protocol, 410, cursor_sent=False)) is None

    def test_one_that_cannot_be_sent_was_not_refused(self) -> None:
        """Of white space, nothing can be in a header."""
        protocol = protocol_of(last_event_id=" ", on_resume_rejected="restart")
        assert protocol.resume_rejected(refuse(protocol, 410)) is None

    def test_other_errors_refuse_nothing(self) -> None:
        """The cursor stays, and the wait is that of the policy."""
        protocol = protocol_of(last_event_id="7", on_resume_rejected="restart")
        error = ConnectFailed(host="a", reason="b")
        protocol.connecting(0.0)
        assert protocol.resume_rejected(error) is None
        assert protocol.interrupted(error, 0.0) == Interrupted(error, 5.0, 2, "7")

    def test_a_policy_that_allows_one_attempt_allows_no_restart(self) -> None:
        """The refusal itself is the end."""
        protocol = protocol_of(last_event_id="7", on_resume_rejected="restart", retry=RetryPolicy.never())
        error = refuse(protocol, 410)
        protocol.resume_rejected(error)
        assert protocol.interrupted(error, 0.0) == Failed(error)

    def test_a_restart_that_was_overtaken_is_forgotten(self) -> None:
        """If the next request follows for another reason, a later failure is not retried for this one."""
        protocol = protocol_of(last_event_id="7", on_resume_rejected="restart")
        protocol.resume_rejected(refuse(protocol, 410))
        protocol.dropped(0.0)
        second = refuse(protocol, 403)
        assert protocol.interrupted(second, 0.0) == Failed(second)
