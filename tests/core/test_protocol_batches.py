"""What a protocol gives and is told of a whole chunk, where nobody has to see each item."""

from __future__ import annotations

from operator import length_hint
from typing import Any

import pytest
from tenacity import wait_fixed

from everstream import (
    Comment,
    Event,
    EventSourceProtocol,
    Failed,
    Interrupted,
    Position,
    ProviderError,
    QueryCursor,
    RetryPolicy,
)
from everstream.core.deduplication import Dedupe
from everstream.core.errors import ConnectFailed
from tests.core.driving import open_

CHUNK = b": hi\n\nid: 1\ndata: a\n\nid: 2\ndata: b\n\n: hi\n\nid: 3\n\n"
REFUSED = ConnectFailed(host="h", reason="Connection refused")
SEES_EACH: dict[str, dict[str, Any]] = {
    "progress_in": {"progress_in": lambda event: True},
    "resume": {"resume": QueryCursor("after", lambda event: event.id)},
}
LOOKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "until": {"until": "[DONE]"},
    "until, a function": {"until": lambda event: False},
    "error_in": {"error_in": lambda found: None},
    "dedupe": {"dedupe": Dedupe()},
}


def opened(**options: Any) -> EventSourceProtocol:
    """A protocol that has a connection."""
    protocol = EventSourceProtocol(retry=RetryPolicy(wait=wait_fixed(5)), **options)
    open_(protocol)
    return protocol


@pytest.mark.parametrize("options", LOOKS.values(), ids=LOOKS)
def test_what_was_received_may_be_noted_at_once(options: dict[str, Any]) -> None:
    """The same items, in one list and one by one; the iterator knows how many were asked for."""
    protocol = opened(**options)
    assert protocol.received is None
    items = protocol.receive(CHUNK, 0.0)
    assert protocol.received is not None
    received, counting = protocol.received
    assert [length_hint(counting) for _ in items] == [4, 3, 2, 1, 0]
    assert [type(item).__name__ for item in received] == [
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


@pytest.mark.parametrize("options", {**LOOKS, **SEES_EACH}.values(), ids={**LOOKS, **SEES_EACH})
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


@pytest.mark.parametrize("deliver_each", [True, False])
def test_an_outcome_takes_into_account_what_it_follows(deliver_each: bool) -> None:
    """Whoever asks for it has taken all that came before, and may say so or not."""
    error = ProviderError(message="busy", retryable=True)
    protocol = opened(
        error_in=lambda found: error if isinstance(found, Event) and found.data == "b" else None
    )
    items = []
    for item in protocol.receive(CHUNK, 0.0):
        items.append(item)
        if deliver_each and not isinstance(item, Interrupted):
            protocol.delivered(item)  # type: ignore[arg-type]
    assert items[:-1] == [Comment("hi"), Event("message", "a", "1")]
    assert items[-1] == Interrupted(error, 5.0, 2, "1")
    assert protocol.last_event_id == "1"
