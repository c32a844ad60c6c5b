"""What a stream that is well carried, and cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from everstream.core.errors.base import EverstreamError
from everstream.core.wording import count, printable, status_line

if TYPE_CHECKING:
    from everstream.core.events import Event

__all__ = ["MESSAGE_CHARACTERS", "InvalidJSON", "PayloadError", "ProviderError"]

MESSAGE_CHARACTERS = 500
"""What a `ProviderError` shows of its message."""

_OK = 200


class PayloadError(EverstreamError):
    """What the stream carried cannot be used, though the stream itself is well."""


@dataclass(kw_only=True, eq=False, repr=False)
class InvalidJSON(PayloadError):
    """The data of an event is not JSON.

    Attributes:
        event: The event; its data is not in the message.
    """

    event: Event

    def __str__(self) -> str:
        size = f"{len(self.event.data)} characters"
        return f"the data of an event of type {printable(self.event.type)} is no JSON ({size})"


@dataclass(kw_only=True, eq=False, repr=False)
class ProviderError(PayloadError):
    """An error that the server reported, inside the stream or in place of one.

    If it came in place of a stream, the `__cause__` is the `ResponseRejected`, with all headers.

    Attributes:
        message: What the server said; as the one payload that is meant for logs, it is in the message.
        status: The HTTP status, or what the error itself names as one; None if there is neither.
        type: The server's word for the kind of error, such as `overloaded_error`.
        code: The server's code, such as `rate_limit_exceeded`.
        retryable: Whether the same request may succeed later.
        retry_after: Seconds that the server asked to wait, or None.
        text: The text of the answer that had come before; it is not in the message.
    """

    message: str
    status: int | None = None
    type: str | None = None
    code: str | None = None
    retryable: bool = False
    retry_after: float | None = None
    text: str = ""

    def __str__(self) -> str:
        kind = "" if self.status is None else f" {status_line(self.status)}"
        words = [printable(word) for word in dict.fromkeys((self.type, self.code)) if word]
        named = f" ({', '.join(words)})" if words else ""
        after = f" after {count(len(self.text), 'character')} of the answer" if self.text else ""
        said = printable(self.message, MESSAGE_CHARACTERS) or "it gave no reason"
        if self.status == _OK:
            # No error by its status: the message says what is wrong with the response.
            return said
        return f"the server reported an error{kind}{named}{after}: {said}"
