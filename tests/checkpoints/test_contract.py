"""What every checkpoint store does, whatever it keeps its cursors in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from everstream import CheckpointError
from everstream.checkpoints import CheckpointStore
from tests.checkpoints.stores import KINDS, PERSISTENT, interrupted, store_in
from tests.reading import DEADLINE

MakeStore = Callable[[], CheckpointStore]

TEXTS = [
    "42",
    "1706112000:0",
    " with spaces ",
    "Füße, 日本語, 🚲",
    "e\u0301 is not \u00e9",
    "\u2028\x7f\t",
    "\ufeffbegins with a mark",
    "'; DROP TABLE checkpoints; --",
    '{"json": "\\"}',
    "%s {} $1",
    "x" * 100_000,
]


@pytest.fixture(params=KINDS)
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes stores of one kind, all on the same medium."""
    return store_in(tmp_path, request.param)


@pytest.fixture(params=PERSISTENT)
def make_persistent(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """The same, of the kinds that outlive their process."""
    return store_in(tmp_path, request.param)


def test_an_unknown_key_has_no_id(make_store: MakeStore) -> None:
    """Before the first save there is None, also when other keys are known."""
    store = make_store()
    assert store.load("orders") is None
    store.save("prices", "1")
    assert store.load("orders") is None


def test_what_was_saved_is_loaded(make_store: MakeStore) -> None:
    """The last save of each key counts, and keys do not touch each other."""
    store = make_store()
    store.save("orders", "1")
    store.save("prices", "a")
    store.save("orders", "2")
    assert (store.load("orders"), store.load("prices")) == ("2", "a")


def test_an_empty_id_is_an_id(make_store: MakeStore) -> None:
    """A stream whose id was reset is not one that was never saved."""
    store = make_store()
    store.save("orders", "1")
    store.save("orders", "")
    assert store.load("orders") == ""


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_any_text_comes_back_as_it_was(make_store: MakeStore, text: str) -> None:
    """As an id, and as a key."""
    store = make_store()
    store.save("orders", text)
    store.save(text, "1")
    assert store.load("orders") == text
    assert store.load(text) == "1"


def test_a_lone_surrogate_is_refused(make_store: MakeStore) -> None:
    """No medium can keep it; the error says so, and what was saved stays."""
    store = make_store()
    store.save("orders", "1")
    with pytest.raises(CheckpointError, match=r"lone surrogate .*udcff") as error:
        store.save("orders", "\udcff")
    assert not error.value.retryable
    with pytest.raises(CheckpointError, match="lone surrogate"):
        store.save("\udcff", "1")
    with pytest.raises(CheckpointError, match="lone surrogate"):
        store.load("\udcff")
    assert store.load("orders") == "1"


def test_another_store_on_the_same_medium_sees_it(make_persistent: MakeStore) -> None:
    """As after a restart; and both may be used at once."""
    first, second = make_persistent(), make_persistent()
    first.save("orders", "1")
    assert second.load("orders") == "1"
    second.save("orders", "2")
    second.save("prices", "a")
    first.save("trades", "x")
    assert [first.load(key) for key in ("orders", "prices", "trades")] == ["2", "a", "x"]


def test_threads_share_a_store(make_store: MakeStore) -> None:
    """Each thread finds what it saved, whatever the others do."""
    store, wrong = make_store(), []
    start = threading.Barrier(8)

    def save_often(key: str) -> None:
        start.wait(DEADLINE)
        for number in range(20):
            store.save(key, f"{key}-{number}")
            if (found := store.load(key)) != f"{key}-{number}":
                wrong.append((key, number, found))

    threads = [threading.Thread(target=save_often, args=(f"stream-{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert wrong == []
    assert [store.load(f"stream-{n}") for n in range(8)] == [f"stream-{n}-19" for n in range(8)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_used", [False, True], ids=["at the first save", "at a later save"])
def test_a_save_inside_of_a_save_loses_nothing(tmp_path: Path, kind: str, is_used: bool) -> None:
    """A signal handler saves, at any line of a save: of one key the later counts, another key is kept."""
    ends: list[str | None] = []
    is_over = False
    while not is_over:
        line = len(ends)
        folder = tmp_path / f"{line}"
        folder.mkdir()
        store = store_in(folder, kind)()
        if is_used:
            store.save("orders", "before")

        def save_inside(store: CheckpointStore = store) -> None:
            store.save("prices", "1")
            store.save("orders", "inside")

        with interrupted(line, save_inside) as lines:
            store.save("orders", "outside")
        is_over = len(lines) <= line
        assert is_over or store.load("prices") == "1"
        ends.append(store.load("orders"))
    # Until the outer save has begun in earnest, the inner one is the earlier.
    began = ends.index("inside") if "inside" in ends else len(ends)
    assert set(ends[:began]) == {"outside"}
    assert set(ends[began:-1]) <= {"inside"}
    assert began < len(ends) - 1 or kind == "memory"


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_a_store_is_made_without_touching_the_disk(tmp_path: Path, kind: str) -> None:
    """Making it and showing it is no I/O; a missing folder is said when it is used, and what to do."""
    folder = tmp_path / "missing"
    store = store_in(folder, kind)()
    assert str(folder) in repr(store)
    assert not folder.exists()
    for use in (lambda: store.load("orders"), lambda: store.save("orders", "1")):
        with pytest.raises(CheckpointError, match="its folder does not exist; create it") as error:
            use()
        assert not error.value.retryable
        assert str(folder) in str(error.value)
    folder.mkdir()
    store.save("orders", "1")
    assert store.load("orders") == "1"


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_the_path_is_that_of_the_moment_when_the_store_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A later change of the working directory, as daemons do, does not move the file."""
    monkeypatch.chdir(tmp_path)
    store = store_in(Path(), kind)()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    store.save("orders", "1")
    assert list(Path().iterdir()) == []
    assert store_in(tmp_path, kind)().load("orders") == "1"


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_a_path_of_bytes_that_are_no_text_works(tmp_path: Path, kind: str) -> None:
    """The name of a folder may hold any bytes; messages show them escaped."""
    folder = tmp_path / "f\udcff"
    folder.mkdir()
    store = store_in(folder, kind)()
    store.save("orders", "1")
    assert store_in(folder, kind)().load("orders") == "1"
    with pytest.raises(CheckpointError) as error:
        store.load("\udcff")
    assert str(error.value).isascii()


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_a_folder_in_place_of_the_file_is_said(tmp_path: Path, kind: str) -> None:
    """It is left alone."""
    store = store_in(tmp_path, kind)()
    store.save("orders", "1")
    for path in tmp_path.iterdir():
        path.unlink()
    next(iter([tmp_path / "checkpoints.json", tmp_path / "checkpoints.db"][kind == "sqlite" :])).mkdir()
    for use in (lambda: store.load("orders"), lambda: store.save("orders", "1")):
        with pytest.raises(CheckpointError, match="it is a folder; give the path of a file") as error:
            use()
        assert not error.value.retryable
