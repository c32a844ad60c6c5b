"""Reading payloads that may hold anything: what is missing, or of another kind, is as good as empty.

Rule: nothing here raises, so that a field that a server adds, leaves out or sets to null breaks no answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

__all__ = ["Payload", "fields_of", "is_fields", "items_of", "json_of", "number_of", "text_of"]

Payload: TypeAlias = Mapping[str, object]
"""A JSON object."""


def is_fields(value: object) -> bool:
    """Returns whether a value is a JSON object."""
    return isinstance(value, Mapping)


def fields_of(value: object) -> Payload:
    """Returns a JSON object; an empty one if it is none."""
    return cast("Payload", value) if is_fields(value) else {}


def items_of(value: object) -> Sequence[Payload]:
    """Returns the JSON objects in a JSON array; none if it is none."""
    if not isinstance(value, list):
        return ()
    return [cast("Payload", item) for item in cast("list[object]", value) if is_fields(item)]


def text_of(*values: object) -> str:
    """Returns the first of some values that is text, and not empty; empty text if there is none."""
    return next((value for value in values if isinstance(value, str) and value), "")


def json_of(value: object) -> str:
    """Returns a value as a JSON text; empty text if it is too deep for one."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return ""


def number_of(value: object) -> int | None:
    """Returns a whole number; None if it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
