"""Scripts: what can be written, and what is refused while it is written."""

import http.client

import pytest

from everstream.testing import (
    SSEServer,
    Step,
    connection,
    cut,
    end,
    endless,
    event,
    garbage,
    no_content,
    pause,
    redirect,
    reset,
    silence,
    stall,
    status,
)
from tests.testing.judges import get


@pytest.mark.parametrize(
    "last", [cut(), end(), reset(), garbage(), stall(), endless(b"x"), silence(), status(500)], ids=repr
)
def test_nothing_can_come_after_the_end_of_a_connection(last: Step) -> None:
    """A step that would never be played is a mistake of the test."""
    with pytest.raises(ValueError, match="nothing can come after"):
        connection(last, event("never"))


@pytest.mark.parametrize("only", [silence(), status(500), no_content(), redirect("/")], ids=repr)
def test_a_whole_response_stands_alone(only: Step) -> None:
    """It is too late for another status when the stream has begun."""
    with pytest.raises(ValueError, match="must be the only step"):
        connection(event("a"), only)


def test_other_mistakes_are_found_when_the_script_is_written() -> None:
    """A script that holds something else than steps, and arguments that make no sense."""
    with pytest.raises(TypeError, match="not a step of a connection: 'data: x'"):
        connection("data: x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown framing 'chunky'"):
        connection(event("a"), framing="chunky")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown framing 'close' or encoding 'br'"):
        connection(event("a"), framing="close", encoding="br")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="split must be at least 1 byte, got 0"):
        connection(event("a"), split=0)
    with pytest.raises(ValueError, match="needs bytes to repeat"):
        endless(b"")


def test_a_mistake_in_a_script_reaches_the_test_that_wrote_it(sse_server: SSEServer) -> None:
    """`script()` itself raises, not a thread of the server."""
    with pytest.raises(ValueError, match="nothing can come after"):
        sse_server.script([[end(), event("a")]])


def test_each_request_gets_the_next_connection(sse_server: SSEServer) -> None:
    """An entry is a connection, a list of steps, or a single step."""
    sse_server.script([connection(event("a")), [event("b"), event("c")], event("d"), status(500)])
    assert sse_server.unplayed == 4
    bodies = []
    for _ in range(4):
        with get(sse_server) as response:
            bodies.append((response.status, response.read()))
    assert bodies == [
        (200, b"data: a\n\n"),
        (200, b"data: b\n\ndata: c\n\n"),
        (200, b"data: d\n\n"),
        (500, b""),
    ]
    assert sse_server.unplayed == 0


def test_a_script_that_has_run_out_says_204(sse_server: SSEServer) -> None:
    """204 ends an event source for good; those requests are recorded like all others."""
    sse_server.script([[event("a")]])
    for expected in (200, 204, 204):
        with get(sse_server) as response:
            assert response.status == expected
    assert len(sse_server.requests) == 3


def test_the_last_connection_can_be_repeated_for_ever(sse_server: SSEServer) -> None:
    """`then` is what happens when the script has run out."""
    sse_server.script([status(500)], then=[event("again")])
    for expected in (500, 200, 200, 200):
        with get(sse_server) as response:
            assert response.status == expected


def test_a_new_script_replaces_what_is_left_of_the_old(sse_server: SSEServer) -> None:
    """One test can play several scenes; the requests stay recorded."""
    sse_server.script([status(500), status(500)])
    with get(sse_server):
        sse_server.script([[event("new")]])
    with get(sse_server) as response:
        assert response.read() == b"data: new\n\n"
    assert [request.number for request in sse_server.requests] == [0, 1]


def test_releases_are_counted(sse_server: SSEServer) -> None:
    """A release that comes before its pause is not lost, so there is no race between the two."""
    sse_server.script([[event("a"), pause(), event("b"), pause(), event("c")]])
    sse_server.release(2)
    with get(sse_server) as response:
        assert response.read() == b"data: a\n\ndata: b\n\ndata: c\n\n"


def test_pauses_go_on_in_the_order_in_which_they_came(sse_server: SSEServer) -> None:
    """Each release lets go on the connection that has been held longest."""
    sse_server.script([[pause(), event("first")], [pause(), event("second")]])
    with get(sse_server) as first:
        sse_server.wait_until_paused()
        with get(sse_server) as second:
            sse_server.wait_until_paused(2)
            sse_server.release()
            assert first.read() == b"data: first\n\n"
            sse_server.release()
            assert second.read() == b"data: second\n\n"


def test_a_pause_that_is_never_released_fails_the_test() -> None:
    """The connection is dropped at the pause's limit, and `check()` says so."""
    server = SSEServer()
    server.start()
    server.script([[pause(timeout=0.01)]])
    with get(server) as response, pytest.raises(http.client.IncompleteRead):
        response.read()
    server.stop()
    with pytest.raises(AssertionError, match=r"pause\(\) was not released within 0.01 s"):
        server.check()
    server.check()
