"""Ending a stream that waits: from another thread, and from a signal handler (behaviours 73 to 75).

That something ends "at once" is shown without measuring time: the server would hold for ever, or the wait
would take a minute, and the reader has ended within the deadline of `tests.reading`.
"""

from __future__ import annotations

import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from tenacity import wait_fixed

from everstream import Closed, Event, EventSource, Interrupted, Opened, ReadyState, RetryPolicy, Timeouts
from everstream.testing import SSEServer, connection, event, redirect, silence, stall, status
from tests.reading import (
    BACKING_OFF,
    RECEIVING,
    SHAKING_HANDS,
    Reading,
    data_in,
    everything,
    is_in,
    open_sockets,
    wait_until,
)

MakeSource = Callable[..., EventSource]
PATIENT = Timeouts(connect=600, read=600)
HELD = connection(event("1", id="a"), stall())


@dataclass(frozen=True)
class Wait:
    """Something that a reader waits for, for ever or for a minute.

    Attributes:
        script: What leads there.
        functions: Where its thread then is.
        requests: How many requests the server has seen by then.
        tls: Whether the server speaks TLS.
        own: Whether the session is our own.
        options: Of the event source.
    """

    script: list[Any]
    functions: Collection[str] = field(default_factory=lambda: RECEIVING)
    requests: int = 1
    tls: bool = False
    own: bool = True
    options: dict[str, Any] = field(default_factory=dict)


A_MINUTE = {"retry": RetryPolicy(wait=wait_fixed(60))}
WAITS = {
    "for bytes, chunked": Wait([HELD]),
    "for bytes, with a length": Wait([connection(event("1", id="a"), stall(), framing="length")]),
    "for bytes, with neither": Wait([connection(event("1", id="a"), stall(), framing="close")]),
    "for bytes, compressed": Wait([connection(event("1", id="a"), stall(), framing="gzip")]),
    "for bytes, TLS": Wait([HELD], tls=True),
    "for bytes, the caller's session": Wait([HELD], own=False),
    "for bytes, the caller's session and TLS": Wait([HELD], own=False, tls=True),
    "for a response": Wait([silence()]),
    "for a response, TLS": Wait([silence()], tls=True),
    "for a response, after a redirect": Wait([redirect("/b"), silence()], requests=2),
    "for a response, on a reconnect": Wait([event("1", id="a"), silence()], requests=2),
    "in backoff": Wait([event("1", id="a")], BACKING_OFF, options=A_MINUTE),
    "in the first backoff": Wait([status(503)], BACKING_OFF, options=A_MINUTE),
}
EVERY_WAIT = pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS.keys())


@dataclass
class Scene:
    """A stream that will come to wait.

    Attributes:
        server: The server it asks.
        source: The stream.
        wait: What it will wait for.
    """

    server: SSEServer
    source: EventSource
    wait: Wait

    def is_reached(self, thread: int | None) -> bool:
        """Returns whether the thread waits there."""
        return len(self.server.requests) >= self.wait.requests and is_in(thread, self.wait.functions)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority."""
    return trustme.CA()


@pytest.fixture
def make_scene(
    make_source: MakeSource, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Wait], Any]:
    """Makes scenes. Whoever asks after the script gets one more event."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))

    @contextmanager
    def make(wait: Wait) -> Generator[Scene, None, None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if wait.tls else None
        if context is not None:
            authority.issue_cert("127.0.0.1").configure_cert(context)
        with SSEServer(ssl_context=context) as server, requests.Session() as session:
            server.script([*wait.script], then=[event("next"), stall()])
            options = {"timeouts": PATIENT, **wait.options}
            source = make_source(server.url, session=None if wait.own else session, **options)
            yield Scene(server, source, wait)

    return make


def require_it_is_over(scene: Scene, items: list[Any]) -> None:
    """Checks that the stream ended because it was closed, and that nothing was asked afterwards."""
    assert items[-1] == Closed("close")
    assert data_in(items) == ["1"] * data_in(items).count("1")
    assert [type(item) for item in items].count(Interrupted) == len(items) - 1 - sum(
        isinstance(item, (Opened, Event)) for item in items
    )
    assert scene.source.state is ReadyState.CLOSED
    assert everything(scene.source) == []
    asked = len(scene.server.requests)
    assert asked == scene.wait.requests
    requests.get(scene.server.url_for("/marker"), timeout=10, stream=True).close()
    assert [request.path for request in scene.server.requests[asked:]] == ["/marker"]


class TestFromAnotherThread:
    @EVERY_WAIT
    @pytest.mark.usefixtures("either_reader")
    def test_73_close_ends_a_reader_that_waits(self, make_scene: Callable[[Wait], Any], wait: Wait) -> None:
        """For bytes (73), in backoff (74), for a response (75): no request, no event, no socket after it."""
        before = open_sockets()
        with make_scene(wait) as scene:
            reading = Reading(scene.source)
            wait_until(lambda: scene.is_reached(reading.ident), "the reader to wait")
            scene.source.close()
            require_it_is_over(scene, reading.join())
        wait_until(lambda: open_sockets() <= before, "all sockets to be closed")

    @EVERY_WAIT
    def test_73_close_by_two_threads_is_close_by_one(
        self, make_scene: Callable[[Wait], Any], wait: Wait
    ) -> None:
        """Both return, and the reader has ended once."""
        with make_scene(wait) as scene:
            reading = Reading(scene.source)
            wait_until(lambda: scene.is_reached(reading.ident), "the reader to wait")
            closers = [threading.Thread(target=scene.source.close, daemon=True) for _ in range(2)]
            for closer in closers:
                closer.start()
            for closer in closers:
                closer.join(10)
                assert not closer.is_alive()
            require_it_is_over(scene, reading.join())

    @pytest.mark.parametrize(
        "wait", [WAITS["for bytes, chunked"], WAITS["in backoff"]], ids=["bytes", "wait"]
    )
    def test_73_leaving_with_ends_a_reader_in_another_thread(
        self, make_scene: Callable[[Wait], Any], wait: Wait
    ) -> None:
        """`with` around a source that is read elsewhere."""
        with make_scene(wait) as scene:
            with scene.source:
                reading = Reading(scene.source)
                wait_until(lambda: scene.is_reached(reading.ident), "the reader to wait")
            require_it_is_over(scene, reading.join())

    def test_75_close_ends_a_tls_handshake_that_never_completes(self, make_source: MakeSource) -> None:
        """A server that accepts and is silent sees the connection closed."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
            source = make_source(url, timeouts=PATIENT)
            reading = Reading(source)
            reading.wait_until_in(SHAKING_HANDS)
            source.close()
            assert reading.join() == [Closed("close")]
            served, _ = listening.accept()
            with served:
                served.settimeout(10)
                while served.recv(4096):
                    pass

    def test_75_on_a_callers_session_the_read_timeout_bounds_the_wait_for_a_response(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """What then fails is no interruption any more."""
        sse_server.script([silence()], then=event("never"))
        with requests.Session() as session:
            source = make_source(session=session, timeouts=Timeouts(connect=10, read=0.3))
            reading = Reading(source)
            reading.wait_until_in(RECEIVING)
            source.close()
            assert reading.join() == [Closed("close")]
        sse_server.wait_until_client_gone(0)
        assert len(sse_server.requests) == 1

    @pytest.mark.parametrize(
        "answer", ["204 No Content\r\n", "200 OK\r\nContent-Type: text/event-stream\r\n", "500 Oh\r\n"]
    )
    def test_76_a_response_that_comes_after_close_is_not_given(
        self, make_source: MakeSource, answer: str
    ) -> None:
        """On a caller's session, where the wait goes on: the stream does not open any more."""
        with socket.create_server(("127.0.0.1", 0)) as listening, requests.Session() as session:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            source = make_source(url, session=session)
            reading = Reading(source)
            served, _ = listening.accept()
            with served:
                reading.wait_until_in(RECEIVING)
                source.close()
                served.sendall(f"HTTP/1.1 {answer}\r\ndata: 1\n\n".encode())
                assert reading.join() == [Closed("close")]

    def test_75_close_does_not_wait_for_the_body_of_a_refusal(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Which is read for the error."""
        sse_server.script([connection(stall(), status=500)], then=event("never"))
        source = make_source(timeouts=PATIENT)
        reading = Reading(source)
        reading.wait_until_in(RECEIVING)
        sse_server.wait_for_requests(1)
        source.close()
        assert reading.join()[-1] == Closed("close")
        assert data_in(reading.items) == []


class TestReconnect:
    @EVERY_WAIT
    @pytest.mark.usefixtures("either_reader")
    def test_reconnect_ends_a_wait_and_resumes_at_once(
        self, make_scene: Callable[[Wait], Any], wait: Wait
    ) -> None:
        """From any thread: no error event for it, the last event ID goes along, nothing is lost."""
        with make_scene(wait) as scene:
            reading = Reading(scene.source)
            wait_until(lambda: scene.is_reached(reading.ident), "the reader to wait")
            told = sum(isinstance(item, Interrupted) for item in reading.items)
            scene.source.reconnect()
            wait_until(lambda: data_in(reading.items)[-1:] == ["next"], "the event after the reconnect")
            assert sum(isinstance(item, Interrupted) for item in reading.items) == told
            following = scene.server.requests[wait.requests]
            assert following.path == "/events"
            assert following.last_event_id == ("a" if "1" in data_in(reading.items) else None)
            scene.source.close()
            assert reading.join()[-1] == Closed("close")

    def test_reconnect_ends_a_tls_handshake(self, make_source: MakeSource) -> None:
        """The next one follows at once."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
            source = make_source(url, timeouts=PATIENT)
            reading = Reading(source)
            reading.wait_until_in(SHAKING_HANDS)
            listening.settimeout(10)
            first, _ = listening.accept()
            source.reconnect()
            second, _ = listening.accept()
            with first, second:
                source.close()
                assert reading.join() == [Closed("close")]


@contextmanager
def when(condition: Callable[[int | None], bool], act: Callable[[], None]) -> Generator[None, None, None]:
    """Sends this process's main thread a signal once it is somewhere; its handler acts, once.

    A signal that arrives in the instant before a system call is seen by Python only after the call, so
    it is sent until it is seen.
    """
    thread = threading.main_thread().ident
    assert thread is not None
    seen: list[object] = []

    def watch() -> None:
        wait_until(lambda: condition(thread), "the main thread to wait")
        while not seen:
            signal.pthread_kill(thread, signal.SIGUSR1)
            time.sleep(0.02)

    def on_signal(*_: object) -> None:
        if not seen:
            seen.append(True)
            act()

    previous = signal.signal(signal.SIGUSR1, on_signal)
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        seen.append(True)
        watcher.join(10)
        signal.signal(signal.SIGUSR1, previous)


# If close() did not end the wait, these would hang: `faulthandler_timeout` then ends them.
class TestFromASignalHandler:
    @EVERY_WAIT
    @pytest.mark.usefixtures("either_reader")
    def test_73_close_ends_the_wait_of_the_thread_that_it_interrupts(
        self, make_scene: Callable[[Wait], Any], wait: Wait
    ) -> None:
        """The handler runs in the very thread that reads."""
        before = open_sockets()
        with make_scene(wait) as scene:
            with when(scene.is_reached, scene.source.close):
                items = everything(scene.source)
            require_it_is_over(scene, items)
        wait_until(lambda: open_sockets() <= before, "all sockets to be closed")

    def test_73_close_ends_a_tls_handshake(self, make_source: MakeSource) -> None:
        """Of a server that accepts and is silent."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
            source = make_source(url, timeouts=PATIENT)
            with when(lambda thread: is_in(thread, SHAKING_HANDS), source.close):
                assert everything(source) == [Closed("close")]

    @EVERY_WAIT
    def test_reconnect_resumes_at_once(self, make_scene: Callable[[Wait], Any], wait: Wait) -> None:
        """The stream goes on in the thread that was interrupted."""
        with make_scene(wait) as scene:
            with when(scene.is_reached, scene.source.reconnect):
                assert next(each for each in scene.source if each.data == "next")
            assert len(scene.server.requests) == wait.requests + 1

    @EVERY_WAIT
    @pytest.mark.usefixtures("either_reader")
    def test_79_a_keyboard_interrupt_passes_and_closes(
        self, make_scene: Callable[[Wait], Any], wait: Wait
    ) -> None:
        """Raised in the middle of a wait, it leaves no connection behind."""

        def interrupt() -> None:
            raise KeyboardInterrupt

        before = open_sockets()
        with make_scene(wait) as scene:
            with (
                when(scene.is_reached, interrupt),
                pytest.raises(KeyboardInterrupt),
                scene.source as source,
            ):
                list(source)
            assert scene.source.state is ReadyState.CLOSED
            assert len(scene.server.requests) == wait.requests
        wait_until(lambda: open_sockets() <= before, "all sockets to be closed")
