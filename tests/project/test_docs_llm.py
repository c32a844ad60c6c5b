"""The page about the answers of models says what the code does."""

import re
from collections.abc import Callable, Mapping

import pytest

from everstream.llm import ChatStream, GenerateContentStream, MessagesStream, ModelStream, ResponsesStream
from everstream.llm import __all__ as exported
from everstream.llm.formats import reported
from everstream.llm.request import StreamOptions, resuming
from everstream.testing import RecordedRequest, SSEServer, status
from tests.project.doc_tables import REFERENCE, table

PAGE = "api-llm.md"
STREAMS: Mapping[str, Callable[[], ModelStream]] = {
    "ChatStream": lambda: ChatStream(model="MODEL", messages="a"),
    "MessagesStream": lambda: MessagesStream(model="MODEL", messages="a"),
    "ResponsesStream": lambda: ResponsesStream(model="MODEL", input="a"),
    "GenerateContentStream": lambda: GenerateContentStream(model="MODEL", contents="a"),
}
ENVIRONMENT = table(PAGE, "class")  # the first table of classes
VARIABLES = [row for row in (REFERENCE / PAGE).read_text("utf-8").splitlines() if "_BASE_URL`" in row]


def cells_of(name: str) -> list[list[str]]:
    """Returns what the second table has for a class: the names in each of its cells."""
    (line,) = [line for line in VARIABLES if f"`{name}`" in line]
    return [re.findall(r"`([^`]*)`", cell) for cell in line.strip("|").split("|")]


def request_of(name: str, monkeypatch: pytest.MonkeyPatch, *, key_variable: str) -> RecordedRequest:
    """Returns the request that a stream makes when only the environment says where, and with which key."""
    _, keys, (base_url,), _ = cells_of(name)
    for variable in keys:
        monkeypatch.delenv(variable, raising=False)
    with SSEServer() as server:
        server.script([status(400)])
        monkeypatch.setenv(base_url, server.url.removesuffix("/events"))
        monkeypatch.setenv(key_variable, "key-of-the-environment")
        list(STREAMS[name]().source.all(raise_on_failure=False))
        return server.requests[0]


def test_each_class_is_in_both_tables() -> None:
    """No API is left out."""
    assert set(ENVIRONMENT) == set(STREAMS)
    assert [names[0] for names, *_ in map(cells_of, STREAMS)] == list(STREAMS)


@pytest.mark.parametrize("name", STREAMS)
def test_the_environment_says_where_and_with_which_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable of the table is read, and the key goes out in the header of the table."""
    _, keys, _, _ = cells_of(name)
    for variable in keys:
        request = request_of(name, monkeypatch, key_variable=variable)
        header, _, scheme = ENVIRONMENT[name]["key goes as"].strip("`").partition(": ")
        assert request.headers[header] == f"{scheme} key-of-the-environment".strip()
        assert request.path.startswith(ENVIRONMENT[name]["asks"].strip("`"))
        monkeypatch.delenv(variable)


@pytest.mark.parametrize("name", STREAMS)
def test_without_a_variable_the_provider_is_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base URL of the table is what the code has."""
    _, _, (variable,), (base_url,) = cells_of(name)
    monkeypatch.delenv(variable, raising=False)
    assert STREAMS[name]().source.name.startswith(f"{base_url}/")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("statuses", {str(code) for code in reported._RETRYABLE_STATUSES}),
        ("types and codes, where no status is given", reported._RETRYABLE),
        ("never, whatever the status", reported._PERMANENT),
    ],
)
def test_the_table_of_what_is_retryable_is_that_of_the_code(row: str, words: set[str]) -> None:
    """Statuses, types and codes are the same on the page and in the code."""
    assert re.findall(r"\w+", table(PAGE, "retryable")[row]["which"]) == sorted(words)


def test_the_defaults_of_model_streams_are_on_the_page() -> None:
    """The limit on silence and the number of attempts are what the code takes when nothing is said."""
    nothing = dict.fromkeys(("session", "timeouts", "retry", "name", "logger", "metrics", "clock"))
    options = StreamOptions(**nothing, keep_chunks=False)
    rows = table("timeouts-and-defaults.md", "setting")
    assert options.timeouts is not None
    assert options.retry is not None
    assert rows["ChatStream.timeouts"]["meaning"].startswith(f"`Timeouts(read={options.timeouts.read:g})`")
    assert options.retry.stop.max_attempt_number == 3
    assert rows["ChatStream.retry"]["meaning"].startswith("`RetryPolicy.attempts(3)`")
    assert resuming(None).stop.max_attempt_number == 10
    assert "`RetryPolicy.attempts(10)`" in rows["ChatStream.retry"]["meaning"]
    tried = [row["attempts by default"] for row in table(PAGE, "stream").values()]
    assert tried == ["three in all", "ten in a row"]


def test_every_public_name_is_on_the_page() -> None:
    """What `everstream.llm` exports is documented there, or is an error and documented with the errors."""
    text = (REFERENCE / PAGE).read_text("utf-8") + (REFERENCE / "errors.md").read_text("utf-8")
    assert [name for name in exported if f".{name}\n" not in text and f"`{name}`" not in text] == []
