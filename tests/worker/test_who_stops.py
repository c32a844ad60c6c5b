"""Who may stop a worker: any thread, any number of times; and its handler may ask for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from everstream import ConfigurationError, Event, EventSource, HandlerFailed, Redelivery, Worker
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import SSEServer, event, stall
from tests.reading import DEADLINE
from tests.worker.working import Held, Seen, Stopping

MakeWorker = Callable[..., Worker]
MakeSource = Callable[..., EventSource]


class TestWhoStops:
    def test_many_threads_may(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """All are told the same."""
        sse_server.script([[event("1", id="1"), stall()]])
        held = Held()
        worker = make_worker(held)
        worker.start()
        held.wait_for(1)
        stoppings = [Stopping(worker) for _ in range(8)]
        held.let_go()
        assert [stopping.join() for stopping in stoppings] == [True] * 8

    def test_the_handler_may_ask_for_it(
        self,
        sse_server: SSEServer,
        make_worker: MakeWorker,
        make_source: MakeSource,
    ) -> None:
        """The event at which it asks is handled, and the last."""
        sse_server.script([[event("1", id="1"), event("2", id="2"), event("3", id="3"), stall()]])
        store, seen = MemoryCheckpoint(), Seen()

        def handler(item: Event) -> None:
            seen(item)
            if item.data == "2":
                worker.request_stop()

        worker = make_worker(handler, make_source(checkpoint=store, checkpoint_key="log"))
        worker.start()
        assert worker.join(DEADLINE)
        assert worker.stop() is True
        assert seen.data == ["1", "2"]
        assert store.load("log") == "2"

    @pytest.mark.parametrize("word", ["stop", "join"])
    def test_the_handler_cannot_wait_for_it(
        self, sse_server: SSEServer, make_worker: MakeWorker, word: str
    ) -> None:
        """It would wait for itself. The call does nothing else, and the error is the handler's."""
        sse_server.script([[event("1"), stall()]])

        def handler(_: Event) -> None:
            getattr(worker, word)()

        worker = make_worker(handler, retry=Redelivery.never())
        with pytest.raises(HandlerFailed) as caught:
            worker.run()
        assert isinstance(caught.value.__cause__, ConfigurationError)
        assert str(caught.value.__cause__) == (
            f"{word}(): a handler cannot wait for its own end; call request_stop()"
        )

    def test_it_may_be_stopped_again(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """Nothing more happens."""
        sse_server.script([[stall()]])
        worker = make_worker(Seen())
        worker.start()
        assert [worker.stop(), worker.stop(), worker.stop(0)] == [True, True, True]

    def test_whoever_closes_the_source_ends_the_worker(
        self, sse_server: SSEServer, make_worker: MakeWorker
    ) -> None:
        """Normally."""
        sse_server.script([[event("1"), stall()]])
        seen = Seen()
        worker = make_worker(seen)
        worker.start()
        seen.wait_for(1)
        worker.source.close()
        assert worker.join(DEADLINE)
        assert worker.failure is None

    def test_joining_waits_no_longer_than_told(self, sse_server: SSEServer, make_worker: MakeWorker) -> None:
        """And says whether it has ended."""
        sse_server.script([[stall()]])
        worker = make_worker(Seen())
        worker.start()
        assert worker.join(0.01) is False
        worker.stop()
        assert worker.join() is True
