"""What the README and the docs show is true: their Python runs, their commands exist."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import metadata
from pathlib import Path

import pytest
from packaging.requirements import InvalidRequirement, Requirement

from everstream.testing import SSEServer
from tests.project.doc_blocks import NOTES, Block, all_blocks, blocks, outputs
from tests.project.doc_runner import DEADLINE, DocRunner, Done, uncounted
from tests.project.doc_scenarios import SCENARIOS
from tests.project.source import ROOT

ORIGIN = "https://stream.example"
MOST_NOT_RUN = 5
"""How many blocks may bear the note `not run`; to raise it is a decision."""

ALL = all_blocks()
RUN = [b for b in ALL if b.language == "python" and "not run" not in b.notes]
OUTPUTS = outputs(ALL)
CONSOLE = [b for b in ALL if b.language in ("console", "bash") and "not run" not in b.notes]


def where(block: Block) -> str:
    """Returns the name of a test for this block."""
    return block.where


@contextmanager
def stream_example(block: Block) -> Iterator[str]:
    """Serves the block's scenario and yields the origin that stands in for the documented one."""
    scenario = SCENARIOS[block.notes.get("serves", ["events"])[0]]
    with SSEServer() as server:
        scenario.serve(server)
        yield server.url.removesuffix("/events")


@pytest.fixture(scope="module")
def runner() -> Iterator[DocRunner]:
    """Runs blocks, one after the other."""
    with DocRunner() as running:
        yield running


def run_block(block: Block, origin: str, folder: Path, runner: DocRunner) -> Done:
    """Runs a block as a script, or as a test module if its first line names it so."""
    source = block.text.replace(ORIGIN, origin)
    is_test_module = re.match(r"# (test_\w+\.py)\n", source)
    script = folder / (is_test_module[1] if is_test_module else "block.py")
    script.write_text(source, "utf-8")
    if not is_test_module:
        return runner.run(script, environment(block, origin))
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text("from tests.conftest import _on_this_machine_only\n")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(script)],
        cwd=folder,
        env={**uncounted(), "PYTHONPATH": str(ROOT), **environment(block, origin)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def environment(block: Block, origin: str) -> dict[str, str]:
    """Returns the environment variables that a block asks for."""
    pairs = (pair.replace(ORIGIN, origin) for pair in block.notes.get("environment", []))
    return dict(pair.split("=", 1) for pair in pairs)


@pytest.mark.parametrize("block", RUN, ids=where)
def test_a_python_block_runs(block: Block, tmp_path: Path, runner: DocRunner) -> None:
    """A block is a whole script: it runs as it stands, and prints what the page says."""
    with stream_example(block) as origin:
        done = run_block(block, origin, tmp_path, runner)
    expected_error = block.notes.get("raises")
    if expected_error is None:
        assert done.returncode == 0, f"{block.where}\n{done.stdout}{done.stderr}"
    else:
        last_line = done.stderr.strip().splitlines()[-1]
        assert done.returncode == 1
        assert expected_error[0] in last_line.split(":")[0]
    if block.where in OUTPUTS:
        assert done.stdout.replace(origin, ORIGIN) == OUTPUTS[block.where].text


def test_blocks_that_do_not_run_say_why() -> None:
    """A block is left alone only for a reason, and seldom."""
    reasons = {b.where: b.notes["not run"][0] for b in ALL if "not run" in b.notes}
    assert [place for place, reason in reasons.items() if len(reason.split()) < 3] == []
    assert len(reasons) <= MOST_NOT_RUN, reasons


@pytest.mark.parametrize("block", ALL, ids=where)
def test_a_block_is_labelled_as_the_tests_know_it(block: Block) -> None:
    """No block escapes the tests by another name for its language, or by a note that nobody reads."""
    assert block.language not in ("", "py", "python3", "pycon", "sh", "shell", "shell-session")
    assert set(block.notes) <= set(NOTES)
    assert set(block.notes.get("serves", [])) <= set(SCENARIOS)
    assert "prints" not in block.notes or block in OUTPUTS.values(), "no Python block prints this"


@pytest.mark.parametrize("block", CONSOLE, ids=where)
def test_a_command_exists(block: Block) -> None:
    """Commands that a page shows have these targets, subcommands, options and extras."""
    for command in commands(block.text):
        words = shlex.split(command, comments=True)
        if words[:1] == ["make"]:
            assert set(targets_in(words)) <= make_targets(), command
        elif words[:1] == ["everstream"] and words[1:2] != ["--help"]:
            options = {w.split("=")[0] for w in words[2:] if re.match(r"--?[A-Za-z]", w)}
            assert options <= options_of(words[1]), command
        elif words[:2] == ["pip", "install"]:
            assert extras_in(words) <= set(metadata("everstream").get_all("Provides-Extra") or []), command


def commands(text: str) -> Iterator[str]:
    """Yields the commands of a console block, each up to the first pipe, `&&` or redirection."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            yield re.split(r"\s(?:\||&&?|;|2?>{1,2})(?:\s|$)", line.removeprefix("$ "))[0]


def targets_in(words: list[str]) -> list[str]:
    """Returns the targets of a make command, without its options and variables."""
    return [word for word in words[1:] if "=" not in word and not word.startswith("-")]


def make_targets() -> set[str]:
    """Returns the targets that the Makefile documents."""
    return set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


@cache
def options_of(subcommand: str) -> frozenset[str]:
    """Returns the options of a subcommand, as its help shows them."""
    command = [sys.executable, "-m", "everstream", subcommand, "--help"]
    env = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=DEADLINE, check=False)
    assert done.returncode == 0, f"everstream has no command {subcommand}: {done.stderr}"
    return frozenset(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", done.stdout))


def extras_in(words: list[str]) -> set[str]:
    """Returns the extras of everstream that a pip command asks for."""
    extras: set[str] = set()
    for word in words[2:]:
        try:
            requirement = Requirement(word)
        except InvalidRequirement:
            continue
        if requirement.name == "everstream":
            extras |= requirement.extras
    return extras


SAMPLE = """
<!-- serves: down -->
<!-- raises: RetriesExhausted -->

```python
print("https://stream.example/events")
```

<!-- prints -->
```text
https://stream.example/events
```

<!-- serves: down -->
Words between a note and a block part them.

  ```console
  $ everstream tail --until '[DONE]' URL | head
  $ make -s test ARGS="-k parser" && make docs
  $ pip install "everstream[cli]"
  ```

````markdown
```python
raise SystemExit("inside another block")
```
````
"""


def test_blocks_and_their_notes_are_found() -> None:
    """The reader of pages sees notes, indentation, and blocks inside blocks."""
    python, text, console, outer = blocks("page.md", SAMPLE)
    assert python.notes == {"serves": ["down"], "raises": ["RetriesExhausted"]}
    assert outputs([python, text, console, outer]) == {"page.md:5": text}
    assert console.notes == {}
    assert list(commands(console.text)) == [
        "everstream tail --until '[DONE]' URL",
        'make -s test ARGS="-k parser"',
        'pip install "everstream[cli]"',
    ]
    assert outer.language == "markdown"


@pytest.mark.parametrize(
    ("source", "succeeds"),
    [
        ("print(__name__)", True),
        ("raise SystemExit(3)", False),
        ("import warnings; warnings.warn('no')", False),
        ("import socket; socket.create_connection(('192.0.2.1', 80))", False),
        ("# test_a.py\ndef test_it(): assert True", True),
        ("# test_a.py\ndef test_it(): assert False", False),
        (
            "# test_a.py\ndef test_it():\n    import socket\n    socket.create_connection(('192.0.2.1', 80))",
            False,
        ),
    ],
)
def test_a_block_that_fails_is_noticed(
    source: str, succeeds: bool, tmp_path: Path, runner: DocRunner
) -> None:
    """Errors, warnings, failing tests and the network make a block fail."""
    done = run_block(Block("page.md", 1, "python", source), ORIGIN, tmp_path, runner)
    assert (done.returncode == 0) == succeeds, done.stderr
