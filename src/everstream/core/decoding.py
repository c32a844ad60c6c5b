"""Which parser of JSON reads the data of events.

Rule: a library that is not installed is missed when it is asked for, by a name that says how to get it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json import loads as parse_json
from typing import Literal, TypeAlias, TypeVar

from everstream.core.errors import ConfigurationError

__all__ = ["JSONLibrary", "JSONValue", "Loads", "decoder"]

T = TypeVar("T")

JSONValue: TypeAlias = dict[str, "JSONValue"] | list["JSONValue"] | str | int | float | bool | None
"""What a JSON text can be."""

JSONLibrary = Literal["json", "orjson", "msgspec"]
"""The standard library's parser, or one of an extra of the same name."""

Loads: TypeAlias = Callable[[str], T] | JSONLibrary
"""A parser: a function of a text, or the name of a library."""


def decoder(loads: Loads[T]) -> Callable[[str], object]:
    """Returns the function that parses a text.

    Raises:
        ConfigurationError: It is not known, or not installed.
    """
    if callable(loads):
        return loads
    parser = next((parser for name, parser in _PARSERS.items() if name == loads), None)
    if parser is None:
        raise ConfigurationError(f"loads= takes a function, 'json', 'orjson' or 'msgspec', not {loads!r}")
    try:
        return parser()
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"loads={loads!r} needs {loads}, which is not installed; "
            f"install it with: pip install 'everstream[{loads}]'"
        ) from error


def _orjson() -> Callable[[str], object]:
    import orjson

    return orjson.loads


def _msgspec() -> Callable[[str], object]:
    from msgspec.json import Decoder

    decode: Callable[[str], object] = Decoder[object]().decode
    return decode


_PARSERS: Mapping[JSONLibrary, Callable[[], Callable[[str], object]]] = {
    "json": lambda: parse_json,
    "orjson": _orjson,
    "msgspec": _msgspec,
}
