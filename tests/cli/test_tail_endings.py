"""How `everstream tail` ends, and what it says then."""

import json
import socket
from pathlib import Path

import pytest

from everstream.testing import (
    Connection,
    SSEServer,
    Step,
    connection,
    cut,
    end,
    endless,
    event,
    no_content,
    retry,
    stall,
    status,
)
from tests.cli.running import Done, everstream, shell


def events_of(done: Done) -> list[str]:
    """Returns the data of the events that were written."""
    return [json.loads(line)["data"] for line in done.out.splitlines()]


AT_ONCE = ("--max-delay", "0.01")
BROKEN = connection(event("a", id="1"), cut())


@pytest.mark.parametrize(
    ("script", "options", "code", "events", "said"),
    [
        ([no_content()], [], 0, [], ""),
        ([connection(event("a"), end())], ["--no-reconnect"], 0, ["a"], ""),
        ([connection(event("a"), event("[DONE]"), stall())], ["--until", "[DONE]"], 0, ["a"], ""),
        ([connection(event("a"), event("b"), event("c"), stall())], ["--max-events", "2"], 0, ["a", "b"], ""),
        ([BROKEN], ["--no-reconnect"], 3, ["a"], "everstream: the connection was cut"),
        ([connection(event("a"))], ["--no-reconnect", "--until", "x"], 3, ["a"], "without x"),
        ([BROKEN], ["-d", "{}"], 3, ["a"], "everstream: the connection was cut"),
        ([status(404)], [], 3, [], "everstream: the server answered 404 Not Found"),
        (
            [status(503)] * 2,
            ["--max-attempts", "2", "--max-delay", "0.01"],
            4,
            [],
            "gave up after 2 failures",
        ),
        ([status(503)], ["--max-attempts", "1"], 3, [], "503 Service Unavailable"),
    ],
)
def test_the_exit_code_says_how_it_ended(
    sse_server: SSEServer,
    script: list[Connection | Step],
    options: list[str],
    code: int,
    events: list[str],
    said: str,
) -> None:
    """0 for an end, 3 for an error that is not retried, 4 when the attempts are used up."""
    sse_server.script(script)
    done = everstream("tail", sse_server.url, *options)
    assert (done.code, events_of(done)) == (code, events), done.err
    assert said in done.err
    assert bool(said) == bool(done.err)
    assert len(sse_server.requests) == len(script)


def test_a_refusal_is_quoted(sse_server: SSEServer) -> None:
    """In one line of its own, shortened and escaped."""
    body = b"<html>\r\n <b>No\x1b[2J\xe2\x80\xae way" + b" ha" * 200
    sse_server.script([status(403, body=body)])
    done = everstream("tail", sse_server.url)
    first, second = done.err.splitlines()
    assert first == "everstream: the server answered 403 Forbidden"
    assert second.startswith(r"everstream: it said: <html> <b>No\x1b[2J\u202e way ha ha")
    assert second.endswith("...")
    assert len(second) < 260


def test_the_last_refusal_is_quoted_when_attempts_are_used_up(sse_server: SSEServer) -> None:
    """It is the cause of the error."""
    sse_server.script([], then=status(503, body=b"overloaded"))
    done = everstream("tail", sse_server.url, "--max-attempts", "2", "--max-delay", "0.01")
    assert done.code == 4
    assert done.err.splitlines()[-1] == "everstream: it said: overloaded"


def test_a_server_that_is_not_there_is_tried_as_often_as_allowed() -> None:
    """And the message names host and port."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        done = everstream("tail", f"http://{address}/", "--max-attempts", "3", "--max-delay", "0.01")
    assert done.code == 4
    assert done.err.count("attempt") == 2
    assert address in done.err.splitlines()[-1]


def test_interruptions_are_told_on_stderr_while_events_go_on(sse_server: SSEServer) -> None:
    """What happened, when the next attempt is, and that it succeeded."""
    sse_server.script([connection(retry(10), event("a", id="1"), cut()), connection(event("b", id="2"))])
    done = everstream("tail", sse_server.url, "--max-delay", "0.01")
    assert done.code == 0
    assert events_of(done) == ["a", "b"]
    interrupted, connected, *_ = done.err.splitlines()
    assert interrupted.startswith("everstream: the connection was cut")
    assert interrupted.endswith("; attempt 2 in 0.0 s")
    assert connected.startswith("everstream: connected again after ")
    assert connected.endswith("; it goes on after event 1")


def test_a_read_timeout_drops_a_silent_connection(sse_server: SSEServer) -> None:
    """And the stream goes on where it was."""
    sse_server.script([connection(event("a", id="1"), stall())])
    done = everstream("tail", sse_server.url, "--read-timeout", "0.2", "--max-delay", "0.01")
    assert done.code == 0
    assert "0.2 s" in done.err
    assert [request.last_event_id for request in sse_server.requests] == [None, "1"]


def test_heartbeats_alone_do_not_keep_a_connection_that_waits_for_events(sse_server: SSEServer) -> None:
    """`--event-idle-timeout` after an event: each connection has one, so the second is another's."""
    sse_server.script([], then=connection(event("a"), endless(b":\n\n", every=0.02)))
    done = everstream(
        "tail", sse_server.url, "--event-idle-timeout", "0.2", "--max-events", "2", "--max-delay", "0.01"
    )
    assert (done.code, events_of(done)) == (0, ["a", "a"])
    assert "everstream: bytes came, but no event within 0.2 s; attempt 2 in " in done.err
    assert len(sse_server.requests) >= 2


def test_a_first_event_that_never_comes_is_not_waited_for(sse_server: SSEServer) -> None:
    """`--first-event-timeout`, whatever heartbeats come; `none` is no limit, as by default."""
    sse_server.script([connection(endless(b":\n\n", every=0.02)), no_content()])
    options = ["--first-event-timeout", "0.2", "--event-idle-timeout", "none", "--max-delay", "0.01"]
    done = everstream("tail", sse_server.url, *options)
    assert done.code == 0
    assert "everstream: the stream opened, but no event came within 0.2 s; attempt 2 in " in done.err
    assert len(sse_server.requests) == 2


def test_a_connect_timeout_ends_a_handshake_that_never_comes() -> None:
    """With TLS to a server that takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/"
        done = everstream("tail", url, "--connect-timeout", "0.2", "--read-timeout", "none", "--no-reconnect")
    assert done.code == 3
    assert "0.2 s" in done.err


def test_a_server_cannot_ask_for_more_than_the_greatest_delay(sse_server: SSEServer) -> None:
    """`--max-delay` bounds Retry-After and `retry:` too."""
    sse_server.script(
        [connection(retry(600_000), event("a"), cut()), status(503, retry_after=600), no_content()]
    )
    assert everstream("tail", sse_server.url, "--max-delay", "0.01").code == 0
    assert len(sse_server.requests) == 3


def test_a_full_disk_is_said_in_one_line(sse_server: SSEServer) -> None:
    """The exit code is 1: it was not the stream that failed."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    sse_server.script([connection(event("a"), stall())])
    done = shell('$everstream tail "$1" > /dev/full', sse_server.url)
    assert (done.code, done.err) == (
        1,
        "everstream: the output could not be written: No space left on device\n",
    )
