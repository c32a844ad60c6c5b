"""`everstream work --handler`: a Python function for each event."""

import json
import sys
from pathlib import Path

import pytest

from everstream import ConfigurationError, Event
from everstream.cli.importing import imported_attempt
from everstream.cli.spreading import spread
from everstream.cli.stream_options import StreamOptions
from everstream.cli.tail_options import TailOptions
from everstream.testing import SSEServer, connection, event, no_content, stall
from tests.cli.running import on_terminal
from tests.cli.working import AT_ONCE, HANDLERS, arguments, record, records, saved, worked

TWO = (event("a", id="1", type="up"), event("b", id="2"))


@pytest.mark.parametrize(
    ("handler", "out"), [("note", "up 1 a\nmessage 2 b\n"), ("shop.ship", "shipped 1\nshipped 2\n")]
)
def test_a_function_of_the_working_directory_gets_each_event(
    sse_server: SSEServer, tmp_path: Path, handler: str, out: str
) -> None:
    """Also a method of something in the module; what it prints is all that is on stdout."""
    sse_server.script([connection(*TWO), no_content()])
    done = worked(tmp_path, *arguments(sse_server.url, handler=handler))
    assert (done.code, done.out) == (0, out)
    assert record(done, "worker.stopped")["handled"] == 2


def test_the_installed_command_searches_the_working_directory_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Python adds it only for `python -m`."""
    (tmp_path / "my_own_handlers.py").write_text("def keep(event, kept=[]): kept.append(event); return kept")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path not in ("", str(tmp_path))])
    attempt = imported_attempt("my_own_handlers:keep")
    only = Event("message", "a", "1")
    assert attempt(only, 1) == [only]


def test_what_it_raises_is_in_the_log_with_its_place(sse_server: SSEServer, tmp_path: Path) -> None:
    """With its message, escaped: the operator owns both. The event comes again after a restart."""
    sse_server.script([connection(*TWO, stall())])
    file = tmp_path / "checkpoints.db"
    options = ["--attempts", "2", "--checkpoint", str(file), "--name", "n"]
    done = worked(tmp_path, *arguments(sse_server.url, *options, handler="fail"))
    assert (done.code, done.out, saved(file)) == (5, "1\n", {"n": "1"})
    failed = record(done, "handler.failed")
    line = HANDLERS.split("\n").index('        raise ValueError(f"no \\x1b[2J {event.id}")') + 1
    assert failed["error"] == "ValueError: no \x1b[2J 2"
    assert failed["where"] == f"{tmp_path / 'handlers.py'}:{line}"
    assert (failed["attempt"], failed["stream"]) == (2, "n")
    assert records(done)[-1]["cause"] == "ValueError: no \x1b[2J 2"
    assert all(line.isprintable() for line in done.err.splitlines())


def test_output_is_out_before_the_event_counts(sse_server: SSEServer, tmp_path: Path) -> None:
    """Where it cannot be written, the event is not handled."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    sse_server.script([connection(*TWO, stall())])
    file = tmp_path / "checkpoints.db"
    (tmp_path / "handlers.py").write_text(HANDLERS)
    command = arguments(sse_server.url, "--attempts", "1", "--checkpoint", str(file), handler="note")
    done = worked(tmp_path, "bash", "-c", '"$@" > /dev/full', "bash", *command)
    assert done.code == 5
    assert "No space left on device" in records(done)[-1]["cause"]
    assert saved(file) == {}


def test_an_exit_in_a_handler_is_the_exit_of_the_command(sse_server: SSEServer, tmp_path: Path) -> None:
    """It is no failure of the event, which comes again."""
    sse_server.script([connection(*TWO, stall())])
    file = tmp_path / "checkpoints.db"
    done = worked(tmp_path, *arguments(sse_server.url, "--checkpoint", str(file), handler="leave"))
    assert (done.code, saved(file)) == (7, {})
    assert "Traceback" not in done.err


def test_a_function_that_gives_a_coroutine_ends_the_command(sse_server: SSEServer, tmp_path: Path) -> None:
    """A wrapper hides it at the start; no event counts as handled."""
    sse_server.script([connection(*TWO, stall())])
    file = tmp_path / "checkpoints.db"
    (tmp_path / "hidden.py").write_text("async def work(event): ...\nhandle = lambda event: work(event)")
    options = ("--handler", "hidden:handle", "--checkpoint", str(file))
    done = worked(tmp_path, *arguments(sse_server.url, *options))
    assert (done.code, saved(file)) == (2, {})
    assert "it gave a coroutine" in records(done)[-1]["error"]


BROKEN = {
    "asynchronous": "async def handle(event): ...",
    "generating": "def handle(event): yield",
    "asynchronous_and_generating": "async def handle(event): yield",
    "asynchronous_inside": "class A:\n    async def __call__(self, event): ...\nhandle = A()",
    "of_nothing": "def handle(): ...",
    "of_two": "def handle(event, other): ...",
    "value": "handle = 1",
    "empty": "",
    "needy": "import no_such_module",
    "wrong": "def handle(event:",
    "raising": "raise RuntimeError('secret\\nof the second line')",
}


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        ("asynchronous:handle", "it is async"),
        ("generating:handle", "it is a generator"),
        ("asynchronous_and_generating:handle", "it is an async generator"),
        ("asynchronous_inside:handle", "it is async"),
        ("of_nothing:handle", "it cannot be called with one event"),
        ("of_two:handle", "it cannot be called with one event"),
        ("value:handle", "it is no function, but of type int"),
        ("empty:handle", "empty has no handle"),
        ("empty:handle.more", "empty has no handle.more"),
        ("needy:handle", "to import needy failed: ModuleNotFoundError: No module named 'no_such_module' ("),
        ("needy:handle", "needy.py:1)"),
        ("wrong:handle", "to import wrong failed: SyntaxError"),
        ("raising:handle", "to import raising failed: RuntimeError: secret of the second line ("),
        ("nowhere:handle", "there is no module nowhere"),
        ("nowhere.at.all:handle", "there is no module nowhere"),
        ("empty", "--handler takes MODULE:FUNCTION"),
        ("empty:", "--handler takes MODULE:FUNCTION"),
        (":handle", "--handler takes MODULE:FUNCTION"),
        ("a b:handle", "--handler takes MODULE:FUNCTION"),
    ],
)
def test_a_handler_that_cannot_work_is_found_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, handler: str, said: str
) -> None:
    """An async function above all: to call it runs no line of it, and each event would count as handled."""
    for name, text in BROKEN.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(ConfigurationError) as caught:
        imported_attempt(handler)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_log_is_json_in_a_pipe_and_readable_on_a_terminal(sse_server: SSEServer, tmp_path: Path) -> None:
    """Unless it is said otherwise; records of level debug are left out."""
    for options, form in (([], "json"), (["--log-format", "console"], "console")):
        sse_server.script([connection(event("a")), no_content()])
        done = worked(tmp_path, *arguments(sse_server.url, *options, handler="note"))
        assert done.code == 0
        assert [line.startswith("{") for line in done.err.splitlines()] == [form == "json"] * 5
        assert "stream.opened" in done.err
        assert "stream.connecting" not in done.err
    sse_server.script([connection(event("a")), no_content()])
    with on_terminal("work", sse_server.url, *AT_ONCE, "--exec", "true") as terminal:
        assert terminal.ended() == 0
    assert "worker.stopped" in terminal.text
    assert not terminal.text.startswith("{")
    sse_server.script([connection(event("a")), no_content()])
    with on_terminal("work", sse_server.url, *AT_ONCE, "--exec", "true", "--log-format", "json") as terminal:
        assert terminal.ended() == 0
    assert json.loads(terminal.raw.splitlines()[0])["event"] == "worker.started"


def test_no_control_character_of_a_handler_reaches_the_terminal(
    sse_server: SSEServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its exception may quote an event. The terminal of this test refuses them."""
    (tmp_path / "handlers.py").write_text(HANDLERS)
    monkeypatch.chdir(tmp_path)
    sse_server.script([connection(event("b", id="2"), stall())])
    with on_terminal(
        "work", sse_server.url, *AT_ONCE, "--handler", "handlers:fail", "--attempts", "1", columns=300
    ) as terminal:
        assert terminal.ended() == 5
    assert r"\x1b[2J 2" in terminal.text


def test_a_log_that_nobody_takes_stops_nothing(sse_server: SSEServer, tmp_path: Path) -> None:
    """On a full disk, for example."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    sse_server.script([connection(*TWO), no_content()])
    command = arguments(sse_server.url, handler="note")
    done = worked(tmp_path, "bash", "-c", '"$@" 2> /dev/full', "bash", *command)
    assert (done.code, done.out) == (0, "up 1 a\nmessage 2 b\n")


def test_options_are_declared_once() -> None:
    """What a command spreads, it gets together again."""
    got: list[object] = []

    def both(stream: StreamOptions, options: TailOptions) -> None:
        got.extend([stream, options])

    values = {name: None for group in (StreamOptions, TailOptions) for name in group.__dataclass_fields__} | {
        "url": "u",
        "max_events": 3,
    }
    spread(both)(**values)
    stream, options = got
    assert isinstance(stream, StreamOptions)
    assert isinstance(options, TailOptions)
    assert (stream.url, options.max_events) == ("u", 3)
