"""An event without end fails cleanly instead of eating the memory (behaviour 42)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from everstream import Event, EventSource, EventTooLarge, Failed, Opened, ReadyState
from everstream.testing import SSEServer, Step, connection, encode_event, endless, event, raw

MakeSource = Callable[..., EventSource]
MIB = 1024 * 1024
# What may be read before the limit is looked at again.
ONE_READ = 64 * 1024

# Each with the bytes on the wire for one that counts: a line without a value adds one line feed to the data.
ENDLESS: dict[str, tuple[list[Step], int]] = {
    "line": ([raw(b"data: "), endless(b"x" * 5000)], 1),
    "lines": ([endless(b"data: " + b"x" * 1000 + b"\n")], 1),
    "empty lines": ([endless(b"data\n" * 1000)], 5),
    "comment": ([raw(b":"), endless(b"x" * 5000)], 1),
    "field": ([endless(b"x" * 5000)], 1),
    "id": ([raw(b"data: x\nid: "), endless("…".encode() * 1000)], 1),
}


@pytest.mark.usefixtures("either_reader")
class TestTheLimit:
    @pytest.mark.parametrize(("steps", "wire_bytes"), ENDLESS.values(), ids=ENDLESS)
    @pytest.mark.parametrize("framing", ["chunked", "close", "gzip"])
    def test_42_what_has_no_end_fails_for_good(
        self,
        sse_server: SSEServer,
        make_source: MakeSource,
        steps: list[Step],
        wire_bytes: int,
        framing: Any,
    ) -> None:
        """With a typed error, little more than the limit read, the connection closed, and no retry."""
        sse_server.script([connection(*steps, framing=framing), event("never")])
        source = make_source(max_event_bytes=MIB)
        with pytest.raises(EventTooLarge) as caught:
            next(source)
        sse_server.wait_until_client_gone(0)
        assert (caught.value.limit, caught.value.retryable) == (MIB, False)
        assert source.state is ReadyState.CLOSED
        assert source.stats.bytes <= wire_bytes * MIB + 2 * ONE_READ
        with pytest.raises(EventTooLarge):
            next(source)
        assert len(sse_server.requests) == 1

    def test_42_what_came_before_it_is_delivered(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Events of the same piece, whose id is where to go on."""
        wire = encode_event("1", id="a") + encode_event("2", id="b") + encode_event("x" * 1000, id="c")
        sse_server.script([raw(wire)])
        source = make_source(max_event_bytes=1000)
        items = list(source.all(raise_on_failure=False))
        assert [type(item) for item in items] == [Opened, Event, Event, Failed]
        assert source.last_event_id == "b"

    def test_42_an_event_up_to_the_limit_is_delivered(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Many of them, and comments between, add up to nothing."""
        largest = "x" * (1000 - len("data: "))
        sse_server.script([[raw(encode_event(largest) + b":" + b"y" * 900 + b"\n")] * 10])
        assert [each.data for each in make_source(max_event_bytes=1000)] == [largest] * 10
