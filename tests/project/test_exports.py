"""What the packages export, and how: lazily, and in agreement with what type checkers are told."""

import ast
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from types import ModuleType

import pytest

import everstream
from tests.project.source import Module, modules

MODULES = modules()
PACKAGES = [m for m in MODULES if m.path.endswith("__init__.py") and "TYPE_CHECKING" in m.text]


def name_of(module: Module) -> str:
    """Returns the name of a test for this module."""
    return module.name


def load(module: Module) -> ModuleType:
    """Returns the imported module."""
    return import_module(module.name)


def exported(module: Module) -> list[str]:
    """Returns `__all__`, without the dunder names."""
    return [name for name in load(module).__all__ if not name.startswith("__")]


def typing_imports(module: Module) -> dict[str, str]:
    """Returns what type checkers see a package import: its names, and the modules they come from."""
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("everstream.")
        for alias in node.names
    }


def test_the_package_exports_lazily() -> None:
    """The package is among those checked here, and so is the scripted server."""
    assert {"everstream", "everstream.testing"} <= {package.name for package in PACKAGES}


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_every_exported_name_is_the_one_that_type_checkers_see(package: Module) -> None:
    """A lazy name resolves to the object of the module that the `TYPE_CHECKING` import names."""
    homes = typing_imports(package)
    assert sorted(homes) == sorted(exported(package))
    for name, home in homes.items():
        assert getattr(load(package), name) is getattr(import_module(home), name), name


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_and_the_homes_of_its_names_agree(package: Module) -> None:
    """What a package exports, its home module exports as well."""
    homes = typing_imports(package)
    assert [name for name, home in homes.items() if name not in import_module(home).__all__] == []


@pytest.mark.parametrize("package", PACKAGES, ids=name_of)
def test_a_package_lists_its_names_and_no_others(package: Module) -> None:
    """`dir()` shows the lazy names before they are used, and an unknown name is an `AttributeError`."""
    code = f"import {package.name} as p; print(*dir(p))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(exported(package)) <= set(done.stdout.split())
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = load(package).no_such_name


@pytest.mark.parametrize("module", [m for m in MODULES if m.path != "__main__.py"], ids=name_of)
def test_every_module_exports_what_it_has(module: Module) -> None:
    """`__all__` is sorted, without repetition, and each of its names exists."""
    names: list[str] = getattr(load(module), "__all__", [])
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(load(module), name)] == []


def test_the_version_is_that_of_the_distribution() -> None:
    """There is one version, and it is written in pyproject.toml."""
    assert everstream.__version__ == version("everstream")


@pytest.mark.parametrize("name", ["requests", "urllib3", "structlog", "pytest_httpserver", "werkzeug"])
def test_the_pytest_plugin_imports_nothing_heavy(name: str) -> None:
    """Every pytest session where everstream is installed imports the plugin, so it must cost nothing."""
    code = f"import sys, everstream.testing.pytest_plugin; sys.exit({name!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
