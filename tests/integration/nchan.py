"""A real server: nginx with nchan, in a folder of its own, on a free port of this machine."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reading import DEADLINE, wait_until

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Nchan", "require_nchan"]

_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_MODULE = "ngx_nchan_module.so"
_MODULE_FOLDERS = ("/usr/lib/nginx/modules", "/usr/share/nginx/modules", "/usr/lib64/nginx/modules")
_CONFIGURATION = """\
load_module {module};
{user}
worker_processes {workers};
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log notice;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  nchan_shared_memory_size {memory};
  keepalive_requests 1000000;
  {redis}
  server {{
    listen 127.0.0.1:{port};
    location ~ ^/publish/(\\w+)$ {{
      nchan_publisher;
      nchan_channel_id $1;
      {store}
      nchan_message_buffer_length {messages};
      nchan_message_timeout 1h;
    }}
    location ~ ^/events/(\\w+)$ {{
      nchan_subscriber eventsource;
      nchan_channel_id $1;
      {store}
    }}
  }}
}}
"""
_REDIS = "upstream redis {{ nchan_redis_server redis://127.0.0.1:{port}; }}"


def require_nchan() -> None:
    """Skips the test where nginx or nchan is missing; in CI, where they are installed, it fails."""
    missing = [name for name, found in (("nginx", _nginx()), (_MODULE, _module())) if found is None]
    if not missing:
        return
    reason = f"NOT TESTED ON NCHAN: {' and '.join(missing)} not found (apt-get install libnginx-mod-nchan)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Nchan:
    """nginx with nchan. Use it as a context manager.

    Args:
        home: A folder for its configuration, log and temporary files.
        workers: How many worker processes share the channels.
        messages: How many messages a channel keeps.
        memory: How much memory the workers share for them, in the words of nginx.
        redis: The port of a redis-server that keeps them instead.
    """

    def __init__(
        self,
        home: Path,
        workers: int,
        *,
        messages: int = 10_000,
        memory: str = "16M",
        redis: int | None = None,
    ) -> None:
        self.reloads = 0
        self._home = home
        self._workers = workers
        self._messages = messages
        self._memory = memory
        self._redis = redis
        self._port = 0
        self._last_id = ""

    def __enter__(self) -> Self:
        # Between finding a free port and listening on it, somebody else may take it.
        for _ in range(5):
            self._port = _free_port()
            self._configure()
            self._process = subprocess.Popen(self._command(), stderr=subprocess.DEVNULL)
            wait_until(lambda: self._process.poll() is not None or self._listens(), "nginx to listen")
            if self._process.poll() is None:
                self._wait_for_redis()
                return self
        raise AssertionError(f"nginx does not start: {self.log()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(DEADLINE)
        finally:
            self._process.kill()
        if kind is None:
            assert "exited on signal" not in self.log(), self.log()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self._port

    def url(self, channel: str) -> str:
        """Gives the URL of a channel's event stream."""
        return f"http://127.0.0.1:{self._port}/events/{channel}"

    def publish(self, channel: str, message: str) -> str:
        """Publishes a message, on a connection of its own, which a reload cannot close too early.

        Returns:
            The id that nchan gave it.
        """
        connection = http.client.HTTPConnection(*self.address, timeout=DEADLINE)
        headers = {"Connection": "close", "Content-Type": "text/plain"}
        with closing(connection):
            connection.request("POST", f"/publish/{channel}", message.encode(), headers)
            response = connection.getresponse()
            answer = response.read().decode()
        assert response.status in (201, 202), (response.status, answer)
        found = re.search(r"last message id: (\S+)", answer)
        assert found, answer
        self._last_id = found[1]
        return self._last_id

    def publish_all(self, channel: str, messages: Iterable[str]) -> None:
        """Publishes messages one after the other, all on the same connection."""
        connection = http.client.HTTPConnection(*self.address, timeout=DEADLINE)
        with closing(connection):
            for message in messages:
                connection.request("POST", f"/publish/{channel}", message.encode())
                response = connection.getresponse()
                answer = response.read()
                assert response.status in (201, 202), (response.status, answer)

    def reload(self) -> None:
        """Reloads it, as an operator does, and waits until the old workers are gone.

        nchan's messages go with them, unless they are in redis. And an id is a second and a number within it,
        which begins at 0 in the new workers: so this waits also until the next second, or ids would be given
        twice. In redis the numbers go on.
        """
        subprocess.run([*self._command(), "-s", "reload"], check=True, timeout=DEADLINE, capture_output=True)
        self.reloads += 1
        exits = self.reloads * self._workers
        wait_until(lambda: self.log().count("exited with code 0") >= exits, "the old workers to exit")
        self._wait_for_redis()
        if self._redis:
            return
        second = int(self._last_id.partition(":")[0] or 0)
        wait_until(lambda: time.time() >= second + 1, "the next second")

    def log(self) -> str:
        """Gives the error log so far."""
        path = self._home / "error.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def _wait_for_redis(self) -> None:
        """Waits until all workers are connected to redis.

        What comes earlier is answered with 503, or, while they connect, not at all.
        """
        ready = (self.reloads + 1) * self._workers if self._redis else 0
        wait_until(lambda: self.log().count("upstream redis: ready") >= ready, "the connections to redis")

    def _configure(self) -> None:
        text = _CONFIGURATION.format(
            module=_module(),
            # Workers of another user could not enter the folder.
            user="user root root;" if os.geteuid() == 0 else "",
            workers=self._workers,
            messages=self._messages,
            memory=self._memory,
            redis=_REDIS.format(port=self._redis) if self._redis else "",
            store="nchan_redis_pass redis;" if self._redis else "",
            home=self._home,
            port=self._port,
        )
        (self._home / "nginx.conf").write_text(text, "utf-8")

    def _command(self) -> list[str]:
        home = str(self._home)
        return [str(_nginx()), "-p", home, "-c", f"{home}/nginx.conf", "-e", f"{home}/error.log"]

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(self.address, timeout=DEADLINE):
            return True
        return False


@cache
def _nginx() -> str | None:
    return shutil.which("nginx", path=_PATH)


@cache
def _module() -> Path | None:
    candidates = (Path(folder, _MODULE) for folder in _MODULE_FOLDERS)
    return next((path for path in candidates if path.exists()), None)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
