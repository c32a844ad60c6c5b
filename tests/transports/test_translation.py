"""Foreign exceptions into our own: what comes of real faults, and of odd chains."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3.exceptions as u3
from requests.adapters import HTTPAdapter
from tenacity import wait_none
from urllib3 import HTTPResponse

from everstream import (
    CertificateInvalid,
    ConfigurationError,
    ConnectFailed,
    EventSource,
    EverstreamError,
    RetryPolicy,
    StreamInterrupted,
    StreamTimeout,
    Timeouts,
)
from everstream.testing import SSEServer, connection, cut, event, garbage, raw, reset, silence, stall
from everstream.transports.sync.translation import (
    root_cause,
    translated_body_error,
    translated_request_error,
    translated_source_error,
)
from tests.reading import errors_in, everything
from tests.sockets import full_backlog

LIMITS = Timeouts(connect=3, read=7)
URL = "http://user:word@stream.example:8080/events?key=secret"
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
RESET = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
NO_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks the scripted server directly."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def linked(
    error: Exception, *, cause: BaseException | None = None, context: BaseException | None = None
) -> Exception:
    """Returns an exception with another behind it, in one of two places."""
    error.__cause__, error.__context__ = cause, context
    return error


def untrusted(message: str) -> ssl.SSLCertVerificationError:
    """Returns the error of a certificate that is not trusted."""
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.verify_message = message
    return error


def new_connection(reason: BaseException) -> Exception:
    """Returns what requests raises if no connection can be made: nested in arguments and reasons."""
    failed: Any = linked(u3.NewConnectionError(None, f"to {URL}: {reason}"), cause=reason)  # type: ignore[arg-type]
    return requests.ConnectionError(u3.MaxRetryError(None, URL, failed))  # type: ignore[arg-type]


class TestRealFaults:
    @pytest.fixture
    def silent_port(self) -> Iterator[int]:
        """Gives a port that accepts and never says anything."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            yield listening.getsockname()[1]

    @pytest.fixture
    def full_port(self) -> Iterator[int]:
        """Gives a port that takes no more connections."""
        with full_backlog() as port:
            yield port

    @pytest.mark.parametrize("own", [True, False], ids=["own session", "the caller's session"])
    @pytest.mark.parametrize(
        ("steps", "kind", "cause"),
        [
            (silence(), StreamTimeout, TimeoutError),
            ([event("1"), stall()], StreamTimeout, TimeoutError),
            (connection(garbage(b"")), ConnectFailed, type(None)),
            (connection(garbage()), ConnectFailed, type(None)),
            ([event("1"), cut()], StreamInterrupted, type(None)),
            ([event("1"), garbage(b"zz\r\n")], StreamInterrupted, type(None)),
            (connection(event("1"), cut(), framing="length"), StreamInterrupted, type(None)),
            (connection(event("1"), reset(), framing="close"), StreamInterrupted, ConnectionResetError),
            ([event("1"), reset()], StreamInterrupted, ConnectionResetError),
            (connection(raw(b"x"), headers={"Content-Encoding": "gzip"}), StreamInterrupted, type(None)),
        ],
        ids=[
            *("no response", "silence", "no head", "no HTTP", "cut", "no chunk", "short"),
            *("reset", "reset in a chunk", "no gzip"),
        ],
    )
    @pytest.mark.usefixtures("either_reader")
    def test_of_the_server_become_ours(
        self,
        sse_server: SSEServer,
        own: bool,
        steps: Any,
        kind: type[EverstreamError],
        cause: type[BaseException],
    ) -> None:
        """The error is of this library, and behind it is one of the system or nothing."""
        sse_server.script([steps])
        with requests.Session() as session:
            source = EventSource(
                sse_server.url,
                session=None if own else session,
                timeouts=Timeouts(connect=10, read=0.15),
                retry=RetryPolicy(wait=wait_none()),
            )
            error = errors_in(everything(source))[0]
        assert type(error) is kind
        assert type(error).__module__.startswith("everstream")
        assert isinstance(error.__cause__, cause)

    @pytest.mark.parametrize(
        ("url", "kind", "cause"),
        [
            ("http://127.0.0.1:1/", ConnectFailed, ConnectionRefusedError),
            ("http://nowhere.invalid/", ConnectFailed, socket.gaierror),
            ("http://127.0.0.1:{full}/", StreamTimeout, TimeoutError),
            ("https://127.0.0.1:{full}/", StreamTimeout, TimeoutError),
            ("https://127.0.0.1:{silent}/", StreamTimeout, TimeoutError),
        ],
    )
    def test_of_connecting_become_ours(
        self, silent_port: int, full_port: int, url: str, kind: type[EverstreamError], cause: type[Exception]
    ) -> None:
        """With the system's own error as the cause."""
        source = EventSource(
            url.format(silent=silent_port, full=full_port),
            timeouts=Timeouts(connect=0.15, read=600),
            retry=RetryPolicy.never(),
        )
        with pytest.raises(EverstreamError) as caught:
            next(source)
        assert type(caught.value) is kind
        assert isinstance(caught.value.__cause__, cause)
        assert not isinstance(caught.value.__cause__, requests.RequestException)

    @pytest.mark.parametrize(
        "error", [requests.ConnectionError, u3.ProtocolError, http.client.BadStatusLine, OSError]
    )
    def test_of_a_callers_adapter_become_ours(self, error: type[Exception]) -> None:
        """Whatever it raises of these families."""

        class Adapter(HTTPAdapter):
            def send(self, *_: Any, **__: Any) -> requests.Response:
                raise error("http://stream.example/?key=secret")

        with requests.Session() as session:
            session.mount("http://", Adapter())
            source = EventSource("http://stream.example/", session=session, retry=RetryPolicy.never())
            with pytest.raises(ConnectFailed) as caught:
                next(source)
        assert "secret" not in "".join(traceback.format_exception(caught.value))

    def test_a_bug_of_a_callers_adapter_stays_what_it_is(self) -> None:
        """An error of no such family is not dressed up."""

        class Adapter(HTTPAdapter):
            def send(self, *_: Any, **__: Any) -> requests.Response:
                raise LookupError("a bug")

        with requests.Session() as session:
            session.mount("http://", Adapter())
            with pytest.raises(LookupError, match="a bug"):
                next(EventSource("http://stream.example/", session=session))


class TestRequestErrors:
    @pytest.mark.parametrize(
        ("foreign", "kind", "seconds"),
        [
            (requests.ConnectTimeout("x"), "connect", 3),
            (requests.ReadTimeout("x"), "read", 7),
            (u3.ConnectTimeoutError("x"), "connect", 3),
            (u3.ReadTimeoutError(None, "", "x"), "read", 7),  # type: ignore[arg-type]
            (TimeoutError("timed out"), "read", 7),
            (requests.ConnectionError(TimeoutError("timed out")), "read", 7),
            (TimeoutError("_ssl.c:1: The handshake operation timed out"), "connect", 3),
            (
                linked(
                    requests.ReadTimeout("x"),
                    context=TimeoutError("_ssl.c:1: The handshake operation timed out"),
                ),
                "connect",
                3,
            ),
        ],
        ids=str,
    )
    def test_timeouts_say_which_limit_passed(self, foreign: Exception, kind: str, seconds: float) -> None:
        """Wherever in the chain the word for it stands."""
        error = translated_request_error(foreign, URL, LIMITS)
        assert isinstance(error, StreamTimeout)
        assert (error.kind, error.seconds) == (kind, seconds)

    @pytest.mark.parametrize(
        ("foreign", "reason"),
        [
            (new_connection(REFUSED), "Connection refused"),
            (new_connection(NO_NAME), "Name or service not known"),
            (requests.ConnectionError(u3.ProtocolError("aborted", RESET)), "Connection reset by peer"),
            (linked(requests.ConnectionError("x"), context=RESET), "Connection reset by peer"),
            (
                requests.ConnectionError(u3.ProtocolError("x", http.client.RemoteDisconnected("gone"))),
                "the connection was closed before a response came",
            ),
            (
                requests.ConnectionError(u3.ProtocolError("x", http.client.BadStatusLine("secret"))),
                "the response was not HTTP (BadStatusLine)",
            ),
            (http.client.LineTooLong("header line"), "the response was not HTTP (LineTooLong)"),
            (requests.exceptions.SSLError(ssl.SSLError(1, "[SSL] secret")), "TLS failed (SSLError)"),
            (requests.exceptions.ProxyError("secret"), "the proxy could not be used"),
            (u3.ProxyError("secret", REFUSED), "the proxy could not be used"),
            (requests.exceptions.RetryError("secret"), "RetryError"),
            (OSError("secret"), "OSError"),
        ],
    )
    def test_failures_to_connect_say_why(self, foreign: Exception, reason: str) -> None:
        """In the system's words, or in ours, never in those of a library that quotes the URL."""
        error = translated_request_error(foreign, URL, LIMITS)
        assert type(error) is ConnectFailed
        assert (error.host, error.reason) == ("stream.example:8080", reason)
        assert error.retryable

    @pytest.mark.parametrize(
        ("message", "reason"),
        [("self-signed certificate", "self-signed certificate"), ("", "verification failed")],
    )
    def test_an_untrusted_certificate_is_told_apart(self, message: str, reason: str) -> None:
        """At any depth."""
        foreign = requests.exceptions.SSLError(u3.MaxRetryError(None, "", u3.SSLError(untrusted(message))))  # type: ignore[arg-type]
        error = translated_request_error(foreign, URL, LIMITS)
        assert type(error) is CertificateInvalid
        assert (error.host, error.reason, error.retryable) == ("stream.example:8080", reason, False)

    def test_one_that_a_library_made_is_told_apart_as_well(self) -> None:
        """Though it lacks what those of the TLS library have."""
        error = translated_request_error(ssl.SSLCertVerificationError("secret"), URL, LIMITS)
        assert isinstance(error, CertificateInvalid)
        assert error.reason == "verification failed"

    @pytest.mark.parametrize(
        "foreign",
        [
            requests.exceptions.InvalidURL("secret"),
            requests.exceptions.MissingSchema("secret"),
            requests.exceptions.InvalidSchema("secret"),
            requests.exceptions.InvalidHeader("secret"),
            u3.LocationParseError("secret"),
            UnicodeEncodeError("latin-1", "secret", 0, 1, "x"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_what_could_not_be_sent_is_a_mistake_of_the_caller(self, foreign: Exception) -> None:
        """It will not work the next time either, and is not quoted."""
        error = translated_request_error(foreign, URL, LIMITS)
        assert type(error) is ConfigurationError
        assert not error.retryable
        assert str(error) == f"the request cannot be made: {type(foreign).__name__}"

    def test_a_chain_that_bites_its_tail_is_followed_once(self) -> None:
        """As `raise a from b` inside a handler of a can make it."""
        first, second = requests.ConnectionError("x"), u3.ProtocolError("y")
        linked(first, cause=second)
        linked(second, cause=RESET, context=first)
        error = translated_request_error(first, URL, LIMITS)
        assert isinstance(error, ConnectFailed)
        assert error.reason == "Connection reset by peer"


class TestSourceErrors:
    def test_a_function_that_fails_in_a_system_call_is_worth_another_attempt(self) -> None:
        """A token that could not be fetched may be fetched later."""
        error = translated_source_error(requests.ConnectionError("secret"), URL)
        assert type(error) is ConnectFailed
        assert str(error) == (
            "could not connect to stream.example:8080: "
            "a function for headers, params, auth or data raised ConnectionError"
        )

    def test_one_that_gives_what_cannot_be_sent_is_not(self) -> None:
        """It is a mistake."""
        error = translated_source_error(requests.exceptions.InvalidHeader("secret"), URL)
        assert type(error) is ConfigurationError


class TestBodyErrors:
    @pytest.mark.parametrize(
        ("foreign", "reason"),
        [
            (u3.ProtocolError("x", http.client.IncompleteRead(b"secret")), "broken chunk"),
            (u3.ProtocolError("x", http.client.IncompleteRead(b"secret", 5)), "short body"),
            (u3.InvalidChunkLength(HTTPResponse(), b"secret"), "broken chunk"),
            (u3.ProtocolError("x", RESET), "reset"),
            (u3.SSLError(ssl.SSLError(1, "x")), "reset"),
            (RESET, "reset"),
            (u3.DecodeError("secret"), "undecodable body"),
            (linked(u3.ProtocolError("x"), cause=u3.DecodeError("secret")), "undecodable body"),
            (u3.ProtocolError("secret"), "reset"),
        ],
    )
    def test_they_say_how_the_body_broke(self, foreign: Exception, reason: str) -> None:
        """From a closed list."""
        error = translated_body_error(foreign, LIMITS)
        assert isinstance(error, StreamInterrupted)
        assert error.reason == reason

    @pytest.mark.parametrize(
        "foreign",
        [
            u3.ReadTimeoutError(None, "", "x"),  # type: ignore[arg-type]
            u3.ProtocolError("x", TimeoutError("timed out")),
            TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
        ],
        ids=str,
    )
    def test_silence_is_a_timeout(self, foreign: Exception) -> None:
        """Also if it was the system that noticed it first."""
        error = translated_body_error(foreign, LIMITS)
        assert isinstance(error, StreamTimeout)
        assert (error.kind, error.seconds) == ("read", 7)


class TestTheCause:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: new_connection(REFUSED),
            lambda: requests.ConnectionError(u3.ProtocolError("secret", REFUSED)),
            lambda: linked(requests.ConnectionError("secret"), context=REFUSED),
            lambda: REFUSED,
        ],
    )
    def test_it_is_the_systems_own_error_at_the_bottom(self, make: Callable[[], Exception]) -> None:
        """Whatever was wrapped around it."""
        assert root_cause(make()) is REFUSED

    @pytest.mark.parametrize(
        "foreign",
        [
            requests.ConnectionError("secret"),
            requests.ConnectionError(1, "secret"),
            u3.ProtocolError("secret", http.client.BadStatusLine("secret")),
            http.client.RemoteDisconnected("secret"),
            OSError("Tunnel connection failed: 407 secret"),
        ],
        ids=range(5),
    )
    def test_without_one_there_is_none(self, foreign: Exception) -> None:
        """What a library says may quote anything."""
        assert root_cause(foreign) is None

    def test_one_that_drags_along_a_librarys_error_is_left_out(self) -> None:
        """A traceback would show both."""
        inner = linked(requests.ConnectionError("secret"), cause=REFUSED)
        outer = linked(OSError(errno.EPIPE, "Broken pipe"), context=inner)
        assert root_cause(requests.ConnectionError(outer)) is REFUSED
        alone = linked(OSError(errno.EPIPE, "Broken pipe"), context=requests.ConnectionError("secret"))
        assert root_cause(requests.ConnectionError(alone)) is None

    def test_a_timeout_is_the_systems_own(self) -> None:
        """Though it has no number."""
        timeout = TimeoutError("timed out")
        assert root_cause(u3.ReadTimeoutError(None, "", "secret")) is None  # type: ignore[arg-type]
        assert root_cause(linked(requests.ReadTimeout("secret"), context=timeout)) is timeout
