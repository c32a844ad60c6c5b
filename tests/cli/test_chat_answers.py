"""How an answer ends, and what `everstream chat` makes of it."""

import json
import socket
from collections.abc import Sequence

import pytest

from everstream.testing import (
    Connection,
    SSEServer,
    Step,
    connection,
    cut,
    event,
    no_content,
    raw,
    stall,
    status,
)
from tests.cli.chatting import DONE, base_url, chat_here, chunk, finish, token
from tests.cli.running import everstream_here

WILD = "\x1b]0;title\x07\u202e\x9b2J"
OVERLOADED = event('{"error": {"message": "try later", "type": "overloaded_error"}}')
UNKNOWN_MODEL = status(
    404,
    body=b'{"error": {"message": "no model", "type": "invalid_request_error", "code": "model_not_found"}}',
    content_type="application/json",
)
HTML = status(200, body=b"<html><h1>Welcome\x1b[2J</h1></html>", content_type="text/html")
PLAIN_JSON = status(200, body=b'{"choices": []}', content_type="application/json")
Script = Sequence[Connection | Step]


@pytest.fixture(autouse=True)
def _without_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves no key to be sent."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.mark.parametrize(
    ("script", "options", "code", "out", "said"),
    [
        ([connection(token("Hi"), finish(), DONE)], [], 0, "Hi\n", ""),
        ([connection(token("Hi"), finish())], ["--terminator", "finish_reason"], 0, "Hi\n", ""),
        (
            [connection(token("Hi"))],
            ["--terminator", "finish_reason"],
            6,
            "Hi\n",
            "everstream: the answer is incomplete: the server ended the stream",
        ),
        (
            [connection(token("Hi"), cut())],
            [],
            6,
            "Hi\n",
            "everstream: the answer is incomplete: the connection",
        ),
        (
            [connection(token("Hi"), finish(), cut())],
            [],
            6,
            "Hi\n",
            "the answer is incomplete: the connection",
        ),
        (
            [connection(token("Hi"), stall())],
            ["--read-timeout", "0.2"],
            6,
            "Hi\n",
            "no byte came within 0.2 s",
        ),
        ([connection(token("Hi"), raw(b"data: {no\n\n"))], [], 6, "Hi\n", "is no JSON"),
        (
            [connection(token("Hi"), OVERLOADED)],
            [],
            6,
            "Hi\n",
            "the answer is incomplete: the server reported",
        ),
        (
            [connection(chunk({"reasoning_content": "hm"}), OVERLOADED)],
            [],
            6,
            "",
            "the answer is incomplete: the server reported",
        ),
        ([no_content()], [], 6, "", "everstream: the server answered without content"),
        ([UNKNOWN_MODEL], [], 3, "", "404 Not Found (invalid_request_error, model_not_found): no model"),
        ([HTML], [], 3, "", r"text/html, not text/event-stream; it said: Welcome\x1b[2J"),
        ([PLAIN_JSON], [], 3, "", "as if it had not been asked to stream"),
        ([connection(OVERLOADED)], ["--max-attempts", "1"], 3, "", "(overloaded_error): try later"),
        ([connection(OVERLOADED)] * 3, [], 4, "", "gave up after 3 failures"),
        ([status(503)] * 2, ["--max-attempts", "2"], 4, "", "gave up after 2 failures"),
    ],
)
def test_the_exit_code_says_how_it_ended(
    sse_server: SSEServer, script: Script, options: list[str], code: int, out: str, said: str
) -> None:
    """0 for a whole answer, 6 for one that broke off, 3 and 4 if there is none."""
    sse_server.script(script)
    done = chat_here(sse_server, *options)
    assert (done.code, done.out) == (code, out), done.err
    assert said in done.err
    assert bool(said) == bool(done.err)
    assert len(sse_server.requests) == len(script)
    assert "\x1b" not in done.err


def test_a_server_that_is_not_there_is_named() -> None:
    """After as many attempts as are allowed."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        options = ["--base-url", f"http://{address}/v1", "--model", "m", "--max-delay", "0.01"]
        done = everstream_here("chat", "why?", *options, "--max-attempts", "2")
    assert (done.code, done.out) == (4, "")
    waiting, final = done.err.splitlines()
    assert waiting.startswith(f"everstream: could not connect to {address}")
    assert waiting.endswith("; attempt 2 in 0.0 s")
    assert final.startswith("everstream: gave up after 2 failures")


def test_an_answer_that_was_asked_for_again_is_whole(sse_server: SSEServer) -> None:
    """Each wait is told, in the words of `tail`."""
    busy = status(
        429, retry_after=0, body=b'{"error": {"message": "slow down"}}', content_type="application/json"
    )
    sse_server.script([busy, connection(OVERLOADED), connection(token("Hi"), finish(), DONE)])
    done = chat_here(sse_server)
    assert (done.code, done.out) == (0, "Hi\n")
    first, second = done.err.splitlines()
    assert first.startswith(
        "everstream: the server reported an error 429 Too Many Requests: slow down; attempt 2 in "
    )
    assert second.startswith(
        "everstream: the server reported an error (overloaded_error): try later; attempt 3 in "
    )


def test_a_server_that_wants_a_longer_wait_is_not_asked_again(sse_server: SSEServer) -> None:
    """Than a minute, or than `--max-delay` allows: what it wants is told, for somebody waits."""
    sse_server.script([status(503, retry_after=61)] * 2)
    for options in ([], ["--max-delay", "60.5"]):
        done = everstream_here("chat", "why?", "--base-url", base_url(sse_server), "--model", "m", *options)
        assert (done.code, done.out) == (3, "")
        assert done.err.splitlines()[1:] == ["everstream: the server asks to wait for 61 s"]
    assert len(sse_server.requests) == 2


def test_log_records_take_the_place_of_what_is_told_of_waits(sse_server: SSEServer) -> None:
    """As with `tail`; how it ends is told in both ways."""
    sse_server.script([status(503), connection(token("Hi"), cut())])
    done = chat_here(sse_server, "--log-format", "json")
    assert (done.code, done.out) == (6, "Hi\n")
    *records, last = done.err.splitlines()
    assert [json.loads(record)["event"] for record in records] == [
        "stream.connecting",
        "stream.interrupted",
        "stream.connecting",
        "stream.opened",
        "stream.failed",
    ]
    assert last.startswith("everstream: the answer is incomplete: ")


@pytest.mark.parametrize(
    ("texts", "out"),
    [(["a", "\n"], "a\n"), (["a\n\n"], "a\n\n"), ([f"\t{WILD}", "日本\r\n"], f"\t{WILD}日本\r\n"), ([], "")],
)
def test_a_pipe_gets_the_text_as_it_is(sse_server: SSEServer, texts: list[str], out: str) -> None:
    """With a line feed at the end if there is text, and it has none."""
    sse_server.script([connection(*map(token, texts), finish(), DONE)])
    done = chat_here(sse_server)
    assert (done.code, done.out) == (0, out)


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            [token("Hi"), finish("length")],
            "the answer is cut: it has reached its limit on tokens (finish_reason: length)",
        ),
        (
            [token("Hi"), finish("content_filter")],
            "the answer is cut: a filter of the provider has stopped it (finish_reason: content_filter)",
        ),
        (
            [token("Hi"), finish(f"abort{WILD}")],
            r"the model stopped before it was done (finish_reason: abort\x1b]0;title\x07\u202e\x9b2J)",
        ),
        ([chunk({"refusal": f"No{WILD}"}), finish()], r"the model refuses: No\x1b]0;title\x07\u202e\x9b2J"),
        (
            [chunk({"tool_calls": [{"index": n, "id": f"c{n}", "function": {"name": "f"}}]}) for n in (0, 1)]
            + [finish("tool_calls")],
            "the model asks for 2 tool calls; --json shows them",
        ),
        ([chunk({"reasoning": "hm"}), finish()], "the answer is empty"),
    ],
    ids=["length", "filter", "other", "refusal", "tools", "empty"],
)
def test_what_the_text_does_not_show_is_told(sse_server: SSEServer, steps: list[Step], said: str) -> None:
    """On stderr; it is a whole answer nevertheless, and with --json the object tells it."""
    sse_server.script([connection(*steps, DONE)] * 2)
    done = chat_here(sse_server)
    assert done.code == 0
    assert done.err == f"everstream: {said}\n"
    as_json = chat_here(sse_server, "--json")
    assert (as_json.code, as_json.err) == (0, "")
    assert as_json.out.count("\n") == 1


def test_a_server_without_done_is_told_how_to_be_asked(sse_server: SSEServer) -> None:
    """If the finish reason has come; without one the answer is not whole in any way."""
    hint = "everstream: all of it may have come; if the server never sends [DONE]: --terminator finish_reason"
    sse_server.script([connection(token("Hi"), finish()), connection(token("Hi"))])
    done = chat_here(sse_server)
    assert (done.code, done.err.splitlines()[1:]) == (6, [hint])
    done = chat_here(sse_server)
    assert (done.code, done.err.splitlines()[1:]) == (6, [])


@pytest.mark.parametrize("answer", [UNKNOWN_MODEL, HTML, PLAIN_JSON, status(405)])
def test_a_url_that_may_be_wrong_is_told(sse_server: SSEServer, answer: Step) -> None:
    """All of it, but for a password."""
    sse_server.script([answer, status(403)])
    url = base_url(sse_server).replace("://", "://me:secret@")
    done = everstream_here("chat", "why?", "--model", "m", "--base-url", url)
    assert done.code == 3
    (line,) = done.err.splitlines()
    assert line.endswith(f" (it was asked at {base_url(sse_server)}/chat/completions)")
    assert "it was asked at" not in chat_here(sse_server).err


def test_json_is_one_object_with_all_that_came(sse_server: SSEServer) -> None:
    """On one line, safe in a terminal."""
    call = {"index": 0, "id": "c1", "function": {"name": "add", "arguments": '{"a": 1}'}}
    usage = {"prompt_tokens": 3, "completion_tokens": 5}
    sse_server.script([
        connection(
            chunk({"reasoning_content": "hm"}),
            token(f"Hi{WILD}\n"),
            chunk({"tool_calls": [call]}),
            finish("tool_calls"),
            event(json.dumps({"choices": [], "usage": usage})),
            DONE,
        )
    ])  # fmt: skip
    done = chat_here(sse_server, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.out.removesuffix("\n").isprintable()
    assert json.loads(done.out) == {
        "text": f"Hi{WILD}\n",
        "reasoning": "hm",
        "refusal": "",
        "tool_calls": [{"id": "c1", "name": "add", "arguments": '{"a": 1}'}],
        "finish_reason": "tool_calls",
        "usage": usage,
        "model": "m-2",
        "id": "chatcmpl-1",
        "complete": True,
        "error": None,
    }


@pytest.mark.parametrize(
    ("script", "code", "text", "error"),
    [
        ([connection(token("Hi"), cut())], 6, "Hi", ("AnswerIncomplete", True, None, None, None)),
        (
            [connection(token("Hi"), OVERLOADED)],
            6,
            "Hi",
            ("ProviderError", True, None, "overloaded_error", None),
        ),
        ([UNKNOWN_MODEL], 3, "", ("ProviderError", False, 404, "invalid_request_error", "model_not_found")),
        ([connection(OVERLOADED)] * 3, 4, "", ("RetriesExhausted", False, None, "overloaded_error", None)),
    ],
)
def test_json_is_written_of_a_failure_too(
    sse_server: SSEServer, script: Script, code: int, text: str, error: tuple[object, ...]
) -> None:
    """With what had come, and why there is no more; stderr says it as ever."""
    sse_server.script(script)
    done = chat_here(sse_server, "--json")
    written = json.loads(done.out)
    assert (done.code, written["text"], written["complete"]) == (code, text, False)
    keys = ("error_type", "retryable", "status", "type", "code")
    assert tuple(written["error"][key] for key in keys) == error
    assert written["error"]["message"]
    assert "everstream: " in done.err
