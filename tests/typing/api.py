"""The public API as a typed program uses it. Never run; `make types` checks it with mypy and pyright.

Whoever adds to the API adds a line here.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

import requests
import structlog
from requests.auth import AuthBase, HTTPBasicAuth
from tenacity import stop_after_attempt, stop_after_delay, wait_fixed, wait_random_exponential

from everstream import (
    AnswerIncomplete,
    CertificateInvalid,
    CheckpointError,
    CheckpointFailed,
    CheckpointSaved,
    Clock,
    Closed,
    Comment,
    ConfigurationError,
    ConnectFailed,
    Connecting,
    ContentTypeRejected,
    Dedupe,
    Duplicate,
    Event,
    EventSource,
    EventSourceProtocol,
    EventStreamParser,
    EventTooLarge,
    EverstreamError,
    Failed,
    FullJitter,
    HandlerFailed,
    Headers,
    Health,
    Interrupted,
    InvalidJSON,
    JSONValue,
    LastEventID,
    Observation,
    Opened,
    Outcome,
    PayloadError,
    Position,
    ProviderError,
    QueryCursor,
    ReadyState,
    Received,
    RedirectRejected,
    ResponseRejected,
    ResumeRejected,
    Resumption,
    RetriesExhausted,
    RetryHint,
    RetryPolicy,
    Settings,
    Stats,
    StatusRejected,
    StreamIncomplete,
    StreamInterrupted,
    StreamItem,
    StreamTimeout,
    Timeouts,
    Unacknowledged,
    WireItem,
    iter_events,
    settings_from_env,
)
from everstream.checkpoints import CheckpointStore, FileCheckpoint, MemoryCheckpoint, SQLiteCheckpoint
from everstream.testing import (
    RecordedRequest,
    SSEServer,
    connection,
    cut,
    event,
    no_content,
    stall,
    status,
)


def consume() -> None:
    """The shortest program."""
    with EventSource("https://stream.example/events") as source:
        for event in source:
            kind: str = event.type
            data: str = event.data
            last: str = event.id
            print(kind, data, last)
        state: ReadyState = source.state
        resume_from: str = source.last_event_id
        print(state is ReadyState.CLOSED, resume_from)


def one_event() -> Event:
    """Iterating by hand."""
    source = EventSource("https://stream.example/events")
    source.reconnect()
    try:
        return next(source)
    finally:
        source.close()


def every_argument(session: requests.Session) -> EventSource:
    """All arguments, as values."""
    return EventSource(
        "https://stream.example/events",
        method="POST",
        headers={"X-Client": "1"},
        params={"topic": "news"},
        json={"stream": True, "messages": [{"role": "user", "content": "hi"}]},
        auth=("user", "password"),
        session=session,
        timeouts=Timeouts(connect=5.0, read=60.0, first_event=30.0, event_idle=None),
        retry=RetryPolicy(),
        resume=LastEventID(),
        last_event_id="7",
        until="[DONE]",
        error_in=error_in,
        progress_in=lambda event: event.type != "ping",
        resume_rejected_on={410},
        on_resume_rejected="restart",
        replay_safe=True,
        ack="manual",
        max_unacknowledged=100,
        dedupe=Dedupe(key=lambda event: event.data[:10], size=100),
        checkpoint=MemoryCheckpoint(),
        checkpoint_key="news",
        checkpoint_interval=0.5,
        checkpoint_required=True,
        max_event_bytes=1024,
        name="news",
    )


def error_in(found: Event | ResponseRejected) -> EverstreamError | None:
    """Finds errors in events, and in what refused responses say."""
    match found:
        case Event(type="error", data=data):
            return ProviderError(message=data, type="overloaded_error", retryable=True, retry_after=1.0)
        case ResponseRejected(body_excerpt=body, status=status):
            return ProviderError(message=body.decode(), status=status)
        case _:
            return None


def endings() -> list[EventSource]:
    """A text is not delivered; the event that a function picks is."""
    url = "https://stream.example/events"
    return [
        EventSource(url, until="[DONE]"),
        EventSource(url, until=lambda event: event.type == "message_stop"),
        EventSource(url, error_in=lambda found: None),
    ]


class Delta:
    """What a caller makes of data."""

    def __init__(self, text: str) -> None:
        self.text = text


def values(source: EventSource, event: Event) -> list[object]:
    """JSON is a value of its types; a parser of the caller's own gives what it gives."""
    value: JSONValue = event.json()
    value = event.json("orjson")
    if isinstance(value, dict):
        value = value.get("error")
    delta: Delta = event.json(Delta)
    numbers: list[int] = [number + 1 for number in source.json(int)]
    texts: list[str] = [delta.text for delta in source.json(Delta, on_invalid="skip")]
    either: list[Delta | Event] = list(source.json(Delta, on_invalid="event"))
    plain: Iterator[JSONValue] = source.json("msgspec", on_invalid="raise")
    with_events: Iterator[JSONValue | Event] = source.json(on_invalid="event")
    return [value, delta, numbers, texts, either, plain, with_events]


class Token(AuthBase):
    """The caller's own way to sign a request."""

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Signs it."""
        return r


def fresh_headers() -> Mapping[str, str]:
    """Called for every attempt."""
    return {"Authorization": "Bearer fresh"}


def callable_arguments() -> list[EventSource]:
    """Arguments that are asked again on every attempt."""
    url = "https://stream.example/events"
    return [
        EventSource(url, headers=fresh_headers, params=lambda: {"since": "now"}),
        EventSource(url, auth=lambda: ("user", "password")),
        EventSource(url, auth=Token()),
        EventSource(url, auth=lambda: HTTPBasicAuth("user", "password")),
        EventSource(url, method="POST", data=b"bytes"),
        EventSource(url, timeouts=Timeouts(read=None)),
    ]


def policies() -> list[RetryPolicy]:
    """The strategies of tenacity fit in, and every preset gives a policy."""
    return [
        RetryPolicy(
            wait=FullJitter(initial=0.5, cap=10.0),
            stop=stop_after_attempt(5) | stop_after_delay(60),
            retryable=lambda error: error.retryable,
            stable_after=30.0,
            min_server_delay=0.1,
            max_server_delay=60.0,
        ),
        RetryPolicy(wait=FullJitter() + wait_fixed(1)),
        RetryPolicy.never(),
        RetryPolicy.attempts(5, wait=wait_random_exponential(max=10)),
        RetryPolicy.within(60.0),
        RetryPolicy.forever(wait=wait_fixed(1)),
    ]


def operated(environ: dict[str, str], config: dict[str, dict[str, object]]) -> list[EventSource]:
    """Timeouts and policies come from an environment, or from a file."""
    url = "https://stream.example/events"
    settings: Settings = settings_from_env("ORDERS_STREAM_", environ)
    settings.setdefault("retry", RetryPolicy.attempts(5))
    numbers: dict[str, float] = {"connect_seconds": 3.0}
    return [
        EventSource(url, **settings_from_env("ORDERS_STREAM_")),
        EventSource(url, name="orders", **settings),
        EventSource(
            url,
            timeouts=Timeouts.from_mapping(config["timeouts"]),
            retry=RetryPolicy.from_mapping({"max_attempts": "5", "max_outage_seconds": None}),
        ),
        EventSource(url, timeouts=Timeouts.from_mapping(numbers)),
    ]


def resumptions() -> list[Resumption]:
    """Ways to resume; a third party's would fit in as well."""
    return [
        LastEventID(),
        QueryCursor("starting_after", of=lambda event: event.id),
        QueryCursor("after", of=lambda event: 7, url=lambda: "https://stream.example/rest"),
    ]


class OwnStore:
    """A checkpoint store of the caller's own: no base class is needed."""

    def load(self, key: str) -> str | None:
        """Returns what was saved."""
        return None

    def save(self, key: str, last_event_id: str) -> None:
        """Saves it."""


def stores() -> list[CheckpointStore]:
    """Ours, and one of the caller's own."""
    return [MemoryCheckpoint(), FileCheckpoint("a.json"), SQLiteCheckpoint("a.db"), OwnStore()]


def acknowledge(source: EventSource) -> str:
    """By hand; and where a restart and a reconnect go on."""
    for each in source:
        source.ack(each)
    return source.last_acknowledged_id + source.last_event_id


def look_after(source: EventSource) -> dict[str, str | int | float | bool | None]:
    """Health is plain data."""
    health: Health = source.health()
    since: float | None = health.connected_since
    if health.state == "backing off" and health.alive and not health.ready:
        print(since, health.next_attempt, health.attempts)
    return health.as_dict()


class OwnMetrics:
    """What measures a stream; ours has the same shape."""

    def observer(self, stream: str) -> Callable[[Observation, Clock], None]:
        """Returns what is told everything."""

        def observe(item: Observation, clock: Clock) -> None:
            match item:
                case Received(bytes=size):
                    print(stream, size, clock.monotonic())
                case CheckpointSaved(last_event_id=last):
                    print(last)
                case CheckpointFailed(error=error, last_event_id=last):
                    print(error.store, error.retryable, last)
                case Unacknowledged(events=events, seconds=seconds):
                    print(events, seconds)
                case _:
                    pass

        return observe


def measured() -> EventSource:
    """Metrics need a name."""
    return EventSource("https://stream.example/events", name="news", metrics=OwnMetrics())


def describe(item: StreamItem) -> str:
    """`all()` gives a closed union: a type checker sees that no case is missing."""
    match item:
        case Opened(status=status, headers=headers, attempt=attempt, downtime=downtime):
            content_type: str = headers["content-type"]
            return f"{status} {content_type} {attempt} {downtime or 0.0:.1f}"
        case Interrupted(error=error, delay=delay, attempt=attempt):
            return f"{error} {error.retryable} {delay:.1f} {attempt}"
        case Closed(reason=reason):
            return "as asked" if reason in ("close", "until") else reason
        case Failed(error=error):
            return str(error)
        case ResumeRejected(error=error, last_event_id=last, restarts=restarts):
            return f"{error.status} {last} {restarts}"
        case Event() | Comment() | RetryHint() | Position() | Duplicate():
            return describe_wire(item)


def describe_wire(item: WireItem) -> str:
    """What the parser gives is a closed union too."""
    match item:
        case Event(type=kind, data=data):
            return kind + data
        case Comment(text=text):
            return text
        case RetryHint(delay=delay):
            return f"{delay:.1f}"
        case Position(id=position):
            return position
        case Duplicate(event=event):
            return event.data


def everything() -> Iterator[str]:
    """All items, and the statistics at the end."""
    with EventSource("https://stream.example/events") as source:
        for item in source.all(raise_on_failure=False):
            yield describe(item)
        stats: Stats = source.stats
        counts: tuple[int, ...] = (
            stats.connects,
            stats.interruptions,
            stats.events,
            stats.duplicates,
            stats.bytes,
            stats.checkpoint_saves,
            stats.checkpoint_failures,
        )
        last: float | None = stats.last_event_time
        error: EverstreamError | None = stats.last_error
        yield f"{counts} {last} {error}"


def parse(response: requests.Response, chunks: list[bytes]) -> list[object]:
    """`iter_events` takes a response or chunks; the parser takes bytes; JSON comes parsed."""
    parser = EventStreamParser("7", max_event_bytes=1024)
    items: list[WireItem] = parser.feed(b"data: 1\n\n")
    hint: float | None = parser.reconnection_time
    events: list[Event] = [*iter_events(response, until="[DONE]"), *iter_events(chunks)]
    events.extend(iter_events(chunks, until=lambda event: event.type == "end"))
    return [items, hint, parser.last_event_id, *(event.json() for event in events)]


def explain(error: EverstreamError) -> object:
    """Each error carries what a caller needs to decide."""
    match error:
        case StatusRejected():
            status: int = error.status
            after: float | None = error.retry_after
            body: bytes = error.body_excerpt
            headers: Headers = error.headers
            return status, after, body, headers
        case ContentTypeRejected():
            return error.content_type, error.status
        case RedirectRejected():
            return error.status, error.reason
        case ResponseRejected() | ConfigurationError():
            return str(error)
        case CertificateInvalid() | ConnectFailed():
            return error.host, error.reason
        case StreamTimeout():
            seconds: float | None = error.seconds
            return error.kind, seconds
        case StreamInterrupted():
            return error.reason, error.bytes_received, error.events_received
        case EventTooLarge():
            limit: int = error.limit
            return limit
        case RetriesExhausted():
            return error.attempts, error.elapsed, error.__cause__
        case AnswerIncomplete():
            reason: str = error.reason
            return error.text, reason, error.received
        case StreamIncomplete():
            until: str | None = error.until
            received: tuple[Event, ...] = error.received
            return until, received, error.events_received, error.bytes_received
        case ProviderError():
            wait: float | None = error.retry_after
            return error.message, error.status, error.type, error.code, wait, error.text
        case InvalidJSON():
            event: Event = error.event
            return event
        case HandlerFailed():
            return error.event, error.attempts
        case CheckpointError():
            return error.store, error.reason, error.retryable
        case PayloadError() | _:
            return error.retryable


def close_on_signal(source: EventSource) -> None:
    """`close` can be called by a signal handler."""

    def stop(number: int, frame: FrameType | None) -> None:
        source.close()

    signal.signal(signal.SIGTERM, stop)


def own_loggers() -> list[EventSource]:
    """A logger of structlog or of the standard library is taken as it is."""
    url = "https://stream.example/events"
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return [EventSource(url, logger=bound), EventSource(url, logger=logging.getLogger("mine"))]


def own_shell(status: int, headers: dict[str, str], chunks: list[bytes], now: float) -> float | None:
    """The core, driven by a program that does its own I/O; returns when to connect again."""
    protocol = EventSourceProtocol(retry=RetryPolicy.attempts(3), last_event_id="7")
    connecting: Connecting = protocol.connecting(now)
    sent: list[tuple[str, str | bytes]] = [*connecting.headers.items(), *connecting.cursor_headers.items()]
    opened: Opened | Closed = protocol.opened(status, Headers(headers), now)
    outcome: Outcome | None = None
    for chunk in chunks:
        for item in protocol.receive(chunk, now):
            if isinstance(item, (Interrupted, Closed, Failed)):
                outcome = item
            else:
                protocol.delivered(item)
    print(sent, opened, protocol.last_event_id, protocol.state)
    match outcome or protocol.ended(now):
        case Interrupted(delay=delay):
            return now + delay
        case Closed() | Failed():
            return None


def scripted(sse_server: SSEServer) -> list[str | None]:
    """The scripted server, as a test of a consumer uses it."""
    sse_server.script(
        [
            connection(event("one", id="1"), cut(), framing="close", split=1),
            status(503, retry_after=1),
            [event("two", id="2", type="update"), stall()],
        ],
        then=no_content(),
    )
    with EventSource(sse_server.url) as source:
        print(next(source).data)
    requests_seen: list[RecordedRequest] = sse_server.wait_for_requests(1)
    return [request.last_event_id for request in requests_seen]
