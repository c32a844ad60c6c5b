"""What is wrong with a command line of `everstream work` is said at the start, in one line."""

import signal
import socket
import sqlite3
from pathlib import Path

import pytest

from everstream.cli.exits import Exit
from everstream.testing import SSEServer, connection, event, no_content, retry, stall, status
from tests.cli.running import everstream, everstream_here, line_from
from tests.cli.working import AT_ONCE, arguments, ended, records, saved, worked, working

CANARY = "canary-71c9"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives a working directory with files of several kinds in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("no database, and longer than the head of one would be" * 9)
    (tmp_path / "text").chmod(0o600)
    with sqlite3.connect(tmp_path / "foreign.db") as database:
        database.execute("CREATE TABLE checkpoints (other TEXT)")
    database.close()
    return tmp_path


TRUE = ("--exec", "true")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "give --exec or --handler"),
        ([*TRUE, "--handler", "shop:ship"], "give --exec or --handler"),
        (["--handler", "no_such_module:ship"], "there is no module no_such_module"),
        (["--handler", "json:ship"], "json has no ship"),
        (["--handler", "json:__name__"], "it is no function"),
        (["--exec", "no-such-command"], "there is no command no-such-command"),
        (["--exec", "./text"], "there is no command ./text that may be run"),
        (["--exec", "./folder"], "there is no command ./folder that may be run"),
        (["--exec", "'"], "--exec: No closing quotation"),
        (["--exec", " "], "--exec takes a command"),
        ([*TRUE, "--on-poison", "skip", "--dead-letter", "letters"], "not both"),
        ([*TRUE, "--dead-letter", "no/such/letters"], "--dead-letter no/such/letters: No such file"),
        ([*TRUE, "--dead-letter", "folder"], "--dead-letter folder: Is a directory"),
        ([*TRUE, "--health-file", "no/such/health"], "--health-file no/such/health: No such file"),
        ([*TRUE, "--health-file", "folder"], "--health-file folder: "),
        ([*TRUE, "--health-host", "127.0.0.1"], "--health-host needs --health-port"),
        (
            [*TRUE, "--health-port", "0", "--health-host", "nowhere.invalid"],
            "listen on nowhere.invalid, port 0",
        ),
        ([*TRUE, "--checkpoint", "folder"], "it is a folder"),
        ([*TRUE, "--checkpoint", "no/such/file"], "its folder does not exist"),
        ([*TRUE, "--checkpoint", "text"], "it is no SQLite database"),
        ([*TRUE, "--checkpoint", "foreign.db"], "is not ours"),
        ([*TRUE, "--checkpoint-interval", "0"], "need --checkpoint"),
        ([*TRUE, "--checkpoint-required"], "need --checkpoint"),
        ([*TRUE, "--header", f"no colon {CANARY}"], "--header takes 'Name: value'"),
        ([*TRUE, "--attempts", "0"], "--attempts"),
        ([*TRUE, "--stop-timeout", "-1"], "--stop-timeout"),
        ([*TRUE, "--stop-timeout", "inf"], "stop_timeout"),
        ([*TRUE, "--stuck-after", "0"], "--stuck-after"),
        ([*TRUE, "--on-poison", "explode"], "--on-poison"),
        ([*TRUE, "--health-port", "65536"], "--health-port"),
        ([*TRUE, "--log-format", "xml"], "--log-format"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_sent(
    sse_server: SSEServer, folder: Path, options: list[str], said: str
) -> None:
    """With exit code 2, without a traceback, and without what may be a secret."""
    done = everstream_here("work", f"{sse_server.url}?token={CANARY}", *options)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.replace("│", " ").split())
    assert done.err.count("\n") == 1 or done.err.startswith("Usage: ")
    assert CANARY not in done.err
    assert "Traceback" not in done.err
    assert sse_server.requests == []


@pytest.mark.parametrize("command", ["work", "tail"])
@pytest.mark.parametrize("url", ["stream.example", "ftp://127.0.0.1/", "http://", "http://[::1"])
def test_what_is_no_url_is_a_matter_of_usage(command: str, url: str, folder: Path) -> None:
    """Also where a name for the checkpoint would be made of it."""
    how = ["--exec", "true"] if command == "work" else []
    done = everstream_here(command, url, *how, "--checkpoint", "place.db")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("everstream: ")
    assert done.err.count("\n") == 1


def test_a_port_that_is_taken_is_named(sse_server: SSEServer) -> None:
    """So is an address that is not ours."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = everstream_here("work", sse_server.url, *TRUE, "--health-port", port)
    assert done.code == 2
    assert done.err.startswith(f"everstream: --health-port: cannot listen on 127.0.0.1, port {port}: ")
    assert "in use" in done.err
    done = everstream("work", sse_server.url, *TRUE, "--health-port", "0", "--health-host", "192.0.2.1")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "cannot listen on 192.0.2.1" in done.err


@pytest.mark.parametrize(
    ("script", "options", "code"),
    [
        ([connection(event("a", id="1")), no_content()], [], Exit.ENDED),
        ([connection(event("a"), event("[DONE]"), stall())], ["--until", "[DONE]"], Exit.ENDED),
        ([connection(event("a"))], ["--no-reconnect"], Exit.ENDED),
        ([status(403)], [], Exit.REFUSED),
        ([status(503), status(503)], ["--max-attempts", "2"], Exit.EXHAUSTED),
    ],
)
def test_the_exit_code_says_how_it_ended(
    sse_server: SSEServer, tmp_path: Path, script: list[object], options: list[str], code: Exit
) -> None:
    """As with tail; the last record says why, if it is not a good end."""
    sse_server.script(script)  # type: ignore[arg-type]
    done = worked(tmp_path, *arguments(sse_server.url, *options, command="true"))
    assert done.code == code
    last = records(done)[-1]
    if code is Exit.ENDED:
        assert last["event"] == "worker.stopped"
    else:
        assert (last["event"], last["exit_code"]) == ("command.failed", code)
        assert str(403 if code is Exit.REFUSED else "2 failures") in last["error"]


def test_a_refusal_is_quoted(sse_server: SSEServer, tmp_path: Path) -> None:
    """What the server said with it is in the last record."""
    sse_server.script([status(403, body=b"this token\nhas expired")])
    done = worked(tmp_path, *arguments(sse_server.url, command="true"))
    assert records(done)[-1]["said"] == "this token has expired"


def test_no_secret_is_shown_or_kept(sse_server: SSEServer, tmp_path: Path) -> None:
    """Not in the log, the health file, the checkpoint file or the dead letters; in no part of a URL."""
    host = sse_server.url.removeprefix("http://")
    url = f"http://user:{CANARY}@{host}?token={CANARY}#{CANARY}"
    options = [
        "--bearer-env", "SECRET", "--header", f"X-Key: {CANARY}", "--checkpoint", "place.db",
        "--health-file", "health.json", "--dead-letter", "letters.jsonl", "--attempts", "1",
    ]  # fmt: skip
    sse_server.script([connection(retry(1), event("a", id="1"), event("b", id="2")), status(403)])
    done = worked(tmp_path, *arguments(url, *options, handler="fail"), SECRET=CANARY)
    assert (done.code, done.out) == (3, "1\n")
    assert sse_server.requests[0].query == {"token": CANARY}
    assert sse_server.requests[0].headers["X-Key"] == CANARY
    assert CANARY not in done.out + done.err
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"place.db", "health.json", "letters.jsonl"}
    assert [path.name for path in files if CANARY.encode() in path.read_bytes()] == []
    (key,) = saved(tmp_path / "place.db")
    assert key.startswith(f"http://{host}#")


def test_the_log_names_the_stream(sse_server: SSEServer, tmp_path: Path) -> None:
    """With --name, in each record."""
    sse_server.script([no_content()])
    done = worked(tmp_path, *arguments(sse_server.url, "--name", "orders", command="true"))
    assert {record["stream"] for record in records(done)} == {"orders"}


def test_stdout_is_the_handler_s(sse_server: SSEServer, tmp_path: Path) -> None:
    """Whatever happens, nothing else is there."""
    sse_server.script([status(503), connection(event("a", id="2"), event("b", id="3")), stall()])
    options = ["--on-poison", "skip", "--attempts", "2", "--health-port", "0", "--log-format", "console"]
    with working(tmp_path, *arguments(sse_server.url, *options, handler="fail")) as process:
        assert line_from(process.stdout) == "3\n"
        assert ended(process, signal.SIGTERM).out == ""
    assert AT_ONCE
