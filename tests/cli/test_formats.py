"""Events as lines."""

import io
import json
from datetime import datetime

import pytest

from everstream import (
    Closed,
    Comment,
    Event,
    Failed,
    Headers,
    Interrupted,
    Opened,
    Position,
    RetryHint,
    StatusRejected,
    StreamItem,
    StreamTimeout,
)
from everstream.cli.formats import Bare, JSONLines, Pretty

NOON = datetime(2024, 2, 29, 12, 0, 0)
TIMEOUT = StreamTimeout(kind="read", seconds=60.0)
ITEMS: list[tuple[StreamItem, dict[str, object], str]] = [
    (
        Opened(status=200, headers=Headers(), attempt=2, last_event_id="7", downtime=1.5),
        {"kind": "opened", "status": 200, "attempt": 2, "last_event_id": "7", "downtime": 1.5},
        "opened  connected again after 1.5 s; it goes on after event 7",
    ),
    (
        Interrupted(error=TIMEOUT, delay=0.25, attempt=2, last_event_id="7"),
        {
            "kind": "interrupted",
            "delay": 0.25,
            "attempt": 2,
            "error_type": "StreamTimeout",
            "cause": str(TIMEOUT),
            "last_event_id": "7",
        },
        f"interrupted  {TIMEOUT}; attempt 2 in 0.2 s",
    ),
    (Closed(reason="until"), {"kind": "closed", "reason": "until"}, "closed  the stream is complete"),
    (
        Failed(error=StatusRejected(status=403)),
        {"kind": "failed", "error_type": "StatusRejected", "cause": "the server answered 403 Forbidden"},
        "failed  the server answered 403 Forbidden",
    ),
    (Comment(text="hi\x1b"), {"kind": "comment", "text": "hi\x1b"}, r"comment  hi\x1b"),
    (
        RetryHint(delay=2.5),
        {"kind": "retry", "delay": 2.5},
        "retry  the server wishes 2.5 s before a reconnect",
    ),
    (Position(id="9\r"), {"kind": "position", "id": "9\r"}, r"position  9\x0d"),
]


@pytest.mark.parametrize(("item", "fields", "words"), ITEMS, ids=lambda value: type(value).__name__)
def test_every_item_has_a_json_form_and_words(
    item: StreamItem, fields: dict[str, object], words: str
) -> None:
    """The fields of its log record, and a line for people, escaped."""
    out = io.StringIO()
    JSONLines(out, with_kind=True).lifecycle(item)
    assert json.loads(out.getvalue()) == fields
    out = io.StringIO()
    Pretty(out, now=lambda: NOON).lifecycle(item)
    assert out.getvalue() == f"12:00:00 ○ {words}\n"


def test_an_event_is_one_json_object_on_one_line() -> None:
    """Type, data and id; and its kind where there are others."""
    event = Event(type="update", data="a\n\u2028b", id="1")
    plain, kinds = io.StringIO(), io.StringIO()
    JSONLines(plain, with_kind=False).event(event)
    JSONLines(kinds, with_kind=True).event(event)
    assert plain.getvalue() == '{"type": "update", "data": "a\\n\\u2028b", "id": "1"}\n'
    assert json.loads(kinds.getvalue()) == {
        "kind": "event",
        "type": "update",
        "data": "a\n\u2028b",
        "id": "1",
    }


def test_bare_data_are_exact() -> None:
    """Not a character is added or taken away but the line feed after them."""
    out, notes = io.StringIO(), list[str]()
    bare = Bare(out, notes.append)
    bare.event(Event(type="message", data="a\x1b[31m\n\u202e", id=""))
    bare.lifecycle(Closed(reason="eof"))
    assert out.getvalue() == "a\x1b[31m\n\u202e\n"
    assert notes == ["closed: the server ended the stream"]


def test_pretty_data_are_indented() -> None:
    """No line of them can be taken for the head of another event; rich's markup is text."""
    out = io.StringIO()
    pretty = Pretty(out, now=lambda: NOON)
    pretty.event(Event(type="[red]x\n", data="1\n12:00:00 ● message\r\n[bold]:smile:", id="[/]"))
    pretty.event(Event(type="empty", data="", id=""))
    assert out.getvalue().splitlines() == [
        r"12:00:00 ● [red]x\x0a  [/]",
        "  1",
        r"  12:00:00 ● message\x0d",
        "  [bold]:smile:",
        "12:00:00 ● empty",
    ]
