"""The probes of `everstream work`: what they say, and that nobody can make them wait."""

import http.client
import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from everstream import EventSource, Worker, WorkerHealth
from everstream.cli.probes import answering_probes
from everstream.testing import SSEServer, connection, event, stall, status
from tests.cli.running import DEADLINE
from tests.cli.working import address_of, arguments, ended, working
from tests.reading import wait_until

PORT = ("--health-port", "0")
Address = tuple[str, int]


def asked(address: Address, path: str, method: str = "GET") -> tuple[int, bytes, http.client.HTTPResponse]:
    """Asks, and returns the status, the body and the response."""
    client = http.client.HTTPConnection(*address, timeout=DEADLINE)
    try:
        client.request(method, path)
        response = client.getresponse()
        return response.status, response.read(), response
    finally:
        client.close()


def both(address: Address) -> tuple[int, int]:
    """Returns what /livez and /readyz answer."""
    return asked(address, "/livez")[0], asked(address, "/readyz")[0]


def test_a_stream_that_is_open_is_alive_and_ready(sse_server: SSEServer, tmp_path: Path) -> None:
    """Not before it is open; and nobody listens any more when the command has ended."""
    sse_server.script([connection(event("a", id="1"), stall())])
    with working(tmp_path, *arguments(sse_server.url, *PORT, command="true")) as process:
        address = address_of(process)
        assert address[0] == "127.0.0.1"
        wait_until(lambda: both(address) == (200, 200), "it is ready")
        wait_until(lambda: json.loads(asked(address, "/livez")[1])["handled"] == 1, "an event is handled")
        _, body, response = asked(address, "/readyz")
        assert response.getheader("Content-Type") == "application/json"
        health = json.loads(body)
        assert (health["alive"], health["ready"], health["stream"]["state"]) == (True, True, "open")
        assert health["stream"]["last_acknowledged_id"] == "1"
        assert ended(process, signal.SIGTERM).code == 0
    with pytest.raises(ConnectionRefusedError):
        asked(address, "/livez")


def test_a_stream_that_backs_off_is_alive_but_not_ready(sse_server: SSEServer, tmp_path: Path) -> None:
    """To restart the process would not help."""
    sse_server.script([status(503, retry_after=300)])
    options = [*PORT, "--max-delay", "600"]
    with working(tmp_path, *arguments(sse_server.url, *options, command="true")) as process:
        address = address_of(process)
        state = lambda: json.loads(asked(address, "/livez")[1])["stream"]["state"]  # noqa: E731
        wait_until(lambda: state() == "backing off", "it backs off")
        assert both(address) == (200, 503)


def test_a_handler_that_is_stuck_is_neither(sse_server: SSEServer, tmp_path: Path) -> None:
    """After as long as was said; it is alive again when it gets on."""
    sse_server.script([connection(event("a", id="1"), stall())])
    options = [*PORT, "--stuck-after", "0.2"]
    with working(tmp_path, *arguments(sse_server.url, *options, handler="slow")) as process:
        address = address_of(process)
        wait_until((tmp_path / "began-1").exists, "the handler is at it")
        wait_until(lambda: both(address) == (503, 503), "it is stuck")
        assert json.loads(asked(address, "/livez")[1])["handling_since"] > 0
        (tmp_path / "go-1").touch()
        wait_until(lambda: both(address) == (200, 200), "it goes on")


def test_one_that_is_told_to_end_is_alive_but_not_ready(sse_server: SSEServer, tmp_path: Path) -> None:
    """While it finishes the event in hand."""
    sse_server.script([connection(event("a", id="1"), stall())])
    with working(tmp_path, *arguments(sse_server.url, *PORT, handler="slow")) as process:
        address = address_of(process)
        wait_until((tmp_path / "began-1").exists, "the handler is at it")
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: both(address) == (200, 503), "it is no more ready")
        (tmp_path / "go-1").touch()
        assert ended(process).code == 0


@contextmanager
def probes(host: str = "127.0.0.1", port: int = 0) -> Iterator[Address]:
    """Gives the address of probes of a worker that has not been started, which is alive and not ready."""
    worker = Worker(EventSource("http://127.0.0.1:1/"), print)
    with answering_probes(host, port, worker.health) as url:
        found = re.fullmatch(r"http://\[?([\w.:]+?)\]?:(\d+)", url)
        assert found
        yield found[1], int(found[2])


@pytest.mark.parametrize("path", ["/livez?verbose=1", "/livez"])
def test_head_has_the_head_of_get_alone(path: str) -> None:
    """The length of the body it would have, and no body; a query says nothing."""
    with probes() as address:
        code, body, response = asked(address, path, "HEAD")
        length = len(asked(address, path)[1])
    assert (code, body) == (200, b"")
    # The time in it may have a digit more or less.
    assert abs(int(response.getheader("Content-Length") or 0) - length) < 5


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/", 404), ("GET", "/livez/", 404), ("HEAD", "/health", 404), ("GET", "/livezz", 404),
        ("POST", "/livez", 405), ("DELETE", "/", 405),
    ],
)  # fmt: skip
def test_there_is_nothing_else(method: str, path: str, code: int) -> None:
    """And what there is can only be read."""
    with probes() as address:
        assert asked(address, path, method)[0] == code


def test_what_is_no_http_is_harmless() -> None:
    """So is a client that goes at once, one that asks for too much, and one that asks in pieces."""
    with probes() as address:
        for rubbish in (b"\0\xff\r\n\r\n", b"\r\n\r\n", b"GET\r\n\r\n"):
            with socket.create_connection(address, DEADLINE) as client:
                client.sendall(rubbish)
                assert client.recv(100).startswith(b"HTTP/1.1 40")
        with socket.create_connection(address, DEADLINE):
            pass
        with socket.create_connection(address, DEADLINE) as client, pytest.raises(OSError):
            for _ in range(1000):
                client.sendall(b"x" * 10_000)
        with socket.create_connection(address, DEADLINE) as client:
            for byte in b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n":
                client.sendall(bytes([byte]))
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


def test_slow_clients_block_nobody() -> None:
    """However many: they wait alone, and the one that has been there longest has to go."""
    threads = threading.active_count()
    with probes() as address, ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(address, DEADLINE)) for _ in range(200)]
        for client in slow[100:]:
            client.sendall(b"GET /livez HTTP/1.1\r\nX: ")
        assert both(address) == (200, 503)
        assert slow[0].recv(1) == b"", "it had to go"
        assert threading.active_count() == threads + 1


def test_a_client_that_says_nothing_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds."""
    monkeypatch.setattr("everstream.cli.probes._SECONDS", 0.05)
    with probes() as address, socket.create_connection(address, DEADLINE) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\n")
        assert client.recv(1) == b""


def test_it_ends_with_clients_on_the_line() -> None:
    """They are dropped, and the port is free again."""
    with probes() as address:
        client = socket.create_connection(address, DEADLINE)
        client.sendall(b"GET")
        wait_until(lambda: both(address)[0] == 200, "it has seen the client")
    with client:
        assert client.recv(1) == b""
    with probes(port=address[1]) as same:
        assert same == address


def test_it_can_listen_elsewhere() -> None:
    """On another address, or on IPv6."""
    with probes("localhost") as address:
        assert asked(address, "/livez")[0] == 200
    if socket.has_ipv6:
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            return  # this machine has none
        with probes("::1") as address:
            assert asked(address, "/livez")[0] == 200


def test_a_health_that_is_asked_for_is_a_worker_s() -> None:
    """The report has all its attributes, and the time."""
    with probes() as address:
        body = json.loads(asked(address, "/livez")[1])
    assert set(body) == {"time", *WorkerHealth.__dataclass_fields__}
