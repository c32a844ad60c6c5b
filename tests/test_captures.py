"""Recorded streams of real services come through every framing, whole and cut anywhere, as they were."""

import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import pytest
from tenacity import wait_none

from everstream import (
    Closed,
    Comment,
    Event,
    EventSource,
    EventStreamParser,
    Interrupted,
    Position,
    RetryHint,
    RetryPolicy,
    StreamItem,
    WireItem,
)
from everstream.testing import Connection, SSEServer, Step, connection, cut, end, raw, reset
from everstream.testing.steps import Encoding, Framing
from tests.captures import FOLDER, Capture, captures

CAPTURES = captures()
FRAMINGS: tuple[Framing, ...] = ("chunked", "length", "close", "trickle")
ENCODINGS: tuple[Encoding, ...] = ("identity", "gzip", "deflate")
WIRES = tuple(product(FRAMINGS, ENCODINGS))
# A write for each byte, or for each few, takes long; the small recordings have all kinds of content.
SMALL = 4_000
TINY = 1_000
AT_ONCE = RetryPolicy(wait=wait_none())

each_capture = pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture.name)
each_wire = pytest.mark.parametrize("wire", WIRES, ids="-".join)


@dataclass(frozen=True)
class CountOfEvents:
    """Resumes by position: the cursor is how many events were delivered, the parameter `after`."""

    def cursor_after(self, item: Event | Position, cursor: str) -> str:
        """Returns the count, one more for an event."""
        return str(int(cursor or 0) + isinstance(item, Event))

    def request_headers(self, cursor: str) -> Mapping[str, str | bytes]:
        """Returns nothing."""
        return {}

    def request_params(self, cursor: str) -> Mapping[str, str]:
        """Returns the one parameter."""
        return {"after": cursor}


@dataclass(frozen=True)
class Piece:
    """What one connection of a cut stream carries: the body's bytes from `start` to `stop`."""

    start: int
    stop: int
    delivered: int
    """How many events the client has before it."""


@cache
def event_ends(body: bytes) -> list[int]:
    """Returns the offset in the body behind each event, and 0 for none."""
    parser = EventStreamParser()
    ends = [0]
    for place in range(len(body)):
        items = parser.feed(body[place : place + 1])
        ends += [place + 1 for item in items if isinstance(item, Event)]
    return ends


def line_ends(body: bytes) -> list[int]:
    """Returns the offset of every byte that ends a line."""
    return [found.start() for found in re.finditer(rb"[\r\n]", body)]


def pieces_of(body: bytes, cuts: list[int]) -> Iterator[Piece]:
    """Gives the connections of a stream that is cut at these offsets and goes on after its last event."""
    ends = event_ends(body)
    delivered = 0
    for place in [*cuts, len(body)]:
        yield Piece(ends[delivered], place, delivered)
        delivered = sum(ends[delivered] < behind <= place for behind in ends) + delivered


def played(capture: Capture, piece: Piece, dice: random.Random) -> Connection:
    """Returns a connection that carries a piece, and ends in any way, on any wire."""
    framing, encoding = dice.choice(WIRES)
    data = capture.body[piece.start : piece.stop]
    torn = dice.randint(0, len(data))
    steps: list[Step] = dice.choice(
        [[raw(data), end()], [raw(data), cut()], [raw(data), reset()], [raw(data[:torn]), cut(data[torn:])]]
    )
    return connection(
        *steps,
        framing=framing,
        encoding=encoding,
        split=dice.choice([None, 64, 1000]),
        content_type=capture.content_type,
    )


def source_of(server: SSEServer, capture: Capture) -> EventSource:
    """Returns an event source that asks as the recorded request did, and resumes by position."""
    body = {"stream": True} if capture.method == "POST" else None
    return EventSource(
        server.url,
        method=capture.method,
        json=body,
        retry=AT_ONCE,
        resume=CountOfEvents(),
        replay_safe=True,
    )


def received(server: SSEServer, capture: Capture) -> list[StreamItem]:
    """Returns everything up to the 204 that follows the script."""
    with source_of(server, capture) as source:
        items = list(source.all())
    assert items[-1] == Closed("no content")
    return items


def wire_items(items: list[StreamItem]) -> list[WireItem]:
    """Returns what came from the server."""
    return [item for item in items if isinstance(item, Event | Comment | RetryHint | Position)]


def events(items: list[StreamItem] | list[WireItem]) -> list[Event]:
    """Returns the events."""
    return [item for item in items if isinstance(item, Event)]


def splits(capture: Capture) -> list[int | None]:
    """Returns the sizes of pieces to send a recording in."""
    if len(capture.body) <= TINY:
        return [None, 1, 7, 64, 1000]
    return [None, 7, 64, 1000] if len(capture.body) <= SMALL else [None, 64, 1000]


def served_cut(server: SSEServer, capture: Capture, cuts: list[int], dice: random.Random) -> None:
    """Serves a recording with cuts, and asserts that its events arrive as if there were none."""
    pieces = list(pieces_of(capture.body, cuts))
    already = len(server.requests)
    server.script([played(capture, piece, dice) for piece in pieces])
    expected = events(capture.items())
    items = received(server, capture)
    assert events(items) == expected
    asked = [request.query.get("after") for request in server.requests[already:]]
    delivered = [piece.delivered for piece in pieces] + [len(expected)]
    assert asked == [str(count) if count else None for count in delivered]
    assert {request.method for request in server.requests[already:]} == {capture.method}
    assert sum(isinstance(item, Interrupted) for item in items) == len(pieces)


def test_the_recordings_are_the_files_of_the_index() -> None:
    """No recording is unlisted, and there are as many as one would expect."""
    assert len(CAPTURES) >= 30
    assert {capture.file for capture in CAPTURES} == {path.name for path in FOLDER.glob("*.sse")}


@each_capture
def test_a_recording_is_what_was_recorded(capture: Capture) -> None:
    """Its size and its hash are those of the index."""
    assert (len(capture.body), capture.body_sha256) == (capture.size, capture.sha256)


@each_capture
def test_the_uncut_parse_is_what_a_simpler_reader_finds(capture: Capture) -> None:
    """Splitting the text at blank lines gives the same data, and all of it is JSON or a sentinel."""
    text = capture.body.decode().replace("\r\n", "\n")
    assert "\r" not in text
    blocks = text.split("\n\n")[:-1]
    data = ["\n".join(re.findall("^data: ?(.*)$", block, re.MULTILINE)) for block in blocks]
    parsed = [event.data for event in events(capture.items())]
    assert parsed == [text for text in data if text]
    assert all(text == "[DONE]" or json.loads(text) for text in parsed)


@each_wire
@each_capture
def test_a_recording_comes_through_whole(
    sse_server: SSEServer, capture: Capture, wire: tuple[Framing, Encoding]
) -> None:
    """Every framing and coding, in pieces of any size, gives the items of the uncut parse."""
    framing, encoding = wire
    served = [
        connection(
            raw(capture.body),
            framing=framing,
            encoding=encoding,
            split=split,
            content_type=capture.content_type,
        )
        for split in splits(capture)
    ]
    sse_server.script(served)
    assert wire_items(received(sse_server, capture)) == capture.items() * len(served)


@pytest.mark.parametrize("seed", range(5))
@each_capture
def test_a_recording_that_is_cut_anywhere_is_resumed(
    sse_server: SSEServer, capture: Capture, seed: int
) -> None:
    """Up to five cuts at random places, each resumed by position, change nothing."""
    dice = random.Random(f"{capture.name}/{seed}")
    cuts = sorted(dice.sample(range(1, len(capture.body)), dice.randint(1, 5)))
    served_cut(sse_server, capture, cuts, dice)


@pytest.mark.parametrize("capture", [c for c in CAPTURES if len(c.body) <= TINY], ids=lambda c: c.name)
def test_a_small_recording_can_be_cut_at_every_line(sse_server: SSEServer, capture: Capture) -> None:
    """A cut before, in or after any line end, or at any ninth byte, loses no event and doubles none."""
    dice = random.Random(capture.name)
    near_line_ends = {end + shift for end in line_ends(capture.body) for shift in (-1, 0, 1, 2)}
    for place in sorted(near_line_ends & set(range(len(capture.body))) | set(range(0, len(capture.body), 9))):
        served_cut(sse_server, capture, [place], dice)
