"""Runs the real command: in pipes, and on a terminal that can be read."""

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from everstream.cli.app import app

DEADLINE = 20.0
"""Seconds that are more than enough for anything; waiting ends as soon as what is waited for is there."""

COMMAND = (sys.executable, "-m", "everstream")
_LEFT_OUT = re.compile("(?i)(.*_proxy|columns|lines|no_color|force_color|term|python.*|lc_.*|lang)")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Returns this environment without what changes how a command prints, and with more."""
    kept = {name: value for name, value in os.environ.items() if not _LEFT_OUT.fullmatch(name)}
    return {**kept, "LC_ALL": "C.UTF-8", **more}


def everstream(*arguments: str, stdin: bytes = b"", **more: str) -> Done:
    """Runs the command to its end, with its output in pipes."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        timeout=DEADLINE,
        env=environment(**more),
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def everstream_here(*arguments: str) -> Done:
    """Runs the command in this process: quicker, where it matters only what it makes of its options."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app(arguments, prog_name="everstream")
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    out.seek(0)
    err.seek(0)
    return Done(code, out.read(), err.read())


def shell(script: str, *arguments: str, **more: str) -> Done:
    """Runs a script of bash; in it, `$everstream` is the command."""
    done = subprocess.run(
        ["bash", "-c", script, "bash", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE,
        env=environment(everstream=" ".join(COMMAND), **more),
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def piped(command: Sequence[str], folder: Path | None = None, **more: str) -> Iterator[subprocess.Popen[str]]:
    """Runs a command line with its output in pipes; it is killed at the end if it still runs."""
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(**more),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def running(*arguments: str, **more: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """Runs our command with its output in pipes; it is killed at the end if it still runs."""
    return piped([*COMMAND, *arguments], **more)


def line_from(stream: IO[str] | None) -> str:
    """Returns the next line of a process's output, which must come before the deadline."""
    assert stream is not None
    line = b""
    # Past the stream's own buffer, where a second line would be hidden from select().
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([stream], [], [], DEADLINE)
        assert readable, f"no line came in time, only {line!r}"
        byte = os.read(stream.fileno(), 1)
        assert byte, f"the output ended with {line!r}"
        line += byte
    return line.decode()


@dataclass
class Terminal:
    """A process on a terminal, and what the terminal shows.

    It understands what the command may send, and fails on any other control character.
    """

    process: subprocess.Popen[bytes]
    master: int
    raw: str = ""
    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0
    undecoded: bytes = b""

    @property
    def text(self) -> str:
        """All lines that are and were on the screen, as they are now."""
        return "\n".join(line.rstrip() for line in self.lines)

    def until(self, condition: Callable[[str], object]) -> str:
        """Reads until the text of the screen fulfils a condition, and returns it."""
        deadline = time.monotonic() + DEADLINE
        while not condition(self.text):
            assert self._read(deadline), f"the terminal never showed it:\n{self.text}"
        return self.text

    def shows(self, text: str) -> str:
        """Reads until the screen shows a text."""
        return self.until(lambda screen: text in screen)

    def ended(self) -> int:
        """Reads to the end, and returns the exit code."""
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        return self.process.wait(DEADLINE)

    def interrupt(self) -> None:
        """Does what Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def _read(self, deadline: float) -> bool:
        readable, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
        assert readable, f"nothing more came in time:\n{self.text}"
        try:
            data = os.read(self.master, 65536)
        except OSError:  # Linux says so when the other side is closed
            return False
        # A character or a sequence may be cut in two between reads.
        text, self.undecoded = _whole(self.undecoded + data)
        self.raw += text
        self._show(text)
        return bool(data)

    def _show(self, text: str) -> None:
        for sequence, character in re.findall(r"(\x1b\[[0-9;?]*[A-Za-z])|(.)", text, re.DOTALL):
            if sequence:
                self._obey(sequence)
            elif character == "\r":
                self.column = 0
            elif character == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            else:
                assert character.isprintable(), f"the terminal was sent {character!r}"
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + character + line[self.column + 1 :]
                self.column += 1

    def _obey(self, sequence: str) -> None:
        if sequence.endswith("A"):
            self.row = max(0, self.row - int(sequence[2:-1] or 1))
        elif sequence == "\x1b[2K":
            self.lines[self.row] = ""
        else:
            assert re.fullmatch(r"\x1b\[([0-9;]*m|\?25[lh])", sequence), f"it was sent {sequence!r}"


@contextmanager
def on_terminal(*arguments: str, columns: int = 100, **more: str) -> Iterator[Terminal]:
    """Runs the command on a terminal of its own, as a shell would."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(**{"TERM": "xterm-256color", **more}),
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def _whole(data: bytes) -> tuple[str, bytes]:
    """Returns what can be shown already, and the rest."""
    end = re.search(rb"\x1b(\[[0-9;?]*)?$|[\xc0-\xff][\x80-\xbf]*$", data)
    if end and (end[0][0] == 0x1B or len(end[0]) < _length(end[0][0])):
        return data[: end.start()].decode(), data[end.start() :]
    return data.decode(), b""


def _length(first: int) -> int:
    """Returns how many bytes a character has that begins with this one."""
    return 2 if first < 0xE0 else 3 if first < 0xF0 else 4


def stopped(process: subprocess.Popen[str], number: signal.Signals) -> Done:
    """Sends a signal, and returns how the process ended."""
    process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE)
    return Done(process.returncode, out, err)
