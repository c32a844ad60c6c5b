"""The page about the command and the command agree."""

import re
from functools import cache
from pathlib import Path

import pytest

from everstream.cli.exits import Exit
from everstream.cli.formats import Format
from everstream.cli.logs import LogFormat
from tests.cli.running import everstream

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "command.md").read_text("utf-8")
OPTION = r"(?<![\w-])--?[A-Za-z][\w-]*"


def section(command: str) -> str:
    """Returns what the page says of a command."""
    return PAGE.split(f"\n## everstream {command}\n")[1].split("\n## ")[0]


def first_cells(text: str, heading: str) -> list[str]:
    """Returns the first cells of the tables with this heading."""
    tables = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [row.split("|")[1].strip() for table in tables for row in table.splitlines()]


@cache
def options_in_help(command: str) -> frozenset[str]:
    """Returns the options that `--help` lists, each at the beginning of its row."""
    done = everstream(command, "--help", COLUMNS="200", NO_COLOR="1", TERM="dumb")
    assert done.code == 0
    rows = re.findall(r"^│[ *]*((?:-\S+\s+)+)", done.out, re.MULTILINE)
    return frozenset(option for row in rows for option in re.findall(OPTION, row)) - {"--help"}


@pytest.mark.parametrize("command", ["tail", "work", "chat", "demo"])
def test_the_page_has_the_options_of_the_help_and_no_others(command: str) -> None:
    """Short ones too, in the tables; and prose and examples name no option that is not there."""
    listed = {
        option for cell in first_cells(section(command), "option") for option in re.findall(OPTION, cell)
    }
    assert listed == options_in_help(command)
    assert len(listed) >= 3
    known = options_in_help(command) | {"--help", "--version"}
    assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", section(command))) <= known


def test_the_page_has_the_exit_codes() -> None:
    """Of each command those that it can have; and there are no others."""
    codes = {
        command: {int(cell) for cell in first_cells(section(command), "exit code")}
        for command in ("tail", "work", "chat", "demo")
    }
    assert codes["tail"] == set(Exit) - {Exit.POISONED, Exit.INCOMPLETE}
    assert codes["work"] == set(Exit) - {Exit.TERMINATED, Exit.INCOMPLETE}
    assert codes["chat"] == set(Exit) - {Exit.POISONED}
    assert codes["demo"] == {0, 1, 2, 130, 143}


def test_the_page_has_the_formats() -> None:
    """With their defaults, as the help has them."""
    assert first_cells(section("tail"), "format") == [f"`{form.value}`" for form in Format]
    for command in ("tail", "work", "chat"):
        (log_formats,) = re.findall(r"`--log-format FORMAT` \| `(\w+)` or `(\w+)`", section(command))
        assert list(log_formats) == [form.value for form in LogFormat]
