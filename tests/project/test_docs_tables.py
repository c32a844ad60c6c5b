"""The tables of the documentation say what the code does.

`python -m tests.project.test_docs_tables` writes the two tables of marked comments into the page about the
standard.
"""

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Mapping

import everstream
from everstream import (
    AnswerIncomplete,
    CheckpointError,
    CheckpointFailed,
    CheckpointSaved,
    Closed,
    Comment,
    ConnectFailed,
    Connecting,
    Dedupe,
    Duplicate,
    Event,
    EventSource,
    EverstreamError,
    Failed,
    FullJitter,
    Headers,
    Interrupted,
    Observation,
    Opened,
    Position,
    ProviderError,
    Received,
    ResponseRejected,
    ResumeRejected,
    RetryHint,
    RetryPolicy,
    StatusRejected,
    StreamIncomplete,
    Timeouts,
    Unacknowledged,
)
from everstream.core import errors as errors_module
from everstream.llm import ChatStream
from everstream.observe.logs import Record, StreamLog, record_of
from everstream.testing import SSEServer
from tests.project.doc_tables import REFERENCE, table
from tests.project.source import ROOT, modules
from tests.project.test_imports import FLOORS, ON_TOP
from tests.project.test_standard import marked

STANDARD = ROOT / "docs" / "explanation" / "the-standard.md"

# The log.

LOGGED: Mapping[type, Observation] = {
    Connecting: Connecting({}, {}, {}, 1, "7"),
    Opened: Opened(200, Headers(), 1, "7", None),
    Interrupted: Interrupted(ConnectFailed(host="a", reason="b"), 1.0, 2, "7"),
    ResumeRejected: ResumeRejected(StatusRejected(status=410), "7", restarts=True),
    Unacknowledged: Unacknowledged(1000, 60.0),
    Closed: Closed("eof"),
    Failed: Failed(ConnectFailed(host="a", reason="b")),
    CheckpointSaved: CheckpointSaved("7"),
    CheckpointFailed: CheckpointFailed(CheckpointError(store="a", reason="b"), "7"),
}
NOT_LOGGED = {Event, Comment, RetryHint, Position, Duplicate, Received}


def records() -> list[Record]:
    """Returns the record of each item that makes one."""
    return [record for record in map(record_of, LOGGED.values()) if record is not None]


def test_every_kind_of_record_is_compared() -> None:
    """No item that makes a record is left out of the comparison below."""
    assert set(LOGGED) == set(typing.get_args(Observation)) - NOT_LOGGED
    assert len(records()) == len(LOGGED)


def test_the_table_of_log_events_is_that_of_the_code() -> None:
    """Names, levels and fields are the same on the page and in the code, neither more nor fewer."""
    documented = {
        name: (row["level"], tuple(re.findall(r"`(\w+)`", row["fields"])))
        for name, row in table("log-events.md", "event").items()
    }
    logged = {name: (level, tuple(fields)) for level, name, fields in records()}
    assert documented == logged


def test_every_field_of_the_log_is_explained() -> None:
    """The second table has exactly the fields of the first."""
    logged = {name for _, _, fields in records() for name in fields}
    assert set(table("log-events.md", "field")) == logged


def test_the_bound_fields_of_the_log_are_named() -> None:
    """What every record has besides is said below the table."""
    seen: list[dict[str, object]] = []

    class Recorder:
        def debug(self, _name: str, /, **fields: object) -> None:
            seen.append(fields)

        info = warning = error = debug

    StreamLog("https://a.example/b?c=d", "prices", Recorder())(LOGGED[Closed])
    bound = set(seen[0]) - {"reason"}
    page = (REFERENCE / "log-events.md").read_text("utf-8")
    sentence = re.search(r"Every record also has (.*?)\.\n", page, re.DOTALL)
    assert sentence is not None
    assert set(re.findall(r"`(\w+)`", sentence[1])) == bound


# Errors.

OF_THE_INSTANCE: Mapping[type[EverstreamError], str] = {
    AnswerIncomplete: "if a new request may succeed",
    ProviderError: "[as the server says](api-llm.md#what-is-retryable)",
}
"""What the table says of errors whose class says nothing."""


def below(kind: type[EverstreamError]) -> list[type[EverstreamError]]:
    """Returns the errors of the library right below one; tests may have made others."""
    return [error for error in kind.__subclasses__() if error.__module__.startswith("everstream.")]


def tree(kind: type[EverstreamError], indent: str = "") -> str:
    """Draws an error and those below it, in the order of the package's own drawing."""
    order = re.findall(r"- `(\w+)`", errors_module.__doc__ or "")
    lower = sorted(below(kind), key=lambda error: order.index(error.__name__))
    lines = [kind.__name__]
    for number, error in enumerate(lower, start=1):
        branch, stem = ("└── ", "    ") if number == len(lower) else ("├── ", "│   ")
        lines.append(indent + branch + tree(error, indent + stem))
    return "\n".join(lines)


def test_the_tree_of_errors_is_that_of_the_code() -> None:
    """The drawing has every error, below its own base."""
    page = (REFERENCE / "errors.md").read_text("utf-8")
    assert f"```text\n{tree(EverstreamError)}\n```" in page


def leaves(kind: type[EverstreamError]) -> Iterable[type[EverstreamError]]:
    """Yields the errors that are raised themselves: all but the bases of several."""
    if not below(kind) or kind in (ConnectFailed, StreamIncomplete):
        yield kind
    for error in below(kind):
        yield from leaves(error)


def test_every_error_has_advice() -> None:
    """The table has a row for each error that is raised."""
    assert set(table("errors.md", "error")) == {error.__name__ for error in leaves(EverstreamError)}


def test_the_table_of_errors_says_what_is_retryable() -> None:
    """`retryable` in the table is what the class says, and for a status what the instance says."""
    for name, row in table("errors.md", "error").items():
        kind: type[EverstreamError] = getattr(everstream, name)
        if kind is StatusRejected:
            retryable = [code for code in range(100, 600) if StatusRejected(status=code).retryable]
            assert row["retryable"] == ", ".join(map(str, retryable))
        elif kind in OF_THE_INSTANCE:
            assert row["retryable"] == OF_THE_INSTANCE[kind]
        else:
            is_retryable = False if issubclass(kind, ResponseRejected) else kind.retryable
            assert row["retryable"] == ("yes" if is_retryable else "no"), name


def test_every_error_is_on_the_page() -> None:
    """Each error's own docstring is shown."""
    page = (REFERENCE / "errors.md").read_text("utf-8")
    shown = re.findall(r"autoexception:: everstream\.(\w+)", page)
    assert set(shown) == set(re.findall(r"\w+", tree(EverstreamError)))


# Defaults.


def defaults(owner: type) -> dict[str, object]:
    """Returns the default arguments of a class."""
    parameters = inspect.signature(owner).parameters.values()
    return {f"{owner.__name__}.{parameter.name}": parameter.default for parameter in parameters}


def test_the_table_of_defaults_is_that_of_the_code() -> None:
    """Each default on the page is what the code takes when nothing is said."""
    coded = {
        **defaults(Timeouts),
        **defaults(FullJitter),
        **defaults(RetryPolicy),
        **defaults(Dedupe),
        **defaults(EventSource),
        **defaults(ChatStream),
    }
    documented = {
        name: row["default"].strip("`") for name, row in table("timeouts-and-defaults.md", "setting").items()
    }
    assert documented == {name: repr(coded[name]) for name in documented}
    assert {name for name in coded if "Timeouts" in name} <= set(documented)


def test_the_headers_of_every_request_are_in_the_table() -> None:
    """What a server sees of us, beyond what any HTTP client sends, is what the page says."""
    with SSEServer() as server:
        with EventSource(server.url, last_event_id="7") as source:
            list(source)
        (request,) = server.requests
    sent = {name.title() for name in request.headers} - {"Host", "Connection"}
    rows = table("timeouts-and-defaults.md", "header")
    assert {name.title() for name in rows} == sent
    for name in ("Accept", "Cache-Control", "Accept-Encoding"):
        assert rows[name]["value"] == f"`{request.headers[name]}`"


# The house.


def test_the_house_is_drawn_as_it_stands() -> None:
    """Each room of the package stands on its floor in the drawing, and no room is drawn that is not there."""
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    drawn: dict[str, int] = {}
    floor = 0
    for line in page.split("```text\n")[1].split("```")[0].splitlines():
        if line.startswith("floor"):
            floor = int(line.split()[1])
        drawn.update(dict.fromkeys(line[10:50].split(), floor))
    rooms = {module.room for module in modules() if module.path not in ON_TOP}
    assert drawn == {room: FLOORS[room] for room in rooms}


# The standard.


def marks(mark: str) -> list[tuple[str, str]]:
    """Returns the marked comments of the source, with the path of their module."""
    return [(module.path, text.replace("|", r"\|")) for module in modules() for text in marked(module, mark)]


def marks_table(mark: str) -> str:
    """Returns the comments of one mark as a table."""
    rows = "".join(f"| `{path}` | {text} |\n" for path, text in marks(mark))
    return f"| where | what |\n|---|---|\n{rows}" if rows else "There is none.\n"


def with_tables(page: str, table_of: Callable[[str], str] = marks_table) -> str:
    """Returns the page with the tables of marked comments as they should be."""
    return re.sub(
        r"(<!-- comments: (\w+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n{table_of(found[2])}\n{found[3]}",
        page,
        flags=re.DOTALL,
    )


def test_the_marked_comments_are_listed() -> None:
    """The page lists each `[spec]` and `[departure]` comment; run this module as a script to write it."""
    page = STANDARD.read_text("utf-8")
    assert page.count("<!-- comments: ") == 2
    assert page == with_tables(page)


def test_a_marked_comment_that_is_missing_is_noticed() -> None:
    """The lists are not compared with themselves."""
    page = STANDARD.read_text("utf-8")
    assert page != with_tables(page, lambda _mark: "| where | what |\n")
    assert len(marks("spec")) > 10


if __name__ == "__main__":
    STANDARD.write_text(with_tables(STANDARD.read_text("utf-8")), "utf-8")
