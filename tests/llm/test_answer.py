"""How an answer is put together from its deltas."""

from __future__ import annotations

import pytest

from everstream.llm import TextDelta, ToolCall, ToolCallDelta
from everstream.llm.answer import Answer

PARIS, ROME = ToolCall("a", "weather", '{"city":"Paris"}'), ToolCall("b", "weather", '{"city":"Rome"}')


def calls(*deltas: ToolCallDelta) -> tuple[ToolCall, ...]:
    """Returns the calls that deltas make."""
    answer = Answer()
    for delta in deltas:
        answer.add(delta)
    return answer.choice(0).tool_calls


def piece(arguments: str, index: int | None = None, **fields: str) -> ToolCallDelta:
    """Returns a piece of a call."""
    return ToolCallDelta(arguments, index=index, **fields)  # type: ignore[arg-type]


class TestToolCalls:
    def test_pieces_find_their_call_by_its_number(self) -> None:
        """Though the pieces of two calls come in turns, as with OpenAI."""
        assert calls(
            piece("", 0, id="a", name="weather"),
            piece('{"city"', 0),
            piece("", 1, id="b", name="weather"),
            piece('{"city":', 1),
            piece(':"Paris"}', 0),
            piece('"Rome"}', 1),
        ) == (PARIS, ROME)

    def test_without_numbers_a_piece_belongs_to_the_latest_call(self) -> None:
        """A new id begins a new call."""
        assert calls(
            piece('{"city"', id="a", name="weather"),
            piece(':"Paris"}'),
            piece("", id="b", name="weather"),
            piece('{"city":"Rome"}'),
        ) == (PARIS, ROME)

    def test_calls_that_all_have_the_number_0_are_told_apart_by_their_ids(self) -> None:
        """Some servers count every call as the first."""
        assert calls(
            piece('{"city":"Paris"}', 0, id="a", name="weather"),
            piece('{"city":', 0, id="b", name="weather"),
            piece('"Rome"}', 0),
        ) == (PARIS, ROME)

    def test_numbers_may_begin_anywhere_and_leave_gaps(self) -> None:
        """Anthropic counts blocks, of which some are text; calls are in the order of their beginnings."""
        assert calls(
            piece('{"city":"Paris"}', 7, id="a", name="weather"),
            piece('{"city":"Rome"}', 2, id="b", name="weather"),
        ) == (PARIS, ROME)

    @pytest.mark.parametrize("fields", [{"id": "a", "name": "weather"}, {"name": "weather"}, {"id": "a"}])
    def test_what_each_piece_repeats_counts_once(self, fields: dict[str, str]) -> None:
        """The name, the id, or both."""
        pieces = [piece(text, 0, **fields) for text in ('{"city"', ":", '"Paris"}')]
        assert calls(piece("", 0, id="a", name="weather"), *pieces) == (PARIS,)

    def test_a_name_may_come_in_pieces(self) -> None:
        """As arguments do."""
        assert calls(piece("", 0, id="a", name="get_"), piece("{}", 0, name="weather")) == (
            ToolCall("a", "get_weather", "{}"),
        )

    def test_an_id_may_come_after_the_name(self) -> None:
        """And belongs to the same call."""
        assert calls(piece("{", 0, name="weather"), piece("}", 0, id="a")) == (
            ToolCall("a", "weather", "{}"),
        )

    def test_the_same_id_with_another_number_is_another_call(self) -> None:
        """A model behind a gateway used one id for all of its calls."""
        assert calls(
            piece('{"city":"Paris"}', 0, id="a", name="weather"),
            piece('{"city":', 1, id="a", name="weather"),
            piece('"Rome"}', 1),
        ) == (PARIS, ToolCall("a", "weather", ROME.arguments))

    def test_calls_without_ids_and_numbers_are_told_apart_by_their_names(self) -> None:
        """Google sends each call whole."""
        assert (
            calls(piece("{}", name="weather"), piece("{}", name="weather"))
            == (ToolCall("", "weather", "{}"),) * 2
        )

    @pytest.mark.parametrize("number", [None, 3])
    def test_a_piece_of_a_call_that_never_began_is_left_out(self, number: int | None) -> None:
        """Such as the input of a tool that the provider runs itself."""
        answer = Answer()
        assert not answer.add(piece('{"query"', number))
        assert answer.choice(0).tool_calls == ()

    def test_a_call_without_arguments_gets_an_empty_object_of_them_at_its_end(self) -> None:
        """So that they can be parsed; those of others stay as they are."""
        answer = Answer()
        for delta in (piece("", 1, id="a", name="now"), piece("{1", 2, id="b", name="now")):
            answer.add(delta)
        for index in (0, 1, 2):
            answer.choice(0).end_call(index)
        assert [call.arguments for call in answer.choice(0).tool_calls] == ["{}", "{1"]

    def test_a_representation_shows_no_arguments(self) -> None:
        """They are the user's data."""
        assert repr(PARIS) == "ToolCall(id='a', name='weather')"
        assert "Paris" not in repr(piece(PARIS.arguments, 0)) + repr(TextDelta("Paris"))


class TestAnswers:
    def test_texts_of_each_kind_and_choice_are_kept_apart(self) -> None:
        """And are joined as they came."""
        answer = Answer()
        for delta in (
            TextDelta("Hm", "reasoning"),
            TextDelta("Par"),
            TextDelta("Ro", choice=2),
            TextDelta("is"),
            TextDelta("me", choice=2),
            TextDelta("No", "refusal"),
        ):
            assert answer.add(delta)
        first = answer.choice(0)
        assert (first.text, first.reasoning, first.refusal) == ("Paris", "Hm", "No")
        assert answer.choice(2).text == "Rome"

    def test_it_is_finished_when_every_choice_is(self) -> None:
        """The first one too, though nothing came of it."""
        answer = Answer()
        answer.finish("stop", 1)
        assert not answer.finishes()
        answer.finish("stop")
        assert answer.finishes()

    def test_facts_that_are_empty_say_nothing(self) -> None:
        """Later chunks often leave them out."""
        answer = Answer()
        answer.told(id="a", model="m", usage={"total_tokens": 1})
        answer.told()
        assert (answer.id, answer.model, answer.usage) == ("a", "m", {"total_tokens": 1})

    def test_the_first_id_counts_and_the_latest_usage(self) -> None:
        """As the official packages have it."""
        answer = Answer()
        answer.told(id="a", usage={"total_tokens": 1})
        answer.told(id="b", usage={"total_tokens": 2})
        assert (answer.id, answer.usage) == ("a", {"total_tokens": 2})

    def test_nothing_has_come_before_a_delta_or_an_end(self) -> None:
        """Facts alone are no part of an answer."""
        answer = Answer()
        answer.told(id="a", usage={"total_tokens": 1})
        assert not answer.has_begun
        answer.finish("stop")
        assert answer.has_begun
