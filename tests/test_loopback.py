"""The guard that keeps the tests on this machine does so."""

import socket

import pytest

from tests.loopback import LeftTheMachine


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "2001:db8::1"])
def test_another_machine_is_out_of_reach(host: str) -> None:
    """Connecting elsewhere fails before a packet is sent."""
    with pytest.raises(LeftTheMachine, match=host.replace(".", r"\.")):
        socket.create_connection((host, 80), timeout=1)


def test_an_address_given_directly_is_checked_too() -> None:
    """A socket that skips the name lookup is refused as well."""
    with socket.socket() as sock, pytest.raises(LeftTheMachine):
        sock.connect(("192.0.2.1", 80))


def test_names_under_invalid_do_not_exist() -> None:
    """The reserved names fail as a resolver would say it."""
    with pytest.raises(socket.gaierror):
        socket.create_connection(("nowhere.invalid", 80), timeout=1)


def test_loopback_works() -> None:
    """A server on this machine can be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
        server.accept()[0].close()
