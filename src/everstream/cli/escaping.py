"""Text from a server, made safe for a terminal.

A terminal obeys control characters: they move the cursor, change the title, rewrite what was shown. Some
others do not, but show a text as something that it is not: they turn its direction, break its lines, or
are invisible. All of these are shown by their number. What words and emoji are made of stays, zero width
joiners and variation selectors included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

__all__ = ["escaped", "json_text", "pieces"]

_UNSAFE = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\xad\u180e\u200b\u2060-\u2064\ufeff"  # invisible
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # turn the direction
    "\u2028\u2029"  # end a line for some
    "\u206a-\u206f\ufff9-\ufffb\U000e0000-\U000e007f"  # deprecated, for annotations, tags: invisible
    "\ud800-\udfff"  # no characters at all: no encoding takes them
)
_IN_A_LINE = re.compile(f"[{_UNSAFE}]")
_IN_A_TEXT = re.compile(f"(?!\n)[{_UNSAFE}]")
_IN_A_TEXT_WITH_TABS = re.compile(f"(?![\n\t])[{_UNSAFE}]")


def escaped(text: str, *, lines: bool = False, tabs: bool = False) -> str:
    r"""Returns the text with every unsafe character as `\x1b` or `\u2028`.

    Args:
        text: Anything.
        lines: Leaves line feeds as they are, for a text that is shown in lines.
        tabs: Leaves line feeds and tabs as they are.
    """
    unsafe = _IN_A_TEXT_WITH_TABS if tabs else _IN_A_TEXT if lines else _IN_A_LINE
    return unsafe.sub(_number, text)


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yields the escaped text in pieces, and of each whether it stands for an unsafe character."""
    end = 0
    for match in _IN_A_LINE.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], False
        yield _number(match), True
        end = match.end()
    if end < len(text):
        yield text[end:], False


def json_text(value: object, **_: object) -> str:
    """Returns a value as one line of JSON, safe in a terminal and the same value for a parser."""
    # Unsafe characters can only be inside strings: json.dumps makes no others.
    return _IN_A_LINE.sub(_json_number, json.dumps(value, ensure_ascii=False, default=str))


def _number(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _json_number(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
