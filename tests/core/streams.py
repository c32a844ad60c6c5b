"""Hypothesis strategies for event streams: arbitrary ones, and ones that look like the real thing."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

# What the rules of the standard are about, and what is often taken for it.
_MEANINGFUL = [
    "data", "event", "id", "retry", "Data", "data:", "data: ", "event: ", "id: ", "retry: ", "id:\0",
    ":", ": ", " ", "\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", "\0", "0", "1500", "+5", "５", "x",
    "é", "€", "😀", "\ufeff", "\ufffd", "\u2028", "\u2029", "\u0085", "\v", "\f",
]  # fmt: skip
_BROKEN = [
    b"\x80",
    b"\xff",
    b"\xe2",
    b"\xe2\x82",
    b"\xf0\x9f",
    b"\xed\xa0",
    b"\xef\xbb",
    b"\xc0\xaf",
    b"\xbf",
]

tokens = st.sampled_from([token.encode() for token in _MEANINGFUL] + _BROKEN)
likely_streams = st.lists(tokens | st.binary(max_size=3), max_size=40).map(b"".join)
streams = st.one_of(likely_streams, st.binary(max_size=200))
"""Any bytes; most of them made of the parts of an event stream, whole and broken."""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
one_line_texts = texts.map(lambda text: "".join(text.split("\r"))).map(lambda text: "".join(text.split("\n")))
ids = one_line_texts.map(lambda text: "".join(text.split("\0")))
line_ends = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """A stream, and the same stream in chunks; some of them are empty."""
    stream = draw(streams)
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    edges = [0, *cuts, len(stream)]
    return stream, [stream[start:end] for start, end in pairwise(edges)]
