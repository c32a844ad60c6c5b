"""Runs `everstream work`, and looks at what it does."""

import json
import os
import re
import signal
import subprocess
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from sqlite3 import connect
from typing import Any

from tests.cli.running import COMMAND, DEADLINE, Done, line_from, piped
from tests.reading import wait_until

AT_ONCE = ("--max-delay", "0.01")
"""Options with which a reconnect takes no time."""

HANDLERS = """
import sys, time
from pathlib import Path

def note(event):
    print(event.type, event.id, event.data)

def fail(event):
    if event.id == "2":
        raise ValueError(f"no \\x1b[2J {event.id}")
    print(event.id)

def slow(event):
    # Works until a file is there; the test makes it.
    Path(f"began-{event.id}").touch()
    while not Path(f"go-{event.id}").exists():
        time.sleep(0.005)
    print(event.id)

def leave(event):
    sys.exit(7)

class Shop:
    def ship(self, event):
        print("shipped", event.id)

shop = Shop()
"""
"""A module named `handlers`, in the working directory of the command."""


def arguments(url: str, *options: str, handler: str | None = None, command: str | None = None) -> list[str]:
    """Returns the arguments of the command for a handler in `handlers`, or for a script of sh."""
    how = ["--handler", f"handlers:{handler}"] if handler else []
    how += ["--exec", command] if command else []
    waits = () if "--no-reconnect" in options else AT_ONCE
    return [*COMMAND, "work", url, *waits, *how, *options]


def working(folder: Path, *command: str, **more: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """Runs it in a folder; it is killed at the end if it still runs."""
    (folder / "handlers.py").write_text(HANDLERS)
    return piped(command, folder, **more)


def worked(folder: Path, *command: str, **more: str) -> Done:
    """Runs it to its end."""
    with working(folder, *command, **more) as process:
        out, err = process.communicate(timeout=DEADLINE)
    return Done(process.returncode, out, err)


def ended(process: subprocess.Popen[str], number: signal.Signals | None = None) -> Done:
    """Sends a signal, if one is named, and returns how it ended."""
    if number is not None:
        process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE)
    return Done(process.returncode, out, err)


def records(done: Done) -> list[dict[str, Any]]:
    """Returns its log, which is all that it wrote to stderr."""
    return [json.loads(line) for line in done.err.splitlines()]


def record(done: Done, name: str) -> dict[str, Any]:
    """Returns the last log record of a name."""
    return [each for each in records(done) if each["event"] == name][-1]


def saved(file: Path) -> dict[str, str]:
    """Returns the checkpoints in a file, by key."""
    with closing(connect(file)) as database:
        return dict(database.execute("SELECT key, last_event_id FROM checkpoints"))


def wait_for_file(path: Path) -> str:
    """Waits until a file is there and has something in it, and returns its text."""
    wait_until(lambda: path.exists() and path.read_text(), f"{path.name} is there")
    return path.read_text()


def wait_until_gone(process_id: int) -> None:
    """Waits until a process has ended, whoever is its parent."""

    def is_gone() -> bool:
        with suppress(OSError):
            state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
            return state == "Z"
        with suppress(ProcessLookupError):
            os.kill(process_id, 0)
            return False
        return True

    wait_until(is_gone, f"process {process_id} has ended")


def address_of(process: subprocess.Popen[str]) -> tuple[str, int]:
    """Returns where it answers probes, as its log says."""
    while True:
        line = json.loads(line_from(process.stderr))
        if line["event"] == "health.listening":
            found = re.fullmatch(r"http://\[?([\w.:]+?)\]?:(\d+)", line["address"])
            assert found
            return found[1], int(found[2])
