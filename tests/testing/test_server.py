"""The server's life: starting, refusing, stopping, and what it leaves behind."""

import http.client
import socket
import threading
import time
import warnings
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from everstream.testing import (
    SSEServer,
    Step,
    connection,
    cut,
    endless,
    event,
    log_of,
    pause,
    refusal,
    reset,
    silence,
    stall,
    wait,
)
from tests.testing.judges import DEADLINE, everything, get, raw_get


def own_threads() -> list[str]:
    """Names the threads that servers have started and not ended."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("sse-")]


def open_descriptors() -> int:
    """Counts this process's open files and sockets."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def accepts(server: SSEServer) -> bool:
    """Tries to connect."""
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE).close()
    except ConnectionRefusedError:
        return False
    return True


def test_it_serves_every_path_on_loopback() -> None:
    """The URL is complete; the path and the query are free."""
    with SSEServer() as server:
        server.script([[event("a")]] * 2)
        assert server.url == f"http://127.0.0.1:{server.port}/events"
        assert server.url_for("/x?y=1") == f"http://127.0.0.1:{server.port}/x?y=1"
        for url in (server.url, server.url_for("/x?y=1")):
            assert requests.get(url, timeout=DEADLINE).content == b"data: a\n\n"


def test_the_port_can_be_chosen() -> None:
    """A port that is taken is an error of the operating system's, and closes what was opened."""
    with SSEServer() as first:
        with pytest.raises(OSError, match="in use"), SSEServer(port=first.port):
            pass
        port = first.port
    with SSEServer(port=port) as second:
        assert second.port == port
        assert accepts(second)


def test_it_serves_ipv6() -> None:
    """The address is put into brackets."""
    with SSEServer(host="::1") as server:
        assert server.url == f"http://[::1]:{server.port}/events"
        assert requests.get(server.url, timeout=DEADLINE).status_code == 204


def test_it_can_be_started_again_on_the_same_port() -> None:
    """A restart, as a client sees it; requests stay recorded."""
    server = SSEServer()
    ports = []
    for _ in range(2):
        with server:
            server.script([[event("a")]])
            ports.append(server.port)
            with get(server) as response:
                assert response.read() == b"data: a\n\n"
        assert not accepts(server)
    assert ports[0] == ports[1]
    assert len(server.requests) == 2


def test_connections_are_refused_while_open_ones_go_on(sse_server: SSEServer) -> None:
    """Refusing closes the door, and nothing else."""
    sse_server.script([[pause(), event("a")], [event("b")]])
    with get(sse_server) as response:
        with sse_server.refusing():
            assert not accepts(sse_server)
            sse_server.refuse()
            sse_server.release()
            assert response.read() == b"data: a\n\n"
            assert not accepts(sse_server)
        with get(sse_server) as again:
            assert again.read() == b"data: b\n\n"
    sse_server.accept()
    assert accepts(sse_server)


def test_the_port_stays_taken_while_connections_are_refused(sse_server: SSEServer) -> None:
    """Nobody else can be given it, so nobody else can answer."""
    with sse_server.refusing(), socket.socket() as other:
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", sse_server.port))
        assert not any(accepts(sse_server) for _ in range(200))


@pytest.mark.parametrize("last", [cut(), reset(), event("z")], ids=repr)
def test_a_refusal_begins_before_the_connection_ahead_of_it_ends(sse_server: SSEServer, last: Step) -> None:
    """A client that comes back at once is refused already."""
    sse_server.script([[event("a"), last], refusal(60), [event("b")]])
    with raw_get(sse_server) as client:
        try:
            everything(client)
        except ConnectionResetError:
            assert last == reset()
        assert not accepts(sse_server)
    sse_server.accept()
    with get(sse_server) as response:
        assert response.read() == b"data: b\n\n"


def test_a_refusal_ends_by_itself(sse_server: SSEServer) -> None:
    """The client that keeps on trying comes through; a refusal can come first in the script."""
    sse_server.script([refusal(0.05), [event("a")]])
    assert not accepts(sse_server)
    deadline = time.monotonic() + DEADLINE
    while not accepts(sse_server):
        assert time.monotonic() < deadline
    with get(sse_server) as response:
        assert response.read() == b"data: a\n\n"


@pytest.mark.parametrize(
    "step",
    [stall(), pause(), wait(60), silence(), endless(b"x" * 100_000)],
    ids=lambda step: type(step).__name__,
)
def test_stopping_ends_everything_that_waits(step: Step) -> None:
    """Held streams, silent ones, and one whose client does not read; none counts as a client gone."""
    with ExitStack() as clients:
        with SSEServer() as server:
            server.script([connection(step)])
            clients.enter_context(raw_get(server))
            clients.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            server.wait_for_requests(1)
        assert own_threads() == []
        assert not server.requests[0].client_gone.is_set()
        assert server.requests[0].ended is not None


def test_a_stopped_server_accepts_nothing() -> None:
    """Stopping twice is fine; and stopping within a refusal is not undone by its end."""
    with SSEServer() as server, server.refusing():
        server.stop()
        server.stop()
    assert not accepts(server)
    assert own_threads() == []


def test_stopping_ends_a_refusal() -> None:
    """No timer stays behind that would open the port again."""
    with SSEServer() as server:
        server.script([refusal(60), [event("a")]])
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    assert not accepts(server)


def test_nothing_stays_behind() -> None:
    """No descriptor, no thread and no warning, whatever the ends of the connections were."""
    before = open_descriptors()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        for _ in range(20):
            with SSEServer() as server:
                server.script([[event("a"), step] for step in (cut(), reset(), event("b"), stall())])
                for _ in range(4):
                    with raw_get(server) as client:
                        client.recv(10)
    assert own_threads() == []
    assert open_descriptors() == before


def test_an_error_while_a_connection_is_played_reaches_the_test() -> None:
    """A `with` block raises it at its end, and the client's connection is dropped."""

    def broken(request: object) -> str:
        raise LookupError("a mistake of the test")

    def play() -> None:
        with SSEServer() as server:
            server.serve_log(log_of(["a"]), cursor=broken)
            with pytest.raises(http.client.RemoteDisconnected), get(server):
                pass

    with pytest.raises(LookupError, match="a mistake of the test"):
        play()


def test_an_error_of_the_test_is_not_hidden_by_one_of_the_server() -> None:
    """Inside a `with` block, the test's own failure is what is raised."""

    def play() -> None:
        with SSEServer() as server:
            server.script([[pause(timeout=0)]])
            with get(server):
                server.wait_until_client_gone(0, timeout=0.1)

    with pytest.raises(AssertionError, match="did not go"):
        play()


def test_many_clients_are_served_at_once(sse_server: SSEServer) -> None:
    """Each connection has a thread of its own."""
    sse_server.script([], then=[pause(), event("a")])
    with ExitStack() as clients:
        responses = [clients.enter_context(get(sse_server)) for _ in range(30)]
        sse_server.wait_until_paused(30)
        sse_server.release(30)
        assert {response.read() for response in responses} == {b"data: a\n\n"}


def test_a_request_that_is_no_http_is_turned_away(
    sse_server: SSEServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is no request, so nothing is recorded; and the server prints nothing."""
    with raw_get(sse_server, b"not HTTP at all\r\n\r\n") as client:
        assert b"400" in everything(client)
    assert sse_server.requests == []
    assert capfd.readouterr() == ("", "")
