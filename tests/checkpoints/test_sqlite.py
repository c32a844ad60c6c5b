"""The SQLite file: shared by threads and processes, and what it says when it cannot."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from everstream import CheckpointError, ConfigurationError
from everstream.checkpoints import SQLiteCheckpoint
from tests.checkpoints.stores import python
from tests.reading import DEADLINE, open_sockets

PROCESSES, SAVES = 8, 100

SAVE_OFTEN = """
import sys
from everstream.checkpoints import SQLiteCheckpoint
path, name, saves = sys.argv[1:]
sys.stdin.readline()  # until all are there
store = SQLiteCheckpoint(path)
for number in range(int(saves)):
    store.save(name, f"{name}-{number}")
    store.save("shared", f"{name}-{number}")
    assert store.load(name) == f"{name}-{number}"
"""

SAVE_AND_NEVER_CLOSE = """
import sys
from everstream.checkpoints import SQLiteCheckpoint
store = SQLiteCheckpoint(sys.argv[1])
store.save("orders", "1")
other = SQLiteCheckpoint(sys.argv[1])
print(other.load("orders"))
del other
"""

SAVE_AND_DIE = """
import os, signal, sys
from everstream.checkpoints import SQLiteCheckpoint
store = SQLiteCheckpoint(sys.argv[1])
store.save("orders", "saved")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is to be."""
    return tmp_path / "checkpoints.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteCheckpoint]:
    """A store that does not wait for locks."""
    with SQLiteCheckpoint(path, busy_timeout=0) as made:
        yield made


def rows_in(path: Path) -> list[tuple[object, ...]]:
    """Returns what an operator sees."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT key, last_event_id, updated FROM checkpoints ORDER BY 1").fetchall()


def connection_of(store: SQLiteCheckpoint) -> sqlite3.Connection:
    """Returns the connection that a store has open."""
    opened = store._database._opened
    assert opened
    return opened.connection


def execute(path: Path, *statements: str) -> None:
    """Executes statements as an operator does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_the_table_is_what_the_documentation_says(path: Path, store: SQLiteCheckpoint) -> None:
    """Key, last event ID, and the seconds since the epoch at which it was saved."""
    before = time.time()
    store.save("orders", "é")
    ((key, last_event_id, updated),) = rows_in(path)
    assert (key, last_event_id) == ("orders", "é")
    assert isinstance(updated, float)
    assert before <= updated <= time.time()


def test_it_writes_a_log_that_each_save_syncs(path: Path, store: SQLiteCheckpoint) -> None:
    """WAL lets others read while it is written; FULL makes a save outlive a loss of power."""
    store.save("orders", "1")
    execute(path, "PRAGMA user_version = 1")  # another connection opens it without ado
    settings = [store._database.execute(f"PRAGMA {name}") for name in ("journal_mode", "synchronous")]
    assert settings == [[("wal",)], [(2,)]]


def test_many_processes_save_into_one_file(path: Path) -> None:
    """All begin at once with a file that is not there: every key is right, and nobody finds it locked."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", SAVE_OFTEN, str(path)]
    names = [f"process-{n}" for n in range(PROCESSES)]
    processes = [
        subprocess.Popen(
            [*command, name, str(SAVES)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for name in names
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert errors == [""] * PROCESSES
    found = {str(key): last_event_id for key, last_event_id, _ in rows_in(path)}
    assert found.pop("shared") in {f"{name}-{SAVES - 1}" for name in names}
    assert found == {name: f"{name}-{SAVES - 1}" for name in names}


def test_a_file_that_is_locked_is_said_and_tried_again(path: Path, store: SQLiteCheckpoint) -> None:
    """By another process's transaction: a passing error, and the same store goes on after it."""
    store.save("orders", "1")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            CheckpointError, match=r"it is locked for more than 0 s; .* who has it open"
        ) as error:
            store.save("orders", "2")
        assert error.value.retryable
        assert isinstance(error.value.__cause__, sqlite3.OperationalError)
        assert str(path) in str(error.value)
        assert store.load("orders") == "1"  # readers are not kept out
        other.execute("ROLLBACK")
    store.save("orders", "3")
    assert store.load("orders") == "3"


def test_a_file_that_is_locked_when_it_is_opened_is_said(path: Path, store: SQLiteCheckpoint) -> None:
    """The first use needs the file as a whole; it waits for it no longer than busy_timeout."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CheckpointError, match="it is locked") as error:
            store.load("orders")
        assert error.value.retryable
        other.execute("ROLLBACK")
    assert store.load("orders") is None


def test_it_waits_for_a_lock_that_is_soon_released(path: Path) -> None:
    """Within busy_timeout; that is what makes many processes work."""
    with (
        SQLiteCheckpoint(path, busy_timeout=60) as store,
        closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other,
    ):
        other.execute("BEGIN EXCLUSIVE")
        release = threading.Timer(0.1, other.execute, ["ROLLBACK"])
        release.start()
        store.save("orders", "1")
        release.join(DEADLINE)
        assert store.load("orders") == "1"


def test_threads_do_not_wait_in_line_behind_a_lock(path: Path, store: SQLiteCheckpoint) -> None:
    """A thread that does not get its turn within busy_timeout is told so, as if the file were locked."""
    store.save("orders", "1")
    errors: list[CheckpointError] = []

    def save() -> None:
        try:
            store.save("orders", "2")
        except CheckpointError as error:
            errors.append(error)

    with store._database.lock:
        thread = threading.Thread(target=save)
        thread.start()
        thread.join(DEADLINE)
    assert [error.retryable for error in errors] == [True]


def test_a_full_disk_is_said_and_passes(path: Path, store: SQLiteCheckpoint) -> None:
    """The id before is still there; when there is room again, the same store goes on."""
    store.save("orders", "1")
    connection_of(store).execute("PRAGMA max_page_count = 1")  # SQLite takes what it has now, which is more
    with pytest.raises(CheckpointError, match=r"no space is left on its disk; make room") as error:
        store.save("prices", "x" * 100_000)
    assert error.value.retryable
    assert store.load("orders") == "1"
    store.save("prices", "x" * 100_000)  # the limit was that of the connection
    assert store.load("prices") == "x" * 100_000


def test_a_file_that_may_not_be_written_is_said(path: Path, store: SQLiteCheckpoint) -> None:
    """With what to do, and as passing."""
    store.save("orders", "1")
    connection_of(store).execute("PRAGMA query_only = 1")
    with pytest.raises(
        CheckpointError, match="it may not be written; give this user the permission"
    ) as error:
        store.save("orders", "2")
    assert error.value.retryable
    store.save("orders", "3")
    assert store.load("orders") == "3"


@pytest.mark.parametrize("content", [b"{}" * 600, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_no_database_is_left_as_it_is(
    path: Path, store: SQLiteCheckpoint, content: bytes
) -> None:
    """The error says what to do; and when that is done, the same store goes on."""
    path.write_bytes(content)
    for use in (lambda: store.load("orders"), lambda: store.save("orders", "1")):
        with pytest.raises(
            CheckpointError, match=r"no SQLite database, or damaged; restore it .* move it"
        ) as error:
            use()
        assert not error.value.retryable
    assert path.read_bytes() == content
    path.rename(path.with_suffix(".bad"))
    store.save("orders", "2")
    assert store.load("orders") == "2"


def test_a_damaged_page_is_said(path: Path, store: SQLiteCheckpoint) -> None:
    """A file whose header is well, and nothing else."""
    store.save("orders", "1")
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged") as error:
        store.load("orders")
    assert not error.value.retryable


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE checkpoints (name TEXT, id TEXT)",
        "CREATE TABLE checkpoints (key TEXT, last_event_id TEXT, updated REAL)",
        "CREATE TABLE checkpoints (key TEXT PRIMARY KEY, last_event_id TEXT, updated REAL, x TEXT NOT NULL)",
        "CREATE VIEW checkpoints AS SELECT 1 AS key, 2 AS last_event_id, 3 AS updated",
    ],
)
def test_a_table_of_another_program_is_said(path: Path, store: SQLiteCheckpoint, statement: str) -> None:
    """Its table of the same name is not touched."""
    execute(path, statement)
    with pytest.raises(CheckpointError, match="its table `checkpoints` is not ours") as error:
        store.save("orders", "1")
    assert not error.value.retryable


@pytest.mark.parametrize("value", ["42", "NULL", "x'ff'", "CAST(x'ff' AS TEXT)"])
def test_a_value_that_is_no_text_is_said(path: Path, store: SQLiteCheckpoint, value: str) -> None:
    """Somebody wrote it by hand; the next save puts it right."""
    execute(path, "CREATE TABLE checkpoints (key TEXT PRIMARY KEY, last_event_id, updated REAL)")
    execute(path, f"INSERT INTO checkpoints VALUES ('orders', {value}, 0)")
    with pytest.raises(CheckpointError, match="correct it with the sqlite3 command") as error:
        store.load("orders")
    assert not error.value.retryable
    store.save("orders", "1")
    assert store.load("orders") == "1"


@pytest.mark.parametrize("also", [[], ["-wal", "-shm"]], ids=["the file", "the file and its log"])
def test_a_file_that_was_deleted_is_made_anew(path: Path, store: SQLiteCheckpoint, also: list[str]) -> None:
    """A save that went into the deleted file would be lost without a word."""
    store.save("orders", "1")
    for name in ["", *also]:
        Path(f"{path}{name}").unlink()
    assert store.load("orders") is None
    store.save("orders", "2")
    assert [row[:2] for row in rows_in(path)] == [("orders", "2")]
    store.close()
    assert [row[:2] for row in rows_in(path)] == [("orders", "2")]


def test_a_file_that_was_replaced_is_the_one(path: Path, store: SQLiteCheckpoint, tmp_path: Path) -> None:
    """As when a copy was put back: it is read and written from then on."""
    with SQLiteCheckpoint(tmp_path / "copy.db") as other:
        other.save("orders", "from the copy")
    store.save("orders", "1")
    (tmp_path / "copy.db").rename(path)
    Path(f"{path}-wal").unlink()
    assert store.load("orders") == "from the copy"
    store.save("prices", "2")
    assert [row[:2] for row in rows_in(path)] == [("orders", "from the copy"), ("prices", "2")]


def test_a_closed_store_opens_again(path: Path, store: SQLiteCheckpoint) -> None:
    """Closed, it leaves one file and no descriptor; closing twice, or before the first use, is no error."""
    before = open_sockets()
    store.close()
    store.save("orders", "1")
    store.close()
    store.close()
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert store.load("orders") == "1"
    assert open_sockets() == before


def test_a_close_in_the_midst_of_a_statement_is_a_passing_error(store: SQLiteCheckpoint) -> None:
    """As a signal handler may do it."""
    store.save("orders", "1")
    connection_of(store).close()
    with pytest.raises(CheckpointError, match="it was closed while it was used") as error:
        store.save("orders", "2")
    assert error.value.retryable
    store.save("orders", "3")
    assert store.load("orders") == "3"


def test_nobody_needs_to_close_it(path: Path) -> None:
    """No warning of a connection left open, and the log is put into the file at the end of the process."""
    done = python(SAVE_AND_NEVER_CLOSE, path)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_what_was_saved_survives_sigkill(path: Path) -> None:
    """It is in the log, from which the next process reads it."""
    assert python(SAVE_AND_DIE, path).returncode == -9
    assert Path(f"{path}-wal").stat().st_size > 0
    with SQLiteCheckpoint(path) as store:
        assert store.load("orders") == "saved"


@pytest.mark.parametrize("timeout", [-1, float("nan"), float("inf"), "5", True])
def test_a_timeout_that_cannot_be_is_refused(path: Path, timeout: float) -> None:
    """When the store is made, by its name."""
    with pytest.raises(ConfigurationError, match=r"SQLiteCheckpoint\(busy_timeout=\.\.\.\) takes seconds"):
        SQLiteCheckpoint(path, busy_timeout=timeout)


@pytest.mark.parametrize("path_", ["", ":memory:", "file:x?mode=memory"])
def test_the_special_names_of_sqlite_are_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path_: str
) -> None:
    """A database in memory, or one that is deleted when it is closed, would keep nothing."""
    monkeypatch.chdir(tmp_path)
    store = SQLiteCheckpoint(path_)
    if path_:
        store.save("orders", "1")
        store.close()
        assert (tmp_path / path_).stat().st_size > 0
    else:
        with pytest.raises(CheckpointError, match="it is a folder"):
            store.save("orders", "1")
