"""What `everstream chat` asks, and what it says when it cannot ask."""

import io
import json
import os
import pty
import sys

import pytest

from everstream.testing import SSEServer, Step, connection, status
from tests.cli.chatting import DONE, KEY, asking, base_url, chat_here, finish, token
from tests.cli.running import everstream_here

ANSWER = connection(token("Hello"), token(" there"), finish(), DONE)


@pytest.fixture(autouse=True)
def _without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves no variable that decides what is asked, and whom."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)


def stdin_of(data: bytes) -> io.TextIOWrapper:
    """Returns what a process reads if this is piped into it."""
    return io.TextIOWrapper(io.BytesIO(data), "ascii")


def body_of(server: SSEServer) -> dict[str, object]:
    """Returns the body of the only request."""
    (request,) = server.requests
    body: dict[str, object] = json.loads(request.body)
    return body


def test_a_prompt_and_a_model_are_enough(sse_server: SSEServer) -> None:
    """A POST with one message of the user; no key is sent if there is none."""
    sse_server.script([ANSWER])
    done = chat_here(sse_server)
    assert (done.code, done.out, done.err) == (0, "Hello there\n", "")
    (request,) = sse_server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["Accept"] == "text/event-stream"
    assert "Authorization" not in request.headers
    assert body_of(sse_server) == {
        "model": "m",
        "messages": [{"role": "user", "content": "why?"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_system_parameters_and_headers_are_sent(sse_server: SSEServer) -> None:
    """A parameter is JSON, or else text; null takes one away."""
    sse_server.script([ANSWER])
    parameters = ["temperature=0", 'stop=["\\n"]', "user=a=b", "seed=NaN", "stream_options=null", "effort="]
    options = [part for parameter in parameters for part in ("-p", parameter)]
    assert chat_here(sse_server, *options, "--system", "Sei knapp: ü", "-H", "X-A: é").code == 0
    body = body_of(sse_server)
    assert body.pop("messages") == [
        {"role": "system", "content": "Sei knapp: ü"},
        {"role": "user", "content": "why?"},
    ]
    assert body == {
        "model": "m",
        "stream": True,
        "temperature": 0,
        "stop": ["\n"],
        "user": "a=b",
        "seed": "NaN",
        "effort": "",
    }
    assert sse_server.requests[0].headers.raw("X-A") == ["é".encode()]


def test_the_environment_stands_in_for_options(
    sse_server: SSEServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the API is, which model, and the key, without the line end that a file gave it."""
    sse_server.script([ANSWER] * 2)
    monkeypatch.setenv("OPENAI_BASE_URL", base_url(sse_server) + "/")
    monkeypatch.setenv("OPENAI_MODEL", "of-environment")
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")
    monkeypatch.setenv("OTHER_KEY", "other")
    assert everstream_here("chat", "why?").code == 0
    assert body_of(sse_server)["model"] == "of-environment"
    assert everstream_here("chat", "why?", "--bearer-env", "OTHER_KEY").code == 0
    assert [request.headers["Authorization"] for request in sse_server.requests] == [
        f"Bearer {KEY}",
        "Bearer other",
    ]


def test_a_header_wins_over_the_key_of_the_environment(
    sse_server: SSEServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever case it is written; there is one field then."""
    sse_server.script([ANSWER])
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert chat_here(sse_server, "-H", "authorization: Basic abc").code == 0
    assert sse_server.requests[0].headers.raw("Authorization") == [b"Basic abc"]


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_the_prompt_comes_from_stdin(
    sse_server: SSEServer, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """If it is absent, or `-`; as it is, in UTF-8 whatever the locale."""
    sse_server.script([ANSWER])
    monkeypatch.setattr(sys, "stdin", stdin_of("zwei\nZeilen: ü\r\n".encode()))
    assert everstream_here(*asking(sse_server), *arguments).code == 0
    assert body_of(sse_server)["messages"] == [{"role": "user", "content": "zwei\nZeilen: ü\r\n"}]


def test_a_terminal_is_not_waited_for(sse_server: SSEServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever forgot the prompt is told; with `-` they may type it."""
    master, slave = pty.openpty()
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        done = everstream_here(*asking(sse_server))
        assert (done.code, done.err) == (
            2,
            "everstream: what is the prompt? Give it as an argument, or on stdin\n",
        )
        sse_server.script([ANSWER])
        os.write(master, b"typed\n\x04")
        assert everstream_here(*asking(sse_server), "-").code == 0
    os.close(master)
    assert body_of(sse_server)["messages"] == [{"role": "user", "content": "typed\n"}]


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        (stdin_of(b""), "the prompt is empty"),
        (stdin_of(b" \n"), "the prompt is empty"),
        (stdin_of(b"\xe9t\xe9"), "the prompt on stdin is no UTF-8"),
        (None, "what is the prompt?"),
    ],
    ids=["nothing", "blank", "latin-1", "closed"],
)
def test_what_is_no_prompt_on_stdin_is_a_matter_of_usage(
    sse_server: SSEServer, monkeypatch: pytest.MonkeyPatch, stdin: io.TextIOWrapper | None, said: str
) -> None:
    """The exit code is 2, one line says why, and nothing is sent."""
    monkeypatch.setattr(sys, "stdin", stdin)
    done = everstream_here(*asking(sse_server))
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert said in done.err
    assert sse_server.requests == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", ""], "which model? Give --model NAME, or set OPENAI_MODEL"),
        (["--base-url", "127.0.0.1:8000"], "http"),
        (["-p", "temperature"], "--param takes NAME=JSON, such as temperature=0"),
        (["-p", "=secret"], "--param takes NAME=JSON, such as temperature=0"),
        (["-p", "model=secret"], "--param cannot set model"),
        (["-p", "stream=false"], "--param cannot set stream"),
        (["-p", "api_key=secret"], "--param cannot set api_key"),
        (["-p", "user=\udcff"], "--param is no UTF-8"),
        (["--system", "\udcff"], "--system is no UTF-8"),
        (["-H", "no colon secret"], "--header takes 'Name: value'"),
        (["--bearer-env", "NOT_SET"], "--bearer-env NOT_SET"),
        (["--bearer-env", "PATH", "-H", "authorization: secret"], "not both"),
        (["--connect-timeout", "0"], "--connect-timeout takes seconds above 0, or none"),
        (["--read-timeout", "soon"], "--read-timeout takes seconds above 0, or none"),
        (["--max-attempts", "0"], "--max-attempts"),
        (["--terminator", "end"], "--terminator"),
        (["--api-key", "sk"], "No such option: --api-key"),
        (["more"], "unexpected extra argument"),
    ],
)
def test_an_option_that_cannot_work_is_named(sse_server: SSEServer, arguments: list[str], said: str) -> None:
    """The exit code is 2, nothing is sent, and what may be a secret is not repeated."""
    done = chat_here(sse_server, *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.replace("│", " ").split())
    assert "secret" not in done.err
    assert "Traceback" not in done.err
    assert sse_server.requests == []


def test_an_empty_prompt_is_a_matter_of_usage(sse_server: SSEServer) -> None:
    """As it is on stdin."""
    done = everstream_here(*asking(sse_server), " ")
    assert (done.code, done.err) == (2, "everstream: the prompt is empty\n")


REFUSED: list[Step] = [
    status(code, body=f'{{"error": {{"message": "no: {KEY}"}}}}'.encode()) for code in (503, 401)
]


@pytest.mark.parametrize("options", [[], ["--json"], ["--log-format", "json"], ["--log-format", "console"]])
def test_the_key_is_shown_nowhere(
    sse_server: SSEServer, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """Though the server repeats it, in what is tried again and in what is not; of any variable."""
    for variable, arguments in (("OPENAI_API_KEY", []), ("MINE", ["--bearer-env", "MINE"])):
        monkeypatch.setenv(variable, KEY)
        sse_server.script(REFUSED)
        done = chat_here(sse_server, *options, *arguments)
        assert done.code == 3
        assert sse_server.requests[-1].headers["Authorization"] == f"Bearer {KEY}"
        assert KEY not in done.out + done.err
        assert "no: ***" in done.err
        monkeypatch.delenv(variable)
