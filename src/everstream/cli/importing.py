"""The function that `--handler` names."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import cast

from everstream import ConfigurationError, Event
from everstream.cli.attempt import Attempt, failure_of, place_of

__all__ = ["imported_attempt"]


def imported_attempt(place: str) -> Attempt:
    """Imports a handler, as attempts at events.

    Args:
        place: As in `package.module:function`. The working directory is searched first.

    Raises:
        ConfigurationError: It is not there, or is no function of an event.
    """
    module_name, colon, path = place.partition(":")
    if not colon or not all(name.isidentifier() for name in [*module_name.split("."), *path.split(".")]):
        raise ConfigurationError(f"--handler takes MODULE:FUNCTION, as in shop.orders:ship, not {place!r}")
    found: object = _imported(module_name)
    try:
        for name in path.split("."):
            found = getattr(found, name)
    except AttributeError:
        raise ConfigurationError(f"--handler {place}: {module_name} has no {path}") from None
    handler = _require_handler(place, found)
    return lambda event, _attempt: handler(event)


def _imported(name: str) -> ModuleType:
    if os.getcwd() not in sys.path:  # noqa: PTH109
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    try:
        return importlib.import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise ConfigurationError(f"--handler: there is no module {error.name}") from None
        raise ConfigurationError(f"--handler: to import {name} failed: {_explained(error)}") from error


def _explained(error: Exception) -> str:
    """Returns what a module raised, and where, in one line."""
    said, place = " ".join(failure_of(error).split()), place_of(error)
    return said if place is None or place.startswith("<") else f"{said} ({place})"


def _require_handler(place: str, found: object) -> Callable[[Event], object]:
    if not callable(found):
        raise ConfigurationError(f"--handler {place}: it is no function, but of type {type(found).__name__}")
    called = getattr(found, "__call__", found)  # noqa: B004
    for kind, is_kind in _NOT_RUN_BY_A_CALL.items():
        if is_kind(found) or is_kind(called):
            raise ConfigurationError(f"--handler {place}: it is {kind}; a plain function is needed")
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        signature = None  # some functions written in C have none
    try:
        if signature is not None:
            signature.bind(Event("message", "", ""))
    except TypeError:
        raise ConfigurationError(f"--handler {place}: it cannot be called with one event") from None
    return cast("Callable[[Event], object]", found)


_NOT_RUN_BY_A_CALL: dict[str, Callable[[object], bool]] = {
    "async": inspect.iscoroutinefunction,
    "a generator": inspect.isgeneratorfunction,
    "an async generator": inspect.isasyncgenfunction,
}
"""Whoever calls one of these has not run a line of it: each event would count as handled."""
