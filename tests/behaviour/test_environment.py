"""What the environment and a caller's session bring into a request (behaviour 10)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from everstream import EventSource
from everstream.testing import SSEServer, event
from tests.behaviour.wire import basic, data_of, sent

MakeSource = Callable[..., EventSource]
TWO_CONNECTIONS = [event("1"), event("2")]


@pytest.fixture(params=["NETRC", "HOME"])
def _netrc(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Writes credentials for the scripted server where requests looks for them."""
    path = tmp_path / ".netrc"
    path.write_text("machine 127.0.0.1 login netrc password secret\n")
    path.chmod(0o600)
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv(request.param, str(path if request.param == "NETRC" else tmp_path))


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A session of the caller's."""
    with requests.Session() as session:
        yield session


@contextmanager
def tunnelling_proxy(port: int) -> Iterator[tuple[str, list[bytes]]]:
    """Gives the address of a proxy that connects whoever asks to this port, and what it was asked."""
    asked: list[bytes] = []

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        client, _ = listening.accept()
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(4096)
            asked.append(head.partition(b"\r\n")[0])
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            upwards = threading.Thread(target=copy, args=(client, server))
            upwards.start()
            copy(server, client)
            upwards.join(10)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
        thread.join(10)


class TestTheEnvironment:
    @pytest.mark.usefixtures("_netrc")
    @pytest.mark.parametrize(
        "explicit",
        [
            {"headers": {"authorization": "Bearer own"}},
            {"headers": lambda: {"Authorization": "Bearer own"}},
            {"auth": ("own", "pair")},
            {"auth": lambda: HTTPBasicAuth("own", "pair")},
        ],
        ids=["headers", "headers function", "auth", "auth function"],
    )
    def test_10_a_netrc_does_not_replace_an_explicit_authorization(
        self, sse_server: SSEServer, make_source: MakeSource, explicit: dict[str, Any]
    ) -> None:
        """Whatever way the caller names credentials: they are sent, once, on every connection."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source(**explicit)) == ["1", "2"]
        expected = b"Bearer own" if "headers" in explicit else basic("own:pair")
        assert sent(sse_server, "Authorization") == [[expected]] * 2

    @pytest.mark.usefixtures("_netrc")
    def test_10_a_netrc_does_not_replace_the_authorization_of_a_session(
        self, sse_server: SSEServer, make_source: MakeSource, session: requests.Session
    ) -> None:
        """Neither the header of a caller's session nor its credentials."""
        sse_server.script(TWO_CONNECTIONS)
        session.headers["Authorization"] = "Bearer own"
        assert next(make_source(session=session)).data == "1"
        session.auth = ("own", "pair")
        assert data_of(make_source(session=session)) == ["2"]
        assert sent(sse_server, "Authorization") == [[b"Bearer own"], [basic("own:pair")]]

    @pytest.mark.usefixtures("_netrc")
    def test_10_a_netrc_does_not_replace_the_user_of_the_url(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """They are as explicit as any other."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source(sse_server.url.replace("://", "://own:pa%20ir@"))) == ["1", "2"]
        assert sent(sse_server, "Authorization") == [[basic("own:pa ir")]] * 2

    @pytest.mark.usefixtures("_netrc")
    def test_10_a_netrc_is_used_where_nothing_explicit_is(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """As requests documents it."""
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source(headers={"X-Other": "1"})) == ["1", "2"]
        assert sent(sse_server, "Authorization") == [[basic("netrc:secret")]] * 2

    @pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
    def test_10_a_proxy_of_the_environment_is_asked(
        self,
        sse_server: SSEServer,
        make_source: MakeSource,
        monkeypatch: pytest.MonkeyPatch,
        variable: str,
    ) -> None:
        """It gets the whole URL of a host that we never look up, with our headers."""
        monkeypatch.setenv(variable, sse_server.url_for("/"))
        sse_server.script([event("1", id="a"), event("2")])
        assert data_of(make_source("http://stream.example/events?x=1")) == ["1", "2"]
        assert {request.target for request in sse_server.requests} == {"http://stream.example/events?x=1"}
        assert sent(sse_server, "Host") == [[b"stream.example"]] * 2
        assert sent(sse_server, "Last-Event-ID") == [[], [b"a"]]

    def test_10_no_proxy_is_obeyed(
        self, sse_server: SSEServer, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A host that is excepted is asked directly."""
        monkeypatch.setenv("http_proxy", "http://nowhere.invalid:1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        sse_server.script([event("1")])
        assert data_of(make_source()) == ["1"]
        assert sse_server.requests[0].target == "/events"

    def test_10_a_tunnel_through_a_proxy_carries_tls(
        self, make_source: MakeSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """https goes through CONNECT; the certificate is checked for the host of the URL."""
        authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("stream.example").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        with SSEServer(ssl_context=context) as server, tunnelling_proxy(server.port) as (proxy, asked):
            monkeypatch.setenv("https_proxy", proxy)
            server.script([event("1")])
            with closing(make_source("https://stream.example/events")) as source:
                assert next(source).data == "1"
            assert server.requests[0].target == "/events"
        (request_line,) = asked  # in HTTP/1.0 or 1.1, as the Python version has it
        assert request_line.rpartition(b" ")[0] == b"CONNECT stream.example:443"


class TestACallersSession:
    def test_its_headers_params_and_cookies_are_sent(
        self, sse_server: SSEServer, make_source: MakeSource, session: requests.Session
    ) -> None:
        """On every connection, beside what the stream itself needs."""
        sse_server.script(TWO_CONNECTIONS)
        session.headers["X-Api-Key"] = "key"
        session.params = {"tenant": "t"}
        session.cookies.set("sid", "s")
        assert data_of(make_source(session=session, params={"a": "1"})) == ["1", "2"]
        assert sent(sse_server, "X-Api-Key") == [[b"key"]] * 2
        assert sent(sse_server, "Cookie") == [[b"sid=s"]] * 2
        assert sent(sse_server, "Accept") == [[b"text/event-stream"]] * 2
        assert [request.query for request in sse_server.requests[:2]] == [{"tenant": "t", "a": "1"}] * 2

    def test_its_adapters_are_used(
        self, sse_server: SSEServer, make_source: MakeSource, session: requests.Session
    ) -> None:
        """A scheme of its own mounting goes through its adapter, as it is."""
        seen: list[str | None] = []

        class Adapter(HTTPAdapter):
            def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
                seen.append(request.url)
                return super().send(request, *args, **kwargs)

        session.mount(sse_server.url_for("/"), Adapter())
        sse_server.script(TWO_CONNECTIONS)
        assert data_of(make_source(session=session)) == ["1", "2"]
        assert seen == [sse_server.url] * 3

    def test_its_proxies_are_used(
        self, sse_server: SSEServer, make_source: MakeSource, session: requests.Session
    ) -> None:
        """Without any variable of the environment."""
        session.proxies["http"] = sse_server.url_for("/")
        sse_server.script([event("1")])
        assert data_of(make_source("http://stream.example/events", session=session)) == ["1"]
        assert sse_server.requests[0].target == "http://stream.example/events"
