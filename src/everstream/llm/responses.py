"""Responses, from OpenAI and servers that are compatible with it; those in the background can be resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote, urlsplit

from everstream.clock import Clock
from everstream.core.errors import ConfigurationError
from everstream.core.events import Event
from everstream.core.reconnection import RetryPolicy
from everstream.core.resumption import QueryCursor
from everstream.core.timeouts import Timeouts
from everstream.llm.assembly import Assembly
from everstream.llm.fields import Payload, number_of
from everstream.llm.formats.responses import ResponsesFormat
from everstream.llm.request import (
    Key,
    ModelRequest,
    StreamOptions,
    body_of,
    endpoint_of,
    key_of,
    require,
    resuming,
    under,
)
from everstream.llm.stream import ModelStream
from everstream.observe.logs import LoggerLike
from everstream.source.options import MetricsLike
from everstream.transports.sync import Session

__all__ = ["Input", "ResponsesStream"]

Input: TypeAlias = str | Sequence[Mapping[str, object]]
"""What to respond to: a text, or items as the API has them."""

_URL = "https://api.openai.com/v1"
_URL_VARIABLE = "OPENAI_BASE_URL"
_KEY_VARIABLE = "OPENAI_API_KEY"
_CURSOR = "starting_after"


class ResponsesStream(ModelStream):
    """A response of OpenAI's API.

    With `background=True` the response goes on at the server when the connection breaks, and so does this
    stream: from its first event on, it asks for what it has not got, so that nothing is given, or paid for,
    twice. Save `id` and `last_sequence_number` to go on in another process, with `ResponsesStream.resume`.
    """

    _last_number: int | None = None

    def __init__(
        self,
        base_url: str | None = None,
        model: str = "",
        input: Input = "",  # noqa: A002
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
            base_url: Where the API is, with its version. By default the value of `OPENAI_BASE_URL`, or else
                OpenAI.
            model: The model.
            input: What to respond to: a text, or items as the API has them.
            api_key: The key, or a function of no arguments that gives it for each attempt. By default the
                value of `OPENAI_API_KEY`.
            session: A session of yours, used as it is and not closed.
            timeouts: Limits on waiting, in seconds; by default 5 for a connection and 600 of silence.
            retry: When to try again before the first delta; by default three attempts in all, and ten in a
                row for a response in the background, at any time.
            headers: Header fields, over those of the API.
            keep_chunks: Whether to keep the payloads in `chunks`.
            name: Your name for the stream, for logs and metrics.
            logger: Where log records go.
            metrics: What measures the stream; it needs a name.
            clock: The time, for tests.
            parameters: What else goes into the body: `background=`, `instructions=`, `tools=`...

        Raises:
            ConfigurationError: An argument cannot work.
        """
        if not parameters.get("prompt"):
            # A prompt that is kept at the server names both.
            require(model=model, input=input)
        is_resumable = parameters.get("background") is True
        request = _request(
            base_url,
            "",
            api_key,
            headers,
            body=body_of({"model": model or None, "input": input or None, **parameters}),
        )
        rest = _Rest(request.url)
        if is_resumable:
            retry = resuming(retry)
            request.resume = QueryCursor(_CURSOR, of=rest.number_in, url=rest.url)
        # fmt: off
        options = StreamOptions(
            session=session, timeouts=timeouts, retry=retry, name=name, logger=logger, metrics=metrics,
            clock=clock, keep_chunks=keep_chunks,
        )
        # fmt: on
        super().__init__(ResponsesFormat(resumable=is_resumable), request, options)
        rest.assembly = self._assembly

    @classmethod
    def resume(
        cls,
        response_id: str,
        starting_after: int | None = None,
        base_url: str | None = None,
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
    ) -> ResponsesStream:
        """Returns the stream of a response that was begun in the background, by any process.

        Args:
            response_id: Its id.
            starting_after: The number of the last event that is not to be given again; None for all.
            base_url: As for the class, as all that follows.
            api_key: The key.
            session: A session of yours.
            timeouts: Limits on waiting.
            retry: When to try again; by default ten attempts in a row.
            headers: Header fields.
            keep_chunks: Whether to keep the payloads.
            name: Your name for the stream.
            logger: Where log records go.
            metrics: What measures the stream.
            clock: The time.

        Raises:
            ConfigurationError: An argument cannot work.
        """
        require(response_id=response_id)
        if starting_after is not None and (number_of(starting_after) is None or starting_after < 0):
            raise ConfigurationError(f"starting_after= takes the number of an event, not {starting_after!r}")
        request = _request(base_url, f"/{quote(response_id, safe='')}", api_key, headers)
        retry = resuming(retry)
        request.params = {"stream": "true"}
        rest = _Rest(request.url)
        request.resume = QueryCursor(_CURSOR, of=rest.number_in)
        request.last_event_id = None if starting_after is None else str(starting_after)
        # fmt: off
        options = StreamOptions(
            session=session, timeouts=timeouts, retry=retry, name=name, logger=logger, metrics=metrics,
            clock=clock, keep_chunks=keep_chunks,
        )
        # fmt: on
        stream = cls.__new__(cls)
        ModelStream.__init__(stream, ResponsesFormat(resumable=True), request, options)
        rest.assembly = stream._assembly  # noqa: SLF001
        return stream

    @property
    def last_sequence_number(self) -> int | None:
        """The number of the last event that was given, from which `resume` goes on; None before the first."""
        if self._last_number is not None:
            return self._last_number
        cursor = self.source.last_event_id
        return int(cursor) if cursor else None

    def _take(self, event: Event) -> None:
        super()._take(event)
        # Not the cursor, which moves when the next event is asked for: whoever saves this in the loop has
        # what the event gave.
        number = _number_in(self._assembly.payload_of(event))
        self._last_number = self._last_number if number is None else number


class _Rest:
    """What the rest of a response is to be had by: a URL, not known before its id is, and a number.

    Attributes:
        assembly: The response, as it is put together.
    """

    def __init__(self, responses_url: str) -> None:
        self._responses_url = responses_url
        self.assembly: Assembly | None = None

    def url(self) -> str:
        """Returns the URL of the response that is being put together."""
        response_id = "" if self.assembly is None else self.assembly.answer.id or ""
        url = under(self._responses_url, f"/{quote(response_id, safe='')}")
        return f"{url}{'&' if urlsplit(url).query else '?'}stream=true"

    def number_in(self, event: Event) -> int | None:
        """Returns the number of an event that was given; None if it has none, as a heartbeat."""
        return None if self.assembly is None else _number_in(self.assembly.payload_of(event))


def _number_in(payload: Payload) -> int | None:
    return number_of(payload.get("sequence_number"))


def _request(
    base_url: str | None,
    path: str,
    api_key: Key | None,
    headers: Mapping[str, str] | None,
    *,
    body: Mapping[str, object] | None = None,
) -> ModelRequest:
    return ModelRequest(
        url=endpoint_of(base_url, _URL_VARIABLE, _URL, f"/responses{path}", begun="/responses"),
        key=key_of(api_key, _KEY_VARIABLE),
        key_header="Authorization",
        key_scheme="Bearer ",
        key_variables=(_KEY_VARIABLE,),
        extra_headers=headers or {},
        body=body,
    )
