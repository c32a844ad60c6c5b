"""The house has five floors, and a room knows only what lies below it."""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.project.source import Module, modules

FLOORS = {
    "core": 1,
    "testing": 1,
    "clock": 1,
    "signals": 1,
    "ledger": 2,
    "transports": 2,
    "checkpoints": 2,
    "observe": 2,
    "lifeline": 2,
    "stats": 2,
    "settings": 2,
    "source": 3,
    "async_source": 3,
    "iteration": 3,
    "llm": 4,
    "worker": 4,
    "relay": 4,
    "cli": 5,
}
ON_TOP = ("__init__.py", "__main__.py")
"""Directly in the package: they gather the rooms under one roof and stand outside of the rule."""

THIRD_PARTY = {
    "tenacity": ["core/backoff.py", "core/reconnection.py", "core/redelivery.py"],
    "requests": ["transports/sync*.py"],
    "urllib3": ["transports/sync*.py"],
    "structlog": ["observe/logs.py", "cli/logs.py"],
    "orjson": ["core/decoding.py"],
    "msgspec": ["core/decoding.py"],
    "opentelemetry": ["observe/metrics.py", "observe/instruments.py"],
    "typer": ["cli/*.py"],
    "click": ["cli/*.py"],
    "rich": ["cli/*.py"],
    "pytest": ["testing/pytest_plugin.py"],
    "pytest_httpserver": ["testing/*.py"],
    "werkzeug": ["testing/*.py"],
}
"""Who may import what: everything that is not in the standard library is named here."""

PURE = {
    "__future__",
    "codecs",
    "collections",
    "collections.abc",
    "contextlib",
    "dataclasses",
    "datetime",
    "difflib",
    "email.utils",
    "enum",
    "functools",
    "http",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "string",
    "sys",
    "types",
    "typing",
    "urllib.parse",
}
"""What `core/` may use of the standard library: nothing that does I/O, tells the time, rolls dice or logs."""

PURE_EXCEPTIONS = {("core/backoff.py", "random"), ("core/parsing.py", "io"), ("core/uniform.py", "io")}
"""The default of `FullJitter.random`, which a caller can replace; `BytesIO`, which splits lines in memory."""

IMPURE_CALLS = ("open", "print", "input", "datetime.now", "datetime.today", "datetime.utcnow")

ROOMS = [module for module in modules() if module.path not in ON_TOP]
CORE = [module for module in ROOMS if module.room == "core"]


def path_of(module: Module) -> str:
    """Returns the name of a test for this module."""
    return module.path


def floor_violations(module: Module) -> Iterator[str]:
    """Yields what a module imports from a room that does not lie below its own."""
    for imported in module.imports():
        package, _, rest = imported.module.partition(".")
        room = rest.split(".")[0]
        if package != "everstream" or room == module.room:
            continue
        if not room:
            if module.room != "cli":
                yield f"{module.path}:{imported.line} imports the whole package"
        elif FLOORS[room] >= FLOORS[module.room] or (room == "testing" and module.room != "cli"):
            yield f"{module.path}:{imported.line} imports {imported.module}"


def third_party_violations(module: Module) -> Iterator[str]:
    """Yields the third-party modules that a module imports without being allowed to."""
    for imported in module.imports():
        top = imported.module.split(".")[0]
        if top == "everstream" or top in sys.stdlib_module_names:
            continue
        if top == "typing_extensions" and imported.typing_only:
            continue  # type checkers bring it; at run time it need not be there
        if not any(fnmatch(module.path, pattern) for pattern in THIRD_PARTY.get(top, [])):
            yield f"{module.path}:{imported.line} imports {imported.module}"


def purity_violations(module: Module) -> Iterator[str]:
    """Yields what a module of the core does that reaches the outside world."""
    for imported in module.imports():
        if imported.module.split(".")[0] not in sys.stdlib_module_names:
            continue
        if imported.module not in PURE and (module.path, imported.module) not in PURE_EXCEPTIONS:
            yield f"{module.path}:{imported.line} imports {imported.module}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in IMPURE_CALLS:
            yield f"{module.path}:{node.lineno} calls {ast.unparse(node.func)}()"


@pytest.mark.parametrize("module", ROOMS, ids=path_of)
def test_every_room_has_a_floor(module: Module) -> None:
    """A new room is given its floor when it is built."""
    assert module.room in FLOORS, f"give {module.room} a floor in {__name__}, and in the docs"


@pytest.mark.parametrize("module", ROOMS, ids=path_of)
def test_a_room_imports_only_from_the_floors_below(module: Module) -> None:
    """No module imports from its own floor, other than from its own folder, or from above."""
    assert list(floor_violations(module)) == []


@pytest.mark.parametrize("module", ROOMS, ids=path_of)
def test_third_party_modules_stay_in_the_rooms_that_own_them(module: Module) -> None:
    """Each library is known in one place, so that it can be replaced there."""
    assert list(third_party_violations(module)) == []


@pytest.mark.parametrize("module", CORE, ids=path_of)
def test_the_core_is_pure(module: Module) -> None:
    """Time, randomness and bytes come into the core as arguments."""
    assert list(purity_violations(module)) == []


def test_no_module_imports_itself_in_a_circle() -> None:
    """Modules can be read from the bottom up; imports for type checkers alone do not count."""
    graph = {
        module.name: {i.module for i in module.imports() if not i.typing_only} - {module.name}
        for module in modules()
    }
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")
    assert order


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        ("core/a.py", "from everstream.source import EventSource", "imports everstream.source"),
        ("core/a.py", "def f():\n    import everstream.cli.main", "imports everstream.cli.main"),
        ("observe/a.py", "from everstream.transports.sync import x", "imports everstream.transports.sync"),
        ("core/a.py", "from ..observe import logs", "imports everstream.observe"),
        ("testing/a.py", "from everstream.core.events import Event", "imports everstream.core.events"),
        ("source.py", "from everstream.testing import SSEServer", "imports everstream.testing"),
        ("source.py", "from everstream import Event", "imports the whole package"),
    ],
)
def test_an_import_from_above_is_found(path: str, text: str, found: str) -> None:
    """The rule sees absolute, relative and local imports."""
    (violation,) = floor_violations(Module(path, text))
    assert found in violation


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/parsing.py", "import tenacity"),
        ("source.py", "from requests.auth import AuthBase"),
        ("source.py", "import aiohttp"),
        ("source.py", "from typing_extensions import Unpack"),
    ],
)
def test_a_library_in_the_wrong_room_is_found(path: str, text: str) -> None:
    """The rule names libraries that another room owns, and those that nobody may use."""
    assert list(third_party_violations(Module(path, text)))


@pytest.mark.parametrize(
    "text",
    ["import time", "from threading import Lock", "import random", "x = open('f')", "y = datetime.now()"],
)
def test_an_impure_core_is_found(text: str) -> None:
    """The rule sees clocks, locks, dice and files."""
    assert list(purity_violations(Module("core/parsing.py", text)))
