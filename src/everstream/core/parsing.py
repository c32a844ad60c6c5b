"""The event stream parser: bytes in, finished items out (WHATWG HTML 9.2.5 and 9.2.6).

Rules of this module:

- It pushes. `feed` takes a chunk as the transport gave it, and returns what that chunk finished.
- One parser, one connection: the state of an unfinished block dies with the connection, as the
  standard wants. A new connection gets a new parser, which starts from the last event ID.
- Time and memory are linear in the input, whatever the chunk sizes: every byte is decoded once, an
  unfinished line is kept as fragments and joined once.
- Any bytes are a valid stream. The only error is `EventTooLarge`, after which the parser is dead.

How a chunk is taken apart: its line ends become line feeds. Blocks that are in it from their beginning to
their end are split as bytes, and what goes into an event is decoded. What lies before and after them is
decoded incrementally, so that a character may be cut anywhere, and split into lines. A CR at the end of a
chunk ends its line at once; if the next chunk begins with LF, that LF belongs to it and is dropped.

What it costs: in most streams each block is one `data` line, and hundreds of them come in a chunk. They are
split and made events without a line of Python for each; so are blocks of another form, if all have the same
(`uniform.py`). Otherwise a line costs one `_line`.
"""

from __future__ import annotations

import codecs
import sys
from io import BytesIO

from everstream.core.arguments import require_count
from everstream.core.construction import event
from everstream.core.errors import EventTooLarge
from everstream.core.events import Comment, Event, Position, RetryHint, WireItem
from everstream.core.text import decoded, digits_to_float, utf8_length
from everstream.core.uniform import uniform_events

__all__ = ["DEFAULT_MAX_EVENT_BYTES", "EventStreamParser"]

# Large enough for any event met in practice (images in base64 included), small enough that a server
# that never ends a line cannot exhaust the memory of a worker. Peers: eventsource-parser has no
# limit by default, Go's bufio.Scanner and r3labs/sse have 64 KiB.
DEFAULT_MAX_EVENT_BYTES = 32 * 1024 * 1024

# A string costs some 60 bytes beside its text. Fragments of a few bytes are put together, so that a line
# that trickles in cannot take many times its size.
_LEAST_FRAGMENT = 64

_UTF8_BOM_AWARE = codecs.getincrementaldecoder("utf-8-sig")


class EventStreamParser:
    """A parser of one event stream.

    Attributes:
        last_event_id: The last event ID *string*: what a reconnect would send.
        reconnection_time: The last valid `retry` in seconds, or None.
    """

    def __init__(self, last_event_id: str = "", *, max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES) -> None:
        """Makes a parser for a new connection.

        Args:
            last_event_id: The last event ID string of the event source so far.
            max_event_bytes: The most bytes of UTF-8 that may be kept for one event: the data of its block
                so far, with line feeds, and the whole line that is being read, which may be a comment.

        Raises:
            ConfigurationError: `max_event_bytes` is not a whole number above 0.
        """
        require_count("max_event_bytes=", max_event_bytes)
        self.last_event_id = last_event_id
        self.reconnection_time: float | None = None
        self._max_event_bytes = max_event_bytes
        # [spec] Streams must be decoded using the UTF-8 decode algorithm: it strips one leading
        # byte order mark and replaces what is not UTF-8 by U+FFFD.
        self._decoder = _UTF8_BOM_AWARE(errors="replace")
        self._is_begun = self._after_cr = False
        self._fragments: list[str] = []
        self._fragments_bytes = 0
        self._data: list[str] = []
        self._data_bytes = 0
        self._type = ""
        # [spec] The last event ID buffer: not reset by a dispatch, lost when cut inside a block.
        # [departure] The standard begins each connection with an empty buffer, by which the first event
        # without an id would reset the last event ID string, and the next reconnect would have none. It
        # begins with the string instead, as browsers do.
        self._last_event_id_buffer = last_event_id
        self._items: list[WireItem] = []

    def feed(self, chunk: bytes) -> list[WireItem]:
        """Takes the next bytes of the stream.

        Args:
            chunk: Any number of bytes, cut anywhere.

        Returns:
            The items that these bytes finished, in wire order.

        Raises:
            EventTooLarge: An event or a line passes the limit. Its `items` are what the chunk had
                finished before; feed nothing more.
        """
        if self._after_cr and chunk:
            self._after_cr = False
            # [spec] CRLF is one line end, also when the chunk was cut between the two.
            chunk = chunk[1:] if chunk[:1] == b"\n" else chunk
        if b"\r" in chunk:
            # [spec] Lines end in CRLF, LF or CR, and in nothing else: str.splitlines would also cut
            # at U+0085, U+2028, U+2029, VT and FF, which JSON may hold.
            # [spec] A line that ends in CR is finished by that CR: an event is not held back until
            # the next byte shows whether an LF follows.
            self._after_cr = chunk[-1:] == b"\r"
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        begin, end = self._whole_blocks(chunk)
        if begin < end:
            self._lines(chunk[:begin])
            self._blocks(chunk[begin:end])
            chunk = chunk[end + 1 :]
        if chunk:
            self._lines(chunk)
        items, self._items = self._items, []
        return items

    def unfinished(self) -> Event | None:
        """Returns what the unfinished block would dispatch if a blank line came now.

        Returns:
            None if the stream stands between blocks. Otherwise an event, with empty data if the block
            has none. It is for telling a clean end from a cut one; the standard drops it.
        """
        pending, _ = self._decoder.getstate()
        line = "".join(self._fragments) + pending.decode(errors="replace")
        is_moving = self._last_event_id_buffer != self.last_event_id
        if not (self._data or self._type or is_moving) and (not line or line.startswith(":")):
            return None
        # The unfinished line may be any field. It is read by a parser that stands where this one does.
        twin = EventStreamParser(self._last_event_id_buffer, max_event_bytes=sys.maxsize)
        twin._type = self._type
        twin._data = list(self._data)
        if line:
            twin._line(line)
        return Event(twin._type or "message", "\n".join(twin._data), twin._last_event_id_buffer)

    def _whole_blocks(self, chunk: bytes) -> tuple[int, int]:
        """Returns from where to where blocks lie in a chunk as a whole, the last without its blank line."""
        # Their sizes are not checked: blocks cannot pass a limit that the whole chunk does not pass, even if
        # each of its bytes became U+FFFD.
        if b"\n" not in chunk or 3 * len(chunk) > self._max_event_bytes:
            return 0, 0
        end = chunk.rfind(b"\n\n") + 1
        if self._is_between_blocks():
            return 0, end
        # The block under way ends with the first blank line, which may be the first line of the chunk.
        is_blank = chunk[:1] == b"\n" and not self._is_within_line()
        # One line feed is found much faster than two.
        return (1 if is_blank else chunk.find(b"\n\n", chunk.find(b"\n")) + 2), end

    def _blocks(self, blocks: bytes) -> None:
        uniform = uniform_events(blocks, self.last_event_id)
        if uniform is not None:
            self._items += uniform
            self.last_event_id = self._last_event_id_buffer = uniform[-1].id
            return
        data: list[bytes] = []
        for line in BytesIO(blocks + b"\n").readlines():
            if line == b"\n":
                self._dispatch(decoded(b"\n".join(data)) if data else None)
                data.clear()
            elif line[:5] == b"data:" or line == b"data\n":
                data.append(line[6:-1] if line[5:6] == b" " else line[5:-1])
            else:
                self._line(decoded(line[:-1]))

    def _lines(self, chunk: bytes) -> None:
        text = self._decoder.decode(chunk)
        self._is_begun = True
        line, is_ended, others = text.partition("\n")
        if is_ended:
            if self._fragments:
                self._finish(line)
            else:
                self._line(line)
            *lines, line = others.split("\n")
            for each in lines:
                self._line(each)
        if line:
            self._keep(line)

    def _finish(self, end: str) -> None:
        """Takes the end of the line that is kept as fragments."""
        self._check(self._data_bytes + self._fragments_bytes + utf8_length(end))
        self._fragments.append(end)
        is_data = self._fragments[0].startswith("data: ")
        if is_data:
            # Its name goes before it is joined, which saves a copy of what may be very large.
            self._fragments[0] = self._fragments[0][6:]
        line = "".join(self._fragments)
        self._fragments.clear()
        self._fragments_bytes = 0
        if is_data:
            self._add_data(line)
        else:
            self._line(line)

    def _keep(self, fragment: str) -> None:
        if self._fragments and len(self._fragments[-1]) < _LEAST_FRAGMENT:
            self._fragments[-1] += fragment
        else:
            self._fragments.append(fragment)
        self._fragments_bytes += utf8_length(fragment)
        self._check(self._data_bytes + self._fragments_bytes)

    def _line(self, line: str) -> None:
        if not line:
            # [spec] If the line is empty (a blank line): dispatch the event.
            data, self._data, self._data_bytes = self._data, [], 0
            self._dispatch("\n".join(data) if data else None)
            return
        self._check(self._data_bytes + utf8_length(line))
        if line.startswith("data:"):
            # Nearly every line of a real stream; one look instead of a partition.
            self._add_data(line[6:] if line.startswith(" ", 5) else line[5:])
        elif line[0] == ":":
            # [spec] If the line starts with a colon: ignore the line.
            # [departure] A comment comes out as an item: it is how servers show that they are alive.
            self._items.append(Comment(line[1:].removeprefix(" ")))
        else:
            # [spec] Collect the characters before the first colon as field, those after as value;
            # if value starts with a space, remove it. Without a colon the whole line is the field
            # name, and the empty string the value.
            name, _, value = line.partition(":")
            self._field(name, value.removeprefix(" "))

    def _field(self, name: str, value: str) -> None:
        # [spec] Field names must be compared literally, with no case folding performed.
        if name == "data":
            self._add_data(value)
        elif name == "event":
            # [spec] Set the event type buffer to the field value.
            self._type = value
        elif name == "id":
            # [spec] If the field value does not contain U+0000 NULL, then set the last event ID
            # buffer to the field value. Otherwise, ignore the field.
            if "\0" not in value:
                self._last_event_id_buffer = value
        elif name == "retry":
            self._retry(value)
        # [spec] Otherwise: the field is ignored.

    def _add_data(self, value: str) -> None:
        # [spec] Append the field value to the data buffer, then append a single LF. (The last LF is
        # removed at dispatch, which makes it a join.)
        self._data.append(value)
        self._data_bytes += utf8_length(value) + 1

    def _retry(self, value: str) -> None:
        # [spec] If the field value consists of only ASCII digits, then interpret it as an integer in
        # base ten, and set the reconnection time to that integer. Otherwise, ignore the field.
        milliseconds = digits_to_float(value)
        if milliseconds is not None:
            self.reconnection_time = milliseconds / 1000
            self._items.append(RetryHint(self.reconnection_time))

    def _dispatch(self, data: str | None) -> None:
        # [spec] Set the last event ID string of the event source to the value of the last event ID
        # buffer: also when there is no event to dispatch.
        before, self.last_event_id = self.last_event_id, self._last_event_id_buffer
        if data is not None:
            self._items.append(event(self._type or "message", data, self.last_event_id))
        elif before != self.last_event_id:
            # [spec] If the data buffer is an empty string, set the data buffer and the event type
            # buffer to the empty string and return.
            self._items.append(Position(self.last_event_id))
        self._type = ""

    def _is_between_blocks(self) -> bool:
        is_moving = self._last_event_id_buffer != self.last_event_id
        return not (self._data or self._type or is_moving or self._is_within_line())

    def _is_within_line(self) -> bool:
        # The decoder keeps the beginning of a character, and has to see that of the stream, for its mark.
        return bool(self._fragments or not self._is_begun or self._decoder.getstate()[0])

    def _check(self, size: int) -> None:
        if size > self._max_event_bytes:
            raise EventTooLarge(limit=self._max_event_bytes, items=tuple(self._items))
