"""HTTP header fields as a value: case-insensitive, immutable, and silent about its contents.

Rule: this module knows nothing of HTTP libraries; a transport makes a `Headers` from whatever it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

__all__ = ["Headers"]


class Headers(Mapping[str, str]):
    """Response header fields; a name is found whatever its case (RFC 9110, 5.1).

    The representation shows the names only: values may hold cookies and tokens.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        self._fields = {name.lower(): (name, value) for name, value in (fields or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return self._values_by_lower_name() == other._values_by_lower_name()

    def __hash__(self) -> int:
        return hash(frozenset(self._values_by_lower_name().items()))

    def __repr__(self) -> str:
        return f"<Headers {', '.join(self)}>"

    def _values_by_lower_name(self) -> dict[str, str]:
        return {lower: value for lower, (_, value) in self._fields.items()}
