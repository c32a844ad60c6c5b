"""The scripted server: what users and their tests hold in their hands."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager
from types import TracebackType

from everstream.testing.acceptor import Arrival
from everstream.testing.direction import ConnectionLike, Direction, Script
from everstream.testing.faults import DEFAULT_FAULTS, Fault
from everstream.testing.journal import Journal
from everstream.testing.line import ClientGone, Line
from everstream.testing.listener import Listener
from everstream.testing.log import EventLog
from everstream.testing.player import Player
from everstream.testing.recording import RecordedRequest
from everstream.testing.refusals import Refusals
from everstream.testing.replay import Replay, last_event_id
from everstream.testing.steps import Refusal
from everstream.testing.waiting import Gate

__all__ = ["SSEServer"]


class SSEServer:
    """A real HTTP server that does to its clients what a script says.

    It listens on loopback, answers every path by the same script, one connection of the script for
    each request, and records the requests. When the script has run out, it answers 204, which ends
    an event source for good. Use it as a context manager, or call `start()` and `stop()`.

    Args:
        host: The address to listen on.
        port: The port; 0 takes any free one.
        ssl_context: Makes it a TLS server, with the context's certificate.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._listener = Listener(host, port, ssl_context, self._answer)
        self._refusals = Refusals(self._listener)
        self._journal = Journal()
        self._directing = threading.Lock()
        self._direction: Direction = Script()
        self._gate = Gate()
        self._errors: list[Exception] = []
        self._stopping = False

    # What a test says.

    def script(
        self,
        connections: Iterable[ConnectionLike | Refusal],
        *,
        then: ConnectionLike | None = None,
    ) -> None:
        """Sets what happens on the connections that come from now on.

        Args:
            connections: One entry for each request: a `connection()`, a list of steps, or a single
                step; or a `refusal()` between them.
            then: What happens on every connection after these; 204 if not given.

        Raises:
            ValueError: If steps of a connection cannot follow each other.
        """
        self._follow(Script(connections, then))

    def serve_log(
        self,
        log: EventLog,
        *,
        faults: Collection[Fault] = DEFAULT_FAULTS,
        seed: int = 0,
        follow: bool = False,
        longest_run: int = 10,
        retry_after: int = 0,
        cursor: Callable[[RecordedRequest], str | None] = last_event_id,
    ) -> EventLog:
        """Serves a log from the ``Last-Event-ID`` on, with faults, until a client has all of it.

        A client that has got the whole log and comes back is answered 204. `EventLog.verdict()` says
        what a consumer made of it.

        Args:
            log: What is served; make it with `log_of()`. It may grow meanwhile.
            faults: What may happen on the way; none with ``()``.
            seed: Decides what happens on each connection.
            follow: Waits for further events at the end of the log, in place of ending.
            longest_run: The largest number of events before a connection ends.
            retry_after: Seconds for the ``Retry-After`` of a 503.
            cursor: Reads the position from a request; by default the ``Last-Event-ID``.

        Returns:
            The same log.
        """
        self._follow(Replay(log, faults, seed, follow, longest_run, retry_after, cursor))
        return log

    def release(self, times: int = 1) -> None:
        """Lets one `pause()` go on (or several), also one that has not been reached yet."""
        self._gate.release(times)

    def refuse(self) -> None:
        """Refuses new connections until `accept()`; open ones go on."""
        self._listener.refuse()

    def accept(self) -> None:
        """Accepts connections again, on the same port."""
        self._listener.listen()

    @contextmanager
    def refusing(self) -> Generator[None, None, None]:
        """Refuses new connections within a ``with`` block."""
        self.refuse()
        try:
            yield
        finally:
            self.accept()

    # What a test asks.

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request, in the order of arrival; each is here before it is answered."""
        return self._journal.requests

    @property
    def port(self) -> int:
        """The port it listens on; known once it has been started."""
        return self._listener.port

    @property
    def url(self) -> str:
        """An URL of the event stream."""
        return self.url_for("/events")

    def url_for(self, path: str) -> str:
        """Gives the URL of a path, which may have a query."""
        return self._listener.url_for(path)

    @property
    def accepted(self) -> int:
        """How many TCP connections were accepted, with those that brought no request."""
        return self._listener.accepted

    @property
    def unplayed(self) -> int:
        """How many connections of the script have not come yet."""
        with self._directing:
            return self._direction.unplayed()

    def wait_for_requests(self, count: int, timeout: float = 10.0) -> list[RecordedRequest]:
        """Waits until so many requests have come, and gives the first so many; seconds.

        Raises:
            AssertionError: If they do not come in time.
        """
        return self._journal.wait_for(count, timeout)

    def wait_until_client_gone(self, number: int, timeout: float = 10.0) -> None:
        """Waits until the client of a request has closed its connection; seconds.

        Args:
            number: The request's place in `requests`; it may still have to come.
            timeout: Seconds to wait.

        Raises:
            AssertionError: If it does not happen in time, or the script ended the connection.
        """
        self._journal.wait_until_client_gone(number, timeout)

    def wait_until_paused(self, pauses: int = 1, timeout: float = 10.0) -> None:
        """Waits until so many connections are held by a `pause()`; seconds.

        Raises:
            AssertionError: If it does not happen in time.
        """
        if not self._gate.wait_until_held(pauses, timeout):
            raise AssertionError(f"no pause() was reached within {timeout:g} s")

    def check(self) -> None:
        """Raises the first error that happened while the script was played, if there was one."""
        if self._errors:
            raise self._errors.pop(0)

    # Its life.

    def start(self) -> None:
        """Starts to listen, on the same port again if it has been started before."""
        self._stopping = False
        self._listener.start()

    def stop(self) -> None:
        """Closes all connections and stops to listen; no thread and no socket stays behind."""
        self._stopping = True
        self._refusals.stop()
        self._listener.stop()
        self._gate.clear()

    def __enter__(self) -> SSEServer:
        self.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None:
            self.check()

    # What a connection's thread does.

    def _follow(self, direction: Direction) -> None:
        with self._directing:
            self._direction = direction
        self._leaving()

    def _answer(self, arrival: Arrival) -> bool:
        request = self._journal.arrived(arrival)
        gone = False
        try:
            with self._directing:
                connection = self._direction.next(request)
            player = Player(Line(arrival.connection), self._gate, self._leaving)
            return player.play(connection)
        except ClientGone:
            # Stopping the server looks the same from the connection's thread.
            gone = not self._stopping
        except Exception as error:  # noqa: BLE001  (a test's mistake, for check() to tell)
            self._errors.append(error)
        finally:
            self._leaving()
            self._journal.ended(request, client_gone=gone)
        return False

    def _leaving(self) -> None:
        with self._directing:
            seconds = self._direction.leaving()
        if seconds is not None and not self._stopping:
            self._refusals.begin(seconds)
