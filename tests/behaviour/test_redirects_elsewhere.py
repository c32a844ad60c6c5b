"""What goes along to another origin, and cookies (behaviours 67 to 71)."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from everstream import (
    ConnectFailed,
    EventSource,
    Interrupted,
    Opened,
    QueryCursor,
    StreamTimeout,
    Timeouts,
)
from everstream.testing import (
    SSEServer,
    connection,
    event,
    redirect,
    silence,
    status,
)
from tests.behaviour.wire import SECRET, rejected
from tests.reading import data_in, errors_in, everything

MakeSource = Callable[..., EventSource]
ALL_CODES = pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
OF_THE_TRANSPORT = {"host", "accept-encoding", "connection"}


@pytest.fixture
def elsewhere() -> Iterator[SSEServer]:
    """Another origin: the same host, another port. It gives an event to everybody."""
    with SSEServer() as server:
        server.script([], then=event("elsewhere"))
        yield server


class TestAnotherOrigin:
    @ALL_CODES
    def test_67_nothing_of_the_callers_goes_to_another_origin(
        self,
        sse_server: SSEServer,
        elsewhere: SSEServer,
        make_source: MakeSource,
        session: requests.Session,
        code: int,
    ) -> None:
        """Another port is one. Only Accept, Cache-Control, User-Agent and what HTTP itself needs arrive."""
        sse_server.script([redirect(elsewhere.url, code)])
        source = make_source(
            headers={"Authorization": SECRET, "X-Api-Key": SECRET, "Cookie": SECRET, "User-Agent": "mine"},
            params={"key": SECRET},
            session=session,
            last_event_id="7",
        )
        assert next(source).data == "elsewhere"
        (request,) = elsewhere.requests
        assert set(request.headers) - OF_THE_TRANSPORT == {"accept", "cache-control", "user-agent"}
        assert request.headers["Accept"] == "text/event-stream"
        assert request.headers["Cache-Control"] == "no-cache"
        assert request.headers["User-Agent"] == "mine"
        assert request.headers["Host"] == f"127.0.0.1:{elsewhere.port}"
        assert request.target == "/events"
        assert SECRET not in repr(request.headers)
        assert SECRET in repr(sse_server.requests[0].headers)

    @pytest.mark.parametrize(
        "options",
        [
            {"auth": ("user", SECRET)},
            {"auth": lambda: ("user", SECRET)},
            {"headers": lambda: {"Authorization": SECRET}},
            {"headers": {"Host": "virtual.example", "X-Forwarded-For": SECRET, "Referer": SECRET}},
        ],
        ids=["auth", "auth function", "headers function", "host"],
    )
    def test_67_credentials_in_any_form_stay(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource, options: dict[str, Any]
    ) -> None:
        """Also those that are made for each attempt."""
        sse_server.script([redirect(elsewhere.url)])
        next(make_source(**options))
        (request,) = elsewhere.requests
        assert set(request.headers) - OF_THE_TRANSPORT == {"accept", "cache-control", "user-agent"}
        assert request.headers["Host"] == f"127.0.0.1:{elsewhere.port}"

    def test_67_a_netrc_does_not_fill_the_gap(
        self,
        sse_server: SSEServer,
        elsewhere: SSEServer,
        make_source: MakeSource,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The first origin gets credentials by its host; the other none, though it has the same host."""
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login user password word\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        sse_server.script([redirect(elsewhere.url)])
        next(make_source())
        assert "Authorization" in sse_server.requests[0].headers
        assert "Authorization" not in elsewhere.requests[0].headers

    def test_67_cookies_do_not_come_back_on_a_second_redirect_there(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource, session: requests.Session
    ) -> None:
        """Cookies know no ports, so the jar has some for the other origin's host."""
        sse_server.script([redirect(elsewhere.url)])
        elsewhere.script([redirect("/second"), event("1")])
        stream = make_source(session=session, last_event_id="7").all()
        opened = next(stream)
        assert data_in([next(stream)]) == ["1"]
        assert isinstance(opened, Opened)
        assert opened.last_event_id == ""
        for request in elsewhere.requests:
            assert set(request.headers) - OF_THE_TRANSPORT == {"accept", "cache-control", "user-agent"}

    def test_67_nothing_comes_back_on_the_way_home(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource, session: requests.Session
    ) -> None:
        """The other origin chose this URL, so it is asked as a stranger would."""
        sse_server.script([redirect(elsewhere.url), event("home")])
        elsewhere.script([redirect(sse_server.url_for("/chosen"))])
        assert next(make_source(session=session, last_event_id="7")).data == "home"
        home = sse_server.requests[1]
        assert (home.target, home.last_event_id) == ("/chosen", None)
        assert set(home.headers) - OF_THE_TRANSPORT == {"accept", "cache-control", "user-agent"}

    @pytest.mark.parametrize("trick", ["\\@", "%5C@", "#@", "?@", "/@"])
    def test_67_a_location_cannot_pose_as_the_same_origin(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource, trick: str
    ) -> None:
        """Whichever host is asked in the end is the one that was judged."""
        there = f"http://127.0.0.1:{elsewhere.port}{trick}127.0.0.1:{sse_server.port}/x"
        sse_server.script([redirect(there), event("home")])
        assert next(make_source(headers={"X-Api-Key": SECRET})).data in ("home", "elsewhere")
        assert SECRET not in repr([request.headers for request in elsewhere.requests])

    def test_67_user_info_in_a_location_is_no_credential(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource
    ) -> None:
        """It is left out."""
        sse_server.script([redirect(elsewhere.url.replace("://", "://user:word@"))])
        next(make_source())
        assert "Authorization" not in elsewhere.requests[0].headers

    @pytest.mark.parametrize("code", [307, 308])
    def test_68_a_body_is_not_carried_to_another_origin(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """It may be what is most secret."""
        sse_server.script([redirect(elsewhere.url, code)])
        error = rejected(make_source(method="POST", json={"key": SECRET}))
        assert error.reason == "it would carry the request's body to another origin"
        assert elsewhere.accepted == 0

    @pytest.mark.parametrize("code", [301, 302, 303])
    def test_68_a_post_without_its_body_goes_there_as_a_get(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource, code: int
    ) -> None:
        """The body and its headers stay."""
        sse_server.script([redirect(elsewhere.url, code)])
        assert next(make_source(method="POST", json={"key": SECRET})).data == "elsewhere"
        (request,) = elsewhere.requests
        assert (request.method, request.body) == ("GET", b"")
        assert set(request.headers) - OF_THE_TRANSPORT == {"accept", "cache-control", "user-agent"}

    def test_69_the_cursor_stays_and_the_gap_is_reported(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource
    ) -> None:
        """Ids may tell what somebody has read. `Opened` says that none was sent."""
        sse_server.script([event("1", id="a"), redirect(elsewhere.url)])
        items = everything(make_source())
        assert data_in(items) == ["1", "elsewhere"]
        assert elsewhere.requests[0].last_event_id is None
        assert sse_server.requests[1].last_event_id == "a"
        assert [item.last_event_id for item in items if isinstance(item, Opened)] == ["", ""]
        assert next(item.last_event_id for item in items if isinstance(item, Interrupted)) == "a"

    def test_69_so_does_a_cursor_in_the_query(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource
    ) -> None:
        """Unless the server puts it into its Location itself."""
        sse_server.script([redirect(elsewhere.url)])
        source = make_source(resume=QueryCursor("after", lambda event: event.id), last_event_id="a")
        next(source)
        assert sse_server.requests[0].query == {"after": "a"}
        assert elsewhere.requests[0].target == "/events"

    def test_an_error_of_the_other_origin_names_its_host(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """It is what could not be reached; the next attempt asks the original URL."""
        sse_server.script([redirect("http://nowhere.invalid/x"), event("1")])
        items = everything(make_source())
        error = errors_in(items)[0]
        assert isinstance(error, ConnectFailed)
        assert error.host == "nowhere.invalid"
        assert data_in(items) == ["1"]

    def test_an_origin_that_does_not_answer_is_given_up(
        self, sse_server: SSEServer, elsewhere: SSEServer, make_source: MakeSource
    ) -> None:
        """The read timeout holds for each answer; the next attempt asks the original URL."""
        sse_server.script([redirect(elsewhere.url), event("1")])
        elsewhere.script([silence()])
        items = everything(make_source(timeouts=Timeouts(connect=10, read=0.3)))
        assert isinstance(errors_in(items)[0], StreamTimeout)
        assert data_in(items) == ["1"]


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[trustme.CA, ssl.SSLContext]:
    """Returns an authority that is trusted, and the context of a server on 127.0.0.1."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    return authority, context


class TestTLS:
    def test_70_https_to_http_is_refused(
        self, elsewhere: SSEServer, make_source: MakeSource, trusted: tuple[trustme.CA, ssl.SSLContext]
    ) -> None:
        """Even without any credentials: anybody on the way could then change the stream."""
        with SSEServer(ssl_context=trusted[1]) as server:
            server.script([redirect(elsewhere.url)], then=event("never"))
            assert rejected(make_source(server.url)).reason == "it leads from https to http"
        assert elsewhere.accepted == 0

    def test_70_http_to_https_is_another_origin(
        self, sse_server: SSEServer, make_source: MakeSource, trusted: tuple[trustme.CA, ssl.SSLContext]
    ) -> None:
        """It is followed, without the credentials, which went over the wire in the clear once already."""
        with SSEServer(ssl_context=trusted[1]) as server:
            server.script([event("safe")])
            sse_server.script([redirect(server.url)])
            assert next(make_source(headers={"X-Api-Key": SECRET})).data == "safe"
            assert "X-Api-Key" not in server.requests[0].headers

    @pytest.mark.parametrize("crossing", [False, True], ids=["the same origin", "another origin"])
    def test_70_the_client_certificate_is_for_the_first_origin_only(
        self,
        make_source: MakeSource,
        trusted: tuple[trustme.CA, ssl.SSLContext],
        tmp_path: Path,
        crossing: bool,
    ) -> None:
        """It is a credential of the caller's like any other."""
        authority, context = trusted
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        certificate = tmp_path / "client.pem"
        authority.issue_cert("me@client.example").private_key_and_cert_chain_pem.write_to_path(
            str(certificate)
        )
        asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(asking)
        authority.configure_trust(asking)
        asking.verify_mode = ssl.CERT_OPTIONAL
        shown: list[object] = []

        class Noting(ssl.SSLSocket):
            def do_handshake(self, block: bool = False) -> None:
                super().do_handshake(block)
                shown.append(self.getpeercert())

        context.sslsocket_class = asking.sslsocket_class = Noting
        with SSEServer(ssl_context=context) as server, SSEServer(ssl_context=asking) as elsewhere:
            server.script([redirect(elsewhere.url if crossing else "/b"), event("1")])
            elsewhere.script([event("1")])
            with requests.Session() as session:
                session.cert = str(certificate)
                assert next(make_source(server.url, session=session)).data == "1"
        assert [bool(each) for each in shown] == [True, not crossing]


class TestCookies:
    def test_71_cookies_of_one_connection_are_sent_on_the_next(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Our own session keeps them, from streams, rejections and redirects."""
        sse_server.script(
            [
                connection(event("1"), headers={"Set-Cookie": "one=1; Path=/"}),
                status(503, headers={"Set-Cookie": "two=2; Path=/"}),
                status(302, headers={"Location": "/b", "Set-Cookie": "three=3; Path=/"}),
                event("2"),
            ]
        )
        everything(make_source())
        sent = [set(request.headers.get("Cookie", "").split("; ")) for request in sse_server.requests]
        both, all_three = {"one=1", "two=2"}, {"one=1", "two=2", "three=3"}
        assert sent == [{""}, {"one=1"}, both, all_three, all_three]

    def test_71_a_callers_session_keeps_them_for_the_caller(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """They are in its jar afterwards."""
        sse_server.script([connection(event("1"), headers={"Set-Cookie": "one=1; Path=/"}), event("2")])
        with requests.Session() as session:
            everything(make_source(session=session))
            assert session.cookies.get_dict() == {"one": "1"}
        assert sse_server.requests[1].headers["Cookie"] == "one=1"

    def test_71_two_event_sources_share_no_cookies(
        self, sse_server: SSEServer, make_source: MakeSource
    ) -> None:
        """Each has a session of its own."""
        sse_server.script([connection(event("1"), headers={"Set-Cookie": "one=1"}), event("2")])
        assert next(make_source()).data == "1"
        assert next(make_source()).data == "2"
        assert "Cookie" not in sse_server.requests[1].headers
