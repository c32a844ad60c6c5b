"""Options that belong together, as one parameter of a command.

Rule: a dataclass declares each option once: its name, its type, its default, and what `--help` says of it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from typing import get_type_hints

__all__ = ["spread"]


def spread(command: Callable[..., None]) -> Callable[..., None]:
    """Makes the fields of a command's parameters, which are dataclasses, its options.

    Args:
        command: A function whose every parameter is annotated with a dataclass, whose every field is
            annotated as typer wants it.
    """
    groups = get_type_hints(command)
    groups.pop("return", None)

    @functools.wraps(command)
    def taken_together(**values: object) -> None:
        command(**{
            name: group(**{field.name: values[field.name] for field in fields(group)})
            for name, group in groups.items()
        })  # fmt: skip

    parameters = [parameter for group in groups.values() for parameter in _parameters(group)]
    vars(taken_together)["__signature__"] = inspect.Signature(parameters)
    taken_together.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return taken_together


def _parameters(group: type) -> Iterator[inspect.Parameter]:
    annotations = get_type_hints(group, include_extras=True)
    for field in fields(group):
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=annotations[field.name],
        )
