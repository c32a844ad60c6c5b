"""A real server of model APIs: litellm's proxy, which makes up answers, on a free port of this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.reading import DEADLINE

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["KEY", "LiteLLM", "require_litellm"]

KEY = "sk-of-the-tests-of-everstream"
"""The proxy's own key: the one that opens it, and the one by which it may ask itself."""

_VARIABLE = "LITELLM"
_HOME = Path(__file__).resolve().parents[2] / "build" / "venvs" / "litellm" / "bin"

_STARTS_WITHIN = 120.0
"""Seconds; it takes six if it has two processors for itself, and more when its files were never read."""

_ALONE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_TELEMETRY": "False",
    "LITELLM_MASTER_KEY": KEY,
    "NO_PROXY": "*",
}
"""Without these it asks for prices, and tells of itself, elsewhere."""


def require_litellm() -> None:
    """Skips the test where litellm is missing; in CI, where it is installed, it fails."""
    if _program() is not None:
        return
    reason = f"NOT TESTED ON LITELLM: not found (make litellm, or {_VARIABLE}=/path/to/litellm)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class LiteLLM:
    """The proxy of litellm. Use it as a context manager.

    Args:
        home: A folder for its configuration and its log.
        models: For each model its `litellm_params`: what it does when it is asked for that model. In them,
            `{itself}` stands for the address of the proxy's own API.
    """

    def __init__(self, home: Path, models: Mapping[str, Mapping[str, object]]) -> None:
        self._home = home
        self._models = models
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # Between finding a free port and listening on it, somebody else may take it.
        for _ in range(3):
            self._port = _free_port()
            if self._starts():
                return self
            if "address already in use" not in self.log():
                break
        raise AssertionError(f"litellm does not start: {self.log()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def root(self) -> str:
        """The URL above all its APIs."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The URL of the APIs that are OpenAI's, with the version."""
        return f"{self.root}/v1"

    def log(self) -> str:
        """Gives what it has said so far."""
        path = self._home / "log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def statuses(self) -> list[int]:
        """Gives the statuses of all requests that asked for something, as its log has them."""
        asked = (line.partition('HTTP/1.1" ') for line in self.log().splitlines() if '"POST ' in line)
        return [int(rest.split()[0]) for _, _, rest in asked]

    def _starts(self) -> bool:
        with (self._home / "log").open("ab") as log:
            # A session of its own, so that whatever it starts ends with it.
            process = subprocess.Popen(
                self._command(),
                cwd=self._home,
                env={"PATH": os.environ.get("PATH", ""), "HOME": str(self._home), **_ALONE},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._process = process
        deadline = time.monotonic() + _STARTS_WITHIN
        while process.poll() is None and not self._answers():
            if time.monotonic() > deadline:
                self._stop()
                raise AssertionError(f"waited {_STARTS_WITHIN:g} s for litellm to answer: {self.log()}")
            time.sleep(0.05)
        return process.poll() is None

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _command(self) -> list[str]:
        configuration = self._home / "config.yaml"
        configuration.write_text(self._configuration(), "utf-8")
        where = ["--host", "127.0.0.1", "--port", str(self._port)]
        return [str(_program()), "--config", str(configuration), *where, "--telemetry", "False"]

    def _configuration(self) -> str:
        models = [{"model_name": name, "litellm_params": {**how}} for name, how in self._models.items()]
        general = {"master_key": "os.environ/LITELLM_MASTER_KEY"}
        # It would repeat failed requests itself: here they are to reach the client.
        settings = {"num_retries": 0}
        told = {"model_list": models, "general_settings": general, "litellm_settings": settings}
        # JSON is YAML, if its characters are not escaped in pairs.
        return json.dumps(told, ensure_ascii=False).replace("{itself}", self.url)

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE)
        try:
            connection.request("GET", "/health/liveliness")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def _program() -> str | None:
    return os.environ.get(_VARIABLE) or shutil.which("litellm", path=_HOME)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
