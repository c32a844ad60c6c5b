"""A SQLite file and processes that are forked while it is open; each test in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMON = """
import ctypes, os, sqlite3, sys, threading
from everstream import CheckpointError
from everstream.checkpoints import SQLiteCheckpoint
path = sys.argv[1]
store = SQLiteCheckpoint(path)
store.save("orders", "parent")

def seen():
    code = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT * FROM checkpoints'))"
    return os.popen(f'{sys.executable} -c "{code}" {path}').read()

class Steps:
    def __init__(self):
        self.ends = os.pipe()
    def step(self):
        os.write(self.ends[1], b".")
    def wait(self):
        os.read(self.ends[0], 1)

parent, child = Steps(), Steps()
"""

PARENT_ENDS_FIRST = """
if os.fork() == 0:
    store.save("orders", "child, before")
    child.step()
    parent.wait()
    store.save("orders", "child, after")
    child.step()
    parent.wait()
    os._exit(0)
child.wait()
print(store.load("orders"))
store.save("prices", "parent")
store.close()
print("child, before" in seen(), "parent" in seen())
parent.step()
child.wait()
print("child, after" in seen(), "parent" in seen())
parent.step()
print(os.wait()[1], store.load("orders"))
"""

ANOTHER_THREAD_SAVES = """
stop = threading.Event()
saves = []
def save_often():
    while not stop.is_set():
        store.save("prices", str(len(saves)))
        saves.append(1)
thread = threading.Thread(target=save_often)
thread.start()
codes = []
for number in range(20):
    process = os.fork()
    if process == 0:
        store.save("orders", str(number))
        os._exit(0 if store.load("orders") == str(number) else 1)
    codes.append(os.waitpid(process, 0)[1])
stop.set()
thread.join()
print(set(codes), store.load("orders"), store.load("prices") == str(len(saves) - 1))
"""

NOT_BY_PYTHON = """
libc = ctypes.PyDLL(None)
if libc.fork() == 0:
    try:
        store.save("orders", "child")
    except CheckpointError as error:
        os.write(1, f"{error.retryable} {error.reason}\\n".encode())
    os._exit(0)
os.wait()
print(store.load("orders"))
store.close()
if libc.fork() == 0:
    store.save("orders", "child")
    os._exit(0)
os.wait()
print(store.load("orders"))
"""


def run(code: str, folder: Path) -> str:
    """Returns what a script prints, which must not fail."""
    done = subprocess.run(
        [sys.executable, "-u", "-c", COMMON + code, str(folder / "checkpoints.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # From Python 3.12 on, it warns of any fork beside a thread.
    errors = [line for line in done.stderr.splitlines() if "fork" not in line]
    assert errors == []
    return done.stdout


def test_a_child_goes_on_when_its_parent_has_closed(tmp_path: Path) -> None:
    """What the child saves is in the file, also after the parent, thinking itself alone, put it in order."""
    assert run(PARENT_ENDS_FIRST, tmp_path).splitlines() == [
        "child, before",
        "True True",
        "True True",
        "0 child, after",
    ]


def test_a_fork_while_another_thread_saves_leaves_both_free(tmp_path: Path) -> None:
    """No lock stays behind in the child, and the parent loses nothing."""
    assert run(ANOTHER_THREAD_SAVES, tmp_path) == "{0} 19 True\n"


def test_a_fork_that_python_does_not_know_of_is_said(tmp_path: Path) -> None:
    """The child is told; the parent goes on, and a store that was closed before works in both."""
    refused, parent, child = run(NOT_BY_PYTHON, tmp_path).splitlines()
    assert refused.startswith(
        "False it was open while this process was forked, by something other than Python"
    )
    assert (parent, child) == ("parent", "child")
