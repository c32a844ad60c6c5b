"""The verdict on what a consumer made of a log."""

from dataclasses import dataclass

import pytest

from everstream.testing import EventLog, Verdict, log_of
from everstream.testing.verdict import Received


@dataclass
class Got:
    """Any client's event."""

    data: str
    id: str = ""


@dataclass
class Text:
    """An event of a client that does not know ids."""

    data: str


WITH_IDS = log_of(["a", "b", "c", "d"])
WITHOUT_IDS = log_of([(None, None, data) for data in ("a", "b", "a", "c")])


@pytest.mark.parametrize(
    "received",
    [
        ["1", "2", "3", "4"],
        ["a", "b", "c", "d"],
        [Got("a", "1"), Got("b", "2"), Got("c", "3"), Got("d", "4")],
        [Text("a"), Text("b"), Text("c"), Text("d")],
    ],
    ids=["ids", "data", "events", "events without ids"],
)
def test_everything_once_and_in_order_is_well(received: list[Received]) -> None:
    """Ids, data, or any client's events can be judged."""
    verdict = WITH_IDS.verdict(received)
    assert verdict == Verdict(sent=4, received=4)
    assert verdict.ok
    assert str(verdict) == "4 sent, 4 received: 0 lost, 0 duplicated, 0 reordered, 0 invented"


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("124", Verdict(4, 3, lost=("3",))),
        ("", Verdict(4, 0, lost=("1", "2", "3", "4"))),
        ("12234", Verdict(4, 5, duplicated=("2",))),
        ("12341234", Verdict(4, 8, duplicated=("1", "2", "3", "4"))),
        ("1324", Verdict(4, 4, reordered=("2",))),
        ("4123", Verdict(4, 4, reordered=("1", "2", "3"))),
        ("13432", Verdict(4, 5, duplicated=("3",), reordered=("2",))),
    ],
)
def test_ids_tell_what_went_wrong(received: str, expected: Verdict) -> None:
    """Lost, duplicated and reordered events are named, each fault by itself."""
    verdict = WITH_IDS.verdict(list(received))
    assert verdict == expected
    assert not verdict.ok


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("abac", Verdict(4, 4)),
        ("abc", Verdict(4, 3, lost=("a",))),
        ("abaac", Verdict(4, 5, duplicated=("a",))),
        ("aabc", Verdict(4, 4, reordered=("b",))),
        ("abacx", Verdict(4, 5, invented=("x",))),
    ],
)
def test_without_ids_equal_data_is_counted(received: str, expected: Verdict) -> None:
    """The same data twice in the log is to be received twice."""
    assert WITHOUT_IDS.verdict(list(received)) == expected
    assert WITHOUT_IDS.verdict([Got(data) for data in received]) == expected


def test_repeated_ids_are_no_names() -> None:
    """Where ids do not tell events apart, their data does."""
    log = log_of([("7", None, "a"), ("7", None, "b")])
    assert log.verdict([Got("a", "7"), Got("b", "7")]).ok
    assert log.verdict([Got("b", "7")]).lost == ("a",)


def test_wrong_data_under_a_right_id_is_found() -> None:
    """The event is lost, and another one was invented: the remains of a cut, for example."""
    verdict = log_of(["a", "b"]).verdict([Got("a", "1"), Got("b" * 2, "2")])
    assert (verdict.lost, verdict.invented) == (("2",), ("2",))


def test_line_ends_are_those_of_a_parser() -> None:
    """Data with CR comes back with LF."""
    assert log_of(["a\r\nb\rc"]).verdict([Got("a\nb\nc", "1")]).ok


def test_a_verdict_names_the_first_few() -> None:
    """A long list is shortened in the text, not in the attributes."""
    verdict = log_of(str(n) * 2 for n in range(9)).verdict([])
    assert str(verdict).startswith("9 sent, 0 received: 9 lost ('1', '2', '3', '4', '5', ...), 0 dup")
    assert len(verdict.lost) == 9


def test_an_empty_log_is_well() -> None:
    """Nothing sent, nothing received."""
    assert EventLog().verdict([]).ok
