"""A server that no longer has the place: `--on-resume-rejected`."""

import json
from pathlib import Path

import pytest

from everstream.testing import SSEServer, connection, cut, event, no_content, status
from tests.cli.running import everstream, everstream_here, on_terminal
from tests.cli.working import arguments, record, records, saved, worked

AT_ONCE = ("--max-delay", "0.01", "--format", "data")
GONE = "the server answered 410 Gone: it no longer has the last event ID 7"
HINT = "to begin without it, with a gap: --on-resume-rejected restart"
RESTART = ("--on-resume-rejected", "restart")
TOLD = f"everstream: {GONE}; restarting without it, which leaves a gap"


@pytest.mark.parametrize("options", [(), ("--on-resume-rejected", "fail")])
def test_tail_ends_and_says_that_the_server_no_longer_has_the_place(
    sse_server: SSEServer, options: tuple[str, ...]
) -> None:
    """Then what the server said; and the first line names the option with which it would go on."""
    sse_server.script([status(410, body=b"too old")])
    done = everstream("tail", sse_server.url, "--last-event-id", "7", *options)
    assert (done.code, done.out) == (3, "")
    assert done.err == f"everstream: {GONE}; {HINT}\neverstream: it said: too old\n"
    assert len(sse_server.requests) == 1


def test_tail_restarts_without_the_place_and_says_so(sse_server: SSEServer, tmp_path: Path) -> None:
    """Once; the events that come then are written, and they are the new place."""
    file = tmp_path / "place.db"
    options = ["--checkpoint", str(file), "--name", "n", *RESTART]
    sse_server.script([connection(event("a", id="7"), cut()), status(410), connection(event("z", id="26"))])
    done = everstream("tail", sse_server.url, *AT_ONCE, *options)
    assert (done.code, done.out) == (0, "a\nz\n")
    assert [request.last_event_id for request in sse_server.requests] == [None, "7", None, "26"]
    assert done.err.splitlines().count(TOLD) == 1
    assert saved(file) == {"n": "26"}


def test_a_restart_is_told_on_a_terminal_too(sse_server: SSEServer) -> None:
    """The status line would be gone a moment later."""
    sse_server.script([status(410), connection(event("z", id="26"))])
    with on_terminal(
        "tail", sse_server.url, *AT_ONCE, "--last-event-id", "7", *RESTART, columns=200
    ) as terminal:
        assert terminal.ended() == 0
    assert terminal.text.splitlines()[:2] == [TOLD, "z"]


def test_lifecycle_tells_of_the_refusal_in_the_output(sse_server: SSEServer) -> None:
    """With its fields, or in words beside bare data."""
    for form, out in (("jsonl", '"kind": "resume_rejected"'), ("data", "")):
        sse_server.script([status(410), no_content()])
        options = ["--format", form, "--lifecycle", "--last-event-id", "7", "--max-delay", "0.01", *RESTART]
        done = everstream_here("tail", sse_server.url, *options)
        assert done.code == 0
        assert out in done.out
        assert (f"resume rejected: {GONE}; restarting" in done.err) == (form == "data")


def test_a_url_that_may_be_wrong_is_not_called_a_place_that_is_gone(sse_server: SSEServer) -> None:
    """404 can mean either; without a place it means only the one, and there is nothing to advise."""
    sse_server.script([], then=status(404))
    done = everstream_here("tail", sse_server.url, "--last-event-id", "7\x1b[2J")
    assert "404 Not Found: it no longer has the last event ID 7\\x1b[2J, or there is no such" in done.err
    done = everstream_here("tail", sse_server.url)
    assert (done.code, done.err) == (3, "everstream: the server answered 404 Not Found\n")


def test_another_refusal_after_a_place_was_sent_is_not_called_a_place_that_is_gone(
    sse_server: SSEServer,
) -> None:
    """A token that has expired would not be helped by a restart."""
    sse_server.script([status(403)])
    done = everstream_here("tail", sse_server.url, "--last-event-id", "7", *RESTART)
    assert (done.code, done.err) == (3, "everstream: the server answered 403 Forbidden\n")


def test_work_ends_or_restarts_likewise(sse_server: SSEServer, tmp_path: Path) -> None:
    """The last record says why it ended; a restart is a warning in the log."""
    options = ["--checkpoint", str(tmp_path / "place.db"), "--name", "n", "--last-event-id", "7"]
    sse_server.script([status(410)])
    done = worked(tmp_path, *arguments(sse_server.url, *options, handler="note"))
    assert done.code == 3
    assert records(done)[-1]["error"] == f"{GONE}; {HINT}"
    sse_server.script([status(410), connection(event("z", id="26")), no_content()])
    done = worked(tmp_path, *arguments(sse_server.url, *options, *RESTART, handler="note"))
    assert (done.code, done.out) == (0, "message 26 z\n")
    told = record(done, "stream.resume_rejected")
    assert (told["level"], told["last_event_id"], told["restarts"]) == ("warning", "7", True), json.dumps(
        told
    )
