"""Header fields as a value."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from types import MappingProxyType

import pytest

from everstream.core.headers import Headers

FIELDS = {"Content-Type": "text/event-stream", "X-Request-ID": "r1", "set-cookie": "sid=s3cret"}


@pytest.fixture
def headers() -> Headers:
    """Some header fields, in the spelling of a server."""
    return Headers(FIELDS)


class TestLookup:
    @pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE", "cOnTeNt-TyPe"])
    def test_a_name_is_found_whatever_its_case(self, headers: Headers, name: str) -> None:
        """Field names are case-insensitive (RFC 9110, 5.1)."""
        assert headers[name] == headers.get(name) == "text/event-stream"
        assert name in headers

    def test_a_name_that_is_not_there_is_missing_as_in_any_mapping(self, headers: Headers) -> None:
        """It raises KeyError, or gives the default."""
        with pytest.raises(KeyError, match="retry-after"):
            headers["Retry-After"]
        assert headers.get("Retry-After") is None
        assert headers.get("Retry-After", "5") == "5"
        assert "Retry-After" not in headers

    @pytest.mark.parametrize("key", [None, 1, b"content-type", ("content-type",)])
    def test_what_is_no_text_is_not_in_headers(self, headers: Headers, key: object) -> None:
        """`in` answers, whatever it is asked."""
        assert key not in headers

    def test_the_last_of_a_repeated_name_counts(self) -> None:
        """The same name in two spellings is one name, at the place of the first."""
        headers = Headers({"A": "1", "B": "2", "a": "3"})
        assert list(headers.items()) == [("a", "3"), ("B", "2")]
        assert len(headers) == 2


class TestMapping:
    def test_it_gives_names_as_the_server_spelled_them_and_in_order(self, headers: Headers) -> None:
        """It can be made into a dict again."""
        assert isinstance(headers, Mapping)
        assert list(headers) == list(headers.keys()) == list(FIELDS)
        assert list(headers.values()) == list(FIELDS.values())
        assert dict(headers) == FIELDS
        assert len(headers) == 3

    @pytest.mark.parametrize("fields", [FIELDS, MappingProxyType(FIELDS), Headers(FIELDS)])
    def test_it_is_made_of_any_mapping(self, headers: Headers, fields: Mapping[str, str]) -> None:
        """Whatever a transport has, or another of its kind."""
        assert Headers(fields) == headers

    @pytest.mark.parametrize("nothing", [Headers(), Headers(None), Headers({})])
    def test_without_fields_it_is_empty_and_false(self, nothing: Headers) -> None:
        """An empty mapping like any other."""
        assert not nothing
        assert len(nothing) == 0
        assert list(nothing) == []

    def test_it_does_not_follow_the_mapping_it_was_made_of(self) -> None:
        """It is a copy."""
        fields = {"A": "1"}
        headers = Headers(fields)
        fields["A"] = fields["B"] = "2"
        assert dict(headers) == {"A": "1"}


class TestValue:
    def test_equality_is_of_names_in_any_case_and_of_values(self, headers: Headers) -> None:
        """The order does not matter, the values' case does."""
        assert headers == Headers({name.upper(): value for name, value in reversed(FIELDS.items())})
        assert headers != Headers({name: value.upper() for name, value in FIELDS.items()})
        assert headers != Headers({"Content-Type": "text/event-stream"})

    def test_it_equals_nothing_else(self, headers: Headers) -> None:
        """A dict compares names in another way."""
        assert headers != FIELDS
        assert headers != list(FIELDS.items())
        assert headers.__eq__(FIELDS) is NotImplemented

    def test_equal_headers_have_equal_hashes(self, headers: Headers) -> None:
        """It can be a part of a value that is a key."""
        other = Headers({name.lower(): value for name, value in FIELDS.items()})
        assert hash(headers) == hash(other)
        assert len({headers, other, Headers()}) == 2

    def test_it_cannot_be_changed(self, headers: Headers) -> None:
        """There is no way in but the constructor."""
        with pytest.raises(TypeError):
            headers["A"] = "1"  # type: ignore[index]
        with pytest.raises(TypeError):
            del headers["Content-Type"]  # type: ignore[attr-defined]
        with pytest.raises(AttributeError):
            headers.note = "x"  # type: ignore[attr-defined]
        assert not hasattr(headers, "__dict__")
        assert dict(headers) == FIELDS

    def test_copies_are_equal(self, headers: Headers) -> None:
        """Errors carry it from one process to another."""
        assert copy.copy(headers) == copy.deepcopy(headers) == headers
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert pickle.loads(pickle.dumps(headers, protocol)) == headers


class TestRepresentation:
    def test_it_shows_names_and_no_values(self, headers: Headers) -> None:
        """Values may be cookies and tokens."""
        assert repr(headers) == str(headers) == "<Headers Content-Type, X-Request-ID, set-cookie>"
        assert f"{headers}" == f"{headers!r}"

    def test_an_error_about_a_missing_name_shows_no_values(self, headers: Headers) -> None:
        """A KeyError ends up in logs too."""
        with pytest.raises(KeyError) as caught:
            headers["cookie"]
        assert "s3cret" not in f"{caught.value!r}"
