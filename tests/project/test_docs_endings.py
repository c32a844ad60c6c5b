"""Every stream ends as `docs/reference/endings.md` says."""

from collections.abc import Mapping
from typing import Any

import pytest
from tenacity import stop_after_attempt, wait_none

from everstream import Closed, EventSource, Failed, Interrupted, RetryPolicy, Timeouts
from everstream.testing import (
    Connection,
    SSEServer,
    Step,
    connection,
    cut,
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
POST: Mapping[str, Any] = {"method": "POST", "retry": QUICK}
ENDINGS: dict[str, tuple[list[Connection | Step], Mapping[str, Any]]] = {
    "the server answers 204": ([no_content()], {}),
    "the data that `until` names arrives": ([connection(ONE, event("[DONE]"))], {"until": "[DONE]"}),
    "the same, as last block, without its blank line": (
        [connection(ONE, raw(b"data: [DONE]"))],
        {"until": "[DONE]"},
    ),
    "a clean end, and the request may be repeated": ([connection(ONE), no_content()], {"retry": QUICK}),
    "a clean end, and the request may not be repeated": ([connection(ONE)], POST),
    "a clean end inside an unfinished block, and the request may not be repeated": (
        [connection(ONE, raw(b"data: b"))],
        POST,
    ),
    "a clean end without the data that `until` names, and the request may not be repeated": (
        [connection(ONE)],
        {**POST, "until": "[DONE]"},
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
