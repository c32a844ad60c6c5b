"""A process group that does not outlive this process, however this one ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["ProcessGroup"]

_GUARD = """\
import os, signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.read(0, 1)
os.killpg(0, signal.SIGKILL)
"""
"""Its stdin is a pipe to which nobody writes: its end is ours."""

_Environment = Mapping[bytes, bytes]
_Stream = tuple[int, int, int] | tuple[int, int, str, int, int]
"""What a descriptor of a new process is, as `posix_spawn` takes it."""


class ProcessGroup:
    """Starts processes in a group of their own.

    Ctrl-C at a terminal, which signals a group, does not reach them. A small process leads the group,
    and kills it as soon as this one is gone: also by SIGKILL, after which we could do nothing. Use it in
    a `with` block; at its end, what still runs in the group is killed.
    """

    def __init__(self) -> None:
        self._guard = 0
        self._end = -1

    def __enter__(self) -> Self:
        # Where a parent has it ignored, the system forgets how children ended.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._start_guard()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._guard, signal.SIGKILL)
        os.close(self._end)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._guard, 0)

    def start(self, program: str, words: tuple[str, ...], environment: _Environment, stdin: int) -> int:
        """Starts a process, and returns its id.

        Args:
            program: The path of the program.
            words: Its name and arguments.
            environment: All of its environment.
            stdin: A descriptor that becomes its stdin.

        Raises:
            OSError: It cannot be started.
        """
        if os.waitpid(self._guard, os.WNOHANG) != (0, 0):
            os.close(self._end)
            self._start_guard()
        return _spawned(program, words, environment, [(os.POSIX_SPAWN_DUP2, stdin, 0)], self._guard)

    def _start_guard(self) -> None:
        theirs, self._end = os.pipe()
        words = (sys.executable, "-I", "-S", "-c", _GUARD)
        streams: list[_Stream] = [(os.POSIX_SPAWN_DUP2, theirs, 0)]
        streams += [(os.POSIX_SPAWN_OPEN, output, os.devnull, os.O_WRONLY, 0) for output in (1, 2)]
        try:
            self._guard = _spawned(sys.executable, words, os.environb, streams, 0)
        finally:
            os.close(theirs)


def _spawned(
    program: str, words: tuple[str, ...], environment: _Environment, streams: list[_Stream], group: int
) -> int:
    # Python ignores these two, and what is ignored stays so in a child. It would not learn of a broken pipe.
    defaults = [signal.SIGPIPE, signal.SIGXFSZ]
    return os.posix_spawn(
        program, words, environment, file_actions=streams, setpgroup=group, setsigdef=defaults
    )
