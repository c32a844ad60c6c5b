"""The requests of one server, in the order of arrival, and waiting for them."""

from __future__ import annotations

import threading
import time

from everstream.testing.acceptor import Arrival
from everstream.testing.recording import RecordedRequest, recorded

__all__ = ["Journal"]


class Journal:
    """Records requests, and what becomes of them; any thread may write and wait."""

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self._changed = threading.Condition()

    def arrived(self, arrival: Arrival) -> RecordedRequest:
        """Records a request."""
        with self._changed:
            number, now = len(self.requests), time.monotonic()
            request = recorded(arrival.head, arrival.body, arrival.peer, number, now)
            self.requests.append(request)
            self._changed.notify_all()
            return request

    def ended(self, request: RecordedRequest, *, client_gone: bool) -> None:
        """Records that the server is done with a request."""
        with self._changed:
            request.ended = time.monotonic()
            if client_gone:
                request.client_gone.set()
            self._changed.notify_all()

    def wait_for(self, count: int, timeout: float) -> list[RecordedRequest]:
        """Waits until so many requests have come."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, timeout):
                raise AssertionError(
                    f"waited {timeout:g} s for {count} requests, saw {len(self.requests)}"
                    + "".join(f"\n  {request}" for request in self.requests)
                )
            return self.requests[:count]

    def wait_until_client_gone(self, number: int, timeout: float) -> None:
        """Waits until the client of a request has closed its connection."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over(number), timeout)
            if len(self.requests) <= number:
                raise AssertionError(f"request {number} did not come within {timeout:g} s")
            request = self.requests[number]
            if not request.client_gone.is_set():
                when = f"within {timeout:g} s" if request.ended is None else "before the server"
                raise AssertionError(f"the client of request {number} did not go {when}")

    def _is_over(self, number: int) -> bool:
        return len(self.requests) > number and self.requests[number].ended is not None
