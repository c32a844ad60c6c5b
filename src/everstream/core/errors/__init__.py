"""Every error that leaves the library.

Rule: this folder imports only what the errors carry; the values of `events`, which imports it, it names
for type checkers alone. An error keeps what a reader of it needs as attributes, and makes its message
from them. No message and no representation holds the user-info or query of a URL, a header value (but
for a media type that was refused), or anything the server sent as a payload (but for the message of an
error that it reported): errors end up in logs.

- `EverstreamError`
    - `ConfigurationError`: an argument cannot work (also a `ValueError`)
    - `ConnectFailed`: DNS, refused, TLS, proxy
        - `CertificateInvalid`: the server's certificate is not to be trusted (permanent)
    - `StreamTimeout`: connect | read | first_event | event_idle
    - `StreamInterrupted`: the body ended or was cut
    - `ResponseRejected`: the response is no event stream
        - `StatusRejected`: not 200
        - `ContentTypeRejected`: 200, but not `text/event-stream` (permanent)
        - `RedirectRejected`: a redirect that leads nowhere, or where we will not go (permanent)
    - `EventTooLarge`: an event above `max_event_bytes` (permanent)
    - `RetriesExhausted`: the policy's `stop` said so (permanent)
    - `StreamIncomplete`: ended without the `until` that was asked for
        - `AnswerIncomplete`: the answer of a model broke off
    - `PayloadError`: the stream is well, what it carried is not
        - `InvalidJSON`: the data of an event is no JSON
        - `ProviderError`: an error that the server reported, in the stream or in place of one
    - `HandlerFailed`: the handler of a worker could not handle an event (permanent)
    - `CheckpointError`: a checkpoint store is corrupt (permanent), locked or out of reach
"""

from everstream.core.errors.answer import AnswerIncomplete
from everstream.core.errors.base import ConfigurationError, EverstreamError
from everstream.core.errors.checkpoint import CheckpointError
from everstream.core.errors.connection import (
    CertificateInvalid,
    ConnectFailed,
    EventTooLarge,
    InterruptionReason,
    RetriesExhausted,
    StreamIncomplete,
    StreamInterrupted,
    StreamTimeout,
    TimeoutKind,
)
from everstream.core.errors.handling import HandlerFailed
from everstream.core.errors.payload import InvalidJSON, PayloadError, ProviderError
from everstream.core.errors.response import (
    ContentTypeRejected,
    RedirectRejected,
    ResponseRejected,
    StatusRejected,
)

__all__ = [
    "AnswerIncomplete",
    "CertificateInvalid",
    "CheckpointError",
    "ConfigurationError",
    "ConnectFailed",
    "ContentTypeRejected",
    "EventTooLarge",
    "EverstreamError",
    "HandlerFailed",
    "InterruptionReason",
    "InvalidJSON",
    "PayloadError",
    "ProviderError",
    "RedirectRejected",
    "ResponseRejected",
    "RetriesExhausted",
    "StatusRejected",
    "StreamIncomplete",
    "StreamInterrupted",
    "StreamTimeout",
    "TimeoutKind",
]
