"""The code blocks of README.md and the docs, with the notes that say how the tests take them.

A note is an HTML comment directly before a block, invisible to readers; several may stand there:

- `<!-- serves: NAME -->` names a scenario of doc_scenarios.py; without it, `events` is served.
- `<!-- environment: NAME=value -->` sets an environment variable for a Python block.
- `<!-- raises: ErrorName -->` says that a Python block ends with this uncaught error.
- `<!-- prints -->` before a text block says that it is exactly what the Python block above it prints.
- `<!-- not run: reason -->` leaves a block alone. A test counts these.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

from tests.project.source import ROOT

NOTES = ("serves", "environment", "raises", "prints", "not run")
_FENCE = re.compile(r"(?P<indent> *)(?P<ticks>`{3,})(?P<language>[^`]*)")
_COMMENT = re.compile(r"\s*<!-- (?P<name>[a-z ]+?)(?:: (?P<value>.*?))? -->")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    text: str
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The page and line, as in `docs/index.md:12`."""
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Returns every page whose blocks are tested."""
    built = ROOT / "docs" / "_build"
    written = [path for path in (ROOT / "docs").rglob("*.md") if built not in path.parents]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(written)]


def all_blocks() -> list[Block]:
    """Returns every block of every page."""
    return [
        block
        for path in pages()
        if path.exists()
        for block in blocks(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    ]


def blocks(page: str, text: str) -> Iterator[Block]:
    """Yields the blocks of a page, without those that stand inside another."""
    notes: dict[str, list[str]] = defaultdict(list)
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        if fence := _FENCE.fullmatch(line):
            body = _until(lines, fence["ticks"])
            yield Block(page, number, fence["language"].strip(), dedent(body), dict(notes))
            notes.clear()
        elif comment := _COMMENT.fullmatch(line):
            notes[comment["name"]].append(comment["value"] or "")
        elif line.strip():
            notes.clear()


def _until(lines: Iterator[tuple[int, str]], ticks: str) -> str:
    body: list[str] = []
    for _, line in lines:
        if line.strip() == ticks:
            break
        body.append(line)
    return "".join(f"{line}\n" for line in body)


def outputs(found: list[Block]) -> dict[str, Block]:
    """Returns the text blocks noted as output, by the place of the Python block that prints them."""
    python_and_output = [b for b in found if b.language == "python" or "prints" in b.notes]
    return {
        first.where: second
        for first, second in pairwise(python_and_output)
        if "prints" in second.notes and first.language == "python" and first.page == second.page
    }
