"""Every stream ends as `docs/reference/endings.md` says."""

from collections.abc import Mapping
from typing import Any

import pytest
from tenacity import stop_after_attempt, wait_none

from everstream import (
    CheckpointError,
    Closed,
    Event,
    EventSource,
    Failed,
    Interrupted,
    ProviderError,
    ResponseRejected,
    RetryPolicy,
    Timeouts,
)
from everstream.checkpoints import MemoryCheckpoint
from everstream.testing import (
    Connection,
    SSEServer,
    Step,
    connection,
    cut,
    endless,
    event,
    no_content,
    raw,
    redirect,
    stall,
    status,
)
from tests.project.doc_tables import table

QUICK = RetryPolicy(wait=wait_none())
NEVER = RetryPolicy.never()
ONE = event("a", id="1")


class Failing(MemoryCheckpoint):
    """A store that fails, the first time or always, when it is loaded or when it saves."""

    def __init__(self, what: str, *, once: bool = False) -> None:
        super().__init__()
        self._error = CheckpointError(store="the store", reason=f"it cannot {what}", retryable=once)
        self._what, self._once, self._asked = what, once, 0

    def load(self, key: str) -> str | None:
        """Fails, or gives what there is."""
        self._fail("load")
        return super().load(key)

    def save(self, key: str, last_event_id: str) -> None:
        """Fails, or keeps it."""
        self._fail("save")
        super().save(key, last_event_id)

    def _fail(self, what: str) -> None:
        self._asked += what == self._what
        if what == self._what and (self._asked == 1 or not self._once):
            raise self._error


def named_error(found: Event | ResponseRejected) -> ProviderError | None:
    """Finds the error in an event of type `error`; its data says whether it may pass."""
    if not isinstance(found, Event) or found.type != "error":
        return None
    return ProviderError(message="no", retryable=found.data == "busy")


def is_last(event: Event) -> bool:
    """Picks the last event."""
    return event.type == "end"


LAST = event("b", type="end")
BUSY, BROKEN = event("busy", type="error"), event("broken", type="error")
POST: Mapping[str, Any] = {"method": "POST", "retry": QUICK}
ENDINGS: dict[str, tuple[list[Connection | Step], Mapping[str, Any]]] = {
    "the server answers 204": ([no_content()], {}),
    "the data that `until` names arrives": ([connection(ONE, event("[DONE]"))], {"until": "[DONE]"}),
    "the same, as last block, without its blank line": (
        [connection(ONE, raw(b"data: [DONE]"))],
        {"until": "[DONE]"},
    ),
    "the event that the function `until` picks is delivered": ([connection(ONE, LAST)], {"until": is_last}),
    "a clean end, and the request may be repeated": ([connection(ONE), no_content()], {"retry": QUICK}),
    "a clean end, and the request may not be repeated": ([connection(ONE)], POST),
    "a clean end inside an unfinished block, and the request may not be repeated": (
        [connection(ONE, raw(b"data: b"))],
        POST,
    ),
    "a clean end without the end that `until` asks for, and the request may not be repeated": (
        [connection(ONE)],
        {**POST, "until": "[DONE]"},
    ),
    "the last block is the one that the function `until` would pick, without its blank line, "
    "and the request may not be repeated": (
        [connection(ONE, raw(b"event: end\ndata: b"))],
        {**POST, "until": is_last},
    ),
    "an event in which `error_in` finds a retryable error, and the request may be repeated": (
        [connection(BUSY), no_content()],
        {**POST, "error_in": named_error},
    ),
    "an event in which `error_in` finds an error, and the request may not be repeated": (
        [connection(ONE, BUSY)],
        {**POST, "error_in": named_error},
    ),
    "an event in which `error_in` finds an error that is not retryable": (
        [connection(ONE, BROKEN)],
        {"error_in": named_error},
    ),
    "a cut or a reset, and the request may be repeated": (
        [connection(ONE, cut()), no_content()],
        {"retry": QUICK},
    ),
    "a cut or a reset, and the request may not be repeated": ([connection(ONE, cut())], POST),
    "silence for longer than `read`, and the request may not be repeated": (
        [connection(ONE, stall())],
        {**POST, "timeouts": Timeouts(read=0.2)},
    ),
    "a status that is not retryable": ([status(404)], {}),
    'the server refuses the cursor, with `on_resume_rejected="fail"`': (
        [status(410)],
        {"last_event_id": "7"},
    ),
    'the server refuses the cursor, with `on_resume_rejected="restart"`': (
        [status(410), no_content()],
        {"last_event_id": "7", "on_resume_rejected": "restart"},
    ),
    "no event for longer than `event_idle`, and the request may not be repeated": (
        [connection(ONE, endless(b":\n", every=0.01))],
        {**POST, "timeouts": Timeouts(event_idle=0.2)},
    ),
    "the checkpoint cannot be loaded, for good": ([connection(ONE)], {"checkpoint": Failing("load")}),
    "the checkpoint cannot be loaded just now, and the request may be repeated": (
        [no_content()],
        {"checkpoint": Failing("load", once=True), "retry": QUICK},
    ),
    "the checkpoint cannot be saved, and `checkpoint_required=True`": (
        [connection(ONE, stall())],
        {"checkpoint": Failing("save"), "checkpoint_required": True, "timeouts": Timeouts(read=10)},
    ),
    "200 with another content type": ([connection(ONE, content_type="text/html")], {}),
    "a redirect that must not be followed": ([redirect(None)], {}),
    "an event above `max_event_bytes`": ([connection(event("a" * 100))], {"max_event_bytes": 50}),
    "the policy gives up after two failures or more": (
        [status(503), status(503)],
        {"retry": RetryPolicy(wait=wait_none(), stop=stop_after_attempt(2))},
    ),
    "the policy gives up at the first failure": ([status(503)], {"retry": NEVER}),
}
CLOSING = "you call `close()`"


@pytest.mark.parametrize("what", ENDINGS)
def test_a_stream_ends_as_the_table_says(what: str) -> None:
    """The last item is the one of the row, and the loop ends or raises as the row says."""
    connections, arguments = ENDINGS[what]
    row = table("endings.md", "what happens")[what]
    with SSEServer() as server:
        server.script(connections)
        items = list(EventSource(server.url, **arguments).all(raise_on_failure=False))
    goes_on = row["the loop"] == "goes on"
    reconnected = any(isinstance(item, Interrupted) for item in items) and items[-1] == Closed("no content")
    assert reconnected == goes_on
    if not goes_on:
        assert row["last item"].startswith(f"`{short(items[-1])}`")
        assert (row["the loop"] == "raises") == isinstance(items[-1], Failed)


def short(item: object) -> str:
    """Returns an outcome as the table writes it."""
    if isinstance(item, Closed):
        return f"Closed({item.reason!r})"
    assert isinstance(item, Failed)
    return f"Failed({type(item.error).__name__})"


def test_closing_ends_a_stream_as_the_table_says() -> None:
    """`close()` in the loop ends it normally."""
    with SSEServer() as server:
        server.script([connection(ONE, stall())])
        source = EventSource(server.url)
        items = []
        for item in source.all():
            items.append(item)
            source.close()
    assert table("endings.md", "what happens")[CLOSING]["last item"] == f"`{short(items[-1])}`"


def test_every_ending_is_played() -> None:
    """No row of the table goes without a test."""
    assert set(table("endings.md", "what happens")) == {*ENDINGS, CLOSING}
