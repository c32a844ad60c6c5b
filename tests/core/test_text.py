"""Bytes as text, the size of a text, and numbers in digits."""

from __future__ import annotations

import json
import sys

import pytest

from everstream.core.text import decoded, decoded_all, digits_to_float, utf8_length
from tests.core.standard import utf8_decode

VALUES = [
    *(text.encode() for text in ("", "a", "é", "€", "😀", "\0", "a\u2028b", "e\u0301")),
    *(b"\xff", b"\xc0\xaf", b"\xe2(\xa1", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80x", b"a\xf0\x9f\x98b"),
]


@pytest.mark.parametrize("value", VALUES)
def test_what_is_no_utf_8_is_replaced(value: bytes) -> None:
    """As many times as the standard has it."""
    assert decoded(value) == utf8_decode(value)


def test_a_mark_is_part_of_the_text() -> None:
    """Only that of the stream is stripped, and not here."""
    assert decoded(b"\xef\xbb\xbfa") == "\ufeffa"


def test_many_are_decoded_one_by_one() -> None:
    """None of them runs into the next."""
    halves = [b"\xe2\x82", b"\xac", *VALUES]
    assert decoded_all(halves) == [decoded(each) for each in halves]
    assert decoded_all([]) == []


@pytest.mark.parametrize("text", ["", "a", "é", "€a", "😀", "\ufffd" * 3, "a" * 1000])
def test_the_size_is_that_of_the_bytes(text: str) -> None:
    """Not that of the characters."""
    assert utf8_length(text) == len(text.encode())


@pytest.mark.parametrize(
    ("digits", "number"),
    [("0", 0.0), ("007", 7.0), ("1500", 1500.0), ("9007199254740993", 9007199254740992.0)],
)
def test_digits_are_a_number(digits: str, number: float) -> None:
    """In base ten."""
    assert digits_to_float(digits) == number


@pytest.mark.parametrize("length", [309, 5000, 100_000])
def test_any_number_of_digits_is_a_finite_number(length: int) -> None:
    """Which JSON can hold."""
    number = digits_to_float("9" * length)
    assert number == sys.float_info.max
    json.dumps(number, allow_nan=False)


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "+1", "-1", "1.5", "1e3", "1_0", "0x1", "٣", "²", "inf", "nan", "\0"]
)
def test_anything_else_is_none(text: str) -> None:
    """Digits are those of ASCII, and nothing beside them."""
    assert digits_to_float(text) is None
