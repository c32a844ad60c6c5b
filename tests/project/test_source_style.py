"""The budgets of size, and the documentation, that every module of the library keeps to."""

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from statistics import median, quantiles

import pytest

from tests.project.source import Module, modules

FILE_LINES = 300
FUNCTION_LINES = 40
MODULES = modules()
Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


def path_of(module: Module) -> str:
    """Returns the name of a test for this module."""
    return module.path


def functions(module: Module) -> Iterator[Function]:
    """Yields every function and method of a module."""
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            yield node


@cache
def lines_of_code(module: Module) -> frozenset[int]:
    """Returns the numbers of the lines that hold code: not blank, comment or docstring."""
    layout = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    docstrings = {
        line
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    tokens = tokenize.generate_tokens(io.StringIO(module.text).readline)
    code = {
        line
        for token in tokens
        if token.type not in layout
        for line in range(token.start[0], token.end[0] + 1)
    }
    return frozenset(code - docstrings)


def length(module: Module, function: Function) -> int:
    """Returns the number of lines of code in a function's body."""
    body = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
    return len(lines_of_code(module).intersection(body))


def undocumented(module: Module) -> Iterator[str]:
    """Yields the public classes and functions without a docstring; those inside functions are private."""
    pending: list[tuple[str, ast.Module | ast.ClassDef]] = [("", module.tree)]
    while pending:
        prefix, scope = pending.pop()
        for node in scope.body:
            if not isinstance(node, Definition) or node.name.startswith("_") or is_overload(node):
                continue
            if ast.get_docstring(node) is None:
                yield f"{module.path}:{node.lineno} {prefix}{node.name}"
            if isinstance(node, ast.ClassDef):
                pending.append((f"{prefix}{node.name}.", node))


def is_overload(node: Definition) -> bool:
    """Says whether this is one of several signatures of a function, which bears the docstring."""
    return any(ast.unparse(d).endswith("overload") for d in node.decorator_list)


@pytest.mark.parametrize("module", MODULES, ids=path_of)
def test_a_module_is_short(module: Module) -> None:
    """No file is longer than a reader can keep in mind."""
    lines = module.text.count("\n")
    assert lines <= FILE_LINES


@pytest.mark.parametrize("module", MODULES, ids=path_of)
def test_functions_are_short(module: Module) -> None:
    """No function has more code than fits on one screen."""
    long = {f.name: length(module, f) for f in functions(module) if length(module, f) > FUNCTION_LINES}
    assert long == {}


def test_most_functions_are_very_short() -> None:
    """Half of the functions have at most 7 lines of code, nine tenths at most 20."""
    lengths = [length(module, function) for module in MODULES for function in functions(module)]
    assert median(lengths) <= 7
    assert quantiles(lengths, n=10)[-1] <= 20


@pytest.mark.parametrize("module", MODULES, ids=path_of)
def test_everything_public_is_documented(module: Module) -> None:
    """Every module, and every public class, function and method in it, has a docstring."""
    is_empty = not module.tree.body
    assert is_empty or ast.get_docstring(module.tree), f"{module.path} has no docstring"
    assert list(undocumented(module)) == []


def test_the_measurements_measure() -> None:
    """Comments, blank lines and docstrings are free; a missing docstring is found."""
    text = '''def f():
    """Says.

    More.
    """

    # a reason
    x = """a
b"""
    return x
'''
    module = Module("a.py", text)
    (function,) = functions(module)
    assert length(module, function) == 3
    assert list(undocumented(Module("a.py", "class A:\n    def b(self): ..."))) == ["a.py:1 A", "a.py:2 A.b"]
