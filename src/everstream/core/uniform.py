"""Blocks that all have the same form, taken apart column by column.

What one server sends in one stream mostly has one form: `data`, or `event` and `data`, or `event`, `id` and
`data`. Of a hundred such blocks each line is a column, and what is to be done for all lines of a column is
done without a line of Python for each. Blocks of one line of data, the most frequent form, are not even
split into lines. Whatever is not of this kind is left to the parser.
"""

from __future__ import annotations

from io import BytesIO
from itertools import repeat
from operator import contains

from everstream.core.construction import events
from everstream.core.events import Event
from everstream.core.text import decoded_all

__all__ = ["uniform_events"]

_PREFIXES = (b"data: ", b"event: ", b"id: ")


def uniform_events(blocks: bytes, last_event_id: str) -> list[Event] | None:
    """Returns the events of blocks, if all have the form of the first, and each line one that servers send.

    Args:
        blocks: Whole blocks with line feeds for line ends, the last of them without its blank line.
        last_event_id: The last event ID string before them.
    """
    if blocks.startswith(b"data: "):
        end_of_line, end_of_block = blocks.find(b"\n"), blocks.find(b"\n\n")
        if end_of_line in (end_of_block, len(blocks) - 1):
            return _of_one_line(blocks, last_event_id)
    return _of_columns(blocks, last_event_id)


def _of_one_line(blocks: bytes, last_event_id: str) -> list[Event] | None:
    if blocks.isascii():
        data = blocks.decode().split("\n\ndata: ")
    else:
        # As one text it would take twice the room, for the sake of one character.
        data = decoded_all(blocks.split(b"\n\ndata: "))
    data[0] = data[0][6:]
    data[-1] = data[-1][:-1]
    if any(map(contains, data, repeat("\n"))):
        return None
    return events(repeat("message"), data, repeat(last_event_id))


def _of_columns(blocks: bytes, last_event_id: str) -> list[Event] | None:
    lines = BytesIO(blocks + b"\n").readlines()
    height = lines.index(b"\n") + 1
    count, odd = divmod(len(lines), height)
    if odd or lines[height - 1 :: height].count(b"\n") != count:
        return None
    columns: dict[bytes, list[list[bytes]]] = {prefix: [] for prefix in _PREFIXES}
    for number in range(height - 1):
        column = lines[number::height]
        prefix = column[0][: column[0].find(b" ") + 1]
        if prefix not in columns or not all(map(bytes.startswith, column, repeat(prefix))):
            return None
        start = len(prefix)
        columns[prefix].append([line[start:-1] for line in column])
    data, types, ids = columns.values()
    # An id with NUL is ignored.
    if not data or (ids and b"\0" in b"".join(ids[-1])):
        return None
    return events(
        [kind or "message" for kind in decoded_all(types[-1])] if types else repeat("message", count),
        decoded_all(data[0] if len(data) == 1 else list(map(b"\n".join, zip(*data, strict=True)))),
        decoded_all(ids[-1]) if ids else repeat(last_event_id, count),
    )
