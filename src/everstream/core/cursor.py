"""Where a stream is: the cursor for the next request, and the last event ID for the next parser.

With `LastEventID` the two are the same. A strategy of another kind makes a cursor of its own from the
events, and that must not be reported as the id of events without one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from everstream.core.events import Comment, Connecting, Duplicate, Position, RetryHint, WireItem
from everstream.core.resumption import LastEventID, Resumption

__all__ = ["Cursor"]

# [spec] 9.2.2: the request's header list has Accept: text/event-stream, and its cache mode is
# "no-store", for which Fetch sends Cache-Control: no-cache.
_HEADERS: Mapping[str, str] = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}


class Cursor:
    """Moves when an item is delivered, never when it is merely received.

    Attributes:
        value: The cursor; empty if there is none.
        last_event_id: The last event ID string (WHATWG HTML 9.2.2).
    """

    def __init__(self, resume: Resumption | None, value: str) -> None:
        self._resume: Resumption = LastEventID() if resume is None else resume
        self.set(value)

    @property
    def is_last_event_id(self) -> bool:
        """Whether it always is the last event ID, for which no item matters but the last that has one."""
        return type(self._resume) is LastEventID

    def set(self, value: str) -> None:
        """Moves it to a cursor that was kept elsewhere, or with an empty one to nowhere."""
        self.value = value
        is_id = self._resume.cursor_after(Position(value), "") == value
        self.last_event_id = value if is_id else ""

    def connecting(self, attempt: int) -> Connecting:
        """Returns what to send with the request that goes on after it.

        Args:
            attempt: The number of the attempt in its outage.
        """
        if not self.value:
            return Connecting(_HEADERS, {}, {}, attempt, "")
        headers, params = self._resume.request_headers(self.value), self._resume.request_params(self.value)
        ask_url: Callable[[str], str | None] | None = getattr(self._resume, "request_url", None)
        url = None if ask_url is None else ask_url(self.value)
        is_sent = bool(headers or params) or url is not None
        return Connecting(_HEADERS, headers, params, attempt, self.value if is_sent else "", url)

    def after(self, item: WireItem) -> str:
        """Returns what the value is once `item`, the next one, is delivered."""
        if isinstance(item, (Comment, RetryHint)):
            return self.value
        return self._resume.cursor_after(item.event if isinstance(item, Duplicate) else item, self.value)

    def move(self, item: WireItem) -> None:
        """Notes that an item was delivered."""
        self.value = self.after(item)
        if isinstance(item, Duplicate):
            item = item.event
        if not isinstance(item, (Comment, RetryHint)):
            self.last_event_id = item.id
