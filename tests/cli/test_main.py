"""The command itself: how it starts, and what it says when it cannot."""

import subprocess
import sys
from importlib.metadata import entry_points, version

import pytest

from tests.cli.running import DEADLINE, environment, everstream

WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None
from everstream.cli.main import main
main()
"""


def without(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command where a library is not installed."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, module, *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(),
        check=False,
    )


def test_it_says_its_version() -> None:
    """The version of the installed distribution."""
    done = everstream("--version")
    assert (done.code, done.out, done.err) == (0, f"everstream {version('everstream')}\n", "")


def test_the_installed_command_is_this_one() -> None:
    """`everstream` and `python -m everstream` are the same function."""
    from everstream.cli.main import main

    (command,) = entry_points(group="console_scripts", name="everstream")
    assert command.load() is main


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(module: str) -> None:
    """In one line, without a traceback."""
    done = without(module, "tail", "http://127.0.0.1:1/")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"everstream: this command needs {module}, which is not installed; "
        "install it with: pip install 'everstream[cli]'\n"
    )


def test_the_demo_needs_an_extra_of_its_own() -> None:
    """Without it, all but the demo works."""
    done = without("pytest_httpserver", "demo")
    assert done.returncode == 2
    assert "pip install 'everstream[testing]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert without("pytest_httpserver", "tail", "--help").returncode == 0


def test_another_missing_module_is_no_matter_of_extras() -> None:
    """A fault of an installation is not talked away."""
    done = without("everstream.cli.escaping", "--version")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_without_arguments_it_shows_its_help() -> None:
    """With the commands there are."""
    done = everstream()
    assert "tail" in done.out + done.err
    assert "demo" in done.out + done.err


@pytest.mark.parametrize("arguments", [["tail"], ["walk"], ["tail", "--speed", "9"]])
def test_a_wrong_command_line_is_a_matter_of_usage(arguments: list[str]) -> None:
    """The exit code is 2."""
    assert everstream(*arguments).code == 2
