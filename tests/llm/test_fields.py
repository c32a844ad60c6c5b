"""Payloads that may hold anything are read without an error."""

from __future__ import annotations

import json

import pytest

from everstream.llm.fields import fields_of, is_fields, items_of, json_of, number_of, text_of

ODD = [None, True, 0, 1.5, "", "text", [], [1], {}, {"a": 1}]


@pytest.mark.parametrize("value", ODD, ids=repr)
class TestEveryValue:
    def test_an_object_is_itself_and_all_else_is_an_empty_one(self, value: object) -> None:
        """So that a field of a wrong kind is as good as missing."""
        assert fields_of(value) == (value if isinstance(value, dict) else {})
        assert is_fields(value) is isinstance(value, dict)

    def test_only_objects_of_an_array_are_items(self, value: object) -> None:
        """What else stands between them is passed over."""
        assert list(items_of(value)) == []
        assert list(items_of([value, {"b": 2}])) == ([value] if isinstance(value, dict) else []) + [{"b": 2}]

    def test_only_text_is_text(self, value: object) -> None:
        """The first that is not empty counts."""
        assert text_of(value, "other") == ("text" if value == "text" else "other")
        assert text_of(value) == ("text" if value == "text" else "")

    def test_only_whole_numbers_are_numbers(self, value: object) -> None:
        """A bool is none."""
        assert number_of(value) == (0 if value == 0 and value is not False else None)


def test_a_value_is_written_as_json() -> None:
    """In the characters of its language."""
    assert json_of({"city": "Zürich"}) == '{"city": "Zürich"}'


def test_what_is_too_deep_for_json_is_left_out() -> None:
    """A parser may go deeper than a writer."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        json.dumps(deep)
    assert json_of(deep) == ""
