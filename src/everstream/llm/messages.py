"""Messages, from Anthropic and servers that are compatible with it."""

from __future__ import annotations

from collections.abc import Mapping

from everstream.clock import Clock
from everstream.core.reconnection import RetryPolicy
from everstream.core.timeouts import Timeouts
from everstream.llm.formats.messages import MessagesFormat
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

__all__ = ["MessagesStream"]

_URL = "https://api.anthropic.com"
_URL_VARIABLE = "ANTHROPIC_BASE_URL"
_KEY_VARIABLE = "ANTHROPIC_API_KEY"
_VERSION = "2023-06-01"


class MessagesStream(ModelStream):
    """A message of Anthropic's API."""

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
        keep_chunks: bool = False,
        name: str | None = None,
        logger: LoggerLike | None = None,
        metrics: MetricsLike | None = None,
        clock: Clock | None = None,
        **parameters: object,
    ) -> None:
        """Describes the request; it is made when the stream is iterated.

        Args:
            base_url: Where the API is, with or without its version. By default the value of
                `ANTHROPIC_BASE_URL`, or else Anthropic.
            model: The model.
            messages: The conversation; a text is one message of the user.
            api_key: The key, or a function of no arguments that gives it for each attempt. By default the
                value of `ANTHROPIC_API_KEY`. Empty text is no key, whatever is set.
            session: A session of yours, used as it is and not closed.
            timeouts: Limits on waiting, in seconds; by default 5 for a connection and 600 of silence.
            retry: When to try again before the first delta; by default three attempts in all, and no
                wait of more than 60 s because a server asks for it.
            headers: Header fields, over those of the API.
            keep_chunks: Whether to keep the payloads in `chunks`.
            name: Your name for the stream, for logs and metrics.
            logger: Where log records go.
            metrics: What measures the stream; it needs a name.
            clock: The time, for tests.
            parameters: What else goes into the body: `max_tokens=`, which the API demands, `system=`,
                `tools=`...

        Raises:
            ConfigurationError: An argument cannot work.
        """
        require(model=model, messages=messages)
        body = {"model": model, "messages": conversation_of(messages), **parameters}
        request = ModelRequest(
            url=endpoint_of(base_url, _URL_VARIABLE, _URL, "/v1/messages", begun="/v1"),
            key=key_of(api_key, _KEY_VARIABLE),
            key_header="x-api-key",
            key_variables=(_KEY_VARIABLE,),
            own_headers={"anthropic-version": _VERSION},
            extra_headers=headers or {},
            body=body_of(body),
        )
        # fmt: off
        options = StreamOptions(
            session=session, timeouts=timeouts, retry=retry, name=name, logger=logger, metrics=metrics,
            clock=clock, keep_chunks=keep_chunks,
        )
        # fmt: on
        super().__init__(MessagesFormat(), request, options)
