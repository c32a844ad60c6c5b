"""What the caller's functions say of events, one at a time, when each is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from everstream.core.body import Body
from everstream.core.deduplication import Dedupe
from everstream.core.errors import ProviderError
from everstream.core.events import Comment, Duplicate, Event, WireItem
from everstream.core.looking import Looking
from everstream.core.parsing import DEFAULT_MAX_EVENT_BYTES

CHUNK = b"data: a\n\n: hi\n\ndata: b\n\ndata: c\n\n"
A, B, C = (Event("message", data, "") for data in "abc")


def looking(**functions: Any) -> Looking:
    """Looks with these functions alone."""
    names = ("until", "error_in", "progress_in", "dedupe")
    return Looking(*(functions.get(name) for name in names))


def fed(chunk: bytes = CHUNK) -> Body:
    """A body of which this has come."""
    body = Body("", DEFAULT_MAX_EVENT_BYTES, remembers=True)
    body.feed(chunk)
    return body


@pytest.mark.parametrize(
    "functions",
    [{"until": "x"}, {"until": bool}, {"error_in": print}, {"progress_in": bool}, {"dedupe": Dedupe()}],
    ids=lambda functions: next(iter(functions)),
)
def test_it_is_needed_only_if_there_is_something_to_ask(functions: dict[str, Any]) -> None:
    """Otherwise nobody looks at events."""
    assert not looking().is_needed
    assert looking(**functions).is_needed


def test_without_functions_all_is_given() -> None:
    """Every event is progress."""
    look, body = looking(), fed()
    assert not look.has_progressed
    assert list(look.into(body)) == [A, Comment("hi"), B, C]
    assert (look.end, look.is_progress, look.has_progressed, body.events) == (None, True, True, 3)


def test_functions_are_asked_when_the_event_is_asked_for() -> None:
    """Not before: what has not been given has not been seen."""
    asked: list[str] = []

    def until(event: Event) -> bool:
        asked.append(event.data)
        return False

    look, body = looking(until=until), fed()
    states = [(asked.copy(), body.events) for _ in look.into(body)]
    assert states == [(["a"], 1), (["a"], 1), (["a", "b"], 2), (["a", "b", "c"], 3)]


@pytest.mark.parametrize(
    ("functions", "given", "events"),
    [
        ({"until": "b"}, [A, Comment("hi")], 1),
        ({"until": lambda event: event.data == "b"}, [A, Comment("hi"), B], 2),
        ({"until": "c"}, [A, Comment("hi"), B], 2),
        ({"until": lambda event: event.data == "c"}, [A, Comment("hi"), B, C], 3),
    ],
    ids=["data", "a function", "data at last", "a function at last"],
)
def test_an_end_ends_what_is_given(functions: dict[str, Any], given: list[WireItem], events: int) -> None:
    """What follows is not even counted."""
    look, body = looking(**functions), fed()
    items = look.into(body)
    assert [next(items) for _ in given] == given
    # It is known only when somebody comes back.
    assert look.end is None
    assert list(items) == []
    assert (look.end, body.events, list(body.upcoming)) == ("until", events, [])
    assert body.incomplete(None).received == tuple(item for item in given if isinstance(item, Event))


def test_an_error_ends_what_is_given() -> None:
    """Its event is not given, and no progress."""
    error = ProviderError(message="no")
    look, body = looking(error_in=lambda event: error if event.data == "a" else None), fed()
    assert list(look.into(body)) == []
    assert (look.end, look.has_progressed, body.events) == (error, False, 0)


def test_an_end_is_forgotten_with_the_next_chunk() -> None:
    """There is a next one after an error that is retried."""
    error = ProviderError(message="no")
    look = looking(error_in=lambda event: error if event.data == "a" else None)
    assert list(look.into(fed())) == []
    assert list(look.into(fed(b"data: b\n\n"))) == [B]
    assert look.end is None


def test_progress_is_that_of_the_event_in_hand() -> None:
    """Once there was some, there has been some."""
    look, body = looking(progress_in=lambda event: event.data == "b"), fed()
    assert (look.is_progress, look.has_progressed) == (False, False)
    states = [(look.is_progress, look.has_progressed) for _ in look.into(body)]
    assert states == [(False, False), (False, False), (True, True), (False, True)]


def test_a_duplicate_is_given_as_one() -> None:
    """Only of an event of an earlier connection."""
    look = looking(dedupe=Dedupe(key=lambda event: event.data))
    look.memory.opened()
    assert list(look.into(fed(b"data: a\n\ndata: a\n\n"))) == [A, A]
    look.memory.opened()
    assert list(look.into(fed())) == [Duplicate(A), Comment("hi"), B, C]


@pytest.mark.parametrize("name", ["until", "progress_in", "dedupe"])
def test_an_exception_of_a_function_passes(name: str) -> None:
    """With those before it given and nothing behind it."""

    def fails(event: Event) -> bool:
        if event.data == "b":
            raise LookupError
        return False

    look, body = looking(**{name: Dedupe(key=fails) if name == "dedupe" else fails}), fed()
    items = look.into(body)
    assert [next(items), next(items)] == [A, Comment("hi")]
    with pytest.raises(LookupError):
        next(items)
    assert list(items) == []
