"""What holds for every test: nothing leaves this machine, and nothing is judged by its speed."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.loopback import loopback_only

settings.register_profile(
    "any machine", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _on_this_machine_only() -> Iterator[None]:
    """Refuses connections to other machines for the whole session."""
    with loopback_only():
        yield


@pytest.fixture(params=["unchunked", "read1"])
def either_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Has chunked bodies read by our own reader, and by that of `http.client`, which is what is left."""
    if request.param == "read1":
        monkeypatch.setattr("everstream.transports.sync.unchunking.unchunk", lambda _: None)
    return str(request.param)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves out what would be tested twice, and refuses names that pytest-xdist cannot share out."""
    items[:] = [item for item in items if not is_repetition(item)]
    # They differ from process to process.
    addressed = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if addressed:
        raise pytest.UsageError(f"these tests are named after an address in memory: {addressed}")


def is_repetition(item: pytest.Item) -> bool:
    """Returns whether it is the other reader's turn on a framing without chunks: it is the same there."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return params.get("either_reader") == "read1" and params.get("framing") in ("close", "length")
