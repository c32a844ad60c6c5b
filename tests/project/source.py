"""The library's modules as syntax trees, for the tests of its structure."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "everstream"


@dataclass(frozen=True)
class Import:
    """One imported module, as an absolute dotted name; `typing_only` under `if TYPE_CHECKING`."""

    module: str
    line: int
    typing_only: bool


@dataclass(frozen=True)
class Module:
    """A source file: its path inside the package, as in `core/events.py`, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        """The dotted name, as in `everstream.core.events`."""
        parts = ["everstream", *self.path.removesuffix(".py").split("/")]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        """The first part of the path: a folder of the package or a module directly in it."""
        return self.path.split("/")[0].removesuffix(".py")

    def imports(self) -> Iterator[Import]:
        """Yields every imported module, also those imported inside functions."""
        typing_blocks = [n for n in ast.walk(self.tree) if isinstance(n, ast.If) and _is_typing(n)]
        typing_only = {node for block in typing_blocks for s in block.body for node in ast.walk(s)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = list(self._imported_from(node))
            else:
                continue
            for name in names:
                yield Import(name, node.lineno, node in typing_only)

    def _imported_from(self, node: ast.ImportFrom) -> Iterator[str]:
        base = node.module or ""
        if node.level:
            package = self.name.split(".")
            up = node.level - self.path.endswith("__init__.py")
            base = ".".join([*package[: len(package) - up], *filter(None, [node.module])])
        for alias in node.names:
            submodule = PACKAGE.parent.joinpath(*base.split("."), alias.name)
            is_module = submodule.with_suffix(".py").exists() or submodule.is_dir()
            yield f"{base}.{alias.name}" if is_module else base


def _is_typing(node: ast.If) -> bool:
    return ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def modules() -> list[Module]:
    """Returns every module of the library, ordered by path."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return [Module(p.relative_to(PACKAGE).as_posix(), p.read_text("utf-8")) for p in paths]
