"""The checkpoint of a stream: what is saved, when, and what follows if it cannot be."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from tenacity import wait_none

from everstream import (
    CheckpointError,
    Closed,
    ConfigurationError,
    Event,
    EventSource,
    Failed,
    Interrupted,
    QueryCursor,
    RetryPolicy,
    Timeouts,
)
from everstream.testing import SSEServer, endless, event, no_content, raw, stall
from tests.behaviour.stores import BROKEN, LOCKED, Store
from tests.fakes import FakeClock
from tests.reading import RECEIVING, Reading, data_in, errors_in, everything, wait_until

MakeSource = Callable[..., EventSource]
THREE = [event(data, id=data) for data in "123"]


@pytest.fixture
def make_saving(make_source: MakeSource) -> MakeSource:
    """Makes event sources with a name, on a clock that stands still."""

    def make(store: Store, **options: Any) -> EventSource:
        return make_source(**{"checkpoint": store, "name": "orders", "clock": FakeClock(), **options})

    return make


class TestWhatIsSaved:
    def test_an_event_is_saved_when_the_next_one_is_asked_for(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """Not before: a consumer that dies at work gets it again."""
        sse_server.script([[*THREE, stall()]])
        store = Store()
        source = make_saving(store, checkpoint_interval=0)
        seen = [(each.data, list(store.saves)) for each in islice(source, 3)]
        assert seen == [("1", []), ("2", ["1"]), ("3", ["1", "2"])]
        assert source.last_acknowledged_id == source.last_event_id == "2"
        source.close()
        assert store.saves == ["1", "2"]

    def test_a_consumer_that_raises_has_not_finished_its_event(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """The last checkpoint is that of the event before, and it is saved."""
        sse_server.script([[*THREE, stall()]])
        store = Store()
        with pytest.raises(ZeroDivisionError), make_saving(store) as source:
            for each in source:
                if each.data == "3":
                    raise ZeroDivisionError
        assert store.load("orders") == "2"

    def test_what_moves_the_cursor_without_an_event_is_saved_as_well(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """A server that sends ids alone keeps a quiet stream's place young."""
        sse_server.script([[event("1", id="1"), raw(b"id: 5\n\n"), raw(b": x\n\n")]])
        store = Store()
        everything(make_saving(store, checkpoint_interval=0))
        assert store.saves == ["1", "5"]

    def test_an_event_without_an_id_of_its_own_moves_nothing(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """What is saved already is not saved again."""
        sse_server.script([[event("1", id="a"), event("2"), event("3")]])
        store = Store()
        everything(make_saving(store, checkpoint_interval=0))
        assert store.saves == ["a"]

    def test_the_cursor_to_begin_with_is_not_saved(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """Nothing was delivered."""
        sse_server.script([[raw(b": x\n\n")]])
        store = Store()
        everything(make_saving(store, last_event_id="7"))
        assert store.saves == []

    @pytest.mark.parametrize("load_errors", [[], [LOCKED]])
    def test_a_source_that_never_knew_the_checkpoint_does_not_overwrite_it(
        self, sse_server: SSEServer, make_saving: MakeSource, load_errors: list[Exception]
    ) -> None:
        """Closed before it was iterated, or before the store could be read: it may be further on."""
        store = Store("9")
        store.load_errors = load_errors
        source = make_saving(store, last_event_id="5")
        for _ in load_errors:
            assert isinstance(next(source.all()), Interrupted)
        source.close()
        assert store.saves == []
        assert everything(source) == [Closed("close")]
        assert store.saves == []


class TestWhen:
    def test_at_most_once_in_an_interval(self, sse_server: SSEServer, make_saving: MakeSource) -> None:
        """The first at once; then what is the latest when the time has come."""
        sse_server.script([[*(event(str(n), id=str(n)) for n in range(1, 9)), stall()]])
        store, clock = Store(), FakeClock()
        source = make_saving(store, clock=clock, checkpoint_interval=10)
        for each in source:
            clock.advance(4)
            if each.data == "8":
                break
        assert store.saves == ["1", "4", "7"]

    def test_the_interval_is_a_second_by_default(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """A store is not asked a thousand times for a thousand events."""
        sse_server.script([[*(event(str(n), id=str(n)) for n in range(1, 1001)), stall()]])
        store, clock = Store(), FakeClock()
        source = make_saving(store, clock=clock)
        for _ in islice(source, 1000):
            clock.advance(0.01)
        assert 9 <= len(store.saves) <= 11

    @pytest.mark.parametrize("way", ["close", "with", "exception", "drop", "break and close the loop"])
    def test_once_more_at_the_end(self, sse_server: SSEServer, way: str) -> None:
        """However the consumer goes; without a wait for the interval, and without a garbage collection."""
        sse_server.script([[*THREE, stall()]])
        store = Store()
        source = EventSource(
            sse_server.url, checkpoint=store, name="orders", checkpoint_interval=3600, clock=FakeClock()
        )
        assert [each.data for each in islice(source, 3)] == ["1", "2", "3"]
        assert store.saves == ["1"]
        gc.disable()
        try:
            if way == "close":
                source.close()
            elif way == "with":
                with source:
                    pass
            elif way == "exception":
                with pytest.raises(KeyboardInterrupt), source:
                    raise KeyboardInterrupt
            elif way == "drop":
                del source
            else:
                items = source.all()
                items.close()  # type: ignore[attr-defined]
                source.close()
        finally:
            gc.enable()
        assert store.saves == ["1", "2"]

    def test_at_the_end_of_the_stream(self, sse_server: SSEServer, make_saving: MakeSource) -> None:
        """Before the last item is given."""
        sse_server.script([[*THREE]])
        store = Store()
        for item in make_saving(store, checkpoint_interval=3600).all():
            if isinstance(item, Closed):
                assert store.saves == ["1", "3"]
        assert store.saves == ["1", "3"]

    def test_by_close_in_another_thread_and_then_by_the_consumer(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """What is in hand when it is closed is saved when the consumer comes back."""
        sse_server.script([[*THREE, stall()]])
        store = Store()
        source = make_saving(store, checkpoint_interval=3600)
        for each in source:
            if each.data == "3":
                closing = threading.Thread(target=source.close)
                closing.start()
                closing.join()
                assert store.saves == ["1", "2"]
        assert store.saves == ["1", "2", "3"]

    def test_the_end_of_the_program_is_enough(self, sse_server: SSEServer) -> None:
        """A source in a function that returns, without `with`."""
        sse_server.script([[*THREE, stall()]])
        program = (
            "import sys\n"
            "from everstream import EventSource\n"
            "class Store:\n"
            "    def load(self, key): return None\n"
            "    def save(self, key, last_event_id): print(key, last_event_id)\n"
            "def main():\n"
            "    source = EventSource(sys.argv[1], checkpoint=Store(), name='a', checkpoint_interval=3600)\n"
            "    for event in source:\n"
            "        if event.data == '3': return\n"
            "main()\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, sse_server.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("a 1\na 2\n", "")


class TestLoading:
    def test_it_is_loaded_when_the_stream_begins(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """Not when the source is made, and not again at a reconnect."""
        sse_server.script([event("1"), event("2")])
        store = Store("7")
        source = make_saving(store)
        assert (store.calls, source.last_event_id) == ([], "")
        assert next(source).data == "1"
        assert source.last_event_id == source.last_acknowledged_id == "7"
        everything(source)
        assert store.calls == ["load"]
        assert [request.last_event_id for request in sse_server.requests] == ["7"] * 3

    def test_it_wins_over_the_cursor_to_begin_with(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """That is for a stream that has no checkpoint yet."""
        for saved, cursor in (("7", "7"), (None, "3"), ("", None)):
            sse_server.script([])
            everything(make_saving(Store(saved), last_event_id="3"))
            assert sse_server.requests[-1].last_event_id == cursor

    def test_one_that_cannot_be_read_just_now_is_an_interruption(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """It is tried again as any attempt, and nothing is asked of the server before."""
        sse_server.script([event("8", id="8")])
        store = Store("7")
        store.load_errors = [LOCKED, OSError("gone")]
        source = make_saving(store)
        items = everything(source)
        assert isinstance(items[0], Interrupted)
        assert [type(item).__name__ for item in items[:3]] == ["Interrupted", "Interrupted", "Opened"]
        assert data_in(items) == ["8"]
        assert [request.last_event_id for request in sse_server.requests] == ["7", "8"]
        locked, gone = errors_in(items)[:2]
        assert locked is LOCKED
        assert isinstance(gone, CheckpointError)
        assert isinstance(gone.__cause__, OSError)
        assert str(gone) == "Store: it raised OSError; see the cause"

    @pytest.mark.parametrize("error", [BROKEN, ValueError("secret"), KeyError("x")])
    def test_one_that_cannot_be_read_at_all_is_the_end(
        self, sse_server: SSEServer, make_saving: MakeSource, error: Exception
    ) -> None:
        """To begin anywhere else would lose events, or give all of them again."""
        store = Store("7")
        store.load_errors = [error] * 3
        source = make_saving(store)
        [failed] = everything(source)
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, CheckpointError)
        assert "secret" not in str(failed.error)
        assert failed.error is error or failed.error.__cause__ is error
        assert sse_server.requests == []
        assert source.health().state == "failed"

    def test_what_is_no_text_is_the_end(self, make_source: MakeSource) -> None:
        """Such as the bytes of a client that decodes nothing."""

        class Bytes:
            def load(self, key: str) -> str | None:
                return b"7"  # type: ignore[return-value]

            def save(self, key: str, last_event_id: str) -> None:
                raise AssertionError("saved")

        with pytest.raises(CheckpointError, match=r"Bytes: load\(\) gave a bytes"):
            list(make_source(checkpoint=Bytes()))

    def test_a_stores_own_cause_stays(self, make_saving: MakeSource) -> None:
        """Whoever debugs it wants to see what the database said."""
        error = CheckpointError(store="the store", reason="it is broken")
        error.__cause__ = cause = RuntimeError("page 7")
        store = Store()
        store.load_errors = [error]
        with pytest.raises(CheckpointError) as caught:
            list(make_saving(store))
        assert caught.value is error
        assert caught.value.__cause__ is cause


class TestTheKey:
    @pytest.mark.parametrize(
        ("options", "key"),
        [
            ({}, "http://127.0.0.1:1/a%20b"),
            ({"name": "orders"}, "orders"),
            ({"checkpoint_key": "k"}, "k"),
            ({"checkpoint_key": "k", "name": "orders"}, "k"),
            ({"name": "orders", "params": {"a": "b"}}, "orders"),
            ({"checkpoint_key": "k", "json": {}}, "k"),
        ],
    )
    def test_it_is_what_was_asked_for_or_the_name_or_the_url(
        self, make_source: MakeSource, options: dict[str, Any], key: str
    ) -> None:
        """Of the URL never the user or the password."""

        class Keys:
            def load(self, key: str) -> str | None:
                keys.append(key)
                raise BROKEN

            def save(self, key: str, last_event_id: str) -> None:
                raise AssertionError("saved")

        keys = list[str]()
        everything(make_source("http://user:secret@127.0.0.1:1/a%20b#x", checkpoint=Keys(), **options))
        assert keys == [key]

    @pytest.mark.parametrize(
        ("url", "options"),
        [
            ("http://127.0.0.1:1/?a=b", {}),
            ("http://127.0.0.1:1/", {"params": {"a": "b"}}),
            ("http://127.0.0.1:1/", {"params": dict}),
            ("http://127.0.0.1:1/", {"json": {"a": "b"}, "method": "POST"}),
            ("http://127.0.0.1:1/", {"data": b"x", "method": "POST"}),
        ],
    )
    def test_a_request_that_is_more_than_its_path_needs_a_name(
        self, url: str, options: dict[str, Any]
    ) -> None:
        """Two streams of one path would share a place; and a query may hold a secret."""
        with pytest.raises(ConfigurationError, match="needs name= or checkpoint_key="):
            EventSource(url, checkpoint=Store(), **options)
        EventSource(url, **options)

    @pytest.mark.parametrize("options", [{"name": ""}, {"checkpoint_key": ""}])
    def test_an_empty_one_is_refused(self, options: dict[str, Any]) -> None:
        """It is always a mistake, such as a variable that is not set."""
        with pytest.raises(ConfigurationError, match="cannot be empty"):
            EventSource("http://127.0.0.1:1/", checkpoint=Store(), **options)

    @pytest.mark.parametrize("store", ["/tmp/a.db", object(), dict])
    def test_what_is_no_store_is_refused(self, store: Any) -> None:
        """When it is passed."""
        with pytest.raises(ConfigurationError, match="checkpoint="):
            EventSource("http://127.0.0.1:1/", checkpoint=store)

    @pytest.mark.parametrize("interval", [-1, None, "1", float("inf")])
    def test_an_interval_that_is_no_time_is_refused(self, interval: Any) -> None:
        """0 is one."""
        EventSource("http://127.0.0.1:1/", checkpoint=Store(), checkpoint_interval=0)
        with pytest.raises(ConfigurationError, match="checkpoint_interval="):
            EventSource("http://127.0.0.1:1/", checkpoint=Store(), checkpoint_interval=interval)


class TestAFailingStore:
    @pytest.mark.parametrize("error", [OSError("disk full"), LOCKED, BROKEN, RuntimeError("x")])
    def test_the_stream_goes_on(
        self,
        sse_server: SSEServer,
        make_saving: MakeSource,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
    ) -> None:
        """It is logged and counted, whatever the store raises; a second one tells that it is over."""
        sse_server.script([[*THREE, stall()]])
        store, clock = Store(), FakeClock()
        store.save_error = error
        source = make_saving(store, clock=clock)
        next(source)
        next(source)
        assert (source.stats.checkpoint_failures, source.stats.checkpoint_saves) == (1, 0)
        told = source.health().checkpoint_error
        assert told is not None
        assert told.startswith(("the store: ", "Store: it raised"))
        assert source.health().alive
        [record] = [each for each in caplog.records if each.levelname == "ERROR"]
        assert record.getMessage().startswith("checkpoint.failed stream='orders'")
        store.save_error = None
        clock.advance(1)
        next(source)
        assert (source.stats.checkpoint_failures, source.stats.checkpoint_saves) == (1, 1)
        assert source.health().checkpoint_error is None
        assert store.load("orders") == "2"

    @pytest.mark.parametrize(("interval", "asked"), [(0, 10), (1, 10), (3, 4)])
    def test_it_is_not_asked_at_every_event(
        self, sse_server: SSEServer, make_saving: MakeSource, interval: float, asked: int
    ) -> None:
        """At most once a second, and no more often than a good one."""
        sse_server.script([[*(event(str(n), id=str(n)) for n in range(1, 101)), stall()]])
        store, clock = Store(), FakeClock()
        store.save_error = OSError("x")
        source = make_saving(store, clock=clock, checkpoint_interval=interval)
        for _ in islice(source, 100):
            clock.advance(0.1)
        assert abs(len(store.saves) - asked) <= 1

    def test_at_the_end_it_is_asked_once(self, sse_server: SSEServer, make_saving: MakeSource) -> None:
        """Though it was asked a moment ago; and not for each of the ways out that a program takes at once."""
        sse_server.script([[*THREE, stall()]])
        store = Store()
        store.save_error = OSError("x")
        with make_saving(store) as source:
            for each in source:
                if each.data == "2":
                    break
            assert store.saves == ["1"]
            source.close()
            source.close()
        assert store.saves == ["1", "1"]
        assert source.stats.checkpoint_failures == 2

    def test_one_that_has_recovered_by_the_end_has_it_all(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """The pause after a failure does not cost the last save."""
        sse_server.script([[*THREE]])
        store = Store()
        store.save_error = OSError("x")
        for each in make_saving(store):
            if each.data == "3":
                store.save_error = None
        assert store.load("orders") == "3"

    def test_what_ends_a_program_goes_through(self, sse_server: SSEServer, make_saving: MakeSource) -> None:
        """Ctrl-C in a store is Ctrl-C; and the store is asked again after it."""
        sse_server.script([[*THREE, stall()]])
        store = Store()

        def interrupt() -> None:
            store.on_save = lambda: None
            raise KeyboardInterrupt

        store.on_save = interrupt
        source = make_saving(store)
        next(source)
        with pytest.raises(KeyboardInterrupt):
            next(source)
        assert store.saves == ["1", "1"]
        assert source.health().state == "closed"


class TestARequiredCheckpoint:
    def test_the_stream_fails_with_it(self, sse_server: SSEServer, make_saving: MakeSource) -> None:
        """At once, though the server is silent: the reader does not wait for the next byte."""
        sse_server.script([[event("1", id="1"), stall()]])
        store = Store()
        store.save_error = LOCKED
        source = make_saving(store, checkpoint_required=True, timeouts=Timeouts(read=None))
        reading = Reading(source)
        assert reading.join()[-1] == Failed(LOCKED)
        assert (source.health().state, source.health().alive) == ("failed", False)
        with pytest.raises(CheckpointError):
            next(source)

    def test_no_event_is_given_after_it(self, sse_server: SSEServer, make_saving: MakeSource) -> None:
        """Also of those that are here already."""
        sse_server.script([[raw(b"id: 1\ndata: 1\n\nid: 2\ndata: 2\n\nid: 3\ndata: 3\n\n"), stall()]])
        store, clock = Store(), FakeClock()
        got = list[str]()
        source = make_saving(store, checkpoint_required=True, checkpoint_interval=0, clock=clock)
        with pytest.raises(CheckpointError):
            for each in source:
                got.append(each.data)
                if each.data == "2":
                    store.save_error = BROKEN
        assert got == ["1", "2"]

    def test_the_last_save_is_required_too(self, sse_server: SSEServer, make_saving: MakeSource) -> None:
        """A stream that ended well, and whose end was not saved, has failed."""
        sse_server.script([[*THREE], no_content()])
        store = Store()
        source = make_saving(store, checkpoint_required=True, checkpoint_interval=3600)
        items = list[Any]()
        for item in source.all(raise_on_failure=False):
            items.append(item)
            if isinstance(item, Event) and item.data == "3":
                store.save_error = BROKEN
        assert items[-1] == Failed(BROKEN)
        assert store.load("orders") == "1"

    def test_closed_and_not_saved_it_has_failed(self, sse_server: SSEServer, make_saving: MakeSource) -> None:
        """The loop that is closed from within raises, in place of ending normally."""
        sse_server.script([[*THREE, stall()]])
        store = Store()
        source = make_saving(store, checkpoint_required=True, checkpoint_interval=3600)
        with pytest.raises(CheckpointError):
            for each in source:
                if each.data == "3":
                    store.save_error = BROKEN
                    source.close()

    def test_an_acknowledgement_that_is_not_saved_ends_a_reader_that_waits(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """From another thread, while no byte comes."""
        sse_server.script([[event("1", id="1"), stall()]])
        store = Store()
        store.save_error = BROKEN
        source = make_saving(store, checkpoint_required=True, ack="manual", timeouts=Timeouts(read=None))
        reading = Reading(source)
        reading.wait_for(1)
        reading.wait_until_in(RECEIVING)
        source.ack(next(item for item in reading.items if isinstance(item, Event)))
        assert reading.join()[-1] == Failed(BROKEN)

    def test_an_acknowledgement_that_is_not_saved_ends_a_reader_that_waits_for_room(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """Also one that makes no room, such as the second event's."""
        sse_server.script([[*(event(data, id=data) for data in "1234"), stall()]])
        store = Store()
        source = make_saving(
            store, checkpoint_required=True, ack="manual", max_unacknowledged=2, clock=None,
            checkpoint_interval=0,
        )  # fmt: skip
        reading = Reading(source)
        reading.wait_for(2)
        one, two = (item for item in reading.items if isinstance(item, Event))
        store.save_error = BROKEN
        source.ack(one)
        assert reading.join()[-1] == Failed(BROKEN)
        source.ack(two)


class TestSeveralAtOnce:
    def test_threads_may_acknowledge_and_close_at_once(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """The saved cursor never goes back, and the last one is saved."""
        sse_server.script([[*(event(str(n), id=str(n)) for n in range(1, 301)), stall()]])
        store = Store()
        source = make_saving(store, ack="manual", checkpoint_interval=0, clock=None)
        reading = Reading(source)
        reading.wait_for(300)
        events = [item for item in reading.items if isinstance(item, Event)]

        def work(number: int) -> None:
            barrier.wait(10)
            for each in events[number::6]:
                source.ack(each)

        def close() -> None:
            barrier.wait(10)
            source.close()

        barrier = threading.Barrier(8)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        threads += [threading.Thread(target=close) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        reading.join()
        assert list(map(int, store.saves)) == sorted(map(int, store.saves))
        assert store.load("orders") == source.last_acknowledged_id == "300"

    def test_closing_does_not_wait_for_a_save_under_way(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """Whoever saves looks again when it is done: nothing is lost."""
        sse_server.script([[*THREE, stall()]])
        store, saving, go_on = Store(), threading.Event(), threading.Event()
        source = make_saving(store, ack="manual", checkpoint_interval=3600, clock=None)
        one, two, three = islice(source, 3)

        def on_save() -> None:
            saving.set()
            assert go_on.wait(10)

        store.on_save = on_save
        acking = threading.Thread(target=source.ack, args=(one,))
        acking.start()
        assert saving.wait(10)
        source.ack(two)
        source.close()
        source.ack(three)
        assert store.saves == ["1"]
        go_on.set()
        acking.join(10)
        assert store.saves == ["1", "3"]

    def test_a_signal_handler_may_close_in_the_midst_of_a_save(
        self, sse_server: SSEServer, make_saving: MakeSource
    ) -> None:
        """It neither waits for the save that it interrupts, nor does what it would have saved get lost."""
        sse_server.script([[*THREE, stall()]])
        store = Store()
        source = make_saving(store)
        previous = signal.signal(signal.SIGUSR1, lambda *_: source.close())
        store.on_save = lambda: signal.raise_signal(signal.SIGUSR1)
        try:
            assert [each.data for each in source] == ["1"]
        finally:
            signal.signal(signal.SIGUSR1, previous)
        assert store.saves == ["1"]
        assert source.health().state == "closed"

    def test_a_log_handler_may_close_when_it_hears_of_a_save(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """What is told in the midst of a save is told without a lock that anybody waits for."""

        class Closing:
            def debug(self, event: str, **_: object) -> None:
                if event == "checkpoint.saved":
                    sources[0].close()

            info = warning = error = debug

        sse_server.script([[*THREE, stall()]])
        store = Store()
        sources = [make_source(checkpoint=store, name="orders", logger=Closing())]
        assert [each.data for each in sources[0]] == ["1"]
        assert store.saves == ["1"]


def test_with_a_cursor_of_another_kind_it_is_that_which_is_kept(
    sse_server: SSEServer, make_saving: MakeSource
) -> None:
    """Also of an event that is acknowledged before the consumer comes back."""
    sse_server.script([[event('{"n": 1}'), event('{"n": 2}'), stall()]])
    resume = QueryCursor("after", of=lambda event: event.data[6:-1])
    store = Store()
    with make_saving(store, resume=resume, ack="manual") as source:
        source.ack(next(source))
        assert (store.load("orders"), source.last_event_id) == ("1", "")
    with make_saving(store, resume=resume) as source:
        next(iter(source.all()))
    assert [request.query_pairs for request in sse_server.requests] == [[], [("after", "1")]]


def test_a_stream_of_heartbeats_saves_what_it_was_too_early_for(
    sse_server: SSEServer, make_saving: MakeSource
) -> None:
    """The last event before a quiet time is saved with the next byte after the interval."""
    sse_server.script([[*THREE, endless(b": x\n\n", every=0.01)]])
    store, clock = Store(), FakeClock()
    source = make_saving(store, clock=clock, checkpoint_interval=10)
    reading = Reading(source)
    reading.wait_for(3)
    assert store.saves == ["1"]
    clock.advance(10)
    wait_until(lambda: store.saves == ["1", "3"], "the checkpoint of the third event")
    source.close()
    reading.join()


def test_a_new_process_goes_on_where_the_last_one_stopped(sse_server: SSEServer) -> None:
    """The whole of it: what was delivered does not come again, what was not does."""
    sse_server.script([[*THREE, stall()], [event("3", id="3")]])
    store = Store()
    options: dict[str, Any] = {"checkpoint": store, "retry": RetryPolicy(wait=wait_none())}
    with EventSource(sse_server.url, name="orders", **options) as source:
        assert data_in(islice(source, 3)) == ["1", "2", "3"]
    with EventSource(sse_server.url, name="orders", **options) as source:
        assert data_in(everything(source)) == ["3"]
    assert sse_server.requests[1].last_event_id == "2"


@pytest.mark.parametrize("option", [{"checkpoint_key": "orders"}, {"checkpoint_required": True}])
def test_what_is_said_of_a_checkpoint_needs_one(option: dict[str, Any]) -> None:
    """Whoever forgets the store must not believe that the place is kept."""
    with pytest.raises(ConfigurationError, match="need checkpoint="):
        EventSource("http://127.0.0.1:1/events", **option)
