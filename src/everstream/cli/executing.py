"""The command that `--exec` names, run once for each event."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

from everstream import ConfigurationError, Event
from everstream.cli.attempt import Abandoned, Attempt
from everstream.cli.process_group import ProcessGroup

__all__ = ["CommandFailed", "executing"]


class CommandFailed(Exception):
    """A command ended with another status than 0."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)

    def __str__(self) -> str:
        if self.status >= 0:
            return f"the command ended with exit status {self.status}"
        return f"the command was killed by {_signal_name(-self.status)}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextmanager
def executing(command: str) -> Generator[Attempt, None, None]:
    """Gives attempts at events by a command; at the end of the block, what still runs of it is killed.

    Args:
        command: A command line with the quoting of a shell. It is run without one.

    Raises:
        ConfigurationError: It is not there.
    """
    if sys.platform == "win32":
        raise ConfigurationError("--exec needs the process groups of POSIX; use --handler")
    words = _words(command)
    program = shutil.which(words[0])
    if program is None:
        raise ConfigurationError(f"--exec: there is no command {words[0]} that may be run")
    with ProcessGroup() as group:
        execution = _Execution(program, words, group)
        try:
            yield execution
        finally:
            execution.is_over = True


def _words(command: str) -> tuple[str, ...]:
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise ConfigurationError(f"--exec: {error}") from None
    if not words:
        raise ConfigurationError("--exec takes a command")
    return words


class _Execution:
    """Runs a command for an event.

    Attributes:
        is_over: Whether it is about to be killed.
    """

    def __init__(self, program: str, words: tuple[str, ...], group: ProcessGroup) -> None:
        self.is_over = False
        self._program = program
        self._words = words
        self._group = group

    def __call__(self, event: Event, attempt: int) -> None:
        """Runs it, and waits for its end.

        Raises:
            CommandFailed: It has failed.
            Abandoned: It was killed, by us.
            OSError: It cannot be started.
        """
        reading, writing = os.pipe()
        try:
            try:
                process = self._group.start(self._program, self._words, _environment(event, attempt), reading)
            finally:
                os.close(reading)
            _write(writing, event.data.encode())
        finally:
            os.close(writing)
        _, status = os.waitpid(process, 0)
        if self.is_over:
            raise Abandoned
        if status != 0:
            raise CommandFailed(os.waitstatus_to_exitcode(status))


def _environment(event: Event, attempt: int) -> dict[bytes, bytes]:
    return {
        **os.environb,
        b"EVERSTREAM_EVENT_TYPE": _value(event.type),
        b"EVERSTREAM_EVENT_ID": _value(event.id),
        b"EVERSTREAM_ATTEMPT": _value(str(attempt)),
    }


def _value(text: str) -> bytes:
    # An environment cannot hold NUL, which the type of an event can.
    return text.replace("\0", "\ufffd").encode()


def _write(pipe: int, data: bytes) -> None:
    """Writes all of it, or as much as the command takes."""
    rest = memoryview(data)
    with contextlib.suppress(BrokenPipeError):
        while rest:
            rest = rest[os.write(pipe, rest) :]
