"""The file: replaced in one step, never half written, never overwritten when it is not ours."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from everstream import CheckpointError
from everstream.checkpoints import FileCheckpoint
from tests.checkpoints.stores import python
from tests.reading import DEADLINE, wait_until

SAVE_FOR_EVER = """
import itertools, sys
from everstream.checkpoints import FileCheckpoint
store = FileCheckpoint(sys.argv[1])
for number in itertools.count(int(store.load("orders") or 0) + 1):
    store.save("orders", str(number))
    print(number, flush=True)
"""

SAVE_TOO_MUCH = """
import resource, sys
from everstream import CheckpointError
from everstream.checkpoints import FileCheckpoint
store = FileCheckpoint(sys.argv[1])
store.save("orders", "1")
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
try:
    store.save("orders", "x" * 200)
except CheckpointError as error:
    print(error.retryable, error.reason, type(error.__cause__).__name__)
store.save("prices", "2")
print(store.load("orders"), store.load("prices"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""

SAVE_AFTER_A_FORK = """
import os, sys, threading
from everstream.checkpoints import FileCheckpoint
store = FileCheckpoint(sys.argv[1])
store.save("orders", "parent")
fsync, inside, go_on = os.fsync, threading.Event(), threading.Event()
def slow_fsync(descriptor):
    inside.set()
    go_on.wait()
    fsync(descriptor)
os.fsync = slow_fsync
thread = threading.Thread(target=store.save, args=("prices", "parent"))
thread.start()
inside.wait()
child = os.fork()
if child == 0:
    os.fsync = fsync
    store.save("orders", "child")
    os._exit(0)
print(os.waitpid(child, 0)[1], store.load("orders"))
go_on.set()
thread.join()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "checkpoints.json"


def names_in(folder: Path) -> list[str]:
    """Returns what a folder holds."""
    return sorted(path.name for path in folder.iterdir())


def name_of(descriptor: int) -> str:
    """Returns the path of an open file."""
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def test_the_file_is_json_for_its_owner_alone(path: Path) -> None:
    """Operators read it with any tool; other users do not."""
    store = FileCheckpoint(path)
    store.save("orders", "é")
    store.save("prices", "2")
    assert json.loads(path.read_bytes()) == {"orders": "é", "prices": "2"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_in(path.parent) == [path.name]


def test_what_others_wrote_meanwhile_is_kept(path: Path) -> None:
    """A save changes its own keys, not those that an editor put in or took out."""
    store = FileCheckpoint(path)
    store.save("orders", "1")
    path.write_bytes(b'\xef\xbb\xbf{"orders": "7", "prices": "3"}\r\n')  # as Notepad leaves it
    assert store.load("orders") == "7"
    store.save("trades", "x")
    assert json.loads(path.read_bytes()) == {"orders": "7", "prices": "3", "trades": "x"}
    path.unlink()
    assert store.load("orders") is None
    store.save("trades", "y")
    assert json.loads(path.read_bytes()) == {"trades": "y"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'["1"]', b'{"orders": 1}', b'{"orders": null}', b"42", b"\xff", b"\0" * 64, b"[" * 100_000],
    ids=["empty", "cut", "list", "number", "null", "no object", "no UTF-8", "zeros", "deep"],
)
def test_a_damaged_file_is_left_as_it_is(path: Path, content: bytes) -> None:
    """The error says what to do; neither a load nor a save destroys what may still be repaired."""
    path.write_bytes(content)
    store = FileCheckpoint(path)
    for use in (lambda: store.load("orders"), lambda: store.save("prices", "1")):
        with pytest.raises(CheckpointError, match="restore it from a copy, or move it away") as error:
            use()
        assert not error.value.retryable
        assert str(path) in str(error.value)
    assert path.read_bytes() == content
    assert names_in(path.parent) == [path.name]
    path.rename(path.with_suffix(".bad"))
    store.save("orders", "2")
    assert json.loads(path.read_bytes()) == {"orders": "2"}


def test_a_surrogate_that_an_editor_left_is_said(path: Path) -> None:
    """The other keys can be used and saved as ever."""
    path.write_text('{"orders": "\\udcff", "prices": "1"}')
    store = FileCheckpoint(path)
    with pytest.raises(CheckpointError, match="lone surrogate"):
        store.load("orders")
    store.save("prices", "2")
    assert json.loads(path.read_bytes()) == {"orders": "\udcff", "prices": "2"}


def test_a_write_that_fails_leaves_the_old_file(path: Path) -> None:
    """A limit that the new file does not keep: a passing error, nothing left over, and then it goes on."""
    done = python(SAVE_TOO_MUCH, path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "True File too large; it is tried again by the next save OSError",
        "1 2",
    ]
    assert names_in(path.parent) == [path.name]


@pytest.mark.parametrize(("folder", "said"), [("a/b", "its folder is a file"), ("x" * 300, "too long")])
def test_a_path_that_cannot_be_is_said(tmp_path: Path, folder: str, said: str) -> None:
    """With what to do, and as permanent."""
    (tmp_path / "a").write_text("")
    store = FileCheckpoint(tmp_path / folder)
    with pytest.raises(CheckpointError, match=said) as error:
        store.save("orders", "1")
    assert not error.value.retryable
    assert isinstance(error.value.__cause__, OSError)


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """The link stays, and what it points to is replaced."""
    (tmp_path / "volume").mkdir()
    link = tmp_path / "checkpoints.json"
    link.symlink_to(tmp_path / "volume" / "real.json")
    store = FileCheckpoint(link)
    store.save("orders", "1")
    store.save("orders", "2")
    assert link.is_symlink()
    assert json.loads((tmp_path / "volume" / "real.json").read_bytes()) == {"orders": "2"}
    assert names_in(tmp_path) == ["checkpoints.json", "volume"]


def test_file_and_folder_are_synced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new file before it takes the place of the old one, the folder after that."""
    synced: list[tuple[str, bool]] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        where = name_of(descriptor)
        synced.append((where, path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    FileCheckpoint(path).save("orders", "1")
    (new, before), (folder, after) = synced
    assert new.startswith(f"{path.parent}/.checkpoints.json.")
    assert folder == str(path.parent)
    assert (before, after) == (False, True)


def test_threads_that_wait_are_served_by_one_write(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a slow disk syncs for one thread, ten others come: one more write serves them all."""
    fsync, files = os.fsync, []
    inside, go_on = threading.Event(), threading.Event()

    def slow(descriptor: int) -> None:
        inside.set()
        assert go_on.wait(DEADLINE)
        files.append(name_of(descriptor))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    store = FileCheckpoint(path)
    threads = [threading.Thread(target=store.save, args=(f"stream-{n}", str(n))) for n in range(11)]
    threads[0].start()
    assert inside.wait(DEADLINE)
    for thread in threads[1:]:
        thread.start()
    frames = sys._current_frames
    wait_until(
        lambda: all(frames()[t.ident or 0].f_code.co_name == "save" for t in threads[1:]), "all to wait"
    )
    go_on.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert json.loads(path.read_bytes()) == {f"stream-{n}": str(n) for n in range(11)}
    assert len([name for name in files if name != str(path.parent)]) == 2


def test_a_kill_at_any_moment_leaves_a_file_that_can_be_read(path: Path) -> None:
    """Killed 20 times while it saves: nothing that was saved is lost, and nothing is left over."""
    moments = random.Random(20)
    for _ in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", SAVE_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        with process.stdout as output:
            said = [output.readline() for _ in range(3)]
            time.sleep(moments.uniform(0, 0.01))  # a moment at random is what this is about
            process.send_signal(signal.SIGKILL)
            process.wait(DEADLINE)
            said += output.readlines()
        last = int(next(line for line in reversed(said) if line.endswith("\n")))
        saved = int(FileCheckpoint(path).load("orders") or 0)
        assert saved in (last, last + 1)
    FileCheckpoint(path).save("orders", "done")
    assert names_in(path.parent) == [path.name]


def test_what_a_kill_left_is_removed(path: Path) -> None:
    """By the first save of the next process; other files stay."""
    left = path.parent / ".checkpoints.json.abc123.everstream-new"
    kept = path.parent / ".prices.json.abc123.everstream-new"
    for leftover in (left, kept):
        leftover.write_text("{")
    FileCheckpoint(path).save("orders", "1")
    assert names_in(path.parent) == sorted([kept.name, path.name])


def test_a_fork_in_the_midst_of_a_save_leaves_the_child_free(path: Path) -> None:
    """Another thread has the lock at that moment; the child does not wait for it."""
    done = subprocess.run(
        [sys.executable, "-c", SAVE_AFTER_A_FORK, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "0 child\n", done.stderr
