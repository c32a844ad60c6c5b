"""A real server: redis, in a folder of its own, on a free port of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.reading import DEADLINE, wait_until

if TYPE_CHECKING:
    from types import TracebackType

    import redis
    from typing_extensions import Self

__all__ = ["RedisServer", "require_redis"]

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/bin"])
_PERSISTENCE = {
    "none": ["--save", "", "--appendonly", "no"],
    "save": ["--save", "3600 1", "--appendonly", "no"],
    "appendonly": ["--save", "", "--appendonly", "yes", "--appendfsync", "always"],
}
"""What is kept by `stop()`: with `save`, redis writes its snapshot when it is told to stop."""


def require_redis() -> None:
    """Skips the test where redis-server is missing; in CI, where it is installed, it fails."""
    if _server() is not None:
        return
    reason = "NOT TESTED ON REDIS: redis-server not found (apt-get install redis-server)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class RedisServer:
    """redis-server. Use it as a context manager.

    Args:
        home: A folder for its data and log.
        persistence: What it keeps its data with.
        options: Further options of redis-server, as in `["--requirepass", "secret"]`.
    """

    def __init__(
        self,
        home: Path,
        persistence: Literal["none", "save", "appendonly"] = "appendonly",
        options: tuple[str, ...] = (),
    ) -> None:
        self._home = home
        self._options = [*_PERSISTENCE[persistence], *options]
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # Between finding a free port and listening on it, somebody else may take it.
        for _ in range(5):
            self._port = _free_port()
            if self._starts():
                return self
        raise AssertionError(f"redis-server does not start: {self.log()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1; the same after a restart."""
        return self._port

    def url(self) -> str:
        """Gives its URL."""
        return f"redis://127.0.0.1:{self._port}/0"

    def client(self, **options: Any) -> redis.Redis:
        """Makes a client, which tries each command once, so that a test sees each failure.

        Args:
            options: Arguments of `redis.Redis`.
        """
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        options = {"socket_timeout": DEADLINE, "retry": Retry(NoBackoff(), 0), **options}
        return redis.Redis(host="127.0.0.1", port=self._port, **options)

    def start(self) -> None:
        """Starts it again, on the same port and with its data, and waits until it answers."""
        assert self._starts(), f"redis-server does not start again: {self.log()}"

    def stop(self) -> None:
        """Stops it as an operator does: it saves first, if it is to. Without effect if it is stopped."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """Stops it with SIGKILL: what it has not written is lost."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def log(self) -> str:
        """Gives its log so far."""
        path = self._home / "redis.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def _starts(self) -> bool:
        process = subprocess.Popen(self._command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: process.poll() is not None or self._answers(), "redis-server to answer")
        if process.poll() is None:
            self._process = process
        return self._process is not None

    def _command(self) -> list[str]:
        home = str(self._home)
        where = ["--bind", "127.0.0.1", "--port", str(self._port), "--dir", home]
        return [str(_server()), *where, "--logfile", f"{home}/redis.log", *self._options]

    def _answers(self) -> bool:
        """Returns whether it has loaded its data; one with a password wants that first, and is there too."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=DEADLINE) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


def _server() -> str | None:
    return shutil.which("redis-server", path=_PATH)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
