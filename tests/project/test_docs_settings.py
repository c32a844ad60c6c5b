"""The pages about settings name those of the code, and their examples are ones that it takes."""

import re
import sys

import pytest

from everstream import RetryPolicy, Settings, Timeouts, settings_from_env
from everstream.core.mappings import RETRY, TIMEOUTS
from everstream.settings import VARIABLES
from tests.project.doc_blocks import Block, all_blocks
from tests.project.doc_tables import plain, table
from tests.project.source import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it there

PREFIX = "ORDERS_STREAM_"
HOW_TO = "docs/how-to/configuration.md"
BLOCKS = [block for block in all_blocks() if block.page == HOW_TO]
KEYS = {setting.key for setting in (*TIMEOUTS, *RETRY)}
MADE = {
    "TIMEOUT_": Timeouts.from_mapping,
    "RETRY_": RetryPolicy.from_mapping,
}
"""What the variables of each group make, from the keys that mappings have for them."""


def variables(text: str) -> dict[str, str]:
    """Returns the variables that a text sets, as in `NAME=value` and `NAME: "value"`."""
    return dict(re.findall(rf'({PREFIX}\w+)(?:=|: ")(\w+)', text))


def blocks_in(language: str) -> list[Block]:
    """Returns the blocks of the how-to in a language."""
    return [block for block in BLOCKS if block.language == language]


def test_the_table_lists_every_variable_with_what_it_takes_and_its_default() -> None:
    """None is missing, none is too many, and the words are those of the errors."""
    documented = {
        name: (row["takes"], row["default"]) for name, row in table("settings.md", "variable").items()
    }
    assert documented == {
        variable.key: (variable.takes, "none" if variable.default is None else f"{variable.default:.12g}")
        for variable in VARIABLES
    }


def test_the_table_lists_every_key_beside_its_variable() -> None:
    """A number makes the same value, whether it comes by the one name or by the other."""
    rows = table("settings.md", "variable")
    keys = {name: plain(row["key"]) for name, row in rows.items() if row["key"]}
    assert set(keys.values()) == KEYS
    for name, key in keys.items():
        group = name.split("_")[0] + "_"
        (by_variable,) = settings_from_env(PREFIX, {PREFIX + name: "29"}).values()
        by_key = MADE[group]({key: 29})
        assert type(by_key) is type(by_variable)
        assert without_stop(by_key) == without_stop(by_variable)
        assert by_key != MADE[group]({})


def without_stop(value: object) -> str:
    """Returns a value as text, without the addresses of strategies that cannot be compared."""
    return re.sub(r" at 0x\w+", "", repr(value))


def test_the_table_names_the_argument_that_a_variable_sets() -> None:
    """Each of an event source, and each field of `Timeouts` and the policy."""
    for name, row in table("settings.md", "variable").items():
        (argument,) = settings_from_env(PREFIX, {PREFIX + name: "29"})
        first, *_ = re.findall(r"`([\w.]+)=?`", row["meaning"]) or [""]
        if argument == "timeouts":
            assert first == f"Timeouts.{plain(row['key']).removesuffix('_seconds')}"
        elif argument == "retry":
            assert first.split(".")[0] in ("FullJitter", "RetryPolicy") or "`RetryPolicy." in row["meaning"]
        else:
            assert first == argument
            assert argument in Settings.__annotations__


@pytest.mark.parametrize("language", ["ini", "yaml"])
def test_the_examples_for_operators_are_taken(language: str) -> None:
    """Each example sets something, and all that it sets is known."""
    examples = [given for block in blocks_in(language) if (given := variables(block.text))]
    assert examples
    for given in examples:
        assert settings_from_env(PREFIX, given)


def test_the_file_is_taken_and_is_the_mapping_below_it() -> None:
    """The Python block shows what TOML gives for the block before it."""
    (file,) = blocks_in("toml")
    config = tomllib.loads(file.text)
    assert set(config) == {"timeouts", "retry"}
    assert Timeouts.from_mapping(config["timeouts"]) != Timeouts()
    assert RetryPolicy.from_mapping(config["retry"]) != RetryPolicy()
    (below,) = (block for block in blocks_in("python") if "tomllib.load()" in block.text)
    for section, numbers in config.items():
        assert f'"{section}": {str(numbers).replace(chr(39), chr(34))}' in below.text


def test_every_name_on_the_pages_exists() -> None:
    """Also in running text, and on the page about retries; but for those that stand for a mistake."""
    known = {variable.key for variable in VARIABLES}
    pages = [HOW_TO, "docs/how-to/retry-policies.md", "docs/reference/settings.md"]
    text = "".join((ROOT / page).read_text("utf-8") for page in pages)
    named = {
        name.removeprefix(PREFIX) for name in re.findall(rf"\b(?:{PREFIX}|TIMEOUT_|RETRY_)[A-Z_]+\b", text)
    }
    mistakes = {"TIMEOUT_READ", "URL", "SERVICE_HOST", ""}
    assert named - mistakes <= known
    assert len(named & known) > 10
