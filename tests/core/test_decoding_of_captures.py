"""The parsers of JSON agree on what real services have sent."""

from __future__ import annotations

import pytest

from everstream import Event, InvalidJSON
from everstream.core.decoding import JSONLibrary
from tests.captures import Capture, captures

NO_JSON = object()


def parsed(event: Event, library: JSONLibrary) -> object:
    """Returns what a library makes of an event."""
    try:
        return event.json(library)
    except InvalidJSON:
        return NO_JSON


@pytest.mark.parametrize("capture", captures(), ids=lambda capture: capture.name)
def test_each_library_gives_the_same_values(capture: Capture) -> None:
    """Of each event, and refuses the same as no JSON."""
    for event in capture.items():
        if isinstance(event, Event):
            value = parsed(event, "json")
            assert parsed(event, "orjson") == value
            assert parsed(event, "msgspec") == value


def test_the_recordings_have_both() -> None:
    """Values and what is none, so that the test above says something."""
    found = {
        parsed(event, "json") is NO_JSON
        for capture in captures()
        for event in capture.items()
        if isinstance(event, Event)
    }
    assert found == {True, False}
