"""Event sources that are read: to the end, or in a thread of their own while something is waited for."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

from everstream import Event, EventSource, EverstreamError, Failed, Interrupted, StreamItem

DEADLINE = 10.0
"""Seconds after which something that must happen at once counts as not happening."""

RECEIVING = {"readinto", "recv_into", "read"}
"""The innermost functions of a thread that waits for bytes: `SocketIO.readinto`, and those of `SSLSocket`."""

SHAKING_HANDS = {"do_handshake"}
BACKING_OFF = {"wait"}
"""`SystemClock.wait`."""


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Waits until a condition is true.

    Raises:
        AssertionError: If it is not within the deadline.
    """
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, f"waited {DEADLINE:g} s for {what}"
        time.sleep(0.001)


def is_in(thread: int | None, functions: Collection[str]) -> bool:
    """Returns whether the innermost function of a thread is one of these."""
    # A collection of garbage in the midst of this call can lock the interpreter up for good.
    gc.disable()
    try:
        frame = sys._current_frames().get(thread or 0)
    finally:
        gc.enable()
    return frame is not None and frame.f_code.co_name in functions


def open_sockets() -> set[str]:
    """Returns the sockets that this process has open."""
    found: set[str] = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # gone meanwhile
            found.add(str(descriptor.readlink()))
    return {name for name in found if name.startswith("socket:")}


def everything(source: EventSource) -> list[StreamItem]:
    """Reads an event source to its end."""
    return list(source.all(raise_on_failure=False))


def data_in(items: Iterable[StreamItem]) -> list[str]:
    """Returns the data of the events."""
    return [item.data for item in items if isinstance(item, Event)]


def errors_in(items: Iterable[StreamItem]) -> list[EverstreamError]:
    """Returns the errors of the stream, passing and final."""
    return [item.error for item in items if isinstance(item, (Interrupted, Failed))]


class Reading:
    """Reads an event source to its end, in a thread.

    Attributes:
        items: What it has given so far.
        error: What was raised at last, or None.
    """

    def __init__(self, source: EventSource) -> None:
        self.items: list[StreamItem] = []
        self.error: BaseException | None = None
        self._source = source
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def ident(self) -> int | None:
        """The identifier of the thread."""
        return self._thread.ident

    @property
    def data(self) -> list[str]:
        """The data of the events so far."""
        return data_in(self.items)

    def wait_for(self, count: int) -> None:
        """Waits until there are so many events."""
        wait_until(lambda: len(self.data) >= count, f"{count} events, got {self.data}")

    def wait_until_in(self, functions: Collection[str]) -> None:
        """Waits until the thread waits in one of these functions."""
        wait_until(lambda: is_in(self._thread.ident, functions), f"the reader to be in {functions}")

    def join(self) -> list[StreamItem]:
        """Returns all items, once the iteration has ended.

        Raises:
            AssertionError: If it does not end within the deadline.
        """
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), f"the reader has not ended; it got {self.items}"
        if self.error is not None:
            raise self.error
        return self.items

    def _read(self) -> None:
        try:
            for item in self._source.all(raise_on_failure=False):
                self.items.append(item)
        except BaseException as error:
            self.error = error
