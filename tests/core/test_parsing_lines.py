"""From bytes to lines: decoding, the byte order mark, line ends, chunks (WHATWG HTML 9.2.5, 9.2.6)."""

from __future__ import annotations

import pytest

from everstream.core.events import Comment, Event, Position
from everstream.core.parsing import EventStreamParser
from tests.core.feeding import BOM, LINE_END_NAMES, LINE_ENDS, data_of, fed, message, parse, pieces

every_line_end = pytest.mark.parametrize("end", LINE_ENDS, ids=LINE_END_NAMES)
every_size = pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])


class TestByteOrderMark:
    @every_line_end
    @every_size
    def test_a_leading_mark_is_stripped(self, end: str, size: int) -> None:
        """'The UTF-8 decode algorithm strips one leading UTF-8 Byte Order Mark (BOM), if any'."""
        stream = BOM + f"data: x{end}{end}".encode()
        assert fed(EventStreamParser(), pieces(stream, size)) == [message("x")]

    @every_size
    def test_only_one_mark_is_stripped(self, size: int) -> None:
        """A second one belongs to the first line, whose field name it makes unknown."""
        stream = BOM + BOM + b"data: 1\n\n" + b"data: 2\n\n"
        assert fed(EventStreamParser(), pieces(stream, size)) == [message("2")]

    @every_size
    def test_a_mark_later_in_the_stream_is_data(self, size: int) -> None:
        """Only the stream has a leading mark: its events, lines and chunks have none."""
        stream = b"data: 1\n\n" + BOM + b"data: 2\n\ndata: " + BOM + b"3\n\ndata:" + BOM + b"\n\n"
        assert fed(EventStreamParser(), pieces(stream, size)) == [
            message("1"),
            message("\ufeff3"),
            message("\ufeff"),
        ]

    def test_each_connection_may_begin_with_a_mark(self) -> None:
        """A new parser is a new stream."""
        assert [parse(BOM + b"data: x\n\n") for _ in range(2)] == [[message("x")]] * 2

    @pytest.mark.parametrize("first", [b"\n", b"\r", b":\n", b"x", b" "])
    def test_a_mark_behind_anything_is_not_leading(self, first: bytes) -> None:
        """Not even an empty line may come before it."""
        stream = first + BOM + b"data: 1\n\ndata: 2\n\n"
        assert data_of(fed(EventStreamParser(), pieces(stream, 1))) == ["2"]

    @pytest.mark.parametrize("start", [b"\xef", b"\xef\xbb", b"\xef\xbb\xbe", b"\xfe\xff", b"\xff\xfe"])
    @every_size
    def test_what_only_begins_like_a_mark_is_kept(self, start: bytes, size: int) -> None:
        """The bytes held back to see whether they are a mark come through when they are not."""
        stream = b":".join([start, b"x\ndata: y\n\n"])
        assert fed(EventStreamParser(), pieces(stream, size)) == [message("y")]
        assert fed(EventStreamParser(), pieces(start + b"data: no\n\n", size)) == []

    def test_a_stream_of_nothing_but_a_mark_gives_nothing(self) -> None:
        """The grammar allows the mark alone: stream = [ bom ] *event."""
        parser = EventStreamParser()
        assert fed(parser, pieces(BOM, 1)) == []
        assert parser.unfinished() is None


class TestLineEnds:
    @every_line_end
    @every_size
    def test_each_of_the_three_ends_a_line(self, end: str, size: int) -> None:
        """'end-of-line = ( cr lf / cr / lf )'."""
        stream = f"data: a{end}data: b{end}{end}:c{end}id: 1{end}{end}".encode()
        expected = [message("a\nb"), Comment("c"), Position("1")]
        assert fed(EventStreamParser(), pieces(stream, size)) == expected

    @pytest.mark.parametrize("second", LINE_ENDS, ids=LINE_END_NAMES)
    @pytest.mark.parametrize("first", LINE_ENDS, ids=LINE_END_NAMES)
    @every_size
    def test_the_three_may_be_mixed(self, first: str, second: str, size: int) -> None:
        """Each line may end in its own way; CR before LF is one end, LF before CR two."""
        ends = 1 if first + second == "\r\n" else 2
        items = fed(EventStreamParser(), pieces(f"data: a{first}{second}data: b\n\n".encode(), size))
        assert items == ([message("a\nb")] if ends == 1 else [message("a"), message("b")])

    def test_a_block_that_ends_in_cr_is_dispatched_at_that_cr(self) -> None:
        """A CR ends its line by itself; whether LF follows is not waited for."""
        parser = EventStreamParser()
        assert parser.feed(b"data: a\r") == []
        assert parser.feed(b"\r") == [message("a")]
        assert parser.feed(b"data: b\r\r") == [message("b")]
        assert parser.feed(b":c\r") == [Comment("c")]

    @pytest.mark.parametrize("rest", [[b"\n"], [b"", b"\n"], [b"", b"", b"\n", b""]])
    def test_an_lf_that_follows_in_a_later_chunk_is_no_blank_line(self, rest: list[bytes]) -> None:
        """'CRLF character pair' is one end, also when the chunk was cut inside."""
        parser = EventStreamParser()
        assert fed(parser, [b"data: a\r", *rest, b"data: b\r", *rest]) == []
        assert fed(parser, [b"\r", *rest]) == [message("a\nb")]
        assert fed(parser, [b"data: c\n\n"]) == [message("c")]

    def test_only_one_lf_belongs_to_a_cr(self) -> None:
        """The LF after CRLF is a blank line."""
        parser = EventStreamParser()
        assert parser.feed(b"data: a\r") == []
        assert parser.feed(b"\n\n") == [message("a")]
        assert parser.feed(b"data: b\r\n") == []
        assert parser.feed(b"\n") == [message("b")]

    def test_a_cr_in_an_earlier_chunk_does_not_swallow_a_later_lf(self) -> None:
        """Text between the two makes the LF an end of its own."""
        parser = EventStreamParser()
        assert fed(parser, [b"data: a\r", b"data: b", b"\n", b"\n"]) == [message("a\nb")]

    @pytest.mark.parametrize(
        "character",
        ["\u2028", "\u2029", "\u0085", "\v", "\f", "\0", "\x1c", "\x1d", "\x1e", "\x1f", "\x1a", "\\n"],
        ids=ascii,
    )
    def test_no_other_character_ends_a_line(self, character: str) -> None:
        """'[...] being the ways in which a line can end': JSON may hold the rest of what Unicode has."""
        stream = f"event: e{character}\nid: x\ndata: a{character}b{character}\n:{character}\n\n"
        assert parse(stream) == [
            Comment(character),
            Event(f"e{character}", f"a{character}b{character}", "x"),
        ]

    def test_blank_lines_before_the_first_block_do_nothing(self) -> None:
        """'If the line is empty (a blank line): dispatch', and there is nothing to dispatch."""
        assert parse("\n\r\n\r\r\ndata: x\n\n") == [message("x")]


class TestChunks:
    def test_an_empty_chunk_changes_nothing(self) -> None:
        """A transport may give nothing."""
        parser = EventStreamParser()
        assert fed(parser, [b"", b"data: a", b"", b"\n", b"", b"\n", b""]) == [message("a")]

    def test_items_come_with_the_chunk_that_finished_them_and_only_once(self) -> None:
        """Nothing is held back, nothing comes again."""
        parser = EventStreamParser()
        assert parser.feed(b"data: 1\n\n:c\ndata: 2\n") == [message("1"), Comment("c")]
        assert parser.feed(b"\ndata: 3\n\ndata") == [message("2"), message("3")]
        assert parser.feed(b"\n\n") == [message("")]
        assert parser.feed(b"\n") == []

    def test_a_list_that_was_given_out_is_not_touched_again(self) -> None:
        """The items of a chunk belong to the caller."""
        parser = EventStreamParser()
        first = parser.feed(b":1\n")
        first.append(Comment("the caller's"))
        assert parser.feed(b":2\n") == [Comment("2")]
        assert first == [Comment("1"), Comment("the caller's")]

    def test_parsers_share_nothing(self) -> None:
        """Two streams at once do not mix."""
        one, two = EventStreamParser(), EventStreamParser()
        assert one.feed(b"event: e\nid: 1\ndata: one") == two.feed(b"retry: 5") == []
        assert one.feed(b"\n\n") == [Event("e", "one", "1")]
        assert (one.reconnection_time, two.last_event_id) == (None, "")

    @pytest.mark.parametrize("text", ["é", "€", "豆腐", "😀", "\U0010ffff", "a\u0301", "\ufffd"], ids=ascii)
    @every_size
    def test_a_character_may_be_cut_anywhere(self, text: str, size: int) -> None:
        """'Streams must be decoded using the UTF-8 decode algorithm', as streams, not as chunks."""
        stream = f"event: {text}\nid: {text}\n:{text}\ndata: {text}\ndata:{text}{text}\n\n".encode()
        expected = [Comment(text), Event(text, f"{text}\n{text}{text}", text)]
        assert fed(EventStreamParser(), pieces(stream, size)) == expected


class TestInvalidUTF8:
    @pytest.mark.parametrize(
        ("sequence", "decoded"),
        [
            (b"\x80", "\ufffd"),
            (b"\xbf\xbf", "\ufffd" * 2),
            (b"\xff", "\ufffd"),
            (b"\xfe\xfe", "\ufffd" * 2),
            (b"\xc0\xaf", "\ufffd" * 2),
            (b"\xc1\xbf", "\ufffd" * 2),
            (b"\xe0\x80\xaf", "\ufffd" * 3),
            (b"\xf0\x80\x80\xaf", "\ufffd" * 4),
            (b"\xed\xa0\x80", "\ufffd" * 3),
            (b"\xed\xa0\xbd\xed\xb8\x80", "\ufffd" * 6),
            (b"\xf4\x90\x80\x80", "\ufffd" * 4),
            (b"\xf5\x80\x80\x80", "\ufffd" * 4),
            (b"\xe2\x82", "\ufffd"),
            (b"\xf0\x9f\x98", "\ufffd"),
            (b"\xe2\x82\xe2\x82\xac", "\ufffd€"),
            (b"\xe2\x28\xa1", "\ufffd(\ufffd"),
            (b"\xf0\x9f\xc3\xa9", "\ufffdé"),
            (b"\xc3\xc3\xa9", "\ufffdé"),
        ],
        ids=lambda value: value.hex() if isinstance(value, bytes) else "",
    )
    @pytest.mark.parametrize("size", [1, 2, 1000])
    def test_what_is_not_utf8_becomes_replacement_characters(
        self, sequence: bytes, decoded: str, size: int
    ) -> None:
        """One U+FFFD for each maximal subpart, as in the Encoding Standard: never an error."""
        stream = b"data: " + sequence + b"\ndata: <" + sequence + b">\n\n"
        assert fed(EventStreamParser(), pieces(stream, size)) == [message(f"{decoded}\n<{decoded}>")]

    @pytest.mark.parametrize("end", [b"\n", b"\r"])
    @pytest.mark.parametrize("size", [1, 1000])
    def test_a_cut_character_does_not_eat_the_line_end(self, end: bytes, size: int) -> None:
        """The byte that shows a sequence to be broken is read again."""
        stream = b"data: \xf0\x9f\x98" + end + end + b"data: x" + end + end
        assert fed(EventStreamParser(), pieces(stream, size)) == [message("\ufffd"), message("x")]

    def test_an_id_of_broken_bytes_is_an_id(self) -> None:
        """U+FFFD is a character like others."""
        assert parse(b"id: \xff\ndata: x\n\n") == [message("x", "\ufffd")]
