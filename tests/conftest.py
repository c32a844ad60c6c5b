"""What holds for every test: nothing leaves this machine."""

from collections.abc import Iterator

import pytest

from tests.loopback import loopback_only


@pytest.fixture(scope="session", autouse=True)
def _on_this_machine_only() -> Iterator[None]:
    """Refuses connections to other machines for the whole session."""
    with loopback_only():
        yield
