"""What cannot work is refused where it is given, by the name of the argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from everstream import ConfigurationError, RetryPolicy
from everstream.llm import ChatStream, GenerateContentStream, MessagesStream, ModelStream, ResponsesStream
from everstream.llm.request import StreamOptions
from everstream.testing import SSEServer
from tests.llm.wires import APIS, STREAMS, base_url, patient

CONVERSATIONS: dict[str, Callable[[Any], ModelStream]] = {
    "messages": lambda given: ChatStream("http://127.0.0.1:1", "m", given),
    "contents": lambda given: GenerateContentStream("http://127.0.0.1:1", "m", given),
    "input": lambda given: ResponsesStream("http://127.0.0.1:1", "m", given),
}


class Dumped:
    """An object such as the clients of the providers return."""

    def model_dump(self) -> dict[str, str]:
        """Returns what JSON can hold."""
        return {"role": "assistant", "content": "Hi"}


def refusal(make: Callable[[], object]) -> str:
    """Returns how what is made is refused."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    return str(caught.value)


@pytest.mark.parametrize("name", CONVERSATIONS)
@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"role": "user", "content": "Hi"}, ", not a dict"),
        (7, ", not a int"),
        (b"Hi", ", not a bytes"),
        (iter([{"role": "user"}]), ", not a list_iterator"),
        (["Hi"], "; its item 0 is a str"),
        ([{"role": "user"}, Dumped()], "; its item 1 is a Dumped: give what its model_dump() returns"),
        (Dumped(), ", not a Dumped: give what its model_dump() returns"),
    ],
    ids=["mapping", "number", "bytes", "iterator", "texts", "dumped-item", "dumped"],
)
def test_a_conversation_is_text_or_a_list_of_mappings(name: str, given: object, what: str) -> None:
    """What the server would not understand costs a request, and tells less."""
    assert refusal(lambda: CONVERSATIONS[name](given)) == f"{name}= takes text or a list of mappings{what}"


def test_a_tuple_of_messages_is_a_list_of_them(sse_server: SSEServer) -> None:
    """And what `model_dump` returns is a message."""
    ChatStream(base_url(sse_server), "m", (Dumped().model_dump(),))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("value", "what"),
    [
        (object(), ", not a object"),
        ([{"deep": Dumped()}], ", not a Dumped: give what its model_dump() returns"),
        (float("nan"), " (ValueError)"),
        ({(1, 2): 3}, " (TypeError)"),
    ],
    ids=["object", "dumped", "nan", "key"],
)
def test_a_parameter_that_json_cannot_hold_is_named(api: str, value: object, what: str) -> None:
    """It is one of many."""
    message = refusal(lambda: STREAMS[api]("http://127.0.0.1:1", tools=value))
    assert message == f"tools= takes what JSON can hold{what}"


def test_a_message_that_json_cannot_hold_is_named_too() -> None:
    """With what is in it, as far down as it may be."""
    messages = [{"role": "assistant", "tool_calls": [Dumped()]}]
    message = refusal(lambda: MessagesStream("http://127.0.0.1:1", "m", messages))
    assert message.startswith("messages= takes what JSON can hold, not a Dumped: give what")


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("timeout", "use timeouts=, such as Timeouts(read=60)"),
        ("max_retries", "use retry=, such as RetryPolicy.attempts(3)"),
        ("extra_headers", "use headers="),
        ("extra_query", "put it into base_url=, behind a ?"),
        ("extra_body", "give its fields as arguments"),
    ],
)
def test_options_of_another_client_are_not_sent_as_parameters(api: str, name: str, instead: str) -> None:
    """None of them either: there it may mean something."""
    for value in (5, None):
        message = refusal(lambda value=value: STREAMS[api]("http://127.0.0.1:1", **{name: value}))
        assert message == f"{name}= is no parameter of the API: {instead}"


def test_a_model_is_text() -> None:
    """A list of them, which some gateways have, has another name there."""
    model: Any = ["m"]
    for make in (
        lambda: ChatStream("http://127.0.0.1:1", model, "Hi"),
        lambda: MessagesStream("http://127.0.0.1:1", model, "Hi"),
        lambda: ResponsesStream("http://127.0.0.1:1", model, "Hi"),
        lambda: GenerateContentStream("http://127.0.0.1:1", model, "Hi"),
    ):
        assert refusal(make) == "model= takes text, not a list"


@pytest.mark.parametrize("api", APIS)
def test_headers_are_a_mapping(api: str) -> None:
    """Pairs, and the text of a field, are none."""
    for headers in ([("X-Title", "mine")], "X-Title: mine"):
        message = refusal(lambda headers=headers: STREAMS[api]("http://127.0.0.1:1", headers=headers))
        assert message == f"headers= takes a mapping, not a {type(headers).__name__}"


@pytest.mark.parametrize("api", APIS)
def test_a_base_url_is_text(api: str) -> None:
    """Which other libraries have objects for."""
    make: Any = type(STREAMS[api]("http://127.0.0.1:1"))
    message = refusal(lambda: make(b"http://127.0.0.1:1", "m", "Hi", **patient()))
    assert message == "base_url= takes text, not a bytes"


def test_three_attempts_are_made_and_no_wait_is_longer_than_a_minute() -> None:
    """Whatever a server asks for; a policy of the caller's is as it is."""
    nothing = dict.fromkeys(("session", "timeouts", "retry", "name", "logger", "metrics", "clock"))
    policy = StreamOptions(**nothing, keep_chunks=False).retry  # type: ignore[arg-type]
    assert policy is not None
    assert (policy.stop.max_attempt_number, policy.max_server_delay) == (3, 60)  # type: ignore[union-attr]
    mine = RetryPolicy.attempts(3)
    assert StreamOptions(**{**nothing, "retry": mine}, keep_chunks=False).retry is mine  # type: ignore[arg-type]
