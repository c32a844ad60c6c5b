"""The wire form of events, comments and reconnection times."""

import pytest

from everstream.testing import encode_comment, encode_event, encode_position, encode_retry


@pytest.mark.parametrize(
    ("data", "wire"),
    [
        ("a", b"data: a\n\n"),
        ("", b"data: \n\n"),
        (" a", b"data:  a\n\n"),
        ("a\nb", b"data: a\ndata: b\n\n"),
        ("a\r\nb\rc\n", b"data: a\ndata: b\ndata: c\ndata: \n\n"),
        ("\u20ac\u2028\0", b"data: \xe2\x82\xac\xe2\x80\xa8\0\n\n"),
        (":a", b"data: :a\n\n"),
    ],
)
def test_every_line_of_the_data_is_a_field(data: str, wire: bytes) -> None:
    """Lines are cut at CR, LF and CRLF only; a space after the colon keeps leading spaces."""
    assert encode_event(data) == wire


def test_type_and_id_come_before_the_data() -> None:
    """An event that is cut within its data has already shown its id."""
    assert encode_event("x", id="1", type="update") == b"event: update\nid: 1\ndata: x\n\n"


def test_empty_is_not_absent() -> None:
    """An empty id resets the last event ID, no id leaves it alone."""
    assert encode_event("x", id="", type="") == b"event: \nid: \ndata: x\n\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_all_line_ends_can_be_used(newline: str) -> None:
    """The whole event uses the line end that is asked for."""
    expected = "id: 1|data: a|data: b||".replace("|", newline).encode()
    assert encode_event("a\nb", id="1", newline=newline) == expected


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b"])
def test_what_no_field_can_hold_is_refused(bad: str) -> None:
    """An id or a type with CR, LF or NUL is a mistake of the test."""
    for mistake in (
        lambda: encode_event("x", id=bad),
        lambda: encode_event("x", type=bad),
        lambda: encode_position(bad),
    ):
        with pytest.raises(ValueError, match=r"cannot hold CR, LF or NUL.*raw\(\)"):
            mistake()


def test_comments_have_a_colon_on_every_line() -> None:
    """The shortest heartbeat is a colon; a text of several lines is several comments."""
    assert encode_comment() == b":\n"
    assert encode_comment("a\r\nb") == b": a\n: b\n"
    assert encode_comment(" a", newline="\r\n") == b":  a\r\n"


def test_a_position_has_no_data() -> None:
    """A block with an id alone dispatches no event."""
    assert encode_position("7") == b"id: 7\n\n"


def test_a_reconnection_time_is_a_line() -> None:
    """It needs no blank line, and it cannot be negative."""
    assert encode_retry(50) == b"retry: 50\n"
    with pytest.raises(ValueError, match="cannot be negative, got -1 ms"):
        encode_retry(-1)


def test_other_line_ends_are_refused() -> None:
    """LF, CRLF and CR are all the line ends of the standard."""
    with pytest.raises(ValueError, match="LF, CRLF or CR"):
        encode_event("x", newline="\n\r")
