"""The tables of the documentation, for the tests that compare them with the code."""

import re
from collections.abc import Iterable, Mapping

from tests.project.source import ROOT

REFERENCE = ROOT / "docs" / "reference"
Row = Mapping[str, str]


def tables(text: str) -> Iterable[list[Row]]:
    """Yields the tables of a page, each as rows by the names of the columns."""
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        names, _, *rows = [cells(line) for line in block.splitlines()]
        yield [dict(zip(names, row, strict=True)) for row in rows]


def cells(line: str) -> list[str]:
    """Returns the cells of a line of a table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def table(page: str, first_column: str) -> dict[str, Row]:
    """Returns the rows of the table whose first column has this name, by their first cell."""
    for rows in tables((REFERENCE / page).read_text("utf-8")):
        if rows and next(iter(rows[0])) == first_column:
            return {plain(row[first_column]): row for row in rows}
    raise AssertionError(f"{page} has no table of {first_column}")


def plain(cell: str) -> str:
    """Returns what a cell holds, without the backticks of a name."""
    name = re.fullmatch(r"`([^`]*)`", cell)
    return cell if name is None else name[1]
