"""Chat completions, from OpenAI and the many servers that are compatible with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

from everstream.clock import Clock
from everstream.core.errors import ConfigurationError
from everstream.core.reconnection import RetryPolicy
from everstream.core.timeouts import Timeouts
from everstream.llm.fields import number_of
from everstream.llm.formats.chat import ChatFormat, ChatFormatWithoutDone
from everstream.llm.request import (
    Conversation,
    Key,
    ModelRequest,
    StreamOptions,
    body_of,
    conversation_of,
    endpoint_of,
    key_of,
    require,
)
from everstream.llm.stream import ModelStream
from everstream.observe.logs import LoggerLike
from everstream.source.options import MetricsLike
from everstream.transports.sync import Session

__all__ = ["ChatStream", "Terminator", "stream_chat_completion"]

Terminator = Literal["[DONE]", "finish_reason"]
"""What ends the streams of a server: `[DONE]`, as with OpenAI; or the end of the body, after every choice
has told its finish reason."""

_URL = "https://api.openai.com/v1"
_URL_VARIABLE = "OPENAI_BASE_URL"
_KEY_VARIABLE = "OPENAI_API_KEY"


class ChatStream(ModelStream):
    """A chat completion, from any server that is compatible with OpenAI's."""

    def __init__(
        self,
        base_url: str | None = None,
        model: str = "",
        messages: Conversation = (),
        api_key: Key | None = None,
        *,
        session: Session | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        headers: Mapping[str, str] | None = None,
        terminator: Terminator = "[DONE]",
        keep_chunks: bool = False,
        name: str | None = None,
        logger: LoggerLike | None = None,
        metrics: MetricsLike | None = None,
        clock: Clock | None = None,
        **parameters: object,
    ) -> None:
        """Describes the request; it is made when the stream is iterated.

        Args:
            base_url: Where the API is, with its version, such as `http://127.0.0.1:8000/v1`. By default
                the value of `OPENAI_BASE_URL`, or else OpenAI.
            model: The model.
            messages: The conversation; a text is one message of the user.
            api_key: The key, or a function of no arguments that gives it for each attempt. By default the
                value of `OPENAI_API_KEY`; none if that is not set, which local servers allow. Empty text is
                no key, whatever is set.
            session: A session of yours, used as it is and not closed.
            timeouts: Limits on waiting, in seconds; by default 5 for a connection and 600 of silence.
            retry: When to try again before the first delta; by default three attempts in all, and no
                wait of more than 60 s because a server asks for it.
            headers: Header fields, over those of the API.
            terminator: What ends the streams of this server.
            keep_chunks: Whether to keep the payloads in `chunks`.
            name: Your name for the stream, for logs and metrics.
            logger: Where log records go.
            metrics: What measures the stream; it needs a name.
            clock: The time, for tests.
            parameters: What else goes into the body: `temperature=`, `tools=`, `n=`... Usage is asked for
                with `stream_options`; a server that refuses that is given `stream_options=None`.

        Raises:
            ConfigurationError: An argument cannot work.
        """
        if terminator not in get_args(Terminator):
            raise ConfigurationError(f"terminator= takes '[DONE]' or 'finish_reason', not {terminator!r}")
        require(model=model, messages=messages)
        parameters.setdefault("stream_options", {"include_usage": True})
        request = ModelRequest(
            url=endpoint_of(base_url, _URL_VARIABLE, _URL, "/chat/completions"),
            key=key_of(api_key, _KEY_VARIABLE),
            key_header="Authorization",
            key_scheme="Bearer ",
            key_variables=(_KEY_VARIABLE,),
            extra_headers=headers or {},
            body=body_of({"model": model, "messages": conversation_of(messages), **parameters}),
        )
        choices = number_of(parameters.get("n")) or 1
        wire = ChatFormat() if terminator == "[DONE]" else ChatFormatWithoutDone(choices)
        # fmt: off
        options = StreamOptions(
            session=session, timeouts=timeouts, retry=retry, name=name, logger=logger, metrics=metrics,
            clock=clock, keep_chunks=keep_chunks,
        )
        # fmt: on
        super().__init__(wire, request, options)


def stream_chat_completion(
    base_url: str | None = None,
    model: str = "",
    messages: Conversation = (),
    api_key: Key | None = None,
    *,
    on_delta: Callable[[str], object] | None = None,
    **options: object,
) -> str:
    """Returns the whole text of a chat completion, and shows it as it comes.

    Args:
        base_url: As for `ChatStream`, as all that follows.
        model: The model.
        messages: The conversation; a text is one message of the user.
        api_key: The key.
        on_delta: Called with each piece of text as it comes.
        options: All other arguments of `ChatStream`, and parameters of the API.

    Raises:
        AnswerIncomplete: The answer broke off; the error carries the text that had come.
        EverstreamError: As for `ChatStream`.
    """
    with ChatStream(base_url, model, messages, api_key, **options) as stream:  # type: ignore[arg-type]
        for text in stream:
            if on_delta is not None:
                on_delta(text)
        return stream.read()
