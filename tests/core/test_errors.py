"""Every error: its message, what it carries, and what it keeps to itself."""

from __future__ import annotations

import copy
import pickle
import re
import traceback
from dataclasses import dataclass, fields
from typing import get_args

import pytest

from everstream.core import errors
from everstream.core.errors import (
    AnswerIncomplete,
    CertificateInvalid,
    CheckpointError,
    ConfigurationError,
    ConnectFailed,
    ContentTypeRejected,
    EventTooLarge,
    EverstreamError,
    HandlerFailed,
    InterruptionReason,
    InvalidJSON,
    PayloadError,
    ProviderError,
    RedirectRejected,
    ResponseRejected,
    RetriesExhausted,
    StatusRejected,
    StreamIncomplete,
    StreamInterrupted,
    StreamTimeout,
    TimeoutKind,
)
from everstream.core.events import Comment, Event
from everstream.core.headers import Headers

CANARY = "canary-7f3a"
SECRETS = Headers(
    {
        "Content-Type": f"text/html; boundary={CANARY}",
        "Location": f"https://user:{CANARY}@host/?token={CANARY}",
        "Set-Cookie": CANARY,
        CANARY.title(): CANARY,
    }
)
EVENT = Event("update", CANARY, "7")


@dataclass(frozen=True)
class Row:
    """An error as it is made, and what it says."""

    error: EverstreamError
    message: str
    retryable: bool
    attributes: dict[str, object]


def timeout(kind: TimeoutKind, seconds: float, message: str) -> Row:
    """A row of the table for one of the limits."""
    error = StreamTimeout(kind=kind, seconds=seconds)
    return Row(error, message, retryable=True, attributes={"kind": kind, "seconds": seconds})


def interruption(reason: InterruptionReason, received: tuple[int, int], message: str) -> Row:
    """A row of the table for one of the ways in which a body ends."""
    error = StreamInterrupted(reason=reason, bytes_received=received[0], events_received=received[1])
    attributes = {"reason": reason, "bytes_received": received[0], "events_received": received[1]}
    return Row(error, message, retryable=True, attributes=attributes)


REJECTION = {"headers": SECRETS, "body_excerpt": CANARY.encode(), "retry_after": 2.5}
NOTHING = {"headers": Headers(), "body_excerpt": b"", "retry_after": None}
LAST = ConnectFailed(host="host:443", reason="refused")
HTML = "the server answered 200 OK with text/html, not text/event-stream"
UNTYPED = "the server answered 200 OK with no content type, not text/event-stream"

TABLE = [
    Row(ConfigurationError("`url` has no scheme"), "`url` has no scheme", False,
        {}),
    Row(ConnectFailed(host="host:80", reason="refused"), "could not connect to host:80: refused", True,
        {"host": "host:80", "reason": "refused"}),
    Row(CertificateInvalid(host="host", reason="expired"), "the certificate of host is not valid: expired",
        False, {"host": "host", "reason": "expired"}),
    timeout("connect", 5.0, "no connection within 5 s"),
    timeout("read", 0.25, "no byte came within 0.25 s"),
    timeout("first_event", 30, "the stream opened, but no event came within 30 s"),
    timeout("event_idle", 3600.0, "bytes came, but no event within 3600 s"),
    interruption("eof", (0, 0), "the server ended the stream after 0 bytes and 0 events"),
    interruption("unfinished block", (1, 1), "the stream ended inside a block after 1 byte and 1 event"),
    interruption("reset", (2, 2), "the connection was reset after 2 bytes and 2 events"),
    interruption("broken chunk", (5000, 3),
                 "the connection was cut inside the chunked body after 5000 bytes and 3 events"),
    interruption("short body", (9, 0),
                 "the connection was closed before the end of the body after 9 bytes and 0 events"),
    interruption("undecodable body", (9, 0),
                 "the compressed body could not be decoded after 9 bytes and 0 events"),
    Row(StatusRejected(status=503, **REJECTION),
        "the server answered 503 Service Unavailable and asked for a wait of 2.5 s", True,
        {"status": 503, **REJECTION}),
    Row(StatusRejected(status=429, retry_after=120.0),
        "the server answered 429 Too Many Requests and asked for a wait of 120 s", True,
        {"status": 429, **NOTHING, "retry_after": 120.0}),
    Row(StatusRejected(status=404), "the server answered 404 Not Found", False, {"status": 404, **NOTHING}),
    Row(StatusRejected(status=599), "the server answered 599", False, {"status": 599, **NOTHING}),
    Row(ContentTypeRejected(status=200, **REJECTION), HTML, False,
        {"status": 200, "content_type": SECRETS["Content-Type"], **REJECTION}),
    Row(ContentTypeRejected(status=200), UNTYPED, False, {"status": 200, "content_type": None, **NOTHING}),
    Row(ContentTypeRejected(status=200, headers=Headers({"content-type": ""})), UNTYPED, False,
        {"content_type": ""}),
    Row(ContentTypeRejected(status=200, headers=Headers({"content-type": " ;charset=utf-8"})), UNTYPED, False,
        {"content_type": " ;charset=utf-8"}),
    Row(RedirectRejected(status=301, reason="it has no Location", headers=SECRETS),
        "the redirect (301 Moved Permanently) was not followed: it has no Location", False,
        {"status": 301, "reason": "it has no Location", **NOTHING, "headers": SECRETS}),
    Row(RedirectRejected(status=302, reason="a loop"), "the redirect (302 Found) was not followed: a loop",
        False, {"status": 302, "reason": "a loop", **NOTHING}),
    Row(EventTooLarge(limit=1024), "an event is larger than max_event_bytes (1024 bytes)", False,
        {"limit": 1024, "items": ()}),
    Row(EventTooLarge(limit=9, items=(EVENT, Comment(CANARY))),
        "an event is larger than max_event_bytes (9 bytes)", False,
        {"limit": 9, "items": (EVENT, Comment(CANARY))}),
    Row(RetriesExhausted(attempts=1, elapsed=0.04, last_error=LAST),
        "gave up after 1 failure in 0.0 s; the last: could not connect to host:443: refused", False,
        {"attempts": 1, "elapsed": 0.04, "last_error": LAST}),
    Row(RetriesExhausted(attempts=5, elapsed=61.25, last_error=StatusRejected(status=503, **REJECTION)),
        "gave up after 5 failures in 61.2 s; the last: "
        "the server answered 503 Service Unavailable and asked for a wait of 2.5 s", False,
        {"attempts": 5, "elapsed": 61.25}),
    Row(StreamIncomplete(until="[DONE]", events_received=1), "the stream ended after 1 event without [DONE]",
        False, {"until": "[DONE]", "events_received": 1}),
    Row(StreamIncomplete(until="x" * 81, events_received=0),
        f"the stream ended after 0 events without {'x' * 77}...", False, {"until": "x" * 81}),
    Row(StreamIncomplete(until="x" * 80, events_received=2),
        f"the stream ended after 2 events without {'x' * 80}", False, {"until": "x" * 80}),
    Row(StreamIncomplete(until=None, events_received=2, bytes_received=40, received=(EVENT, EVENT)),
        "the stream ended after 2 events without the event that is its last", False,
        {"until": None, "events_received": 2, "bytes_received": 40, "received": (EVENT, EVENT)}),
    Row(AnswerIncomplete(until="[DONE]", events_received=1, received=(EVENT,), text=CANARY,
                         reason="it was cut"),
        "the answer broke off after 11 characters: it was cut", False,
        {"until": "[DONE]", "received": (EVENT,), "text": CANARY, "reason": "it was cut"}),
    Row(ProviderError(message="Overloaded", status=529, type="overloaded_error", code="busy", retryable=True,
                      retry_after=2.5),
        "the server reported an error 529 (overloaded_error, busy): Overloaded", True,
        {"message": "Overloaded", "status": 529, "type": "overloaded_error", "code": "busy",
         "retry_after": 2.5, "text": ""}),
    Row(ProviderError(message="no such model", status=404, type="same", code="same"),
        "the server reported an error 404 Not Found (same): no such model", False, {"retry_after": None}),
    Row(ProviderError(message="the response is HTML", status=200), "the response is HTML", False,
        {"status": 200}),
    Row(ProviderError(message="", text=CANARY),
        "the server reported an error after 11 characters of the answer: it gave no reason", False,
        {"text": CANARY, "status": None, "type": None, "code": None}),
    Row(ProviderError(message="x" * 501), f"the server reported an error: {'x' * 497}...", False, {}),
    Row(InvalidJSON(event=EVENT), "the data of an event of type update is no JSON (11 characters)", False,
        {"event": EVENT}),
    Row(HandlerFailed(event=EVENT, attempts=1),
        "an event of type update with id '7' could not be handled in 1 attempt", False,
        {"event": EVENT, "attempts": 1}),
    Row(CheckpointError(store="the SQLite file /a/b.db", reason="it is no database; move it away"),
        "the SQLite file /a/b.db: it is no database; move it away", False,
        {"store": "the SQLite file /a/b.db", "reason": "it is no database; move it away"}),
    Row(CheckpointError(store="Redis", reason=f"it is{chr(0x1b)}away", retryable=True),
        r"Redis: it is\x1baway", True, {"store": "Redis"}),
]  # fmt: skip
every_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{type(row.error).__name__}")
MADE_ONLY_AS_ONE_OF_THEIR_KINDS = {EverstreamError, ResponseRejected, PayloadError}


def classes(root: type[EverstreamError] = EverstreamError) -> set[type[EverstreamError]]:
    """The error classes of the module under a root, and the root."""
    ours = [kind for kind in root.__subclasses__() if kind.__module__.startswith(errors.__name__)]
    return {root}.union(*(classes(kind) for kind in ours))


class TestTheTable:
    @every_row
    def test_the_message_is_exactly_this(self, row: Row) -> None:
        """It is made of the attributes when it is asked for."""
        assert str(row.error) == row.message
        assert repr(row.error) == f"{type(row.error).__name__}({row.message!r})"

    @every_row
    def test_it_says_whether_trying_again_may_help(self, row: Row) -> None:
        """`retryable` is of the error, so that a policy need not know the classes."""
        assert row.error.retryable is row.retryable

    @every_row
    def test_it_carries_what_is_needed_to_treat_it(self, row: Row) -> None:
        """No message needs to be parsed."""
        assert {name: getattr(row.error, name) for name in row.attributes} == row.attributes

    @every_row
    @pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, *range(2, pickle.HIGHEST_PROTOCOL + 1)])
    def test_a_copy_is_the_same_error(self, row: Row, way: object) -> None:
        """It can go to another process, and says the same there."""
        error = way(row.error) if callable(way) else pickle.loads(pickle.dumps(row.error, way))  # type: ignore[call-overload]
        assert type(error) is type(row.error)
        assert (str(error), repr(error), error.args) == (row.message, repr(row.error), row.error.args)
        assert error.retryable is row.retryable
        assert {name: repr(getattr(error, name)) for name in row.attributes} == {
            name: repr(value) for name, value in row.attributes.items()
        }
        assert vars(error).keys() == vars(row.error).keys()

    @every_row
    def test_it_shows_no_payload_and_no_header(self, row: Row) -> None:
        """Errors end up in logs: no header value, body, event data, nor what hides behind the last error."""
        try:
            raise row.error
        except EverstreamError as error:
            shown = "".join(traceback.format_exception(error))
        assert type(row.error).__name__ in shown
        assert CANARY not in f"{shown} {row.error!r} {row.error!s} {row.error.args}"

    @every_row
    def test_it_is_equal_to_itself_alone(self, row: Row) -> None:
        """An exception is what happened once, not what can be said about it."""
        assert row.error != copy.copy(row.error)
        assert len({row.error, copy.copy(row.error), row.error}) == 2

    @every_row
    def test_what_it_carries_is_given_by_name(self, row: Row) -> None:
        """Two numbers cannot change places."""
        if isinstance(row.error, ConfigurationError):
            assert row.error.args == (row.message,)  # the one that carries its message and nothing else
        else:
            assert row.error.args == ()
            assert all(field.kw_only for field in fields(row.error))  # type: ignore[arg-type]

    def test_the_table_has_every_error(self) -> None:
        """A new error needs a row."""
        assert {type(row.error) for row in TABLE} == classes() - MADE_ONLY_AS_ONE_OF_THEIR_KINDS
        assert {row.error.kind for row in TABLE if isinstance(row.error, StreamTimeout)} == set(
            get_args(TimeoutKind)
        )
        reasons = {row.error.reason for row in TABLE if isinstance(row.error, StreamInterrupted)}
        assert reasons == set(get_args(InterruptionReason))


class TestTheTree:
    def test_the_docstring_draws_it_as_it_is(self) -> None:
        """The bullet list of the module and the classes agree, each under its base."""
        drawn: dict[str, set[str]] = {}
        path: list[str] = []
        for indent, name in re.findall(r"^( *)- `(\w+)`", errors.__doc__ or "", flags=re.MULTILINE):
            path[len(indent) // 4 :] = [name]
            drawn[name] = set()
            if len(path) > 1:
                drawn[path[-2]].add(name)
        real = {
            kind.__name__: {child.__name__ for child in kind.__subclasses__() if child in classes()}
            for kind in classes()
        }
        assert drawn == real

    def test_what_the_docstring_calls_permanent_is_not_retryable(self) -> None:
        """The word stands behind the errors that no waiting will mend."""
        permanent = set(re.findall(r"- `(\w+)`:.*\(permanent\)$", errors.__doc__ or "", flags=re.MULTILINE))
        assert len(permanent) >= 5
        assert permanent.isdisjoint(type(row.error).__name__ for row in TABLE if row.retryable)

    def test_everything_is_exported(self) -> None:
        """And nothing that is not there."""
        assert set(errors.__all__) == {kind.__name__ for kind in classes()} | {
            "InterruptionReason",
            "TimeoutKind",
        }
        assert all(hasattr(errors, name) for name in errors.__all__)
