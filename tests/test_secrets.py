"""No secret reaches a log, a message or a representation, on any way that a stream can fail.

A canary is everywhere where a secret can be: in the URL's user-info and query, in headers, cookies,
credentials and the body of the request, and in whatever the server sends. It is made at run time, so that
the lines of code that a traceback shows do not hold it. urllib3 and requests log to loggers of their own,
which are off by default and not ours to keep silent: only the logger `everstream` counts.
"""

from __future__ import annotations

import logging
import ssl
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import structlog
import trustme
from tenacity import wait_none

from everstream import (
    CertificateInvalid,
    ConfigurationError,
    ConnectFailed,
    ContentTypeRejected,
    Event,
    EventSource,
    EventTooLarge,
    EverstreamError,
    InvalidJSON,
    QueryCursor,
    RedirectRejected,
    RetriesExhausted,
    RetryPolicy,
    StatusRejected,
    StreamIncomplete,
    StreamInterrupted,
    StreamTimeout,
    Timeouts,
    iter_events,
)
from everstream.testing import (
    SSEServer,
    comment,
    connection,
    cut,
    event,
    garbage,
    raw,
    redirect,
    reset,
    silence,
    stall,
    status,
)
from tests.reading import errors_in, everything
from tests.sockets import full_backlog

CANARY = "-".join(["tweet", "7f3a", "tweet"])
WIRE = CANARY.encode()
CHIRP = event(CANARY)


@dataclass(frozen=True)
class Case:
    """A way to fail.

    Attributes:
        error: What is told of it.
        script: What the server does. None: it refuses connections.
        options: Further arguments.
        url: What takes the place of the URL's scheme, host and port.
    """

    error: type[EverstreamError]
    script: list[Any] | None = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    url: str = "http://{secret}@127.0.0.1:{port}"


QUICK = {"timeouts": Timeouts(connect=0.1, read=0.1)}
POST = {"method": "POST", "json": {"prompt": CANARY}}
GZIP = {"Content-Encoding": "gzip"}
CASES = {
    "refused": Case(ConnectFailed, None),
    "no such name": Case(ConnectFailed, url="http://{secret}@nowhere.invalid:1"),
    "untrusted certificate": Case(CertificateInvalid, url="https://{secret}@127.0.0.1:{tls}"),
    "no TLS": Case(ConnectFailed, url="https://{secret}@127.0.0.1:{port}"),
    "connect timeout": Case(StreamTimeout, options=QUICK, url="http://{secret}@127.0.0.1:{full}"),
    "handshake timeout": Case(StreamTimeout, options=QUICK, url="https://{secret}@127.0.0.1:{full}"),
    "no response": Case(StreamTimeout, [silence()], QUICK),
    "silence": Case(StreamTimeout, [[CHIRP, stall()]], QUICK),
    "end": Case(StreamInterrupted, [[comment(CANARY), CHIRP]]),
    "unfinished block": Case(StreamInterrupted, [raw(b"data: " + WIRE)], POST),
    "cut": Case(StreamInterrupted, [[CHIRP, cut(WIRE)]]),
    "reset": Case(StreamInterrupted, [[CHIRP, reset()]]),
    "short body": Case(StreamInterrupted, [connection(CHIRP, cut(), framing="length")]),
    "a chunk size that is none": Case(StreamInterrupted, [[CHIRP, garbage(WIRE + b"\r\n" + WIRE)]]),
    "a body that is not gzip": Case(StreamInterrupted, [connection(raw(WIRE), headers=GZIP)]),
    "no HTTP": Case(ConnectFailed, [garbage(WIRE + b"\r\n\r\n")]),
    "half a head": Case(ContentTypeRejected, [garbage(b"HTTP/1.1 200 OK\r\nX-Key: " + WIRE)]),
    "a long line": Case(ConnectFailed, [garbage(b"HTTP/1.1 200 OK\r\nX-Key: " + WIRE * 6000 + b"\r\n\r\n")]),
    "too many headers": Case(
        ConnectFailed, [garbage(b"HTTP/1.1 200 OK\r\n" + (b"X: " + WIRE + b"\r\n") * 500)]
    ),
    "a strange status": Case(ConnectFailed, [garbage(b"HTTP/1.1 2" + WIRE + b" OK\r\n\r\n")]),
    "a reason phrase": Case(StatusRejected, [garbage(b"HTTP/1.1 500 " + WIRE + b"\r\n\r\n")]),
    "400": Case(StatusRejected, [status(400, body=WIRE, headers={"X-Key": CANARY})]),
    "401": Case(StatusRejected, [status(401, body=WIRE, headers={"WWW-Authenticate": CANARY})]),
    "503": Case(StatusRejected, [status(503, body=WIRE, retry_after=CANARY)]),
    "a content type": Case(ContentTypeRejected, [connection(CHIRP, content_type=f"text/html; x={CANARY}")]),
    "no redirect": Case(RedirectRejected, [status(302, headers={"X-Key": CANARY})]),
    "a redirect to ftp": Case(RedirectRejected, [redirect(f"ftp://{CANARY}/?{CANARY}")]),
    "a redirect to no host": Case(RedirectRejected, [redirect(f"https://[{CANARY}/?{CANARY}")]),
    "a redirect to a bad host": Case(RedirectRejected, [redirect(f"http://*.{CANARY}/?{CANARY}")]),
    "a redirect to a bad port": Case(RedirectRejected, [redirect(f"http://127.0.0.1:{CANARY}/")]),
    "a redirect with a body": Case(RedirectRejected, [redirect(f"http://127.0.0.1:1/?{CANARY}")], POST),
    "redirects without end": Case(RedirectRejected, [redirect(f"/events?{CANARY}")] * 31),
    "a redirect to nobody": Case(
        ConnectFailed, [redirect(f"http://{CANARY}:x@nowhere.invalid/?{CANARY}#{CANARY}")]
    ),
    "a large event": Case(EventTooLarge, [raw(b"data: " + WIRE * 100)], {"max_event_bytes": 64}),
    "given up": Case(RetriesExhausted, None, {"retry": RetryPolicy.attempts(2, wait=wait_none())}),
    "no end": Case(StreamIncomplete, [CHIRP], {"until": "[DONE]", **POST}),
    "a failing function": Case(ConnectFailed, options={"headers": lambda: fails(requests.ConnectionError)}),
    "a failing system call": Case(ConnectFailed, options={"auth": lambda: fails(OSError)}),
    "a header of two lines": Case(
        ConfigurationError, options={"headers": {"X-Key": f"{CANARY}\r\nX: {CANARY}"}}
    ),
    "a header in no charset": Case(ConfigurationError, options={"headers": {"X-Key": f"日本{CANARY}"}}),
    "a header that is a number": Case(ConfigurationError, options={"headers": {"X-Key": [CANARY]}}),
    "headers that are a text": Case(ConfigurationError, options={"headers": lambda: CANARY}),
    "params that are a text": Case(ConfigurationError, options={"params": lambda: CANARY}),
    "credentials that are a text": Case(ConfigurationError, options={"auth": lambda: CANARY}),
    "a proxy that refuses": Case(ConnectFailed, options={"proxy": "http://{secret}@127.0.0.1:1"}),
    "a proxy without a name": Case(ConnectFailed, options={"proxy": "http://{secret}@nowhere.invalid:1"}),
    "a proxy that is none": Case(ConfigurationError, options={"proxy": "http://{secret}@:x"}),
    "a proxy that says no": Case(
        ConnectFailed,
        [garbage(b"HTTP/1.1 407 " + WIRE + b"\r\n\r\n")],
        {"proxy": "http://{secret}@127.0.0.1:{port}"},
        "https://{secret}@stream.example",
    ),
}
EVERY_CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def fails(kind: type[Exception]) -> Any:
    """Raises an error with a secret."""
    raise kind(CANARY)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asks the scripted server directly."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Gives a port with an untrusted certificate, and one that takes no more connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with ExitStack() as stack:
        server = stack.enter_context(SSEServer(ssl_context=context))
        yield {"tls": server.port, "full": stack.enter_context(full_backlog())}


@contextmanager
def failing(
    case: Case, server: SSEServer, ports: dict[str, int], **further: Any
) -> Generator[EventSource, None, None]:
    """Gives an event source full of secrets that will fail as the case says."""
    values = {"port": server.port, **ports, "secret": f"{CANARY}:{CANARY}"}
    options: dict[str, Any] = {
        "headers": {"X-Api-Key": CANARY, "Authorization": CANARY},
        "params": {"key": CANARY},
        "auth": (CANARY, CANARY),
        "retry": RetryPolicy.attempts(2, wait=wait_none()),
        "timeouts": Timeouts(connect=10, read=10),
        **case.options,
        **further,
    }
    proxy = options.pop("proxy", None)
    if case.script is None:
        server.refuse()
    else:
        # What may be tried again fails again.
        server.script(case.script * 2)
    with requests.Session() as session:
        session.headers["X-Session-Key"] = CANARY
        session.cookies.set("sid", CANARY)
        if proxy is not None:
            session.proxies = dict.fromkeys(("http", "https"), proxy.format(**values))
        url = case.url.format(**values) + f"/events?token={CANARY}#{CANARY}"
        yield EventSource(url, session=session, **options)


def texts_of(error: BaseException) -> list[str]:
    """Returns what may be printed of an error: its message, its representation, and its traceback."""
    return [str(error), repr(error), "".join(traceback.format_exception(error))]


def require_silence(texts: list[str]) -> None:
    """Checks that the canary is nowhere."""
    assert texts
    assert [text for text in texts if CANARY in text] == []


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Gives everything that reaches the logger `everstream`, with all that is attached to the records."""
    texts: list[str] = []

    class Notes(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.extend([record.getMessage(), str(vars(record)), logging.Formatter().format(record)])

    logger, notes = logging.getLogger("everstream"), Notes()
    level = logger.level
    logger.addHandler(notes)
    logger.setLevel(logging.DEBUG)
    yield texts
    logger.removeHandler(notes)
    logger.setLevel(level)


class TestEveryWayToFail:
    @EVERY_CASE
    def test_items_errors_and_logs_keep_silent(
        self, case: Case, sse_server: SSEServer, ports: dict[str, int], logged: list[str]
    ) -> None:
        """What `all()` gives, what is logged, and what the source says of itself meanwhile and afterwards."""
        texts: list[str] = []
        with failing(case, sse_server, ports) as source:
            texts.append(repr(source))
            items = everything(source)
            texts += [repr(source), repr(source.stats), str(source.state)]
        errors = errors_in(items)
        assert case.error in {type(error) for error in errors}
        texts += [text for item in items for text in (str(item), repr(item))]
        texts += [text for error in errors for text in texts_of(error)]
        assert any("stream.failed" in text or "stream.closed" in text for text in logged)
        assert any("stream.connecting" in text for text in logged)
        require_silence(texts + logged)

    @EVERY_CASE
    def test_the_error_that_is_raised_keeps_silent(
        self, case: Case, sse_server: SSEServer, ports: dict[str, int]
    ) -> None:
        """With its whole traceback, as a program that dies of it prints it."""
        with failing(case, sse_server, ports, retry=RetryPolicy.never()) as source:
            try:
                for _ in source:
                    pass
            except EverstreamError as error:
                require_silence(texts_of(error))
            else:
                assert case.error is StreamInterrupted, "only a clean end is no error then"

    @EVERY_CASE
    def test_structlog_gets_no_secret_either(
        self, case: Case, sse_server: SSEServer, ports: dict[str, int]
    ) -> None:
        """When the application has configured it."""
        seen: list[dict[str, Any]] = []

        def note(_: object, level: str, record: Any) -> Any:
            seen.append({"level": level, **record})
            raise structlog.DropEvent

        structlog.configure(processors=[note])
        try:
            with failing(case, sse_server, ports, name="news") as source:
                everything(source)
        finally:
            structlog.reset_defaults()
        assert {record["event"] for record in seen} >= {"stream.connecting"}
        assert {record["stream"] for record in seen} == {"news"}
        require_silence([repr(record) for record in seen])


def test_the_canary_was_really_there(sse_server: SSEServer, ports: dict[str, int]) -> None:
    """It was sent, and received: its absence elsewhere means something."""
    case = CASES["400"]
    with failing(case, sse_server, ports) as source:
        (error,) = errors_in(everything(source))
    (request,) = sse_server.requests
    for name in ("X-Api-Key", "X-Session-Key", "Cookie"):
        assert CANARY in request.headers[name]
    assert request.query == {"token": CANARY, "key": CANARY}
    assert "Basic" in request.headers["Authorization"]
    assert isinstance(error, StatusRejected)
    assert WIRE in error.body_excerpt
    assert error.headers["X-Key"] == CANARY


class TestWhatHoldsSecrets:
    def test_the_values_of_a_stream_show_none(self, sse_server: SSEServer) -> None:
        """Events, comments and header fields."""
        sse_server.script([connection(comment(CANARY), CHIRP, headers={"Set-Cookie": f"a={CANARY}"})])
        items = everything(EventSource(sse_server.url, retry=RetryPolicy.never()))
        assert [type(item).__name__ for item in items] == ["Opened", "Comment", "Event", "Closed"]
        require_silence([text for item in items for text in (str(item), repr(item))])
        assert CANARY in items[2].data  # type: ignore[union-attr]

    def test_data_that_is_no_json_is_not_quoted(self) -> None:
        """Neither by the error nor by what stands behind it."""
        with pytest.raises(InvalidJSON) as caught:
            Event("message", f'{{"key": {CANARY}', "").json()
        require_silence(texts_of(caught.value))

    def test_the_parts_of_an_event_source_show_none(self) -> None:
        """The template of its requests above all."""
        source = EventSource(
            f"https://{CANARY}:{CANARY}@stream.example/?key={CANARY}",
            headers={"X-Api-Key": CANARY},
            params={"key": CANARY},
            auth=(CANARY, CANARY),
            method="POST",
            json={"key": CANARY},
            resume=QueryCursor("after", lambda each: each.id),
        )
        require_silence([repr(source), *(repr(part) for part in vars(source).values())])
        data = EventSource("https://stream.example/", method="POST", data={"key": CANARY})
        require_silence([repr(part) for part in vars(data).values()])

    @pytest.mark.parametrize(
        "arguments",
        [
            {"url": f"ftp://{CANARY}:{CANARY}@stream.example/?{CANARY}"},
            {"url": f"https://{CANARY}:{CANARY}@/?{CANARY}"},
            {"url": f"https://{CANARY}:{CANARY}@[::1/?{CANARY}"},
            {"url": f"https://user:{CANARY}/with a slash@stream.example/"},
            {"url": f"https://stream.example:{CANARY}/"},
            {"url": f"{CANARY}"},
            {"url": WIRE},
            {"method": f"GET {CANARY}"},
            {"headers": CANARY},
            {"headers": [("X-Api-Key", CANARY)]},
            {"params": f"key={CANARY}"},
            {"auth": CANARY},
            {"auth": [CANARY, CANARY]},
            {"auth": (CANARY, CANARY, CANARY)},
            {"json": {CANARY: {CANARY}}},
            {"json": {CANARY: float("nan")}},
            {"data": iter([CANARY])},
            {"data": b"", "json": CANARY},
            {"last_event_id": WIRE},
            {"until": WIRE},
            {"name": WIRE},
        ],
        ids=range(21),
    )
    def test_an_argument_that_is_refused_is_not_quoted(self, arguments: dict[str, Any]) -> None:
        """Whatever it is: it may be in the wrong place."""
        with pytest.raises(ConfigurationError) as caught:
            EventSource(**{"url": "https://stream.example/", **arguments})
        require_silence(texts_of(caught.value))

    @pytest.mark.parametrize("broken", [cut, reset, lambda: garbage(WIRE)], ids=["cut", "reset", "garbage"])
    def test_iter_events_keeps_silent_too(self, sse_server: SSEServer, broken: Callable[[], Any]) -> None:
        """On a response of the caller's."""
        sse_server.script([[CHIRP, broken()]])
        url = f"{sse_server.url}?key={CANARY}"
        with requests.get(url, stream=True, timeout=10) as response:
            with pytest.raises(StreamInterrupted) as caught:
                list(iter_events(response))
            require_silence(texts_of(caught.value))

    def test_so_it_does_when_the_response_is_refused(self, sse_server: SSEServer) -> None:
        """Its body and headers are on the error, not in its text."""
        sse_server.script([status(403, body=WIRE, headers={"X-Key": CANARY})])
        url = f"{sse_server.url}?key={CANARY}"
        with requests.get(url, stream=True, timeout=10) as response:
            with pytest.raises(StatusRejected) as caught:
                list(iter_events(response))
            require_silence(texts_of(caught.value))
