"""Writes the tables and the plots of a run into the page about performance.

The prose of the page is written by hand, and has no numbers of measurements. These stand between a comment
`<!-- bench:NAME -->` and another, `<!-- /bench:NAME -->`, and are replaced as a whole.
"""

from __future__ import annotations

import os
import platform
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from benchmarks.results import Report, goal_table

__all__ = ["PAGE", "blocks", "machine", "with_tables", "write"]

_DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = _DOCS / "explanation" / "performance.md"
PICTURES = _DOCS / "_static"

_BLOCK = re.compile(r"(<!-- bench:(?P<name>[\w-]+) -->\n).*?(<!-- /bench:(?P=name) -->)", re.DOTALL)
_OF_THE_WHOLE = ("goals", "machine")
"""Blocks that no part writes."""


def write(report: Report) -> None:
    """Writes a report into the page, and its plots beside it.

    What the report does not have stays as it was. The goals and the machine are written only with a report
    that has all tables, so that they are those of one run.

    Raises:
        LookupError: The page has no place for a table.
    """
    page = PAGE.read_text("utf-8")
    texts = {table.name: table.as_markdown() for table in report.tables}
    if set(blocks(page)) <= {*texts, *_OF_THE_WHOLE}:
        texts |= {"goals": goal_table(report.goals).as_markdown(), "machine": machine()}
    PAGE.write_text(with_tables(page, texts), "utf-8")
    if report.figures:
        # Only those who draw need matplotlib.
        plots = import_module("benchmarks.plots")
        for figure in report.figures:
            plots.draw(figure, PICTURES)


def blocks(page: str) -> list[str]:
    """Returns the names of the blocks of a page."""
    return [block["name"] for block in _BLOCK.finditer(page)]


def with_tables(page: str, texts: dict[str, str]) -> str:
    """Returns the page with new texts in the blocks of these names; the other blocks stay as they are.

    Raises:
        LookupError: The page has no block of that name.
    """
    if missing := sorted(set(texts) - set(blocks(page))):
        raise LookupError(f"the page has no place for {', '.join(missing)}")

    def replaced(block: re.Match[str]) -> str:
        text = texts.get(block["name"])
        return block[0] if text is None else f"{block[1]}\n{text}\n\n{block[3]}"

    return _BLOCK.sub(replaced, page)


def machine() -> str:
    """Returns a sentence about the machine and what runs on it, in general words."""
    kind = "virtual machine" if _is_virtual() else "machine"
    interpreter = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"Measured on a {kind} with {os.cpu_count()} processors ({platform.machine()}, {platform.system()}), "
        f"with {interpreter}, requests {version('requests')} and urllib3 {version('urllib3')}."
    )


def _is_virtual() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and "hypervisor" in cpuinfo.read_text()
