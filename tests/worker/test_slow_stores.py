"""Workers whose checkpoint store takes its time."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from everstream import Event, EventSource, Worker, WorkerGroup
from everstream.testing import SSEServer, log_of
from tests.reading import DEADLINE, wait_until


class StuckStore:
    """A store whose second save for a key, and all later ones, wait until they are let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.saved: dict[str, str] = {}
        self.savers = set[threading.Thread]()

    def load(self, key: str) -> str | None:
        """Knows nothing."""
        return None

    def save(self, key: str, last_event_id: str) -> None:
        """Saves, sooner or later."""
        self.savers.add(threading.current_thread())
        if key in self.saved:
            assert self.let_go.wait(DEADLINE)
        self.saved[key] = last_event_id


def test_a_group_is_asked_to_stop_though_no_store_answers() -> None:
    """Each worker saves its last checkpoint on its own thread, within the time that all have together."""
    store, handled = StuckStore(), list[Event]()
    with ExitStack() as stack:
        urls = []
        for _ in range(5):
            server = stack.enter_context(SSEServer())
            server.serve_log(log_of(["a", "b", "c"]), faults=(), follow=True)
            urls.append(server.url)
        group = WorkerGroup(
            Worker(EventSource(url, name=url, checkpoint=store, checkpoint_interval=60), handled.append)
            for url in urls
        )
        group.start()
        wait_until(lambda: len(handled) == 15 and len(store.saved) == 5, "all events to be handled")
        assert not group.stop(0.05)
        store.let_go.set()
        assert group.stop()
        assert set(store.saved.values()) == {"3"}
        assert threading.current_thread() not in store.savers
        assert len(store.savers) == 5
