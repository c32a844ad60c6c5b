"""everstream: a resilient consumer of Server-Sent Events.

    from everstream import EventSource

    with EventSource("https://stream.example/events") as source:
        for event in source:
            print(event.type, event.data, event.id)

A name is imported when it is first used. So `import everstream` alone, which the pytest plugin of
`everstream.testing` makes in every test session, costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from everstream.clock import Clock, SystemClock
    from everstream.core.errors import (
        CertificateInvalid,
        ConfigurationError,
        ConnectFailed,
        ContentTypeRejected,
        EventTooLarge,
        EverstreamError,
        InvalidJSON,
        PayloadError,
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
        Event,
        Failed,
        Interrupted,
        Opened,
        Outcome,
        Position,
        RetryHint,
        StreamItem,
        WireItem,
    )
    from everstream.core.headers import Headers
    from everstream.core.parsing import EventStreamParser
    from everstream.core.protocol import Connecting, EventSourceProtocol, ReadyState
    from everstream.core.reconnection import Fail, FullJitter, Reconnect, Reconnector, RetryPolicy
    from everstream.core.resumption import LastEventID, QueryCursor, Resumption
    from everstream.core.timeouts import Timeouts
    from everstream.iteration import iter_events
    from everstream.source import EventSource
    from everstream.stats import Stats

_HOMES = {
    "everstream.clock": (
        "Clock",
        "SystemClock",
    ),
    "everstream.core.errors": (
        "CertificateInvalid",
        "ConfigurationError",
        "ConnectFailed",
        "ContentTypeRejected",
        "EventTooLarge",
        "EverstreamError",
        "InvalidJSON",
        "PayloadError",
        "RedirectRejected",
        "ResponseRejected",
        "RetriesExhausted",
        "StatusRejected",
        "StreamIncomplete",
        "StreamInterrupted",
        "StreamTimeout",
    ),
    "everstream.core.events": (
        "Closed",
        "Comment",
        "Event",
        "Failed",
        "Interrupted",
        "Opened",
        "Outcome",
        "Position",
        "RetryHint",
        "StreamItem",
        "WireItem",
    ),
    "everstream.core.headers": ("Headers",),
    "everstream.core.parsing": ("EventStreamParser",),
    "everstream.core.protocol": (
        "Connecting",
        "EventSourceProtocol",
        "ReadyState",
    ),
    "everstream.core.reconnection": (
        "Fail",
        "FullJitter",
        "Reconnect",
        "Reconnector",
        "RetryPolicy",
    ),
    "everstream.core.resumption": (
        "LastEventID",
        "QueryCursor",
        "Resumption",
    ),
    "everstream.core.timeouts": ("Timeouts",),
    "everstream.iteration": ("iter_events",),
    "everstream.source": ("EventSource",),
    "everstream.stats": ("Stats",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__version__ = "0.1.0"

__all__ = [
    "CertificateInvalid",
    "Clock",
    "Closed",
    "Comment",
    "ConfigurationError",
    "ConnectFailed",
    "Connecting",
    "ContentTypeRejected",
    "Event",
    "EventSource",
    "EventSourceProtocol",
    "EventStreamParser",
    "EventTooLarge",
    "EverstreamError",
    "Fail",
    "Failed",
    "FullJitter",
    "Headers",
    "Interrupted",
    "InvalidJSON",
    "LastEventID",
    "Opened",
    "Outcome",
    "PayloadError",
    "Position",
    "QueryCursor",
    "ReadyState",
    "Reconnect",
    "Reconnector",
    "RedirectRejected",
    "ResponseRejected",
    "Resumption",
    "RetriesExhausted",
    "RetryHint",
    "RetryPolicy",
    "Stats",
    "StatusRejected",
    "StreamIncomplete",
    "StreamInterrupted",
    "StreamItem",
    "StreamTimeout",
    "SystemClock",
    "Timeouts",
    "WireItem",
    "__version__",
    "iter_events",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
