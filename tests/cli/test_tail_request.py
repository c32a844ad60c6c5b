"""What the options of `everstream tail` make of the request."""

from pathlib import Path

import pytest

from everstream.cli.options import event_source
from everstream.cli.stream_options import StreamOptions
from everstream.testing import SSEServer, connection, cut, event, no_content, status
from tests.cli.running import everstream, everstream_here

TOKEN = "canary-token"


def test_without_options_it_is_the_request_of_an_event_source(sse_server: SSEServer) -> None:
    """GET, no body, no cursor."""
    sse_server.script([no_content()])
    assert everstream("tail", sse_server.url).code == 0
    (request,) = sse_server.requests
    assert (request.method, request.body, request.last_event_id) == ("GET", b"", None)
    assert request.headers["Accept"] == "text/event-stream"


def test_method_headers_and_cursor_are_sent(sse_server: SSEServer) -> None:
    """Repeated fields are joined, whatever their case; a value may hold colons and any letter."""
    sse_server.script([no_content()])
    done = everstream(
        "tail", sse_server.url, "-X", "report", "-H", "X-A: b:c", "--header", "x-a:é", "-H", "X-Empty:",
        "-H", "Cookie: a=1", "-H", "cookie: b=2", "--last-event-id", "42",
    )  # fmt: skip
    assert done.code == 0, done.err
    (request,) = sse_server.requests
    assert request.method == "REPORT"
    assert request.headers.raw("X-A") == ["b:c, é".encode()]
    assert request.headers.raw("X-Empty") == [b""]
    assert request.headers.raw("Cookie") == [b"a=1; b=2"]
    assert request.last_event_id == "42"


@pytest.mark.parametrize(
    ("data", "headers", "method", "content_type"),
    [
        ('{"stream": true}', [], "POST", "application/json"),
        ("a=1&b=2", [], "POST", "application/x-www-form-urlencoded"),
        ("5", [], "POST", "application/x-www-form-urlencoded"),
        ("[" * 5_000, [], "POST", "application/x-www-form-urlencoded"),
        ("[]", ["-H", "content-type: text/plain"], "POST", "text/plain"),
        ("é\n", ["-X", "PUT"], "PUT", "application/x-www-form-urlencoded"),
    ],
)
def test_data_make_a_body(
    sse_server: SSEServer, data: str, headers: list[str], method: str, content_type: str
) -> None:
    """Sent by POST if no method is named, and as JSON if it is an object or a list."""
    sse_server.script([no_content()])
    assert everstream_here("tail", sse_server.url, "-d", data, *headers).code == 0
    (request,) = sse_server.requests
    assert (request.method, request.body) == (method, data.encode())
    assert request.headers.raw("Content-Type") == [content_type.encode()]


def test_a_body_is_read_from_a_file_or_from_stdin_as_it_is(sse_server: SSEServer, tmp_path: Path) -> None:
    """Every byte of it, line ends included."""
    sse_server.script([no_content(), no_content()])
    body = b"\xff\r\n\0\n"
    (tmp_path / "body").write_bytes(body)
    assert everstream("tail", sse_server.url, "--data", f"@{tmp_path / 'body'}").code == 0
    assert everstream("tail", sse_server.url, "-d", "@-", stdin=body).code == 0
    assert [request.body for request in sse_server.requests] == [body, body]


def test_a_bearer_token_comes_from_the_environment_and_is_shown_nowhere(sse_server: SSEServer) -> None:
    """Not in the output, the logs or an error."""
    sse_server.script([connection(event("a"), cut())], then=status(403, body=TOKEN[::-1].encode()))
    options = ["--bearer-env", "SECRET", "--lifecycle", "--log-format", "json"]
    done = everstream("tail", sse_server.url, *options, SECRET=f" {TOKEN}\n")
    assert done.code == 3
    assert [request.headers["Authorization"] for request in sse_server.requests] == [f"Bearer {TOKEN}"] * 2
    assert TOKEN not in done.out + done.err
    assert TOKEN[::-1] in done.err, "this test would see the token if it were shown"


def test_a_bearer_token_is_read_at_every_attempt(
    sse_server: SSEServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that one that was renewed is used."""
    sse_server.script([status(401), no_content()])
    monkeypatch.setenv("SECRET", "old")
    source = event_source(StreamOptions(url=sse_server.url, bearer_env="SECRET"), None)
    with source:
        items = source.all()
        next(items)
        monkeypatch.setenv("SECRET", "new")
        list(items)
    assert [request.headers["Authorization"] for request in sse_server.requests] == [
        "Bearer old",
        "Bearer new",
    ]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["-H", "no colon secret"], "--header takes 'Name: value'"),
        (["-H", "a b: secret"], "--header takes 'Name: value'"),
        (["-H", "a: secret\r\nX: y"], "--header takes 'Name: value'"),
        (["-d", "@/no/such/file"], "--data @/no/such/file: No such file"),
        (["--bearer-env", "NOT_SET"], "--bearer-env NOT_SET"),
        (["--bearer-env", "PATH", "-H", "authorization: secret"], "not both"),
        (["--connect-timeout", "0"], "--connect-timeout takes seconds above 0, or none"),
        (["--read-timeout", "soon"], "--read-timeout takes seconds above 0, or none"),
        (["--read-timeout", "inf"], "--read-timeout takes seconds above 0, or none"),
        (["--first-event-timeout", "-1"], "--first-event-timeout takes seconds above 0, or none"),
        (["--event-idle-timeout", "nan"], "--event-idle-timeout takes seconds above 0, or none"),
        (["--on-resume-rejected", "ask"], "--on-resume-rejected"),
        (["--no-reconnect", "--on-resume-rejected", "restart"], "nothing for --on-resume-rejected"),
        (["--no-reconnect", "--max-attempts", "2"], "--no-reconnect"),
        (["--max-attempts", "0"], "--max-attempts"),
        (["--max-delay", "-1"], "--max-delay"),
        (["--max-events", "0"], "--max-events"),
        (["--format", "xml"], "--format"),
        (["--log-format", "xml"], "--log-format"),
    ],
)
def test_an_option_that_cannot_work_is_named(sse_server: SSEServer, arguments: list[str], named: str) -> None:
    """The exit code is 2, nothing is sent, and what may be a secret is not repeated."""
    done = everstream_here("tail", sse_server.url, *arguments)
    assert done.code == 2
    assert named in " ".join(done.err.replace("│", " ").split())
    assert "secret" not in done.err
    assert "Traceback" not in done.err
    assert sse_server.requests == []


@pytest.mark.parametrize("url", ["stream.example", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:x/"])
def test_what_is_no_url_is_a_matter_of_usage(url: str) -> None:
    """The exit code is 2, and one line says why."""
    done = everstream_here("tail", url)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("everstream: ")
    assert done.err.count("\n") == 1
