"""Many events in one chunk: the consumer is in the middle of what has been received already.

Whatever an event source has to look after, from a checkpoint to a metric, nobody can tell from outside
whether it notes each event when it is delivered or all of a chunk when they are.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from itertools import islice
from typing import Any, TypeVar

import pytest

from everstream import (
    Closed,
    ConfigurationError,
    Dedupe,
    Event,
    EventSource,
    EventTooLarge,
    Failed,
    Interrupted,
    Observation,
    Opened,
    ProviderError,
    QueryCursor,
    StreamItem,
)
from everstream.clock import Clock, SystemClock
from everstream.testing import SSEServer, event, no_content, pause, raw, stall, status
from tests.behaviour import test_closing_anywhere
from tests.behaviour.stores import Store
from tests.behaviour.test_closing_anywhere import SHELL, at_line
from tests.behaviour.test_fork import OF_THE_PARENT, run
from tests.reading import BACKING_OFF, DEADLINE, Reading, data_in, everything

MakeSource = Callable[..., EventSource]
T = TypeVar("T")


class Measures:
    """Metrics of a caller's own, which see everything and do nothing."""

    def observer(self, stream: str) -> Callable[[Observation, Clock], None]:
        """Returns what sees it."""
        return lambda item, clock: None


MODES: dict[str, dict[str, Any]] = {
    "plain": {},
    "checkpoint": {"checkpoint_interval": 0},
    "manual": {"ack": "manual"},
    "until": {"until": "[DONE]"},
    "until, a function": {"until": lambda event: False},
    "error_in": {"error_in": lambda found: None},
    "progress_in": {"progress_in": lambda event: True},
    "dedupe": {"dedupe": Dedupe()},
    "resume": {"resume": QueryCursor("after", lambda event: event.id)},
    "metrics": {"metrics": Measures()},
}
in_every_mode = pytest.mark.parametrize("mode", MODES)

CHUNK = raw(
    b": hi\n\nid: a\ndata: 1\n\nretry: 1\n\nid: b\ndata: 2\n\n"
    b": hi\n\nid: b\ndata: 3\n\n: hi\n\nid: c\ndata: 4\n\n"
)
"""Events, two of which share an id, with comments and a hint between them."""
MORE = raw(b"id: d\ndata: 5\n\nid: e\ndata: 6\n\n")


@pytest.fixture
def make(make_source: MakeSource) -> MakeSource:
    """Makes event sources by mode."""

    def make(mode: str, **options: Any) -> EventSource:
        if mode == "checkpoint":
            options.setdefault("checkpoint", Store())
        return make_source(name="orders", **{**MODES[mode], **options})

    return make


def acknowledged(source: EventSource, taken: list[Event]) -> None:
    """Acknowledges the event that the consumer has come back from, where that is not done by itself."""
    if source.acknowledgement == "manual" and taken:
        source.ack(taken[-1])


def elsewhere(function: Callable[[], T]) -> T:
    """Calls a function in another thread."""
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join(DEADLINE)
    return results[0]


def here(function: Callable[[], T]) -> T:
    """Calls a function in the thread that iterates."""
    return function()


def by_signal(function: Callable[[], T]) -> None:
    """Calls a function in a signal handler."""
    previous = signal.signal(signal.SIGUSR1, lambda *_: function())
    try:
        signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, previous)


class TestWhereTheConsumerIs:
    @in_every_mode
    @pytest.mark.parametrize("looking", [here, elsewhere])
    @pytest.mark.parametrize("way", ["events", "all"])
    def test_it_is_the_same_in_every_mode(
        self, sse_server: SSEServer, make: MakeSource, mode: str, looking: Callable[..., Any], way: str
    ) -> None:
        """An event counts as given when it is, and as delivered when the next is asked for."""
        sse_server.script([[CHUNK, MORE], no_content()])
        source, taken, seen = make(mode), list[Event](), list[tuple[str, str, str, int]]()

        def look() -> tuple[str, str, str, int]:
            health = source.health()
            assert health.last_event == source.stats.last_event_time
            last_acknowledged = source.last_acknowledged_id, health.last_acknowledged_id
            return source.last_event_id, *last_acknowledged, source.stats.events

        for item in source if way == "events" else source.all():
            if not isinstance(item, Event):
                continue
            acknowledged(source, taken)
            taken.append(item)
            seen.append(looking(look))
        assert seen == [
            ("", "", "", 1),
            ("a", "a", "a", 2),
            ("b", "a", "a", 3),
            ("b", "b", "b", 4),
            ("c", "c", "c", 5),
            ("d", "d", "d", 6),
        ]
        acknowledged(source, taken)
        assert looking(look) == ("e", "e", "e", 6)

    @pytest.mark.parametrize("mode", [mode for mode in MODES if mode not in ("resume", "manual")])
    def test_positions_count_as_well(self, sse_server: SSEServer, make: MakeSource, mode: str) -> None:
        """One that an event inherits holds a restart back until that event is delivered."""
        sse_server.script([[raw(b"data: 1\n\nid: a\n\nid: b\n\ndata: 2\n\nid: c\n\n"), stall()]])
        source = make(mode)
        assert [
            (type(item).__name__, source.last_event_id, source.last_acknowledged_id)
            for item in islice(source.all(), 6)
        ] == [
            ("Opened", "", ""),
            ("Event", "", ""),
            ("Position", "", ""),
            ("Position", "a", "a"),
            ("Event", "b", "a"),
            ("Position", "b", "b"),
        ]

    @in_every_mode
    def test_items_come_in_the_order_of_the_wire(
        self, sse_server: SSEServer, make: MakeSource, mode: str
    ) -> None:
        """Comments and hints between the events, each once."""
        sse_server.script([[CHUNK], no_content()])
        kinds = [type(item).__name__ for item in everything(make(mode))]
        wire = ["Comment", "Event", "RetryHint", "Event", "Comment", "Event", "Comment", "Event"]
        assert kinds == ["Opened", *wire, "Interrupted", "Closed"]

    @in_every_mode
    def test_good_events_before_one_that_is_too_large(
        self, sse_server: SSEServer, make: MakeSource, mode: str
    ) -> None:
        """They are given and delivered, and the stream fails after them."""
        sse_server.script([raw(b"id: a\ndata: 1\n\nid: b\ndata: 2\n\nid: c\ndata: " + b"x" * 100)])
        source, taken = make(mode, max_event_bytes=90), list[Event]()
        with pytest.raises(EventTooLarge) as caught:
            for each in source:
                acknowledged(source, taken)
                taken.append(each)
        acknowledged(source, taken)
        assert data_in(taken) == ["1", "2"]
        assert (source.last_event_id, source.last_acknowledged_id, source.stats.events) == ("b", "b", 2)
        with pytest.raises(EventTooLarge) as again:
            next(source)
        assert again.value is caught.value

    def test_a_required_checkpoint_that_fails_cuts_it(self, sse_server: SSEServer, make: MakeSource) -> None:
        """No event is given after it, though it is here; and it counts as neither given nor delivered."""
        sse_server.script([[CHUNK, stall()]])
        store = Store()
        source = make("checkpoint", checkpoint=store, checkpoint_required=True)
        items: list[StreamItem] = []
        for item in source.all(raise_on_failure=False):
            items.append(item)
            if isinstance(item, Event) and item.data == "2":
                store.save_error = OSError("the disk is full")
        assert data_in(items) == ["1", "2", "3"]
        assert isinstance(items[-1], Failed)
        assert (store.load("orders"), source.stats.events, source.last_event_id) == ("a", 3, "b")


class TestLeavingAndEnteringAgain:
    @in_every_mode
    def test_every_way_of_taking_items_goes_on_where_another_stopped(
        self, sse_server: SSEServer, make: MakeSource, mode: str
    ) -> None:
        """In the middle of a chunk and across two."""
        sse_server.script([[CHUNK, MORE, CHUNK], no_content()])
        source = make(mode)
        taken = [next(source).data]
        taken += [str(value) for value in islice(source.json(), 2)]
        taken += data_in(islice(source.all(), 2))
        for each in source:
            taken.append(each.data)
            break
        taken += [str(value) for value in islice(source.json(), 1)]
        taken += [next(source).data, *(each.data for each in source)]
        assert taken == ["1", "2", "3", "4", "5", "6", "1", "2", "3", "4"]
        assert (source.stats.events, source.last_event_id) == (10, "c")

    @in_every_mode
    def test_loops_may_take_turns(self, sse_server: SSEServer, make: MakeSource, mode: str) -> None:
        """Such as a loop that takes one more event in its body: none is lost, wherever a chunk ends."""
        sse_server.script([[CHUNK, MORE, event("7", id="f"), CHUNK, MORE], no_content()])
        source, taken = make(mode), list[str]()
        for each in source:
            taken += [each.data, source.last_event_id]
            for other in islice(source, 2):
                taken += [other.data, source.last_event_id]
        ids = ["a", "b", "b", "c", "d", "e"]
        assert taken[::2] == [*"1234567123456"]
        assert taken[1::2] == ["", *ids, "f", *ids[:-1]]
        assert source.last_event_id == "e"

    def test_a_loop_that_has_waited_takes_part_in_the_chunk_of_another(
        self, sse_server: SSEServer, make: MakeSource
    ) -> None:
        """It does not ask for the next one before all of this is taken."""
        three = raw(b"data: 2\n\ndata: 3\n\ndata: 4\n\n")
        sse_server.script([[event("1"), pause(), three, pause(), event("5")]])
        source = make("plain")
        first, second = iter(source), source.all()
        taken = [next(first).data]
        sse_server.release()
        taken += [*data_in(islice(second, 1)), next(first).data, next(source).data]
        sse_server.release()
        assert [*taken, *(each.data for each in first)] == ["1", "2", "3", "4", "5"]

    @in_every_mode
    def test_a_reconnect_asks_for_nothing_that_was_taken_in_turns(
        self, sse_server: SSEServer, make: MakeSource, mode: str
    ) -> None:
        """The cursor is that of the last event, whoever took it."""
        sse_server.script([[CHUNK], no_content()])
        source = make(mode)
        for _ in source:
            next(source)
        request = sse_server.requests[1]
        assert (request.last_event_id or request.query["after"]) == "c"

    def test_threads_may_take_turns_in_the_middle(self, sse_server: SSEServer, make: MakeSource) -> None:
        """The second goes on where the first is."""
        sse_server.script([[CHUNK, stall()]])
        source = make("plain")
        assert [next(source).data, elsewhere(lambda: next(source).data), next(source).data] == ["1", "2", "3"]
        assert source.last_event_id == "b"

    def test_a_second_thread_is_refused_while_the_first_waits_for_room(
        self, sse_server: SSEServer, make: MakeSource
    ) -> None:
        """Between two events of a chunk; the first is left alone."""
        sse_server.script([[CHUNK, stall()]])
        source = make("manual", max_unacknowledged=1)
        reading = Reading(source)
        reading.wait_for(1)
        reading.wait_until_in(BACKING_OFF)
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="another thread"):
                next(source)
        source.ack(Event("message", "1", "a"))
        reading.wait_for(2)
        source.close()
        assert reading.join()[-1] == Closed("close")

    def test_leaving_with_ends_a_reader_that_waits_for_room(
        self, sse_server: SSEServer, make: MakeSource
    ) -> None:
        """It is told why, as everywhere."""
        sse_server.script([[CHUNK, stall()]])
        with make("manual", max_unacknowledged=1) as source:
            reading = Reading(source)
            reading.wait_for(1)
            reading.wait_until_in(BACKING_OFF)
        assert reading.join()[-1] == Closed("close")


class TestInTheMiddle:
    @in_every_mode
    @pytest.mark.parametrize("by", [here, elsewhere, by_signal])
    def test_close_ends_it(
        self, sse_server: SSEServer, make: MakeSource, mode: str, by: Callable[[Callable[[], Any]], Any]
    ) -> None:
        """Nothing more is given; the event in hand counts as delivered when the loop comes back."""
        sse_server.script([[CHUNK, stall()]])
        source, items = make(mode), list[StreamItem]()
        for item in source.all():
            items.append(item)
            if isinstance(item, Event) and item.data == "2":
                by(source.close)
                assert (source.last_event_id, source.stats.events) == ("a", 2)
        assert data_in(items) == ["1", "2"]
        assert items[-1] == Closed("close")
        assert list(source) == []
        assert (source.last_event_id, source.stats.events) == ("b", 2)
        # A restart gets both events with that id.
        assert source.last_acknowledged_id == ("" if mode == "manual" else "a")
        sse_server.wait_until_client_gone(0)

    @in_every_mode
    @pytest.mark.parametrize("by", [here, elsewhere, by_signal])
    def test_a_reconnect_comes_after_what_is_here_already(
        self, sse_server: SSEServer, make: MakeSource, mode: str, by: Callable[[Callable[[], Any]], Any]
    ) -> None:
        """All of it is given, and the next request goes on after it: nothing is lost, and nothing twice."""
        sse_server.script([[CHUNK, stall()], [MORE], no_content()])
        source, taken = make(mode), list[str]()
        for each in source:
            taken.append(each.data)
            if each.data == "2":
                by(source.reconnect)
        assert taken == ["1", "2", "3", "4", "5", "6"]
        request = sse_server.requests[1]
        assert (request.last_event_id or request.query["after"]) == "c"
        assert source.stats.interruptions == 1

    def test_a_fork_takes_nothing_of_it(self, sse_server: SSEServer) -> None:
        """Neither by the loop under way nor by another, and it saves nothing; the parent loses nothing."""
        sse_server.script([[CHUNK, MORE], no_content()] * 2)
        told = run(
            sse_server,
            """
results = []
for source in (EventSource(sys.argv[1]), make()):
    with source:
        loop = iter(source)
        taken = [next(loop).data]
        def work():
            attempt("the loop", next, loop)
            attempt("another loop", next, source)
            attempt("and again", next, source)
        child = in_child(work)
        taken += [event.data for event in loop]
    results.append([child, taken, source.last_event_id, source.stats.events])
print(json.dumps(results))
""",
        )
        refused = f"iterating: {OF_THE_PARENT}"
        child = {"the loop": refused, "another loop": refused, "and again": refused}
        assert told == [[child, list("123456"), "e", 6]] * 2


def failing(name: str, failure: BaseException) -> dict[str, Any]:
    """Returns the option of an event source whose function fails at the second event."""

    def fails(seen: object, *_: object) -> Any:
        if isinstance(seen, Event) and seen.data == "2":
            raise failure
        return None

    class Fails:
        def observer(self, stream: str) -> Callable[..., Any]:
            return fails

    functions = {
        "until": fails,
        "error_in": fails,
        "progress_in": fails,
        "dedupe": Dedupe(key=fails),
        "resume": QueryCursor("after", lambda event: fails(event) or event.id),
        "metrics": Fails(),
    }
    return {name: functions[name]}


class FailingClock(SystemClock):
    """A clock that fails when it is asked for the time of an event.

    Attributes:
        failure: What is raised, once it is set.
    """

    failure: BaseException | None = None

    def time(self) -> float:  # type: ignore[override]
        """Returns the time, or raises."""
        if self.failure is not None:
            raise self.failure
        return super().time()


def interrupt() -> None:
    """Does what Ctrl-C does."""
    raise KeyboardInterrupt


class TestAnExceptionInTheMiddle:
    @pytest.mark.parametrize("kind", [KeyboardInterrupt, LookupError])
    @pytest.mark.parametrize("name", ["until", "error_in", "progress_in", "dedupe", "resume", "metrics"])
    def test_of_a_callers_function_ends_the_stream(
        self, sse_server: SSEServer, make: MakeSource, name: str, kind: type[BaseException]
    ) -> None:
        """It passes, now and each time from then on; what was not given counts as nothing."""
        sse_server.script([[CHUNK, stall()]], then=event("never"))
        failure, taken = kind("mine"), list[str]()
        source = make("plain", **failing(name, failure))
        waiting = source.all()
        assert isinstance(next(waiting), Opened)
        with pytest.raises(kind, match="mine"):
            taken.extend(each.data for each in source)
        # A cursor is taken from an event that was given.
        assert taken == (["1", "2"] if name == "resume" else ["1"])
        for loop in (iter(source), source.all(), source.json(), waiting):
            with pytest.raises(kind) as caught:
                next(loop)
            assert caught.value is failure
        sse_server.wait_until_client_gone(0)
        assert (source.last_event_id, source.last_acknowledged_id) == ("a", "a")
        assert (source.stats.events, source.health().state) == (len(taken), "closed")
        assert len(sse_server.requests) == 1

    @in_every_mode
    @pytest.mark.parametrize("kind", [KeyboardInterrupt, LookupError])
    def test_while_an_event_is_on_its_way_to_the_consumer(
        self, sse_server: SSEServer, make: MakeSource, mode: str, kind: type[BaseException]
    ) -> None:
        """It was taken for somebody who did not get it: the stream does not go on behind it."""
        sse_server.script([[CHUNK, stall()]], then=event("never"))
        clock = FailingClock()
        source = make(mode, clock=clock)
        waiting = source.all()
        next(waiting)
        assert next(source).data == "1"
        clock.failure = kind("mine")
        for loop in (iter(source), iter(source), source.all(), waiting):
            with pytest.raises(kind, match="mine"):
                next(loop)
        sse_server.wait_until_client_gone(0)
        assert source.last_event_id == "a"
        assert source.last_acknowledged_id == ("" if mode == "manual" else "a")
        assert source.health().state == "closed"

    @pytest.mark.parametrize("mode", ["plain", "checkpoint"])
    def test_an_interrupt_at_any_line_loses_nothing(
        self, sse_server: SSEServer, make: MakeSource, mode: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As Ctrl-C can come at any: the stream goes on behind what was given, or ends with it."""
        # Not in the closing of a connection, which would leave it open.
        monkeypatch.setattr(test_closing_anywhere, "SHELL", (f"{SHELL[0]}items.py", f"{SHELL[0]}batch.py"))
        number, where, ended = 0, ["to begin with"], 0
        while where:
            number += 1
            sse_server.script([[CHUNK, MORE], no_content()])
            source, given = make(mode), list[Event]()
            try:
                with at_line(number, interrupt) as where:
                    given.extend(source)
            except KeyboardInterrupt:
                assert source.last_event_id in ["", *(each.id for each in given[-2:])], where
                try:
                    given.extend(source)
                except KeyboardInterrupt:
                    ended += 1
            assert data_in(given) == [*"123456"[: len(given)]], where
            assert source.stats.events in (len(given), len(given) + 1), where
            assert source.last_acknowledged_id in ["", *(each.id for each in given[-3:])], where
        assert ended > 20


class TestAnErrorInTheMiddle:
    @pytest.mark.parametrize("name", ["error_in", "until", "progress_in", "dedupe"])
    @pytest.mark.parametrize("mode", ["plain", "metrics", "manual"])
    def test_the_stream_goes_on_after_what_was_delivered(
        self, sse_server: SSEServer, make: MakeSource, name: str, mode: str
    ) -> None:
        """What follows is told with the cursor, and with the attempt, that the events before it have left."""
        busy = ProviderError(message="busy", retryable=True)

        def fails_once(seen: object) -> Any:
            if isinstance(seen, Event) and seen.data == "3":
                raise busy
            # Truth is enough.
            return "progress" if name == "progress_in" else None

        functions = {name: Dedupe(key=fails_once) if name == "dedupe" else fails_once}
        sse_server.script([status(503), status(503), [CHUNK, stall()], [MORE], no_content()])
        items = everything(make(mode, **functions))
        interruptions = [item for item in items if isinstance(item, Interrupted)]
        assert data_in(items) == ["1", "2", "5", "6"]
        assert [item.last_event_id for item in interruptions] == ["", "", "b", "e"]
        # A connection that has brought an error has ended no outage.
        assert [item.attempt for item in interruptions] == [2, 3, 4 if name == "error_in" else 2, 2]
        assert interruptions[2].error is busy
        assert sse_server.requests[3].last_event_id == "b"
