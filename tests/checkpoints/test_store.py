"""What the stores have in common."""

from __future__ import annotations

import threading

import pytest

from everstream import ConfigurationError
from everstream.checkpoints import FileCheckpoint, SQLiteCheckpoint
from everstream.checkpoints.store import save_newest
from tests.reading import DEADLINE


def test_a_late_write_does_not_bring_back_an_older_id() -> None:
    """The write of 1 lands after that of 2, which another thread began later: 2 is written again."""
    newest: dict[str, str] = {}
    written: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slow(_key: str, last_event_id: str) -> None:
        begun.set()
        assert go_on.wait(DEADLINE)
        written.append(last_event_id)

    thread = threading.Thread(target=save_newest, args=(newest, "orders", "1", slow))
    thread.start()
    assert begun.wait(DEADLINE)
    save_newest(newest, "orders", "2", lambda _key, last_event_id: written.append(last_event_id))
    go_on.set()
    thread.join(DEADLINE)
    assert written == ["2", "1", "2"]


def test_a_write_that_fails_is_not_repeated() -> None:
    """Its error goes to the caller, and the next save is not held up by it."""
    newest: dict[str, str] = {}
    written: list[str] = []

    def fail(_key: str, _last_event_id: str) -> None:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        save_newest(newest, "orders", "1", fail)
    save_newest(newest, "orders", "2", lambda _key, last_event_id: written.append(last_event_id))
    assert written == ["2"]


@pytest.mark.parametrize("store", [FileCheckpoint, SQLiteCheckpoint])
def test_what_is_no_path_is_refused(store: type[FileCheckpoint] | type[SQLiteCheckpoint]) -> None:
    """When the store is made, by the name of its class."""
    with pytest.raises(ConfigurationError, match=rf"{store.__name__}\(path\) takes a path without NUL"):
        store("a\0b")
    with pytest.raises(ConfigurationError, match=rf"{store.__name__}\(path\) takes a path, not a int"):
        store(3)  # type: ignore[arg-type]
