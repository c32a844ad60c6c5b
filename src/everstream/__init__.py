"""everstream: a resilient consumer of Server-Sent Events.

    from everstream import EventSource

    with EventSource("https://stream.example/events") as source:
        for event in source:
            print(event.type, event.data, event.id)

Names are imported when they are used. So `import everstream` alone, which the pytest plugin of
`everstream.testing` makes in every test session, costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everstream.clock import Clock, SystemClock
    from everstream.core.backoff import FullJitter
    from everstream.core.decoding import JSONValue
    from everstream.core.deduplication import Dedupe
    from everstream.core.errors import (
        AnswerIncomplete,
        CertificateInvalid,
        CheckpointError,
        ConfigurationError,
        ConnectFailed,
        ContentTypeRejected,
        EventTooLarge,
        EverstreamError,
        HandlerFailed,
        InvalidJSON,
        PayloadError,
        ProviderError,
        RedirectRejected,
        ResponseRejected,
        RetriesExhausted,
        StatusRejected,
        StreamIncomplete,
        StreamInterrupted,
        StreamTimeout,
    )
    from everstream.core.events import (
        Closed,
        Comment,
        Connecting,
        Duplicate,
        Event,
        Failed,
        Interrupted,
        Opened,
        Outcome,
        Position,
        ReadyState,
        ResumeRejected,
        RetryHint,
        StreamItem,
        WireItem,
    )
    from everstream.core.headers import Headers
    from everstream.core.observations import (
        CheckpointFailed,
        CheckpointSaved,
        Observation,
        Received,
        Unacknowledged,
    )
    from everstream.core.parsing import EventStreamParser
    from everstream.core.protocol import EventSourceProtocol
    from everstream.core.reconnection import Fail, Reconnect, Reconnector, RetryPolicy
    from everstream.core.redelivery import Redelivery
    from everstream.core.resumption import LastEventID, QueryCursor, Resumption
    from everstream.core.timeouts import Timeouts
    from everstream.core.watchdog import Watchdog
    from everstream.iteration import iter_events
    from everstream.observe.metrics import Metrics
    from everstream.observe.observer import Observer
    from everstream.settings import Settings, settings_from_env
    from everstream.source import EventSource
    from everstream.stats import Health, Stats
    from everstream.worker import GroupHealth, Worker, WorkerGroup, WorkerHealth

# In this order they are searched for a name. What most programs begin with comes first, so that these do not
# import what they do not use.
_MODULES = (
    "source",
    "core.backoff",
    "core.decoding",
    "core.deduplication",
    "core.errors",
    "core.events",
    "core.headers",
    "core.observations",
    "core.parsing",
    "core.protocol",
    "core.reconnection",
    "core.resumption",
    "core.timeouts",
    "core.watchdog",
    "clock",
    "stats",
    "iteration",
    "observe.observer",
    "observe.metrics",
    "core.redelivery",
    "worker",
    "settings",
)

__version__ = "0.1.0"

__all__ = [
    "AnswerIncomplete",
    "CertificateInvalid",
    "CheckpointError",
    "CheckpointFailed",
    "CheckpointSaved",
    "Clock",
    "Closed",
    "Comment",
    "ConfigurationError",
    "ConnectFailed",
    "Connecting",
    "ContentTypeRejected",
    "Dedupe",
    "Duplicate",
    "Event",
    "EventSource",
    "EventSourceProtocol",
    "EventStreamParser",
    "EventTooLarge",
    "EverstreamError",
    "Fail",
    "Failed",
    "FullJitter",
    "GroupHealth",
    "HandlerFailed",
    "Headers",
    "Health",
    "Interrupted",
    "InvalidJSON",
    "JSONValue",
    "LastEventID",
    "Metrics",
    "Observation",
    "Observer",
    "Opened",
    "Outcome",
    "PayloadError",
    "Position",
    "ProviderError",
    "QueryCursor",
    "ReadyState",
    "Received",
    "Reconnect",
    "Reconnector",
    "Redelivery",
    "RedirectRejected",
    "ResponseRejected",
    "ResumeRejected",
    "Resumption",
    "RetriesExhausted",
    "RetryHint",
    "RetryPolicy",
    "Settings",
    "Stats",
    "StatusRejected",
    "StreamIncomplete",
    "StreamInterrupted",
    "StreamItem",
    "StreamTimeout",
    "SystemClock",
    "Timeouts",
    "Unacknowledged",
    "Watchdog",
    "WireItem",
    "Worker",
    "WorkerGroup",
    "WorkerHealth",
    "__version__",
    "iter_events",
    "settings_from_env",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for path in _MODULES:
        module = importlib.import_module(f"{__name__}.{path}")
        globals().update({public: vars(module)[public] for public in module.__all__ if public in __all__})
        if name in globals():
            break
    value: object = globals()[name]
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
