"""What a server sends never reaches a terminal as anything but text."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everstream.cli.escaping import escaped, json_text, pieces

TEXTS = st.text(st.characters(exclude_categories=())) | st.text(
    st.sampled_from("a\n\x1b\x9b\u202e\u2028\ud800")
)


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("\0", r"\x00"),
        ("\a", r"\x07"),
        ("\b", r"\x08"),
        ("\t", r"\x09"),
        ("\n", r"\x0a"),
        ("\r", r"\x0d"),
        ("\x1b", r"\x1b"),
        ("\x7f", r"\x7f"),
        ("\x85", r"\x85"),
        ("\x9b", r"\x9b"),
        ("\xad", r"\xad"),
        ("\u061c", r"\u061c"),
        ("\u200b", r"\u200b"),
        ("\u200f", r"\u200f"),
        ("\u2028", r"\u2028"),
        ("\u2029", r"\u2029"),
        ("\u202e", r"\u202e"),
        ("\u2066", r"\u2066"),
        ("\ufeff", r"\ufeff"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_an_unsafe_character_is_shown_by_its_number(character: str, shown: str) -> None:
    """Controls, direction marks, line separators, invisible characters and lone surrogates are."""
    assert escaped(f"a{character}b") == f"a{shown}b"


@pytest.mark.parametrize(
    "text", ["é", "日本", "नमस्ते", "🇩🇪", "👩‍👩‍👧", "می‌خواهم", "❤️", "a b", "[bold]", r"\x1b", "�"]
)
def test_words_and_emoji_stay_as_they_are(text: str) -> None:
    """Also where zero width joiners, variation selectors or combining marks make them up."""
    assert escaped(text) == text


def test_line_feeds_stay_where_lines_are_shown() -> None:
    """But no other line end does."""
    assert escaped("a\nb\r\nc\x85d", lines=True) == "a\nb\\x0d\nc\\x85d"


@given(TEXTS)
def test_no_escaped_text_holds_a_control_character(text: str) -> None:
    """Whatever the text: no character of these categories is left."""
    for safe in (escaped(text), "".join(piece for piece, _ in pieces(text)), json_text(text)):
        assert not {unicodedata.category(character) for character in safe} & {"Cc", "Cs", "Zl", "Zp"}
        assert not {unicodedata.bidirectional(character) for character in safe} & {
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
        }  # fmt: skip
        safe.encode("utf-8")


@given(TEXTS)
def test_pieces_make_up_the_escaped_text(text: str) -> None:
    """And the pieces that stand for nothing else make up what was left alone."""
    found = list(pieces(text))
    assert "".join(piece for piece, _ in found) == escaped(text)
    assert all(piece in text for piece, stands_for_another in found if not stands_for_another)


@given(st.recursive(TEXTS | st.integers() | st.none(), lambda some: st.dictionaries(TEXTS, some)))
def test_json_keeps_its_value(value: object) -> None:
    """A parser gets back what went in."""
    assert json.loads(json_text(value)) == json.loads(json.dumps(value))
