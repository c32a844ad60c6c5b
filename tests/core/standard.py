"""A second parser, written from the steps of the standards alone, for tests to compare with.

It takes a whole stream at once, keeps no eye on speed and shares no code and no idea with ours: each
function is one algorithm of the Encoding Standard or of WHATWG HTML 9.2.6, in the order of its steps.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from decimal import Decimal

from everstream.core.events import Comment, Event, Position, RetryHint, WireItem


def utf8_decode(stream: bytes) -> str:
    """Decodes as the Encoding Standard's *UTF-8 decode* does, up to a character that is cut off."""
    queue = list(stream.removeprefix(b"\xef\xbb\xbf"))
    output: list[str] = []
    code_point = needed = seen = 0
    lower, upper = 0x80, 0xBF
    while queue:
        byte = queue.pop(0)
        if needed == 0:
            if byte <= 0x7F:
                output.append(chr(byte))
            elif 0xC2 <= byte <= 0xDF:
                needed, code_point = 1, byte & 0x1F
            elif 0xE0 <= byte <= 0xEF:
                lower = 0xA0 if byte == 0xE0 else lower
                upper = 0x9F if byte == 0xED else upper
                needed, code_point = 2, byte & 0xF
            elif 0xF0 <= byte <= 0xF4:
                lower = 0x90 if byte == 0xF0 else lower
                upper = 0x8F if byte == 0xF4 else upper
                needed, code_point = 3, byte & 0x7
            else:
                output.append("\ufffd")
        elif not lower <= byte <= upper:
            code_point = needed = seen = 0
            lower, upper = 0x80, 0xBF
            queue.insert(0, byte)
            output.append("\ufffd")
        else:
            lower, upper = 0x80, 0xBF
            code_point = (code_point << 6) | (byte & 0x3F)
            seen += 1
            if seen == needed:
                output.append(chr(code_point))
                code_point = needed = seen = 0
    return "".join(output)


def lines_of(text: str) -> tuple[list[str], str]:
    """Gives the lines that have ended, by CRLF, LF or CR, and the beginning of one that has not."""
    lines: list[str] = []
    line = ""
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if character not in "\r\n":
            line += character
            continue
        if character == "\r" and text[position : position + 1] == "\n":
            position += 1
        lines.append(line)
        line = ""
    return lines, line


@dataclass
class EventStream:
    """The state that the standard keeps while it reads a stream, and what came of it."""

    last_event_id: str = ""
    data_buffer: str = ""
    event_type_buffer: str = ""
    last_event_id_buffer: str = ""
    reconnection_time: float | None = None
    items: list[WireItem] = field(default_factory=list)

    def take_line(self, line: str) -> None:
        """Takes a line, in the four cases of the standard."""
        if line == "":
            self.dispatch()
        elif line[0] == ":":
            text = line[1:]
            self.items.append(Comment(text[1:] if text[:1] == " " else text))
        elif ":" in line:
            colon = line.index(":")
            value = line[colon + 1 :]
            self.take_field(line[:colon], value[1:] if value[:1] == " " else value)
        else:
            self.take_field(line, "")

    def take_field(self, name: str, value: str) -> None:
        """Takes a field, by its name."""
        if name == "event":
            self.event_type_buffer = value
        if name == "data":
            self.data_buffer += value
            self.data_buffer += "\n"
        if name == "id" and "\0" not in value:
            self.last_event_id_buffer = value
        if name == "retry" and value != "" and all(digit in "0123456789" for digit in value):
            # As exact as can be, and any number of digits; the greatest float stands for more.
            milliseconds = min(Decimal(value), Decimal(sys.float_info.max))
            self.reconnection_time = float(milliseconds) / 1000
            self.items.append(RetryHint(self.reconnection_time))

    def dispatch(self) -> None:
        """Takes a blank line."""
        before = self.last_event_id
        self.last_event_id = self.last_event_id_buffer
        if self.data_buffer == "":
            self.event_type_buffer = ""
            if self.last_event_id != before:
                self.items.append(Position(self.last_event_id))
            return
        event_type = self.event_type_buffer if self.event_type_buffer != "" else "message"
        self.items.append(Event(event_type, self.data_buffer[:-1], self.last_event_id))
        self.data_buffer = ""
        self.event_type_buffer = ""


def interpret(stream: bytes, last_event_id: str = "") -> EventStream:
    """Reads a whole stream as 9.2.6 says.

    The last event ID buffer starts from the event source's string, where the standard says empty:
    an event without an id, first on a new connection, would otherwise wipe out the position.
    """
    state = EventStream(last_event_id, last_event_id_buffer=last_event_id)
    lines, _ = lines_of(utf8_decode(stream))
    for line in lines:
        state.take_line(line)
    return state


def exceeds(stream: bytes, limit: int) -> bool:
    """Whether a block's data so far, with its line feeds, and the line being read pass the limit."""
    lines, rest = lines_of(utf8_decode(stream))
    state = EventStream()
    for line in [*lines, rest]:
        if line and len((state.data_buffer + line).encode()) > limit:
            return True
        state.take_line(line)
    return False
