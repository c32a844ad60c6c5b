"""The health file of `everstream work`."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from everstream import EventSource
from everstream.cli.health_file import keeping_health_file
from everstream.testing import SSEServer, connection, event, no_content, status
from tests.cli.working import arguments, ended, working
from tests.reading import wait_until

LOG = EventSource("http://127.0.0.1:1/").log


def test_it_is_current_from_the_start_to_the_end(sse_server: SSEServer, tmp_path: Path) -> None:
    """There before the first response, refreshed also while a signal waits for the handler."""
    file = tmp_path / "health.json"

    def health() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(file.read_text())
        return found

    sse_server.script([connection(event("a", id="1"), event("b", id="2")), no_content()])
    with working(tmp_path, *arguments(sse_server.url, "--health-file", str(file), handler="slow")) as process:
        wait_until((tmp_path / "began-1").exists, "the handler is at it")
        assert health()["alive"] is True
        wait_until(lambda: health()["handling_since"], "the file says so")
        assert (health()["handled"], health()["ready"]) == (0, True)
        (tmp_path / "go-1").touch()
        wait_until(lambda: health()["handled"] == 1, "the file says so")
        wait_until((tmp_path / "began-2").exists, "the handler is at the next")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not health()["ready"], "it is no more ready")
        assert health()["alive"] is True
        before = health()["time"]
        wait_until(lambda: health()["time"] > before, "it is refreshed")
        (tmp_path / "go-2").touch()
        assert ended(process).code == 0
    last = health()
    assert (last["alive"], last["handled"], last["stream"]["last_acknowledged_id"]) == (False, 2, "2")


def test_at_the_end_it_says_why(sse_server: SSEServer, tmp_path: Path) -> None:
    """For whoever looks at it after a crash."""
    file = tmp_path / "health.json"
    sse_server.script([status(403)])
    with working(tmp_path, *arguments(sse_server.url, "--health-file", str(file), command="true")) as process:
        assert ended(process).code == 3
    health = json.loads(file.read_text())
    assert (health["alive"], health["stream"]["state"]) == (False, "failed")
    assert health["failure"] == "StatusRejected: the server answered 403 Forbidden"


def test_a_reader_finds_a_whole_report_at_any_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it is written again and again: it is replaced, and nothing is left beside it."""
    monkeypatch.setattr("everstream.cli.health_file._SECONDS_BETWEEN_WRITES", 0)
    file = tmp_path / "health.json"
    lengths = iter(range(10**9))
    with keeping_health_file(file, lambda: f"[{'x' * (next(lengths) % 2 * 100_000)}]", LOG):
        inodes = set[int]()

        def is_replaced_often() -> bool:
            text = file.read_text()
            assert text.startswith("[")
            assert text.endswith("]")
            inodes.add(file.stat().st_mtime_ns)
            return len(inodes) > 100

        wait_until(is_replaced_often, "it has been written a hundred times")
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_one(tmp_path: Path) -> None:
    """The file is written where it is."""
    (tmp_path / "there").mkdir()
    link = tmp_path / "health.json"
    link.symlink_to(tmp_path / "there" / "real.json")
    with keeping_health_file(link, lambda: "{}", LOG):
        assert link.is_symlink()
        assert (tmp_path / "there" / "real.json").read_text() == "{}"


def test_a_disk_that_is_full_stops_nothing(sse_server: SSEServer, tmp_path: Path) -> None:
    """The log says so once; and it is written again as soon as it can be."""
    folder = tmp_path / "run"
    folder.mkdir()
    file = folder / "health.json"
    sse_server.script([connection(event("a", id="1"), event("b", id="2")), no_content()])
    with working(tmp_path, *arguments(sse_server.url, "--health-file", str(file), handler="slow")) as process:
        wait_until((tmp_path / "began-1").exists, "the handler is at it")
        folder.rename(tmp_path / "away")
        assert process.stderr is not None
        while "health_file.failed" not in process.stderr.readline():
            pass
        folder.mkdir()
        wait_until(file.exists, "it is there again")
        (tmp_path / "go-1").touch()
        (tmp_path / "go-2").touch()
        done = ended(process)
    assert (done.code, done.out) == (0, "1\n2\n")
    assert "health_file.failed" not in done.err
