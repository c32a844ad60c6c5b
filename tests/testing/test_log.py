"""Serving a log from any position on, through faults."""

import http.client
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import pytest

from everstream.testing import DEFAULT_FAULTS, EventLog, Fault, LogEntry, SSEServer, log_of
from everstream.testing.faults import planned
from everstream.testing.log import LogEntryLike
from tests.testing.judges import decoder, get, read_until

SEEDS = range(8)
ENDINGS: tuple[Fault, ...] = ("end", "cut", "torn", "reset")


@dataclass
class Got:
    """An event as the small client below got it."""

    id: str
    data: str


class SmallClient:
    """Reads one connection after the other, and resumes; as short as it can be."""

    def __init__(self, server: SSEServer) -> None:
        self.server = server
        self.last_event_id = ""
        self.events: list[Got] = []
        self.statuses: list[int] = []

    def read_log(self) -> list[Got]:
        """Reads until the server says that there is no more."""
        while 204 not in self.statuses:
            self.read_connection()
        return self.events

    def read_connection(self) -> None:
        """Reads one response as far as it goes."""
        headers = {"Last-Event-ID": self.last_event_id.encode()} if self.last_event_id else {}
        with get(self.server, headers=headers) as response:
            self.statuses.append(response.status)
            if response.status == 200:
                self.take(body_of(response))

    def take(self, body: bytes) -> None:
        """Takes the complete events of a body."""
        for block in body.decode(errors="replace").split("\n\n")[:-1]:
            fields = dict(line.partition(": ")[::2] for line in block.split("\n"))
            self.last_event_id = fields.get("id", self.last_event_id)
            self.events.append(Got(self.last_event_id, fields["data"]))


def body_of(response: http.client.HTTPResponse) -> bytes:
    """Reads a body, up to the fault that ends it."""
    decode = decoder(response.getheader("Content-Encoding"))
    body = b""
    try:
        while piece := response.read1(65536):
            body += decode(piece)
    except (http.client.HTTPException, ConnectionError):
        pass
    return body


def entries(count: int, ids: bool = True) -> Iterable[LogEntryLike]:
    """Gives events for a log."""
    return ((f"id-{n}" if ids else None, None, f"event {n}") for n in range(count))


@pytest.mark.parametrize("ids", [True, False], ids=["with ids", "without ids"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_good_client_gets_all_of_a_log_through_all_faults(
    sse_server: SSEServer, seed: int, ids: bool
) -> None:
    """With ids it resumes by itself; without, the server goes on where it was."""
    log = sse_server.serve_log(log_of(entries(50, ids)), seed=seed, longest_run=5)
    verdict = log.verdict(SmallClient(sse_server).read_log())
    assert verdict.ok, verdict
    assert len(log.connections) == len(sse_server.requests) - 1 >= 10


def test_every_fault_is_met() -> None:
    """A few hundred connections have all of the faults, in all framings and codings."""
    plans = [planned(1, number, DEFAULT_FAULTS, 10) for number in range(400)]
    assert {plan.ending for plan in plans} == {*ENDINGS, "unavailable"}
    assert {plan.framing for plan in plans} == {"chunked", "trickle", "length", "close"}
    assert {plan.encoding for plan in plans} == {"identity", "gzip", "deflate"}
    assert {plan.split for plan in plans} == {None, 1, 2, 7}
    assert {plan.retry for plan in plans} == {True, False}
    assert {plan.events for plan in plans} == set(range(1, 11))


def test_a_seed_decides_everything() -> None:
    """The same seed gives the same faults, another one others."""
    plans = [[planned(seed, n, DEFAULT_FAULTS, 10) for n in range(20)] for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]


def test_a_client_with_few_attempts_comes_through() -> None:
    """Two refusals never follow each other, and the first connection is a stream."""
    for seed in range(50):
        bad = [planned(seed, n, DEFAULT_FAULTS, 10).ending == "unavailable" for n in range(50)]
        assert not bad[0]
        assert not any(one and next_one for one, next_one in pairwise(bad))


@pytest.mark.parametrize("fault", ENDINGS)
def test_faults_can_be_chosen(sse_server: SSEServer, fault: Fault) -> None:
    """Only what was asked for happens."""
    log = sse_server.serve_log(log_of(entries(20)), faults=[fault], seed=3)
    assert log.verdict(SmallClient(sse_server).read_log()).ok
    assert {plan.ending for plan in log.connections} == {fault}
    assert {(plan.framing, plan.encoding) for plan in log.connections} == {("chunked", "identity")}


def test_without_faults_a_log_is_served_at_once(sse_server: SSEServer) -> None:
    """One connection with everything, then 204."""
    log = sse_server.serve_log(log_of(entries(30)), faults=())
    client = SmallClient(sse_server)
    assert log.verdict(client.read_log()).ok
    assert client.statuses == [200, 204]


def test_a_server_can_be_unavailable(sse_server: SSEServer) -> None:
    """503 with Retry-After."""
    sse_server.serve_log(log_of(entries(50)), faults=["unavailable", "end"], longest_run=1, retry_after=7)
    client = SmallClient(sse_server)
    while 503 not in client.statuses:
        client.read_connection()
    assert len(client.events) == client.statuses.count(200)


def test_a_reconnection_time_can_come(sse_server: SSEServer) -> None:
    """A `retry` hint at the start of some connections, never of others."""
    sse_server.serve_log(log_of(entries(30)), faults=["retry", "end"], longest_run=1)
    bodies = []
    for n in range(30):
        with get(sse_server, headers={"Last-Event-ID": f"id-{n - 1}"} if n else {}) as response:
            bodies.append(response.read())
    hints = sum(body.startswith(b"retry: 20\n") for body in bodies)
    assert 0 < hints < 30


def test_a_stall_is_never_by_default(sse_server: SSEServer) -> None:
    """Only a client with a read timeout survives it."""
    assert "stall" not in DEFAULT_FAULTS
    sse_server.serve_log(log_of(entries(1)), faults=["stall"])
    with get(sse_server) as response:
        assert read_until(response, b"data: event 0\n\n")
        assert sse_server.requests[0].ended is None
    sse_server.wait_until_client_gone(0)


def test_a_client_that_does_not_resume_is_caught(sse_server: SSEServer) -> None:
    """It gets the beginning again, and the verdict says so."""
    log = sse_server.serve_log(log_of(entries(10)), faults=["end"], longest_run=3)
    client = SmallClient(sse_server)
    for _ in range(3):
        client.last_event_id = ""
        client.read_connection()
    verdict = log.verdict(client.events)
    assert "id-0" in verdict.duplicated
    assert "id-9" in verdict.lost


def test_an_id_that_was_never_sent_is_refused(sse_server: SSEServer) -> None:
    """410, and the log keeps the id."""
    log = sse_server.serve_log(log_of(entries(3)))
    with get(sse_server, headers={"Last-Event-ID": "other"}) as response:
        assert response.status == 410
    assert log.unknown_ids == ["other"]


def test_the_position_can_come_from_elsewhere(sse_server: SSEServer) -> None:
    """A query parameter, for example."""
    sse_server.serve_log(log_of(entries(3)), faults=(), cursor=lambda request: request.query.get("since"))
    with get(sse_server, "/?since=id-1") as response:
        assert response.read() == b"id: id-2\ndata: event 2\n\n"


def test_a_followed_log_goes_on(sse_server: SSEServer) -> None:
    """At its end it waits for more, and the client gets that at once."""
    log = sse_server.serve_log(log_of(["a"]), faults=(), follow=True)
    with get(sse_server) as response:
        assert read_until(response, b"data: a\n\n")
        for number, data in enumerate("bc", start=2):
            log.append(data)
            assert read_until(response, f"id: {number}\ndata: {data}\n\n".encode())
    sse_server.wait_until_client_gone(0)
    assert len(log) == 3


def test_a_followed_log_has_faults_too(sse_server: SSEServer) -> None:
    """A connection ends after its number of events, whenever they come."""
    log = sse_server.serve_log(log_of([]), faults=["end"], follow=True, longest_run=1)
    for data in "ab":
        with get(sse_server, headers={"Last-Event-ID": str(len(log))} if log else {}) as response:
            log.append(data)
            assert response.read().endswith(f"data: {data}\n\n".encode())


def test_a_connection_never_ends_where_nobody_could_resume() -> None:
    """Not after an event without an id, nor between two with the same."""
    log = log_of([("1", None, "a"), ("1", None, "b"), (None, None, "c"), ("2", None, "d")])
    assert [log.can_resume_at(place) for place in range(5)] == [True, False, True, False, True]
    assert log.place_after("1") == 2
    assert log.place_after("x") is None


def test_repeated_ids_are_served_whole(sse_server: SSEServer) -> None:
    """A client gets each of the events that share an id, once."""
    log = sse_server.serve_log(
        log_of((str(n // 4), None, f"event {n}") for n in range(40)), longest_run=2, seed=5
    )
    assert log.verdict(SmallClient(sse_server).read_log()).ok
    assert len(sse_server.requests) > 5


def test_a_log_is_made_of_anything() -> None:
    """Data alone, tuples, or objects with three attributes; an empty id is none."""
    log = log_of(["a", ("x", "t", "b"), LogEntry("y", None, "c"), ("", None, "d"), "e"])
    assert log.entries == (
        LogEntry("1", None, "a"),
        LogEntry("x", "t", "b"),
        LogEntry("y", None, "c"),
        LogEntry(None, None, "d"),
        LogEntry("5", None, "e"),
    )
    assert log.has_ids
    assert not EventLog().has_ids


def test_what_no_wire_can_carry_is_refused_at_once() -> None:
    """And the log stays as it was."""
    log = log_of(["a"])
    with pytest.raises(ValueError, match="cannot hold CR, LF or NUL"):
        log.append(("b\nc", None, "d"))
    assert len(log) == 1
