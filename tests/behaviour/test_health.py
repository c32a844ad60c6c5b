"""How a stream is, as operators ask for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import fields
from typing import get_args

import pytest
from tenacity import wait_fixed

from everstream import (
    Closed,
    Comment,
    Event,
    EventSource,
    Failed,
    Health,
    Interrupted,
    Opened,
    RetryPolicy,
)
from everstream.stats import StreamState
from everstream.testing import SSEServer, comment, cut, event, pause, stall, status
from tests.behaviour.stores import Store
from tests.fakes import FakeClock
from tests.reading import everything

MakeSource = Callable[..., EventSource]
SLOWLY = RetryPolicy(wait=wait_fixed(5))
EPOCH = 1_700_000_000.0


def states_of(source: EventSource) -> list[tuple[str, StreamState, bool, bool]]:
    """Reads a source to its end; returns how it was at each item."""
    seen = list[tuple[str, StreamState, bool, bool]]()
    for item in source.all(raise_on_failure=False):
        health = source.health()
        seen.append((type(item).__name__, health.state, health.alive, health.ready))
    return seen


class TestTheState:
    def test_from_the_beginning_to_a_normal_end(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Backing off is alive and not ready: to restart the process would not help."""
        sse_server.script([status(503), [event("a")]])
        source = make_source()
        health = source.health()
        assert (health.state, health.alive, health.ready) == ("connecting", True, False)
        assert states_of(source) == [
            ("Interrupted", "backing off", True, False),
            ("Opened", "open", True, True),
            ("Event", "open", True, True),
            ("Interrupted", "backing off", True, False),
            ("Closed", "closed", False, False),
        ]

    def test_to_a_failure(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """It says why; closing it afterwards does not make it well."""
        sse_server.script([status(403)])
        source = make_source()
        assert states_of(source) == [("Failed", "failed", False, False)]
        source.close()
        health = source.health()
        assert (health.state, health.last_error) == ("failed", "the server answered 403 Forbidden")

    def test_while_it_waits_for_a_response(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Between two connections it is connecting again, and no longer open."""
        health = list[Health]()
        source: EventSource

        def headers() -> dict[str, str]:
            health.append(source.health())
            return {}

        sse_server.script([event("a"), event("b")])
        source = make_source(headers=headers)
        everything(source)
        assert [each.state for each in health] == ["connecting"] * 3
        assert [each.attempts for each in health] == [0, 1, 1]
        assert {each.connected_since for each in health} == {None}

    @pytest.mark.parametrize("iterated", [False, True])
    def test_it_is_closed_as_soon_as_it_was_told_to(
        self, sse_server: SSEServer, make_source: MakeSource, iterated: bool
    ) -> None:
        """Though its reader may not have noticed."""
        sse_server.script([[event("a"), stall()]])
        source = make_source()
        if iterated:
            next(source)
        source.close()
        health = source.health()
        assert (health.state, health.alive, health.connected_since) == ("closed", False, None)

    def test_a_consumer_that_went_away_has_closed_it(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """By an exception of a function of its own, say."""

        def token() -> dict[str, str]:
            raise LookupError

        source = make_source(headers=token)
        with pytest.raises(LookupError):
            next(source)
        assert source.health().state == "closed"

    def test_every_state_is_known(self) -> None:
        """They may label a metric."""
        assert get_args(StreamState) == ("connecting", "open", "backing off", "closed", "failed")


class TestTheTimes:
    def test_they_are_seconds_since_the_epoch(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Of the connection, of the last byte, of the last event, of the next attempt."""
        sse_server.script([[event("a"), pause(), comment("x"), pause(), cut()]])
        clock = FakeClock(time=EPOCH)
        source = make_source(retry=SLOWLY, clock=clock)
        assert (source.health().last_byte, source.health().last_event) == (None, None)
        seen = dict[str, tuple[float | None, ...]]()
        for item in source.all():
            health = source.health()
            times = (health.connected_since, health.last_byte, health.last_event, health.next_attempt)
            seen.setdefault(
                type(item).__name__, tuple(None if each is None else each - EPOCH for each in times)
            )
            if isinstance(item, (Opened, Event, Comment)):
                clock.advance(10)
            if isinstance(item, (Event, Comment)):
                sse_server.release()
        assert seen == {
            "Opened": (0.0, None, None, None),
            "Event": (0.0, 10.0, 10.0, None),
            "Comment": (0.0, 20.0, 10.0, None),
            "Interrupted": (None, 20.0, 10.0, 35.0),
            "Closed": (None, 20.0, 10.0, None),
        }

    def test_the_attempts_are_those_that_failed_in_a_row(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """None, as long as a connection is open."""
        sse_server.script([status(503), status(503), [event("a"), cut()], status(503)])
        source = make_source()
        attempts = [
            (type(item).__name__, source.health().attempts)
            for item in source.all()
            if isinstance(item, (Interrupted, Opened, Closed))
        ]
        assert attempts == [
            ("Interrupted", 1),
            ("Interrupted", 2),
            ("Opened", 0),
            ("Interrupted", 1),
            ("Interrupted", 2),
            ("Closed", 0),
        ]


class TestTheRest:
    def test_it_names_the_stream_without_secrets(self, make_source: MakeSource) -> None:
        """The user's name, else the URL without user-info and query."""
        url = "http://user:secret@127.0.0.1:1/a?token=secret"
        assert make_source(url).health().stream == "http://127.0.0.1:1/a"
        assert make_source(url, name="orders").health().stream == "orders"

    def test_it_says_where_a_restart_goes_on(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """The acknowledged cursor, and whether the last save went well."""
        sse_server.script([[event("a", id="1"), event("b", id="2"), stall()]])
        store = Store("0")
        store.save_error = OSError("disk full")
        source = make_source(checkpoint=store, name="orders")
        next(source)
        assert (source.health().last_acknowledged_id, source.health().checkpoint_error) == ("0", None)
        next(source)
        health = source.health()
        assert health.last_acknowledged_id == "1"
        assert health.checkpoint_error == "Store: it raised OSError; see the cause"
        assert (health.alive, health.ready, health.last_error) == (True, True, None)

    def test_a_checkpoint_that_is_out_of_reach_is_an_error_of_the_stream(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """When it cannot be loaded the stream backs off: alive, not ready."""
        store = Store("7")
        store.load_errors = [OSError("x")]
        source = make_source(checkpoint=store, name="orders")
        assert isinstance(next(source.all()), Interrupted)
        health = source.health()
        assert (health.state, health.alive, health.ready) == ("backing off", True, False)
        assert health.last_error == "Store: it raised OSError; see the cause"

    def test_a_required_checkpoint_that_failed_is_a_failure(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """A process that is restarted for it may find the store well."""
        sse_server.script([[event("a", id="1"), event("b", id="2"), stall()]])
        store = Store()
        store.save_error = OSError("x")
        source = make_source(checkpoint=store, name="orders", checkpoint_required=True)
        assert isinstance(everything(source)[-1], Failed)
        health = source.health()
        assert (health.state, health.alive, health.last_error) == ("failed", False, health.checkpoint_error)

    def test_it_is_ready_for_json(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """At every item, with all of the attributes."""
        sse_server.script([status(503), [event("a", id="1"), cut()], status(403)])
        source = make_source()
        for _ in source.all(raise_on_failure=False):
            health = source.health()
            plain = health.as_dict()
            assert list(plain) == [field.name for field in fields(Health)]
            assert json.loads(json.dumps(plain, allow_nan=False)) == plain
            assert Health(**plain) == health  # type: ignore[arg-type]

    def test_what_it_says_belongs_together(self, sse_server: SSEServer, make_source: MakeSource) -> None:
        """Though the stream moves while it is asked: an open one says since when, and so on."""
        sse_server.script([[event("x", id="1"), cut()], status(503)] * 15)
        source = make_source()
        asked, over = list[Health](), threading.Event()

        def ask() -> None:
            while not over.is_set():
                asked.append(source.health())

        asking = threading.Thread(target=ask)
        asking.start()
        try:
            # Where an event comes, an open stream is asked for certain; the thread asks anywhere else.
            for _ in source:
                asked.append(source.health())
        finally:
            over.set()
            asking.join()
        assert "open" in {each.state for each in asked}
        for each in asked:
            assert (each.state == "open") == each.ready == (each.connected_since is not None), each
            assert (each.state == "backing off") == (each.next_attempt is not None), each
            assert each.attempts == 0 or each.state in ("backing off", "connecting"), each
