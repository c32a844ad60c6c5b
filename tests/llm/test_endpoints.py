"""Where a request goes, in whose way so ever the base URL is written."""

from __future__ import annotations

import pytest

from everstream.llm import ChatStream, GenerateContentStream, MessagesStream, ModelStream
from everstream.llm.request import base_url_of, endpoint_of, under
from everstream.testing import SSEServer
from tests.llm.wires import base_url, patient, whole

CHAT = "/chat/completions"
MESSAGES = "/v1/messages"


def target(server: SSEServer, stream: ModelStream, api: str) -> str:
    """Returns what a stream asks for."""
    server.script([whole(api)])
    assert stream.read() == "whole"
    return server.requests[-1].target


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://h/v1", "https://h/v1/chat/completions"),
        (" https://h/v1/ \n", "https://h/v1/chat/completions"),
        ("https://h", "https://h/chat/completions"),
        ("https://h/x?api-version=2024", "https://h/x/chat/completions?api-version=2024"),
        ("https://h/x/?a=/", "https://h/x/chat/completions?a=/"),
        ("https://h/v1/chat/completions", "https://h/v1/chat/completions"),
        ("https://h/v1/chat/completions/?a=1", "https://h/v1/chat/completions?a=1"),
        ("https://h/chat", "https://h/chat/chat/completions"),
        ("https://me:secret@h/v1", "https://me:secret@h/v1/chat/completions"),
        ("https://h/v1#part", "https://h/v1/chat/completions#part"),
        ("https://[h/v1", "https://[h/v1/chat/completions"),
        ("", "https://default/chat/completions"),
        (" ", "https://default/chat/completions"),
        (None, "https://default/chat/completions"),
    ],
)
def test_the_path_goes_behind_the_path_and_the_query_stays(given: str | None, url: str) -> None:
    """And who gives the whole of it gets no half of it twice."""
    assert endpoint_of(given, "NO_SUCH_VARIABLE", "https://default/", CHAT) == url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://h", "https://h/v1/messages"),
        ("https://h/v1", "https://h/v1/messages"),
        ("https://h/v1/", "https://h/v1/messages"),
        ("https://h/v1/messages", "https://h/v1/messages"),
        ("https://h/anthropic", "https://h/anthropic/v1/messages"),
        ("https://h/anthropic/v1?a=1", "https://h/anthropic/v1/messages?a=1"),
        ("https://h/v11", "https://h/v11/v1/messages"),
    ],
)
def test_the_version_may_be_there_or_not(given: str, url: str) -> None:
    """Of all the base URLs, only Anthropic's is without one."""
    assert endpoint_of(given, "NO_SUCH_VARIABLE", "https://default", MESSAGES, begun="/v1") == url


def test_what_is_under_an_endpoint_is_before_its_query() -> None:
    """As the id of a response is; an API without an id ends where it may begin."""
    assert under("https://h/v1/responses?a=1", "/resp-1") == "https://h/v1/responses/resp-1?a=1"
    url = endpoint_of("https://h/v1/responses", "NO_SUCH_VARIABLE", "", "/responses/r", begun="/responses")
    assert url == "https://h/v1/responses/r"
    assert base_url_of(" https://h/v1// ", "NO_SUCH_VARIABLE", "") == "https://h/v1"


def test_a_deployment_of_azure_is_asked_with_its_version(sse_server: SSEServer) -> None:
    """Which is in the query there."""
    url = f"{base_url(sse_server)}/openai/deployments/x?api-version=2024"
    asked = target(sse_server, ChatStream(url, "model", "Hi", **patient()), "chat")
    assert asked == "/openai/deployments/x/chat/completions?api-version=2024"


def test_anthropic_with_its_version_is_asked_as_without(sse_server: SSEServer) -> None:
    """A base URL that is right everywhere else is right there."""
    stream = MessagesStream(f"{base_url(sse_server)}/v1", "model", "Hi", **patient())
    assert target(sse_server, stream, "messages") == "/v1/messages"


def test_a_query_and_that_of_google_go_together(sse_server: SSEServer) -> None:
    """The one is added to the other."""
    stream = GenerateContentStream(f"{base_url(sse_server)}/v1?a=1", "m", "Hi", **patient())
    asked = target(sse_server, stream, "generate_content")
    assert asked == "/v1/models/m:streamGenerateContent?a=1&alt=sse"


@pytest.mark.parametrize(
    ("base", "path"), [("", "/v1beta"), ("/", "/v1beta"), ("/v1beta", "/v1beta"), ("/v1/", "/v1")]
)
def test_google_has_a_version_if_none_is_given(sse_server: SSEServer, base: str, path: str) -> None:
    """Its own package writes base URLs without one."""
    sse_server.script([whole("generate_content")])
    GenerateContentStream(base_url(sse_server) + base, "m", "Hi", **patient()).read()
    assert sse_server.requests[0].path == f"{path}/models/m:streamGenerateContent"
