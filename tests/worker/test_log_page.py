"""The records of a worker are those that the documentation has."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from tenacity import wait_none

from everstream import Event, EventSource, HandlerFailed, Redelivery, Worker
from everstream.testing import SSEServer, event
from tests.project.doc_tables import table

Recorded = dict[str, tuple[str, tuple[str, ...]]]


class Recorder:
    """A logger that notes level and fields of each record by its name."""

    def __init__(self) -> None:
        self.records: Recorded = {}

    def __getattr__(self, level: str) -> Callable[..., None]:
        def note(name: str, /, **fields: Any) -> None:
            own = tuple(field for field in fields if field not in ("stream", "url"))
            self.records[name] = (level, own)

        return note


def fail(event: Event) -> None:
    """Handles nothing."""
    raise ValueError(event.id)


def test_the_page_has_the_records_of_workers(sse_server: SSEServer) -> None:
    """Names, levels and fields, neither more nor fewer."""
    recorder = Recorder()
    for on_poison in ("skip", "stop"):
        sse_server.script([[event("a", id="1")]])
        source = EventSource(sse_server.url, name="orders", logger=recorder)
        retry = Redelivery.attempts(2, wait=wait_none())
        worker = Worker(source, fail, retry=retry, on_poison=on_poison)
        if on_poison == "skip":
            worker.run()
        else:
            with pytest.raises(HandlerFailed):
                worker.run()
    recorded = {name: record for name, record in recorder.records.items() if name.startswith("worker.")}
    documented = {
        name: (row["level"], tuple(re.findall(r"`(\w+)`", row["fields"])))
        for name, row in table("log-events.md", "record").items()
    }
    assert recorded == documented
