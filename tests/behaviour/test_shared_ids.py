"""Servers that give one id to several events: a restart must not leave out those that nobody has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from everstream import Event, EventSource
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer, Step, connection, event, no_content, raw

MakeSource = Callable[..., EventSource]

IDS = ["1", "2", "2", "2", "3"]


def in_one_chunk(ids: Sequence[str], *more: str) -> Step:
    """Returns events in one piece, numbered from 0, and further blocks."""
    blocks = [f"id: {event_id}\ndata: {number}\n\n" for number, event_id in enumerate(ids)]
    return raw("".join([*blocks, *more]).encode())


@pytest.fixture
def store() -> MemoryCheckpoint:
    """Where the cursor is kept."""
    return MemoryCheckpoint()


@pytest.fixture
def source(sse_server: SSEServer, make_source: MakeSource, store: MemoryCheckpoint) -> EventSource:
    """Reads five events, three of which share an id."""
    sse_server.script([connection(in_one_chunk(IDS)), no_content()])
    return make_source(name="s", checkpoint=store, checkpoint_interval=0)


def test_the_id_counts_when_the_last_of_them_is_delivered(
    source: EventSource, store: MemoryCheckpoint
) -> None:
    """Until then a restart goes on before the first of them: twice is better than never."""
    saved = [store.load("s") for _ in source]
    assert saved == [None, "1", "1", "1", "2"]
    assert store.load("s") == "3"


def test_a_reconnect_is_not_held_back(source: EventSource) -> None:
    """It is made only when all of them were delivered, so that its cursor may move with each."""
    assert [source.last_event_id for _ in source] == ["", "1", "2", "2", "2"]


def test_to_close_among_them_keeps_the_place_before(source: EventSource, store: MemoryCheckpoint) -> None:
    """What was received and is not given any more comes again after a restart."""
    for event_ in source:
        if event_.data == "2":
            source.close()
    assert store.load("s") == "1"


def test_acknowledgements_are_held_back_too(
    sse_server: SSEServer, make_source: MakeSource, store: MemoryCheckpoint
) -> None:
    """In whatever order they come."""
    sse_server.script([connection(in_one_chunk(IDS)), no_content()])
    source = make_source(name="s", checkpoint=store, checkpoint_interval=0, ack="manual")
    events: list[Event] = list(source)
    saved = []
    for number in (0, 2, 1, 4, 3):
        source.ack(events[number])
        saved.append(store.load("s"))
    assert saved == ["1", "1", "1", "1", "3"]


@pytest.mark.parametrize("then", [": ping\n\n", "data: [DONE]\n\n"], ids=["a comment", "until"])
def test_what_is_no_event_shares_nothing(
    sse_server: SSEServer, make_source: MakeSource, store: MemoryCheckpoint, then: str
) -> None:
    """A heartbeat, or the data that ends the stream, does not hold the last id back."""
    sse_server.script([connection(in_one_chunk(["1", "2"], then)), no_content()])
    source = make_source(name="s", checkpoint=store, checkpoint_interval=0, until="[DONE]")
    assert [event_.id for event_ in source] == ["1", "2"]
    assert store.load("s") == "2"


def test_a_position_between_is_passed_with_the_events(
    sse_server: SSEServer, make_source: MakeSource, store: MemoryCheckpoint
) -> None:
    """A block with an id alone, and then an event that inherits it."""
    blocks = in_one_chunk(["1"], "id: 2\n\n", "data: inherits\n\n")
    sse_server.script([connection(blocks), no_content()])
    source = make_source(name="s", checkpoint=store, checkpoint_interval=0)
    saved = [store.load("s") for _ in source]
    assert saved == [None, "1"]
    assert store.load("s") == "2"


def test_a_restart_gives_all_of_them(
    sse_server: SSEServer, make_source: MakeSource, store: MemoryCheckpoint
) -> None:
    """The second process gets from the first of them on what the first one has not finished."""
    rest = connection(event("1", id="2"), event("2", id="2"), event("3", id="2"), event("4", id="3"))
    sse_server.script([connection(in_one_chunk(IDS)), rest, no_content()])
    with make_source(name="s", checkpoint=store, checkpoint_interval=0) as first:
        for event_ in first:
            if event_.data == "1":
                first.close()
    second = make_source(name="s", checkpoint=store, checkpoint_interval=0)
    assert [event_.data for event_ in second] == ["1", "2", "3", "4"]
    assert [request.last_event_id for request in sse_server.requests][:2] == [None, "1"]
