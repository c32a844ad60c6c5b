"""Bytes of a stream as text, its size, and numbers that are written in digits."""

from __future__ import annotations

import sys
from itertools import repeat

__all__ = ["decoded", "decoded_all", "digits_to_float", "utf8_length"]


def decoded(value: bytes) -> str:
    """Returns bytes as [spec] UTF-8 decode without BOM makes them text: what is not UTF-8 is U+FFFD."""
    return value.decode("utf-8", "replace")


def decoded_all(values: list[bytes]) -> list[str]:
    """Returns what `decoded` does for each."""
    try:
        # Not to name the encoding is faster.
        return list(map(bytes.decode, values))
    except UnicodeDecodeError:
        return list(map(bytes.decode, values, repeat("utf-8"), repeat("replace")))


def utf8_length(text: str) -> int:
    """Returns the size of a text in UTF-8."""
    # isascii() is a flag of the string, so that the common case costs nothing.
    return len(text) if text.isascii() else len(text.encode())


def digits_to_float(text: str) -> float | None:
    """Returns the number that ASCII digits stand for, however many, as a finite float; else None."""
    if not (text.isascii() and text.isdigit()):
        return None
    # int() refuses more than 4,300 digits; float() takes any number of them and gives infinity, which
    # would be no JSON number in a log.
    return min(float(text), sys.float_info.max)
