"""What the tests of behaviour share: event sources on the scripted server, and a clean environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from tenacity import wait_none

from everstream import EventSource, RetryPolicy, Timeouts
from everstream.testing import SSEServer
from tests.behaviour.wire import SECRET

_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps proxies, certificates and a .netrc of the machine out of the tests."""
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no netrc"))


@pytest.fixture
def make_source(sse_server: SSEServer) -> Iterator[Callable[..., EventSource]]:
    """Makes event sources that do not wait between attempts, and closes them at the end.

    Without a url they ask the scripted server, whose 204 ends them when its script has run out. The read
    timeout is the deadline of a test: an event that is held back makes it fail.
    """
    with ExitStack() as stack:

        def make(url: str | None = None, **options: Any) -> EventSource:
            defaults: dict[str, Any] = {
                "retry": RetryPolicy(wait=wait_none()),
                "timeouts": Timeouts(connect=10, read=10),
            }
            return stack.enter_context(EventSource(url or sse_server.url, **{**defaults, **options}))

        yield make


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A caller's session that is full of secrets."""
    with requests.Session() as session:
        session.headers["X-Session-Key"] = SECRET
        session.headers["Authorization"] = SECRET
        session.cookies.set("sid", SECRET)
        session.params = {"session_key": SECRET}
        yield session
