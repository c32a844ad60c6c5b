"""Commands that keep their place in a stream: `--checkpoint`."""

import hashlib
import json
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from everstream.checkpoints import SQLiteCheckpoint
from everstream.testing import RecordedRequest, SSEServer, connection, cut, event, log_of, no_content, stall
from tests.cli.running import everstream, everstream_here, line_from, on_terminal, running, shell, stopped
from tests.cli.working import arguments, ended, record, saved, worked, working
from tests.reading import wait_until

FIVE = [event(str(number), id=str(number)) for number in range(1, 6)]
OPTIONS = ("--max-delay", "0.01", "--format", "data")


def cursors(server: SSEServer) -> list[str | None]:
    """Returns what the requests asked to go on after."""
    return [request.last_event_id for request in server.requests]


def test_work_goes_on_after_a_restart(sse_server: SSEServer, tmp_path: Path) -> None:
    """After the last event that was handled; it is saved at the end, whatever the interval."""
    file = tmp_path / "place.db"
    options = ["--checkpoint", str(file), "--checkpoint-interval", "600"]
    for events in (FIVE[:2], FIVE[2:]):
        sse_server.script([connection(*events), no_content()])
        assert worked(tmp_path, *arguments(sse_server.url, *options, handler="note")).code == 0
    assert cursors(sse_server) == [None, "2", "2", "5"]
    assert saved(file)[sse_server.url] == "5"


def test_work_goes_on_after_a_kill(sse_server: SSEServer, tmp_path: Path) -> None:
    """With interval 0 after each event: the one that was in hand comes again, and none before it."""
    file = tmp_path / "place.db"
    options = ["--checkpoint", str(file), "--checkpoint-interval", "0", "--name", "n"]
    sse_server.script([connection(*FIVE, stall())])
    for number in (1, 2):
        (tmp_path / f"go-{number}").touch()
    with working(tmp_path, *arguments(sse_server.url, *options, handler="slow")) as process:
        wait_until((tmp_path / "began-3").exists, "it is at the third")
        assert ended(process, signal.SIGKILL).code == -signal.SIGKILL
    assert saved(file) == {"n": "2"}
    sse_server.script([connection(*FIVE[2:]), no_content()])
    done = worked(tmp_path, *arguments(sse_server.url, *options, handler="note"))
    assert done.out == "message 3 3\nmessage 4 4\nmessage 5 5\n"
    assert cursors(sse_server) == [None, "2", "5"]


def test_the_interval_is_a_second_unless_it_is_said(sse_server: SSEServer, tmp_path: Path) -> None:
    """The first event is saved at once; more events in the same second are not."""
    file = tmp_path / "place.db"
    sse_server.script([connection(*FIVE, stall())])
    options = ["--checkpoint", str(file), "--name", "n", "--checkpoint-interval", "600"]
    with working(
        tmp_path, *arguments(sse_server.url, *options, handler="note"), PYTHONUNBUFFERED="1"
    ) as process:
        for _ in range(5):
            line_from(process.stdout)
        assert ended(process, signal.SIGKILL).code == -signal.SIGKILL
    assert saved(file) == {"n": "1"}


def test_a_checkpoint_that_cannot_be_saved_stops_nothing_unless_it_is_required(
    sse_server: SSEServer, tmp_path: Path
) -> None:
    """The log says so, and the stream goes on; required, it fails."""
    file = tmp_path / "place.db"
    for options, code, out in ((["--name", "n"], 0, 5), (["--name", "n", "--checkpoint-required"], 3, 1)):
        sse_server.script([connection(*FIVE), no_content()])
        file.unlink(missing_ok=True)
        with sqlite3.connect(file) as database:
            # Readable, and not writable: as good as a full disk.
            database.execute(
                "CREATE TABLE checkpoints (key TEXT PRIMARY KEY, last_event_id TEXT NOT NULL,"
                " updated REAL NOT NULL, CHECK (key != 'n'))"
            )
        database.close()
        done = worked(
            tmp_path, *arguments(sse_server.url, "--checkpoint", str(file), *options, handler="note")
        )
        assert (done.code, len(done.out.splitlines())) == (code, out), done.err
        assert record(done, "checkpoint.failed")["error_type"] == "CheckpointError"


def test_a_file_that_is_locked_is_waited_for(sse_server: SSEServer, tmp_path: Path) -> None:
    """It is like a server that does not answer."""
    file = tmp_path / "place.db"
    with SQLiteCheckpoint(file) as store:
        store.save("other", "1")
    sse_server.script([connection(*FIVE), no_content()])
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        with working(
            tmp_path, *arguments(sse_server.url, "--checkpoint", str(file), handler="note")
        ) as process:
            while "stream.interrupted" not in (line := line_from(process.stderr)):
                pass
            assert "it is locked" in json.loads(line)["cause"]
            assert sse_server.requests == []
            database.close()
            assert ended(process).code == 0
    assert saved(file)[sse_server.url] == "5"


def test_tail_goes_on_after_the_last_event_that_it_wrote(sse_server: SSEServer, tmp_path: Path) -> None:
    """Nothing is written twice and nothing is left out, however often it ends."""
    sse_server.serve_log(log_of([str(number) for number in range(1, 21)]), faults=())
    out = ""
    for _ in range(6):
        done = everstream(
            "tail", sse_server.url, *OPTIONS, "--checkpoint", str(tmp_path / "place.db"), "--max-events", "4"
        )
        assert done.code == 0
        out += done.out
    assert out.split() == [str(number) for number in range(1, 21)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_tail_keeps_its_place_when_a_signal_ends_it(
    sse_server: SSEServer, tmp_path: Path, number: signal.Signals
) -> None:
    """Whatever the interval."""
    file = tmp_path / "place.db"
    sse_server.script([connection(*FIVE[:3], stall())])
    options = [*OPTIONS, "--checkpoint", str(file), "--checkpoint-interval", "600", "--name", "n"]
    with running("tail", sse_server.url, *options) as process:
        for _ in range(3):
            line_from(process.stdout)
        assert stopped(process, number).code == 128 + number
    assert saved(file) == {"n": "3"}


def test_tail_keeps_its_place_when_its_reader_has_enough(sse_server: SSEServer, tmp_path: Path) -> None:
    """What could not be written is written the next time."""
    file = tmp_path / "place.db"
    sse_server.script([connection(event("x", id="1"), event("y" * 10_000_000, id="2"), stall())])
    done = shell(
        '$everstream tail "$1" --format data --checkpoint "$2" --name n | head -1',
        sse_server.url,
        str(file),
    )
    assert (done.code, done.out, done.err) == (0, "x\n", "")
    assert saved(file) == {"n": "1"}


def test_tail_says_at_the_end_that_its_place_is_not_kept(sse_server: SSEServer, tmp_path: Path) -> None:
    """The events are written all the same."""
    file = tmp_path / "place.db"
    sse_server.script([connection(*FIVE, stall())])
    # Neither a save while the folder is taken away, nor an end before there is anything to save.
    options = [*OPTIONS, "--checkpoint", str(file), "--checkpoint-interval", "600", "--name", "n"]
    with running("tail", sse_server.url, *options) as process:
        for _ in FIVE:
            line_from(process.stdout)
        assert saved(file) == {"n": "1"}
        for path in tmp_path.iterdir():
            path.unlink()
        tmp_path.rmdir()
        done = stopped(process, signal.SIGTERM)
    tmp_path.mkdir()
    assert (done.code, done.err.count("\n")) == (143, 1)
    assert done.err.startswith("everstream: the checkpoint could not be saved: the SQLite file ")


def test_a_name_of_one_s_own_is_the_key(sse_server: SSEServer, tmp_path: Path) -> None:
    """One file is for many streams."""
    file = tmp_path / "place.db"
    for name in ("a", "b"):
        sse_server.script([connection(event("x", id=name)), no_content()])
        options = ["--checkpoint", str(file), "--name", name]
        assert everstream_here("tail", sse_server.url, *OPTIONS, *options).code == 0
    assert saved(file) == {"a": "a", "b": "b"}


def test_without_a_name_it_is_the_url_without_its_secrets(sse_server: SSEServer, tmp_path: Path) -> None:
    """A query or a body tells streams apart by a hash: neither is written."""
    file = tmp_path / "place.db"
    host = sse_server.url.removeprefix("http://")
    requests: list[list[str]] = [
        [f"http://user:secret@{host}"],
        [f"http://{host}?token=secret"],
        [f"http://{host}?token=other"],
        [f"http://{host}", "--data", "secret"],
    ]
    for number, request in enumerate(requests):
        sse_server.script([connection(event("x", id=str(number)), stall())])
        done = everstream_here("tail", *request, *OPTIONS, "--checkpoint", str(file), "--max-events", "1")
        assert done.code == 0, done.err
    keys = {key: int(number) for key, number in saved(file).items()}
    assert sorted(keys.values()) == [0, 1, 2, 3]
    assert keys[sse_server.url] == 0
    digest = hashlib.sha256(b"token=secret\0").hexdigest()
    assert keys[f"{sse_server.url}#{digest[:12]}"] == 1
    assert b"secret" not in file.read_bytes()


def test_a_checkpoint_wins_over_the_option(sse_server: SSEServer, tmp_path: Path) -> None:
    """--last-event-id is for the first time."""
    options = ["--checkpoint", str(tmp_path / "place.db"), "--last-event-id", "0"]
    for _ in range(2):
        sse_server.script([connection(*FIVE[:2], cut()), no_content()])
        assert everstream_here("tail", sse_server.url, *OPTIONS, *options).code == 0
    assert cursors(sse_server) == ["0", "2", "2", "2"]
    assert all(isinstance(request, RecordedRequest) for request in sse_server.requests)


def test_on_a_terminal_it_says_that_the_place_is_kept(sse_server: SSEServer, tmp_path: Path) -> None:
    """In place of the option with which it would go on."""
    sse_server.script([connection(*FIVE), no_content()])
    with on_terminal(
        "tail", sse_server.url, *OPTIONS, "--checkpoint", str(tmp_path / "place.db")
    ) as terminal:
        assert terminal.ended() == 0
    assert "everstream: 5 events; the same command goes on from here" in terminal.text
