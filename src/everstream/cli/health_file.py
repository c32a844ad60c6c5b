"""The health of a worker in a file, for a probe that looks at files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from everstream import ConfigurationError
from everstream.observe.logs import StreamLog

__all__ = ["keeping_health_file"]

_SECONDS_BETWEEN_WRITES = 1.0
_NEW = ".everstream-new"


@contextmanager
def keeping_health_file(path: Path, report: Callable[[], str], log: StreamLog) -> Generator[None, None, None]:
    """Writes a report at the start of the block, every second, and at the end.

    Args:
        path: The file. A reader finds a whole report in it at any time.
        report: Gives what to write.
        log: Where it is told if it cannot be written.

    Raises:
        ConfigurationError: It cannot be written at the start.
    """
    try:
        _replace(path, report())
    except OSError as error:
        raise ConfigurationError(f"--health-file {path}: {error.strerror}") from error
    over = threading.Event()
    # Not the ticks of the main thread: it also has to be fresh while that waits for the event in hand.
    writer = threading.Thread(target=_keep, args=(path, report, log, over), name="health file", daemon=True)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def _keep(path: Path, report: Callable[[], str], log: StreamLog, over: threading.Event) -> None:
    was_told, is_last = False, False
    while not is_last:
        is_last = over.wait(_SECONDS_BETWEEN_WRITES)
        try:
            _replace(path, report())
        except OSError as error:
            if not was_told:
                log.write("warning", "health_file.failed", {"error": error.strerror})
            was_told = True
        else:
            was_told = False


def _replace(path: Path, text: str) -> None:
    # Through a link to where the file really is; and into its folder, so that it is replaced in one step.
    target = path.resolve()
    new = target.with_name(f".{target.name}{_NEW}")
    new.write_text(text, encoding="utf-8")
    new.replace(target)
