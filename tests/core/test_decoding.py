"""Which parser of JSON reads the data of events."""

from __future__ import annotations

import json
import sys

import pytest

from everstream import ConfigurationError, Event, InvalidJSON
from everstream.core.decoding import decoder

LIBRARIES = ["json", "orjson", "msgspec"]
every_library = pytest.mark.parametrize("library", LIBRARIES)
VALUES: list[tuple[str, object]] = [
    ('{"a": [1, 2.5, null, true, "é\\n\\u2026"]}', {"a": [1, 2.5, None, True, "é\n…"]}),
    ("[]", []),
    ('""', ""),
    (" 7 ", 7),
    ("-0.5e3", -500.0),
    ("9007199254740993", 9007199254740993),
    ("null", None),
]
NO_JSON = ["", " ", "[DONE]", "{", '{"a": 1} x', "'a'", "\ufeff{}", '{"a": 1,}', "nul", "[" * 5000]


@every_library
@pytest.mark.parametrize(("text", "value"), VALUES)
def test_each_gives_the_same_value(library: str, text: str, value: object) -> None:
    """Which one is taken is a matter of speed."""
    parsed = decoder(library)(text)  # type: ignore[arg-type]
    assert parsed == value
    assert type(parsed) is type(value)


@every_library
@pytest.mark.parametrize("text", NO_JSON)
def test_each_refuses_what_is_no_json(library: str, text: str) -> None:
    """The error is ours, and carries the event."""
    event = Event("message", text, "7")
    with pytest.raises(InvalidJSON) as caught:
        event.json(library)  # type: ignore[call-overload]
    assert caught.value.event is event
    assert caught.value.__cause__ is None


def test_a_function_is_taken_as_it_is() -> None:
    """It is the parser."""
    assert decoder(json.loads) is json.loads
    assert decoder(str.split)("a b") == ["a", "b"]


@pytest.mark.parametrize("loads", ["", "JSON", "ujson", "json.loads", None, 5, b"json", ["json"], {}, True])
def test_what_is_no_parser_is_refused(loads: object) -> None:
    """With the names of those that are, and before any data is looked at."""
    with pytest.raises(ConfigurationError, match="'json', 'orjson' or 'msgspec'"):
        decoder(loads)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="loads="):
        Event("message", "no JSON", "").json(loads)  # type: ignore[call-overload]


@pytest.mark.parametrize("library", ["orjson", "msgspec"])
def test_one_that_is_not_installed_is_missed_by_name(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is asked for, and the error has the command; the others work."""
    monkeypatch.setitem(sys.modules, library, None)
    if library == "msgspec":
        monkeypatch.setitem(sys.modules, "msgspec.json", None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'everstream\[{library}\]'") as caught:
        decoder(library)  # type: ignore[arg-type]
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert decoder("json")("1") == 1
