"""The values that a stream consists of."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from typing import get_args

import pytest

from everstream.core import events, observations
from everstream.core.errors import CheckpointError, InvalidJSON, StatusRejected, StreamInterrupted
from everstream.core.events import (
    Closed,
    CloseReason,
    Comment,
    Connecting,
    Duplicate,
    Event,
    Failed,
    Interrupted,
    Opened,
    Outcome,
    Position,
    ResumeRejected,
    RetryHint,
    StreamItem,
    WireItem,
)
from everstream.core.headers import Headers
from everstream.core.observations import (
    CheckpointFailed,
    CheckpointSaved,
    Observation,
    Received,
    Unacknowledged,
)

CANARY = "canary-7f3a"
ERROR = StreamInterrupted(reason="eof", bytes_received=10, events_received=2)
REFUSAL = StatusRejected(status=410, headers=Headers({"X": CANARY}), body_excerpt=CANARY.encode())
LOCKED = CheckpointError(store="a file", reason="it is locked", retryable=True)
ITEMS: list[StreamItem] = [
    Event("update", CANARY, "42"),
    Comment(CANARY),
    RetryHint(1.5),
    Position("42"),
    Duplicate(Event("update", CANARY, "42")),
    Opened(200, Headers({"Set-Cookie": CANARY}), 1, "42", None),
    ResumeRejected(REFUSAL, "42", restarts=True),
    Interrupted(ERROR, 1.5, 2),
    Closed("until"),
    Failed(ERROR),
]
BESIDE_THEM: list[Observation] = [
    Received(42),
    CheckpointSaved("42"),
    CheckpointFailed(LOCKED, "42"),
    Unacknowledged(1000, 60.0),
]
VALUES = [*ITEMS, *BESIDE_THEM]
every_value = pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)


class TestEveryValue:
    @every_value
    def test_it_cannot_be_changed(self, value: Observation) -> None:
        """A value may be shared between threads and kept."""
        for field in fields(value):
            with pytest.raises(FrozenInstanceError):
                setattr(value, field.name, "other")
            with pytest.raises(FrozenInstanceError):
                delattr(value, field.name)

    @every_value
    def test_it_has_slots_and_no_room_for_more(self, value: Observation) -> None:
        """The wire never chooses attributes, and a million events stay small."""
        assert not hasattr(value, "__dict__")
        with pytest.raises((FrozenInstanceError, TypeError)):
            value.note = "x"  # type: ignore[union-attr]

    @every_value
    def test_it_is_equal_to_its_copies_and_hashes_like_them(self, value: Observation) -> None:
        """Two values of the same content are the same."""
        same = replace(value)
        assert same is not value
        assert same == value
        assert hash(same) == hash(value)
        assert copy.copy(value) == value

    @every_value
    def test_it_differs_from_every_other(self, value: Observation) -> None:
        """Values of two classes are never equal, whatever they hold."""
        assert [other for other in VALUES if other == value] == [value]

    @every_value
    def test_it_inherits_nothing(self, value: Observation) -> None:
        """A value is what it is: `match` and `type(item) is Event` need no order of cases."""
        assert type(value).__bases__ == (object,)

    @every_value
    def test_it_can_be_taken_apart_by_position(self, value: Observation) -> None:
        """`case Event(type, data, id)` works, in the order of the constructor."""
        assert type(value).__match_args__ == tuple(field.name for field in fields(value))

    @every_value
    def test_it_survives_pickling(self, value: Observation) -> None:
        """It may go through a queue between processes."""
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            restored = pickle.loads(pickle.dumps(value, protocol))
            assert type(restored) is type(value)
            assert repr(restored) == repr(value)

    @every_value
    def test_its_representation_shows_no_payload(self, value: Observation) -> None:
        """Data, comments and header values are for the consumer, not for a log or a traceback."""
        assert CANARY not in f"{value!r} {value!s} {value}"

    def test_the_unions_name_every_value(self) -> None:
        """A `match` over the union is complete."""
        assert set(get_args(WireItem)) == {Event, Comment, RetryHint, Position, Duplicate}
        assert set(get_args(Outcome)) == {Interrupted, Closed, Failed}
        assert set(get_args(StreamItem)) == {type(value) for value in ITEMS}
        assert set(get_args(Observation)) == {Connecting, *(type(value) for value in VALUES)}

    def test_the_reasons_of_a_normal_end_are_a_closed_list(self) -> None:
        """They may label a metric."""
        assert get_args(CloseReason) == ("close", "eof", "no content", "until")

    def test_everything_exported_exists(self) -> None:
        """`__all__` has no name that is not there, and every class that is."""
        assert set(events.__all__) >= {type(value).__name__ for value in ITEMS}
        assert set(observations.__all__) == {"Observation", *(type(value).__name__ for value in BESIDE_THEM)}
        for module in (events, observations):
            assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize(
    ("value", "representation"),
    [
        (Event("update", "x", "42"), "Event(type='update', id='42')"),
        (Event("a\x1b[31m", "x", "\r\n"), r"Event(type='a\x1b[31m', id='\r\n')"),
        (Comment("x"), "Comment()"),
        (RetryHint(1.5), "RetryHint(delay=1.5)"),
        (Position("42"), "Position(id='42')"),
        (
            Opened(200, Headers({"Server": "x"}), 1, "42", None),
            "Opened(status=200, attempt=1, last_event_id='42', downtime=None)",
        ),
        (Closed("until"), "Closed(reason='until')"),
        (Duplicate(Event("update", "x", "42")), "Duplicate(event=Event(type='update', id='42'))"),
        (
            ResumeRejected(REFUSAL, "4", restarts=False),
            f"ResumeRejected(error={REFUSAL!r}, last_event_id='4', restarts=False)",
        ),
        (Received(42), "Received(bytes=42)"),
        (CheckpointSaved("42"), "CheckpointSaved(last_event_id='42')"),
        (
            CheckpointFailed(LOCKED, "42"),
            "CheckpointFailed(error=CheckpointError('a file: it is locked'), last_event_id='42')",
        ),
        (Unacknowledged(1000, 60.0), "Unacknowledged(events=1000, seconds=60.0)"),
        (
            Failed(ERROR),
            "Failed(error=StreamInterrupted('the server ended the stream after 10 bytes and 2 events'))",
        ),
    ],
)
def test_representations_say_what_is_safe_to_say(value: Observation, representation: str) -> None:
    """What is shown is exactly this, with control characters escaped."""
    assert repr(value) == representation


def test_an_interruption_shows_what_failed_and_what_follows() -> None:
    """The error's message, the wait and the number of the next attempt."""
    shown = repr(Interrupted(ERROR, 1.5, 2))
    assert shown.startswith("Interrupted(error=StreamInterrupted('the server ended the stream after")
    assert "delay=1.5, attempt=2" in shown
    assert Interrupted(ERROR, 1.5, 2).last_event_id == ""


def refused(event: Event, loads: Callable[[str], object] = json.loads) -> InvalidJSON:
    """The error that the data of an event cause."""
    with pytest.raises(InvalidJSON) as caught:
        event.json(loads)
    return caught.value


class TestJSON:
    @pytest.mark.parametrize(
        ("data", "parsed"),
        [
            ('{"a": [1, 2.5, null, true, "é"]}', {"a": [1, 2.5, None, True, "é"]}),
            ("[1,\n2]", [1, 2]),
            ('"text"', "text"),
            (" 7 ", 7),
            ("null", None),
            ('"\u2028"', "\u2028"),
        ],
    )
    def test_it_gives_the_data_parsed(self, data: str, parsed: object) -> None:
        """Any JSON text is data, over several lines too."""
        assert Event("message", data, "").json() == parsed

    def test_another_parser_may_do_it(self) -> None:
        """It gets the data, and what it gives is given."""
        assert Event("message", "a,b", "").json(lambda data: data.split(",")) == ["a", "b"]
        assert Event("message", "a,b", "").json(loads=len) == 3

    @pytest.mark.parametrize("data", ["", "[DONE]", "{", '{"a": 1} x', "'a'", "\ufeff{}", "[" * 100_000])
    def test_data_that_is_no_json_is_an_error_that_carries_the_event(self, data: str) -> None:
        """The consumer can look at what came."""
        event = Event("message", data, "7")
        assert refused(event).event is event

    @pytest.mark.parametrize(
        "failure", [ValueError("x"), TypeError("x"), KeyError("x"), RecursionError("x"), RuntimeError("x")]
    )
    def test_any_exception_of_another_parser_is_translated(self, failure: Exception) -> None:
        """No exception of a JSON library leaves ours."""

        def loads(_data: str) -> object:
            raise failure

        event = Event("message", "{}", "")
        assert refused(event, loads).event is event

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
    def test_what_is_to_end_the_program_is_not_translated(self, stop: type[BaseException]) -> None:
        """Ctrl-C in a parser is Ctrl-C."""

        def loads(_data: str) -> object:
            raise stop

        with pytest.raises(stop):
            Event("message", "{}", "").json(loads)

    def test_no_traceback_of_the_error_shows_the_data(self) -> None:
        """The parser's own message quotes the data: it is not a cause, nor a context that is shown."""

        def loads(data: str) -> object:
            raise ValueError(f"cannot parse {data}")

        error = refused(Event("message", f"{{{CANARY}", ""), loads)
        assert error.__cause__ is None
        assert error.__suppress_context__
        shown = "".join(traceback.format_exception(error))
        assert "InvalidJSON" in shown
        assert CANARY not in shown

    def test_no_traceback_of_an_error_that_follows_shows_the_data(self) -> None:
        """Neither does one that was raised from it."""
        later = RuntimeError("no use")
        later.__cause__ = refused(Event("message", f'{{"{CANARY}', ""))
        shown = "".join(traceback.format_exception(later))
        assert "InvalidJSON" in shown
        assert CANARY not in shown

    def test_the_variables_of_our_frames_do_not_show_the_data(self) -> None:
        """Some tracebacks print local variables."""
        error = refused(Event("message", f'{{"{CANARY}', ""))
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        ours = [frame for frame in told.stack if frame.filename == events.__file__]
        assert len(ours) == 1
        assert CANARY not in str(ours[0].locals)
