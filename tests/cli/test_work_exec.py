"""`everstream work --exec`: a command for each event."""

import json
import stat
from pathlib import Path

import pytest

from everstream.testing import SSEServer, Step, connection, event, no_content, raw, stall
from tests.cli.running import DEADLINE, line_from, shell
from tests.cli.working import arguments, record, records, saved, wait_until_gone, worked, working

THREE = (event("a", id="1"), event("b", id="2"), event("c", id="3"))


def failing_at(number: str) -> str:
    """Returns a command that fails at one event, and says each event that it gets."""
    return f"""sh -c 'echo "$EVERSTREAM_EVENT_ID"; test "$EVERSTREAM_EVENT_ID" != {number}'"""


def test_the_command_gets_data_type_and_id(sse_server: SSEServer, tmp_path: Path) -> None:
    """The data on stdin, exactly; the rest, and what was there before, in its environment."""
    sse_server.script([connection(event("zwei\n日本", id="é1", type="update")), no_content()])
    show = 'cat; echo "|$EVERSTREAM_EVENT_TYPE|$EVERSTREAM_EVENT_ID|$EVERSTREAM_ATTEMPT|$OTHER|$0"'
    done = worked(tmp_path, *arguments(sse_server.url, command=f"sh -c '{show}' 'two words'"), OTHER="kept")
    assert (done.code, done.out) == (0, "zwei\n日本|update|é1|1|kept|two words\n")


def test_no_shell_sees_the_command(sse_server: SSEServer, tmp_path: Path) -> None:
    """Quotes are understood, and nothing else is."""
    sse_server.script([connection(event("a")), no_content()])
    done = worked(tmp_path, *arguments(sse_server.url, command="echo '$HOME  ;' *"))
    assert (done.code, done.out) == (0, "$HOME  ; *\n")


@pytest.mark.parametrize("command", ["true", "cat"])
def test_data_may_be_larger_than_a_pipe_and_need_not_be_read(
    sse_server: SSEServer, tmp_path: Path, command: str
) -> None:
    """A command that takes nothing of it has handled it all the same."""
    sse_server.script([connection(event("x" * 1_000_000, id="1")), no_content()])
    done = worked(tmp_path, *arguments(sse_server.url, command=command))
    assert (done.code, len(done.out)) == (0, 1_000_000 if command == "cat" else 0), done.err
    assert record(done, "worker.stopped")["handled"] == 1


def test_a_type_that_no_environment_can_hold_is_no_trouble(sse_server: SSEServer, tmp_path: Path) -> None:
    """NUL is replaced."""
    sse_server.script([connection(raw(b"event: x\0y\ndata: a\n\n")), no_content()])
    done = worked(tmp_path, *arguments(sse_server.url, command="sh -c 'echo $EVERSTREAM_EVENT_TYPE'"))
    assert (done.code, done.out) == (0, "x\ufffdy\n")


def test_a_failed_attempt_is_made_again(sse_server: SSEServer, tmp_path: Path) -> None:
    """With the number of the attempt; the log says how each one failed."""
    sse_server.script([connection(*THREE), no_content()])
    second = "sh -c 'x=$EVERSTREAM_EVENT_ID.$EVERSTREAM_ATTEMPT; echo $x; test $x != 2.1'"
    done = worked(tmp_path, *arguments(sse_server.url, command=second))
    assert (done.code, done.out.split()) == (0, ["1.1", "2.1", "2.2", "3.1"])
    failed = record(done, "handler.failed")
    assert (failed["attempt"], failed["event_id"], failed["where"]) == (1, "2", None)
    assert failed["error"] == "CommandFailed: the command ended with exit status 1"


def test_by_default_an_event_that_cannot_be_handled_stops_it(sse_server: SSEServer, tmp_path: Path) -> None:
    """Exit code 5 after three attempts; the checkpoint stays before the event, and none comes after it."""
    sse_server.script([connection(*THREE, stall())])
    file = tmp_path / "checkpoints.db"
    done = worked(tmp_path, *arguments(sse_server.url, "--checkpoint", str(file), command=failing_at("2")))
    assert (done.code, done.out.split()) == (5, ["1", "2", "2", "2"])
    assert list(saved(file).values()) == ["1"]
    last = records(done)[-1]
    assert (last["event"], last["exit_code"]) == ("command.failed", 5)
    assert "'2'" in last["error"]
    assert "in 3 attempts" in last["error"]
    assert last["cause"] == "CommandFailed: the command ended with exit status 1"


def test_it_can_be_skipped(sse_server: SSEServer, tmp_path: Path) -> None:
    """After as many attempts as were asked for."""
    sse_server.script([connection(*THREE), no_content()])
    options = ["--on-poison", "skip", "--attempts", "1"]
    done = worked(tmp_path, *arguments(sse_server.url, *options, command=failing_at("2")))
    assert (done.code, done.out.split()) == (0, ["1", "2", "3"])
    assert record(done, "worker.poisoned")["on_poison"] == "skip"


def test_a_dead_letter_has_all_that_is_needed_to_do_it_by_hand(sse_server: SSEServer, tmp_path: Path) -> None:
    """One line of JSON, for its owner alone, before the checkpoint moves on."""
    wild = "\x1b]0;title\x07\u2028"
    sse_server.script(
        [connection(event("a", id="1"), event(f"zwei\n{wild}", id="2", type="up")), no_content()]
    )
    letters, file = tmp_path / "letters.jsonl", tmp_path / "checkpoints.db"
    options = ["--dead-letter", str(letters), "--attempts", "1", "--name", "shop", "--checkpoint", str(file)]
    done = worked(tmp_path, *arguments(sse_server.url, *options, command=failing_at("2")))
    assert done.code == 0, done.err
    (line,) = letters.read_text().splitlines()
    assert line.isprintable()
    letter = json.loads(line)
    assert letter.pop("time").endswith("+00:00")
    assert letter == {
        "stream": "shop",
        "id": "2",
        "type": "up",
        "data": f"zwei\n{wild}",
        "error": "CommandFailed: the command ended with exit status 1",
    }
    assert stat.S_IMODE(letters.stat().st_mode) & 0o077 == 0
    assert saved(file) == {"shop": "2"}


def test_dead_letters_are_appended_also_to_a_line_that_was_cut(sse_server: SSEServer, tmp_path: Path) -> None:
    """Whatever was there stays, and what comes is a line of its own."""
    letters = tmp_path / "letters.jsonl"
    letters.write_text('{"id": "0"}\n{"id": "cut')
    sse_server.script([connection(event("a", id="1"), event("b", id="2")), no_content()])
    options = ["--dead-letter", str(letters), "--attempts", "1"]
    assert worked(tmp_path, *arguments(sse_server.url, *options, command="false")).code == 0
    first, cut, *rest = letters.read_text().splitlines()
    assert (first, cut) == ('{"id": "0"}', '{"id": "cut')
    assert [json.loads(line)["id"] for line in rest] == ["1", "2"]


def test_a_dead_letter_that_cannot_be_written_is_a_reason_to_stop(
    sse_server: SSEServer, tmp_path: Path
) -> None:
    """Or nobody would have the event."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    sse_server.script([connection(event("a", id="1"), stall())])
    options = ["--dead-letter", "/dev/full", "--attempts", "1"]
    done = worked(tmp_path, *arguments(sse_server.url, *options, command="false"))
    assert done.code == 5
    assert "No space left on device" in records(done)[-1]["cause"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sh -c 'exit 12'", "the command ended with exit status 12"),
        ("sh -c 'kill -SEGV $$'", "the command was killed by SIGSEGV"),
        ("./no-program", "OSError: [Errno 8] Exec format error"),
    ],
)
def test_the_log_says_how_a_command_failed(
    sse_server: SSEServer, tmp_path: Path, command: str, said: str
) -> None:
    """By its status, by a signal, or before it began."""
    (tmp_path / "no-program").write_bytes(b"\0\1\2")
    (tmp_path / "no-program").chmod(0o700)
    sse_server.script([connection(event("a"), stall())])
    done = worked(tmp_path, *arguments(sse_server.url, "--attempts", "1", command=command))
    assert done.code == 5
    assert said in record(done, "handler.failed")["error"]


@pytest.mark.parametrize("steps", [(event("x" * 200_000),), (event("a", type="t" * 200_000),)])
def test_no_event_data_is_in_the_log(sse_server: SSEServer, tmp_path: Path, steps: tuple[Step, ...]) -> None:
    """Also not of an event that is too large for an environment."""
    sse_server.script([connection(event("canary"), *steps, stall())])
    done = worked(
        tmp_path, *arguments(sse_server.url, "--attempts", "1", command="sh -c 'test $(wc -c) -lt 100'")
    )
    assert done.code == 5
    assert "canary" not in done.err
    assert "xxxx" not in done.err


def test_a_reader_that_has_enough_ends_it_quietly(sse_server: SSEServer, tmp_path: Path) -> None:
    """The event whose output nobody took was not handled, and is no dead letter."""
    sse_server.script([connection(*THREE, stall())])
    file, letters = tmp_path / "checkpoints.db", tmp_path / "letters.jsonl"
    until_unread = (
        "sh -c 'echo $EVERSTREAM_EVENT_ID; test $EVERSTREAM_EVENT_ID = 1 || while echo; do :; done'"
    )
    options = ["--attempts", "1", "--dead-letter", str(letters), "--checkpoint", str(file)]
    done = shell(
        '$everstream work "$@" | head -1; echo "${PIPESTATUS[0]}"',
        *arguments(sse_server.url, *options, command=until_unread)[4:],
    )
    assert done.out.splitlines() == ["1", "0"]
    assert list(saved(file).values()) == ["1"]
    assert letters.read_text() == ""


def test_a_reader_that_goes_leaves_the_command_its_time_and_no_more(
    sse_server: SSEServer, tmp_path: Path
) -> None:
    """Then it is killed."""
    sse_server.script([connection(event("a"), stall())])
    options = ["--stop-timeout", "0.1"]
    with working(
        tmp_path, *arguments(sse_server.url, *options, command="sh -c 'echo $$; exec sleep 600'")
    ) as process:
        child = int(line_from(process.stdout))
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(DEADLINE) == 0
    wait_until_gone(child)
