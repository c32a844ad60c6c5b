"""The parts of the benchmarks about latency, large events, `close()` and reconnecting measure what they say.

No test knows how fast anything is.
"""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator

import pytest

from benchmarks import closing, hanging, importing, latency, looping, pacing, reconnecting, scaling
from benchmarks.clients import OURS, ours
from benchmarks.listening import bare_delays, client_delays
from benchmarks.results import Scale
from benchmarks.server import serving
from benchmarks.trickles import FRAMINGS
from everstream.testing import SSEServer, connection, event

OURS_ONLY = Scale(rounds=1, events=0.001, clients=(OURS,))
EVENTS = 10


@pytest.fixture(params=FRAMINGS)
def paced_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serves one client at the pace of the benchmark."""
    monkeypatch.setattr(pacing, "_SETTLE_SECONDS", 0.0)
    pacer = pacing.Pacer(FRAMINGS[request.param], EVENTS, 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            with accepted:
                pacer.answer(accepted, accepted.recv(65_536).split()[1].decode())

        server = threading.Thread(target=serve)
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.join(10)


class TestLatency:
    def test_a_client_gets_each_event_with_the_time_of_its_sending(self, paced_url: str) -> None:
        """It is sent before it is delivered, in each framing."""
        delays = client_delays(ours, paced_url, EVENTS)
        assert len(delays) == EVENTS
        assert min(delays) > 0

    def test_a_loop_that_reads_bytes_sees_each_time_too(self, paced_url: str) -> None:
        """Whatever the framing of the others, it gets the plainest."""
        delays = bare_delays(paced_url)
        assert len(delays) == EVENTS
        assert min(delays) > 0

    def test_percentiles_are_of_single_events(self) -> None:
        """The worst of a hundred is the maximum, and no percentile."""
        milliseconds = [number * 1_000_000 for number in range(1, 101)]
        delays = latency.Delays.of(milliseconds[::-1])
        assert (delays.p50, delays.p99, delays.most) == (0.050, 0.099, 0.100)
        assert str(delays) == "held back: 50 / 99 / 100"

    def test_the_worst_framing_decides_on_the_goal(self) -> None:
        """A framing without numbers is a miss."""
        quick, slow = latency.Delays(0.0001, 0.0002, 0.009), latency.Delays(0.0001, 0.0011, 0.009)
        assert latency.goal({"a": {OURS: quick}, "b": {OURS: quick}}).is_met
        assert not latency.goal({"a": {OURS: quick}, "b": {OURS: slow}}).is_met
        assert not latency.goal({"a": {OURS: quick}, "b": {OURS: "failed"}}).is_met


class TestScaling:
    def test_the_spread_is_between_the_slowest_size_and_the_fastest(self) -> None:
        """Of each size the best round counts."""
        found: scaling.Found = {1: [3.0, 2.0], 4: [2.2], 16: [2.5, 2.6], 64: [2.1]}
        assert scaling.growth(found, [1, 4, 16, 64]) == pytest.approx(0.25)

    def test_a_size_without_a_time_has_no_spread(self) -> None:
        """Such as one that took too long."""
        assert scaling.growth({1: [2.0], 4: "> 10 s"}, [1, 4]) is None

    def test_large_events_arrive_whole(self) -> None:
        """Their number and checksum are compared: else there would be no time."""
        with serving("benchmarks.growing") as url:
            assert isinstance(scaling.seconds_per_byte(OURS, url, 1), float)


class TestClosing:
    def test_a_loop_that_ends_has_a_time(self) -> None:
        """And so has the call that ended it."""
        with SSEServer() as server:
            server.script([connection(event("a"))])
            returned, ended = hanging.closed(hanging.CLIENTS[OURS](server.url))
        assert returned is not None
        assert ended is not None

    def test_what_goes_on_has_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A loop that does not end, and a call that does not return."""
        monkeypatch.setattr(hanging, "PATIENCE", 0.1)
        forever = threading.Event()
        client = hanging.Closable(iter(forever.wait, None), forever.wait)
        try:
            assert hanging.closed(client) == (None, None)
        finally:
            forever.set()

    def test_a_client_has_a_cell_for_each_state(self) -> None:
        """Reading, waiting for a response, and backing off."""
        (table,) = closing.run(OURS_ONLY).tables
        ((name, *cells),) = table.rows
        assert name == OURS
        assert len(cells) == 3
        assert not {"blocks", "goes on", "failed"} & {word for cell in cells for word in cell.split(" / ")}


class TestReconnecting:
    def test_our_loop_makes_a_connection_for_each_event(self) -> None:
        """The server ends each response after one."""
        with SSEServer() as server:
            server.script([connection(event("a")), connection(event("b")), connection(event("c"))])
            taken = list(itertools.islice(looping.LOOPS[OURS](server.url), 3))
        assert len(taken) == 3

    def test_each_loop_has_a_row(self) -> None:
        """Ours, and those that only read."""
        (table,) = reconnecting.run(OURS_ONLY).tables
        assert [row[0] for row in table.rows] == [OURS, "requests.get", "requests.Session", "socket"]
        assert all(float(row[1]) > 0 for row in table.rows)


def test_an_import_is_compared_with_that_of_requests() -> None:
    """With the least of each; the worst of ours counts for the goal."""
    before = "sys.modules['rich'] = None"
    times = {
        (importing.REFERENCE, before): [0.2, 0.1],
        (importing.OURS, before): [0.13, 0.3],
        (importing.REFERENCE, ""): [0.1],
        (importing.OURS, ""): [0.141],
    }
    assert not importing.goal(times).is_met
    assert importing.goal({case: seconds for case, seconds in times.items() if case[1]}).is_met
