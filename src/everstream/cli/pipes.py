"""Our output, and its reader, who may go away."""

from __future__ import annotations

import os
import select
import stat
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TextIO

__all__ = ["abandon", "is_unread", "prepare", "until_unread"]


def prepare() -> None:
    """Makes a character that cannot be encoded no reason to crash, and UTF-8 what a pipe gets."""
    _reconfigure(sys.stderr, errors="backslashreplace")
    if sys.stdout.isatty():
        _reconfigure(sys.stdout, errors="backslashreplace")
    else:
        # JSON is UTF-8 (RFC 8259, 8.1), and so are event streams, whatever the locale. All at once: an
        # encoding without errors= makes them strict, and half of a character that was cut is no UTF-8.
        _reconfigure(sys.stdout, encoding="utf-8", errors="backslashreplace", newline="\n")


def _reconfigure(stream: TextIO, **settings: str) -> None:
    reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(**settings)


@contextmanager
def until_unread(out: TextIO, close: Callable[[], None]) -> Generator[None, None, None]:
    """Closes as soon as nobody reads a pipe any more.

    A write would notice it too, but on a quiet stream the next write may be hours away, and the command
    would keep a shell waiting after `head -1` has long ended.
    """
    if not _is_pipe(out):
        yield
        return
    done, finish = os.pipe()
    watch = threading.Thread(target=_watch, args=(out.fileno(), done, close), daemon=True)
    watch.start()
    try:
        yield
    finally:
        os.write(finish, b"!")
        watch.join()
        os.close(finish)
        os.close(done)


def is_unread(out: TextIO) -> bool:
    """Returns whether this is a pipe that nobody reads any more."""
    if not _is_pipe(out):
        return False
    poll = select.poll()
    poll.register(out.fileno(), 0)
    return bool(poll.poll(0))


def _is_pipe(out: TextIO) -> bool:
    # Windows has no poll().
    try:
        return hasattr(select, "poll") and stat.S_ISFIFO(os.fstat(out.fileno()).st_mode)
    except (OSError, ValueError):
        return False


def _watch(pipe: int, done: int, close: Callable[[], None]) -> None:
    poll = select.poll()
    # No event is asked for: an error is always reported.
    poll.register(pipe, 0)
    poll.register(done, select.POLLIN)
    ready = dict(poll.poll())
    if done not in ready:
        close()


def abandon() -> None:
    """Makes what is still buffered for a broken pipe vanish, where the interpreter would complain."""
    for stream in (sys.stdout, sys.stderr):
        _abandon(stream)


def _abandon(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
