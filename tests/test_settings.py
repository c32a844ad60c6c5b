"""Arguments from environment variables, as those set them who operate what others wrote."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping

import pytest

from everstream import (
    ConfigurationError,
    EventSource,
    FullJitter,
    RetriesExhausted,
    RetryPolicy,
    Timeouts,
    settings_from_env,
)
from everstream.core.mappings import Setting
from everstream.settings import VARIABLES
from everstream.testing import SSEServer, status
from tests.fakes import FakeClock
from tests.project.source import modules

ALL = {
    "ORDERS_STREAM_TIMEOUT_CONNECT_SECONDS": "3",
    "ORDERS_STREAM_TIMEOUT_READ_SECONDS": "none",
    "ORDERS_STREAM_TIMEOUT_FIRST_EVENT_SECONDS": "20",
    "ORDERS_STREAM_TIMEOUT_EVENT_IDLE_SECONDS": "900",
    "ORDERS_STREAM_RETRY_INITIAL_DELAY_SECONDS": "0.5",
    "ORDERS_STREAM_RETRY_MAX_DELAY_SECONDS": "120",
    "ORDERS_STREAM_RETRY_MAX_ATTEMPTS": "none",
    "ORDERS_STREAM_RETRY_MAX_OUTAGE_SECONDS": "none",
    "ORDERS_STREAM_RETRY_STABLE_AFTER_SECONDS": "10",
    "ORDERS_STREAM_RETRY_MIN_SERVER_DELAY_SECONDS": "1",
    "ORDERS_STREAM_RETRY_MAX_SERVER_DELAY_SECONDS": "60",
    "ORDERS_STREAM_CHECKPOINT_INTERVAL_SECONDS": "0",
    "ORDERS_STREAM_MAX_EVENT_BYTES": "3.3554432e+07",
    "ORDERS_STREAM_MAX_UNACKNOWLEDGED": "50",
}


def refusal(environ: Mapping[str, str], prefix: str = "ORDERS_STREAM_") -> str:
    """Returns what is said of an environment that is refused."""
    with pytest.raises(ConfigurationError) as caught:
        settings_from_env(prefix, environ)
    return str(caught.value)


def test_every_variable_sets_what_it_names() -> None:
    """None is forgotten, and the units are those of the names."""
    assert set(ALL) == {"ORDERS_STREAM_" + variable.key for variable in VARIABLES}
    assert settings_from_env("ORDERS_STREAM_", ALL) == {
        "timeouts": Timeouts(connect=3, read=None, first_event=20, event_idle=900),
        "retry": RetryPolicy(
            wait=FullJitter(initial=0.5, cap=120),
            stable_after=10,
            min_server_delay=1,
            max_server_delay=60,
        ),
        "checkpoint_interval": 0,
        "max_event_bytes": 33_554_432,
        "max_unacknowledged": 50,
    }


def test_every_argument_is_one_of_an_event_source() -> None:
    """With all of them set, the source can be made."""
    settings = settings_from_env("ORDERS_STREAM_", ALL)
    assert set(settings) <= set(inspect.signature(EventSource).parameters)
    with EventSource("https://stream.example/events", **settings) as source:
        assert source.last_event_id == ""


def test_only_what_is_set_is_given() -> None:
    """So that it can be spread beside the program's own arguments, or over them."""
    assert settings_from_env("ORDERS_STREAM_", {"PATH": "/bin", "ORDERS_URL": "x"}) == {}
    one = {"ORDERS_STREAM_TIMEOUT_READ_SECONDS": "7"}
    assert settings_from_env("ORDERS_STREAM_", one) == {"timeouts": Timeouts(read=7)}
    one = {"ORDERS_STREAM_MAX_EVENT_BYTES": "7"}
    assert settings_from_env("ORDERS_STREAM_", one) == {"max_event_bytes": 7}


@pytest.mark.parametrize("variable", VARIABLES, ids=lambda variable: variable.key)
def test_to_set_a_default_is_to_change_nothing(variable: Setting) -> None:
    """The defaults that the settings know are those of the event source."""
    parameters = inspect.signature(EventSource).parameters
    settings = settings_from_env("P_", {f"P_{variable.key}": str(variable.default)})
    ((argument, value),) = settings.items()
    values_of_none = {"timeouts": Timeouts(), "retry": RetryPolicy()}
    assert value == values_of_none.get(argument, parameters[argument].default)


def test_the_environment_of_the_process_is_read_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not before: at import it may not be complete."""
    monkeypatch.setenv("ORDERS_STREAM_MAX_UNACKNOWLEDGED", "7")
    assert settings_from_env("ORDERS_STREAM_") == {"max_unacknowledged": 7}
    monkeypatch.setenv("ORDERS_STREAM_MAX_UNACKNOWLEDGED", "8")
    assert settings_from_env("ORDERS_STREAM_") == {"max_unacknowledged": 8}


def test_a_stream_obeys_its_settings() -> None:
    """A limit from the environment ends a stream of a real server."""
    settings = settings_from_env("ORDERS_STREAM_", {"ORDERS_STREAM_RETRY_MAX_ATTEMPTS": "3"})
    with SSEServer() as server:
        server.script([], then=status(503))
        source = EventSource(server.url, clock=FakeClock(), **settings)
        with pytest.raises(RetriesExhausted):
            next(source)
        assert len(server.requests) == 3


def test_everything_wrong_is_said_by_the_names_that_operators_see() -> None:
    """All of it, with the prefix, and with all names that are known."""
    said = refusal(
        {
            "ORDERS_STREAM_TIMEOUT_READ": "30",
            "ORDERS_STREAM_URL": "https://user:password@a.example",
            "ORDERS_STREAM_TIMEOUT_CONNECT_SECONDS": "5s",
            "ORDERS_STREAM_MAX_EVENT_BYTES": "0",
            "OTHER_STREAM_TIMEOUT_READ": "30",
        }
    )
    assert said == (
        "the environment: "
        "ORDERS_STREAM_TIMEOUT_CONNECT_SECONDS takes seconds above 0, at most 2000000, "
        "or \"none\" for no limit, not '5s'; "
        "ORDERS_STREAM_MAX_EVENT_BYTES takes a whole number above 0, not '0'; "
        "ORDERS_STREAM_TIMEOUT_READ is unknown (did you mean ORDERS_STREAM_TIMEOUT_READ_SECONDS?); "
        "ORDERS_STREAM_URL is unknown; "
        f"known are {', '.join(sorted(ALL))}"
    )


def test_two_numbers_in_the_wrong_order_are_named_as_operators_see_them() -> None:
    """Also where one is a default."""
    said = refusal({"ORDERS_STREAM_RETRY_INITIAL_DELAY_SECONDS": "60"})
    assert "ORDERS_STREAM_RETRY_INITIAL_DELAY_SECONDS (60) is above ORDERS_STREAM_RETRY_MAX_DELAY_" in said


@pytest.mark.parametrize("name", ["timeout_read_seconds", "TIMEOUT_READ_SECONDS_", "", "_", "PORTS"])
def test_a_name_that_is_nearly_right_is_not_passed_over(name: str) -> None:
    """Names are taken as they are, and the prefix alone is not one."""
    assert f"ORDERS_STREAM_{name} is unknown" in refusal({f"ORDERS_STREAM_{name}": "5"})


@pytest.mark.parametrize("text", ["", " ", "5s", "-1", "yes"])
@pytest.mark.parametrize("name", ALL)
def test_a_variable_without_a_number_is_not_passed_over(name: str, text: str) -> None:
    """An empty one neither: it is not clear what was meant."""
    assert f"{name} takes " in refusal({name: text})


@pytest.mark.parametrize(
    "prefix", ["", "_", "ORDERS", "orders_", "Orders_", "1ORDERS_", "ORDERS-", "OR DERS_", "ORDERS_\n", None]
)
def test_a_prefix_that_is_none_is_refused(prefix: str) -> None:
    """The empty one would take every variable there is for a mistake."""
    assert "ends in an underscore, as in 'ORDERS_STREAM_'" in refusal({}, prefix)


def test_a_prefix_is_printed_harmlessly() -> None:
    """It may come from anywhere."""
    said = refusal({}, "\x1b[31m")
    assert "\x1b" not in said


@pytest.mark.parametrize(
    "name",
    [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_8080_TCP",
        "PORT_8080_TCP_PROTO",
        "PORT_8080_TCP_PORT",
        "PORT_8080_TCP_ADDR",
        "EU_SERVICE_HOST",
        "EU_PORT_53_UDP_ADDR",
    ],
)
def test_what_kubernetes_sets_for_its_services_is_passed_over(name: str) -> None:
    """A service called like the stream, added by somebody else, must not keep a worker from starting."""
    environ = {f"ORDERS_STREAM_{name}": "tcp://10.0.0.1:8080", "ORDERS_STREAM_MAX_UNACKNOWLEDGED": "7"}
    assert settings_from_env("ORDERS_STREAM_", environ) == {"max_unacknowledged": 7}


def test_no_setting_looks_like_a_service() -> None:
    """Else it would be passed over."""
    for name, text in ALL.items():
        assert settings_from_env("ORDERS_STREAM_", {name: text}), name


def test_nothing_else_in_the_library_reads_the_environment() -> None:
    """What changes a stream stands in the program, or is asked for by it; the command is a program.

    Keys and addresses of model APIs are where all programs that use them look for them.
    """
    readers = {
        module.path
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.Attribute, ast.ImportFrom))
        and re.search(r"\bos\.(?:environ|getenv)|from os import .*(?:environ|getenv)", ast.unparse(node))
    }
    assert {path for path in readers if not path.startswith("cli/")} == {"settings.py", "llm/request.py"}
