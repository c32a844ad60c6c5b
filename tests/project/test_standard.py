"""The standard's rules are quoted where they are implemented, and departures from it are documented."""

import re

import pytest

from tests.project.source import ROOT, Module, modules

CORE = [module for module in modules() if module.room == "core"]
_MARKED = r"^ *# \[{mark}\] (?P<text>.*(?:\n *# (?!\[).*)*)"


def marked(module: Module, mark: str) -> list[str]:
    """Returns the comments of a module that begin with a mark, each as one line."""
    found = re.finditer(_MARKED.format(mark=mark), module.text, re.MULTILINE)
    return [re.sub(r"\n *# ", " ", comment["text"]) for comment in found]


SPEC = " ".join(text for module in CORE for text in marked(module, "spec"))


@pytest.mark.parametrize(
    "rule",
    [
        "UTF-8 decode algorithm",
        "CRLF",
        "blank line",
        "starts with a colon",
        "before the first colon",
        "no case folding",
        "event type buffer",
        "data buffer",
        "U+0000 NULL",
        "ASCII digits",
        "the field is ignored",
        "last event ID string",
        "any pending data must be discarded",
    ],
)
def test_a_rule_of_the_standard_is_quoted(rule: str) -> None:
    """Each step of parsing and interpreting an event stream is marked in the code that does it."""
    assert rule in SPEC


def test_departures_are_documented() -> None:
    """The first words of each departure, up to a colon or full stop, stand in a page of the explanation."""
    pages = " ".join(p.read_text("utf-8") for p in (ROOT / "docs" / "explanation").rglob("*.md"))
    departures = [re.split(r"[:.]", text)[0] for m in modules() for text in marked(m, "departure")]
    assert [words for words in departures if words.lower() not in pages.lower()] == []


def test_marks_are_read() -> None:
    """A marked comment goes on until the next mark or the end of the comment."""
    text = "x = 1\n    # [spec] One\n    # rule.\n    # [departure] Two: why.\n    y = 2\n    # three\n"
    module = Module("core/a.py", text)
    assert marked(module, "spec") == ["One rule."]
    assert marked(module, "departure") == ["Two: why."]
