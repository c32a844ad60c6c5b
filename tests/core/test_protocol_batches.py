"""What a protocol gives and is told of a whole chunk, where nobody has to see each item."""

from __future__ import annotations

from typing import Any

import pytest
from tenacity import wait_fixed

from everstream import Event, EventSourceProtocol, Failed, Interrupted, Position, QueryCursor, RetryPolicy
from everstream.core.deduplication import Dedupe
from everstream.core.errors import ConnectFailed
from tests.core.driving import open_

CHUNK = b": hi\n\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n: hi\n\nid: 3\n\n"
REFUSED = ConnectFailed(host="h", reason="Connection refused")
SEES_EACH: dict[str, dict[str, Any]] = {
    "until": {"until": "[DONE]"},
    "until, a function": {"until": lambda event: False},
    "error_in": {"error_in": lambda found: None},
    "progress_in": {"progress_in": lambda event: True},
    "dedupe": {"dedupe": Dedupe()},
    "resume": {"resume": QueryCursor("after", lambda event: event.id)},
}


def opened(**options: Any) -> EventSourceProtocol:
    """A protocol that has a connection."""
    protocol = EventSourceProtocol(retry=RetryPolicy(wait=wait_fixed(5)), **options)
    open_(protocol)
    return protocol


def test_what_was_received_may_be_given_as_it_is() -> None:
    """The same items, in one list and one by one."""
    protocol = opened()
    assert protocol.received is None
    items = protocol.receive(CHUNK, 0.0)
    assert protocol.received is not None
    assert list(protocol.received[0]) == list(items)
    assert [type(item).__name__ for item in protocol.received[0]] == [
        "Comment",
        "Event",
        "Event",
        "Comment",
        "Position",
    ]


@pytest.mark.parametrize("options", SEES_EACH.values(), ids=SEES_EACH)
def test_where_each_matters_there_is_no_list(options: dict[str, Any]) -> None:
    """Each is to be delivered when it is."""
    protocol = opened(**options)
    assert len(list(protocol.receive(CHUNK, 0.0))) == 5
    assert protocol.received is None


def test_what_an_outcome_follows_is_there_as_well() -> None:
    """And what an earlier chunk had finished is not."""
    protocol = opened(max_event_bytes=20)
    list(protocol.receive(b"data: a\n\n", 0.0))
    items = list(protocol.receive(b"data: b\n\ndata: " + b"x" * 30, 0.0))
    assert protocol.received is not None
    assert protocol.received[0] == items[:1] == [Event("message", "b", "")]
    assert isinstance(items[1], Failed)


@pytest.mark.parametrize("options", [{}, *SEES_EACH.values()], ids=["plain", *SEES_EACH])
@pytest.mark.parametrize("count", range(6))
def test_to_deliver_all_is_to_deliver_each(options: dict[str, Any], count: int) -> None:
    """Of any beginning of a chunk: the same cursor, the same request, the same attempt."""
    results = []
    for deliver_each in (True, False):
        protocol = opened(**options)
        protocol.interrupted(REFUSED, 1.0)
        protocol.connecting(6.0)
        protocol.interrupted(REFUSED, 6.0)
        open_(protocol, 11.0)
        items = [
            item for item in protocol.receive(CHUNK, 11.0) if not isinstance(item, (Interrupted, Failed))
        ]
        if deliver_each:
            for item in items[:count]:
                protocol.delivered(item)  # type: ignore[arg-type]
        else:
            protocol.delivered_all(items[:count])  # type: ignore[arg-type]
        outcome = protocol.interrupted(REFUSED, 12.0)
        assert isinstance(outcome, Interrupted)
        results.append((protocol.last_event_id, outcome.attempt, protocol.connecting(17.0)))
    assert results[0] == results[1]
    # The first event ends the outage.
    assert results[0][0] == ["", "", "1", "2", "2", "3"][count] or "resume" in options
    assert results[0][1] == (4 if count < 2 else 2)


def test_to_deliver_nothing_changes_nothing() -> None:
    """As when a stream was closed at the first item."""
    protocol = opened(last_event_id="0")
    list(protocol.receive(CHUNK, 0.0))
    protocol.delivered_all([])
    assert protocol.last_event_id == "0"
    protocol.delivered_all([Position("1"), Position("2")])
    assert protocol.last_event_id == "2"


@pytest.mark.parametrize("asked_for", range(6))
def test_a_request_may_be_repeated_until_an_event_was_asked_for(asked_for: int) -> None:
    """What was received and not given is no progress, on the same connection and on the next."""
    protocol = opened(replay_safe=False)
    items = protocol.receive(CHUNK, 0.0)
    for _ in range(asked_for):
        next(items)
    assert protocol.may_connect_again is (asked_for < 2)
    protocol.connecting(1.0)
    assert protocol.may_connect_again is (asked_for < 2)
