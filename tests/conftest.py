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
