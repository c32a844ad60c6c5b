"""`json()`: the data of events as values, and what comes of data that is no JSON."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from everstream import ConfigurationError, Event, EventSource, InvalidJSON, StreamInterrupted
from everstream.testing import SSEServer, cut, event

MakeSource = Callable[..., EventSource]
every_library = pytest.mark.parametrize("library", ["json", "orjson", "msgspec"])
MIXED = [event('{"a": 1}', id="1"), event("no", id="2"), event("null", id="3"), event("[DONE]")]


@every_library
def test_each_event_gives_its_value(sse_server: SSEServer, make_source: MakeSource, library: Any) -> None:
    """In order, over reconnects; None is a value."""
    sse_server.script([[event('{"a": "é…"}'), event("[1,\n2.5]"), cut()], [event("null"), event('"x"')]])
    assert list(make_source().json(library)) == [{"a": "é…"}, [1, 2.5], None, "x"]


@every_library
def test_what_is_no_json_is_raised_and_the_loop_can_be_entered_again(
    sse_server: SSEServer, make_source: MakeSource, library: Any
) -> None:
    """The error has the event; everything else is given, and asked for once."""
    sse_server.script([MIXED])
    source = make_source(until="[DONE]")
    values: list[object] = []
    with pytest.raises(InvalidJSON) as caught:
        values.extend(source.json(library))
    assert caught.value.event == Event("message", "no", "2")
    assert source.last_event_id == "1"
    values.extend(source.json(library))
    assert values == [{"a": 1}, None]
    assert source.last_event_id == "3"
    assert len(sse_server.requests) == 1


def test_a_value_that_was_taken_is_not_lost(sse_server: SSEServer, make_source: MakeSource) -> None:
    """By whatever loop, one after the other."""
    sse_server.script([[event(str(number)) for number in range(6)]])
    source = make_source(until="never", method="POST")
    taken: list[object] = [next(source.json()), next(source).data, next(source.json("orjson"))]
    for item in source.all():
        if isinstance(item, Event):
            taken.append(item.data)
            break
    values = source.json("msgspec")
    taken += [next(values), next(values)]
    assert taken == [0, "1", 2, "3", 4, 5]


@every_library
def test_it_may_be_skipped(sse_server: SSEServer, make_source: MakeSource, library: Any) -> None:
    """The cursor moves past it."""
    sse_server.script([MIXED])
    source = make_source(until="[DONE]")
    assert list(source.json(library, on_invalid="skip")) == [{"a": 1}, None]
    assert (source.last_event_id, source.stats.events) == ("3", 3)


@every_library
def test_it_may_be_given_as_the_event(sse_server: SSEServer, make_source: MakeSource, library: Any) -> None:
    """In its place."""
    sse_server.script([MIXED])
    values = list(make_source(until="[DONE]").json(library, on_invalid="event"))
    assert values == [{"a": 1}, Event("message", "no", "2"), None]


def test_a_function_may_parse(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Whatever it raises means that the data cannot be parsed."""
    sse_server.script([[event("a b"), event("1")]])
    assert list(make_source().json(str.split)) == [["a", "b"], ["1"]]
    sse_server.script([[event("a"), event("1")]])
    assert list(make_source().json(int, on_invalid="skip")) == [1]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_what_is_to_end_the_program_is_no_invalid_json(
    sse_server: SSEServer, make_source: MakeSource, interrupt: type[BaseException]
) -> None:
    """Ctrl-C in a parser is Ctrl-C, also where invalid data is skipped."""
    sse_server.script([[event("a")]])

    def loads(_data: str) -> object:
        raise interrupt

    with pytest.raises(interrupt):
        next(make_source().json(loads, on_invalid="skip"))


@pytest.mark.parametrize("on_invalid", ["", "RAISE", "ignore", None, True, [], "raises"])
def test_another_way_to_treat_it_is_refused(make_source: MakeSource, on_invalid: Any) -> None:
    """At once, not when the first event comes."""
    with pytest.raises(ConfigurationError, match="on_invalid= takes 'raise', 'skip' or 'event'"):
        make_source().json(on_invalid=on_invalid)


@pytest.mark.parametrize("loads", ["", "simplejson", None, 5, ["json"], {}])
def test_another_parser_is_refused(sse_server: SSEServer, make_source: MakeSource, loads: Any) -> None:
    """At once; nothing is asked of the server."""
    with pytest.raises(ConfigurationError, match="loads= takes a function, 'json', 'orjson' or 'msgspec'"):
        make_source().json(loads)
    assert sse_server.requests == []


@pytest.mark.parametrize("library", ["orjson", "msgspec"])
def test_a_library_that_is_missing_is_named(
    sse_server: SSEServer, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch, library: Any
) -> None:
    """At once, with the command that installs it; without it nothing else is missed."""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setitem(sys.modules, f"{library}.json", None)
    source = make_source()
    with pytest.raises(ConfigurationError, match=rf"pip install 'everstream\[{library}\]'"):
        source.json(library)
    sse_server.script([event("1")])
    assert next(source.json()) == 1


def test_the_errors_of_the_stream_come_through(sse_server: SSEServer, make_source: MakeSource) -> None:
    """Whatever is done about invalid data."""
    sse_server.script([[event("1"), cut()]])
    values = make_source(method="POST").json(on_invalid="skip")
    assert next(values) == 1
    with pytest.raises(StreamInterrupted):
        next(values)


def test_the_error_does_not_show_the_data(sse_server: SSEServer, make_source: MakeSource) -> None:
    """It goes to logs: the data is in its event alone."""
    sse_server.script([[event("hunter2", type="x")]])
    with pytest.raises(InvalidJSON) as caught:
        next(make_source().json())
    assert str(caught.value) == "the data of an event of type x is no JSON (7 characters)"
    assert caught.value.__suppress_context__
