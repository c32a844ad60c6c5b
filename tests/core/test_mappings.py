"""Numbers that come by name: what is taken, and what is said of the rest."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everstream import ConfigurationError, ConnectFailed, Fail, FullJitter, Reconnector, RetryPolicy, Timeouts
from everstream.core.mappings import RETRY, TIMEOUTS, Setting, read

FAILURE = ConnectFailed(host="a", reason="refused")
KINDS: tuple[tuple[Callable[[Mapping[str, object]], object], tuple[Setting, ...]], ...] = (
    (Timeouts.from_mapping, TIMEOUTS),
    (RetryPolicy.from_mapping, RETRY),
)
CASES = [(make, setting) for make, settings in KINDS for setting in settings]


def key_of(value: object) -> str | None:
    """Returns the name of a test for a setting."""
    return value.key if isinstance(value, Setting) else None


def refusal(make: Callable[[Mapping[str, object]], object], mapping: Mapping[str, object]) -> str:
    """Returns what is said of a mapping that is refused."""
    with pytest.raises(ConfigurationError) as caught:
        make(mapping)
    return str(caught.value)


class TestTimeouts:
    """`Timeouts.from_mapping`."""

    def test_each_key_sets_its_limit(self) -> None:
        """All four, and no other."""
        given = {"connect_seconds": 1, "read_seconds": 2.5, "first_event_seconds": 3, "event_idle_seconds": 4}
        assert Timeouts.from_mapping(given) == Timeouts(connect=1, read=2.5, first_event=3, event_idle=4)

    def test_what_is_left_out_is_as_by_default(self) -> None:
        """The defaults are those of the value, to the last."""
        assert Timeouts.from_mapping({}) == Timeouts()
        assert Timeouts.from_mapping({"read_seconds": 7}) == Timeouts(read=7)

    @pytest.mark.parametrize("nothing", [None, "none", "None", " NONE\n"])
    def test_none_takes_a_limit_off(self, nothing: object) -> None:
        """As null of a file, or as a word of an environment."""
        limits = Timeouts.from_mapping({"connect_seconds": nothing, "read_seconds": nothing})
        assert limits == Timeouts(connect=None, read=None)


class TestRetryPolicy:
    """`RetryPolicy.from_mapping`."""

    def test_what_is_left_out_is_as_by_default(self) -> None:
        """The defaults are those of the value, to the last."""
        assert RetryPolicy.from_mapping({}) == RetryPolicy()

    def test_each_key_of_a_time_sets_it(self) -> None:
        """The waits are those of full jitter."""
        policy = RetryPolicy.from_mapping(
            {
                "initial_delay_seconds": "0.5",
                "max_delay_seconds": "10",
                "stable_after_seconds": "20",
                "min_server_delay_seconds": "2",
                "max_server_delay_seconds": "40",
            }
        )
        assert policy == RetryPolicy(
            wait=FullJitter(initial=0.5, cap=10),
            stable_after=20,
            min_server_delay=2,
            max_server_delay=40,
        )

    @pytest.mark.parametrize(
        ("mapping", "failures"),
        [
            ({"max_attempts": 3}, 3),
            ({"max_outage_seconds": 50}, 6),
            ({"max_attempts": 3, "max_outage_seconds": 50}, 3),
            ({"max_attempts": 8, "max_outage_seconds": 50}, 6),
            ({"max_attempts": "none", "max_outage_seconds": 50}, 6),
            ({"max_outage_seconds": 0}, 1),
        ],
    )
    def test_it_gives_up_by_whichever_limit_comes_first(
        self, mapping: dict[str, object], failures: int
    ) -> None:
        """A failure each 10 seconds, from 0 on."""
        assert failures_until_the_end(RetryPolicy.from_mapping(mapping)) == failures

    def test_none_is_no_limit(self) -> None:
        """As if the keys were not there."""
        mapping = {"max_attempts": None, "max_outage_seconds": "none"}
        assert RetryPolicy.from_mapping(mapping) == RetryPolicy()

    def test_a_small_greatest_wait_alone_is_met(self) -> None:
        """The default of the first wait, which is above it, is not in the way."""
        policy = RetryPolicy.from_mapping({"max_delay_seconds": 0.25})
        assert policy.wait == FullJitter(cap=0.25)

    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            (
                {"initial_delay_seconds": 31},
                r"initial_delay_seconds \(31\) is above max_delay_seconds \(30, as it is unless set\)",
            ),
            (
                {"initial_delay_seconds": 3, "max_delay_seconds": "2.5"},
                r"initial_delay_seconds \(3\) is above max_delay_seconds \(2\.5\)",
            ),
            (
                {"min_server_delay_seconds": 301},
                r"min_server_delay_seconds \(301\) is above max_server_delay_seconds \(300, as it is",
            ),
        ],
    )
    def test_two_numbers_in_the_wrong_order_are_both_named(
        self, mapping: dict[str, object], message: str
    ) -> None:
        """Also if the other one is a default."""
        with pytest.raises(ConfigurationError, match=message):
            RetryPolicy.from_mapping(mapping)


def failures_until_the_end(policy: RetryPolicy) -> int:
    """Returns how many failures, one each 10 seconds, a policy takes for the end."""
    reconnector = Reconnector(policy)
    reconnector.connecting(0.0)
    for failures in itertools.count(1):
        if isinstance(reconnector.interrupted(FAILURE, 10.0 * (failures - 1)), Fail):
            return failures
    raise AssertionError


class TestNumbers:
    """What counts as a number."""

    @pytest.mark.parametrize(
        ("text", "number"),
        [("5", 5), (" 5\n", 5), ("+5", 5), ("5.", 5), (".5", 0.5), ("5e-1", 0.5), ("1E3", 1000), ("05", 5)],
    )
    def test_a_text_is_read_as_people_write_numbers(self, text: str, number: float) -> None:
        """Stripped, as environments and files may add spaces."""
        assert Timeouts.from_mapping({"read_seconds": text}).read == number

    @pytest.mark.parametrize("count", [3, 3.0, "3", "3.0", "3e0"])
    def test_a_whole_number_is_one_however_it_is_written(self, count: object) -> None:
        """Templates of configurations turn 3 into 3.0, and a million into 1e+06."""
        assert failures_until_the_end(RetryPolicy.from_mapping({"max_attempts": count})) == 3

    @pytest.mark.parametrize(
        "wrong",
        [
            math.nan,
            math.inf,
            -math.inf,
            -1,
            -0.001,
            10**400,
            1e300,
            True,
            False,
            "",
            "  ",
            "nan",
            "inf",
            "-1",
            "5s",
            "5 s",
            "5,5",
            "1_000",
            "0x10",
            "١٢",
            "1e400",
            "9" * 5000,
            "true",
            "null",
            b"5",
            [5],
            {"seconds": 5},
            ...,
        ],
        ids=lambda value: repr(value)[:20],
    )
    @pytest.mark.parametrize(("make", "setting"), CASES, ids=key_of)
    def test_what_is_no_number_is_refused(
        self, make: Callable[[Mapping[str, object]], object], setting: Setting, wrong: object
    ) -> None:
        """By the name of the key, and with what it takes."""
        said = refusal(make, {setting.key: wrong})
        assert f": {setting.key} takes {setting.takes}, not " in said
        assert "\n" not in said
        assert len(said) < 200

    @pytest.mark.parametrize(("make", "setting"), CASES, ids=key_of)
    def test_zero_and_none_are_taken_where_they_are_said_to_be(
        self, make: Callable[[Mapping[str, object]], object], setting: Setting
    ) -> None:
        """The words of the error and the check agree."""
        for value, taken in ((0, "0 or more" in setting.takes), (None, '"none"' in setting.takes)):
            if taken:
                make({setting.key: value})
            else:
                assert setting.takes in refusal(make, {setting.key: value})

    @pytest.mark.parametrize(("make", "setting"), CASES, ids=key_of)
    def test_the_default_is_taken(
        self, make: Callable[[Mapping[str, object]], object], setting: Setting
    ) -> None:
        """To set a default is to set nothing."""
        assert make({setting.key: setting.default}) == make({})

    @pytest.mark.parametrize("setting", TIMEOUTS, ids=key_of)
    def test_a_limit_that_a_socket_would_forget_is_refused(self, setting: Setting) -> None:
        """Milliseconds in 31 bits are 24 days; what is longer may strike at once."""
        assert "at most 2000000" in refusal(Timeouts.from_mapping, {setting.key: 4_294_968})
        assert Timeouts.from_mapping({setting.key: 2_000_000}) != Timeouts()

    def test_a_fraction_is_no_count(self) -> None:
        """Nor is one in a text."""
        for value in (2.5, "2.5"):
            said = refusal(RetryPolicy.from_mapping, {"max_attempts": value})
            assert "max_attempts takes a whole number above 0" in said


class TestMessages:
    """What is said when something is wrong."""

    def test_everything_wrong_is_said_at_once(self) -> None:
        """Whoever mends a configuration mends it once."""
        said = refusal(
            Timeouts.from_mapping,
            {"conect_seconds": 5, "read_seconds": "5s", "url": "x", "event_idle_seconds": -1},
        )
        assert said == (
            "Timeouts.from_mapping(): "
            "read_seconds takes seconds above 0, at most 2000000, or \"none\" for no limit, not '5s'; "
            'event_idle_seconds takes seconds above 0, at most 2000000, or "none" for no limit, not -1; '
            "conect_seconds is unknown (did you mean connect_seconds?); url is unknown; "
            "known are connect_seconds, event_idle_seconds, first_event_seconds, read_seconds"
        )

    def test_the_known_keys_are_listed_only_where_one_is_unknown(self) -> None:
        """Else they would hide what is wrong."""
        assert "known are" not in refusal(Timeouts.from_mapping, {"read_seconds": "5s"})

    @pytest.mark.parametrize(
        ("key", "meant"),
        [("read", "read_seconds"), ("event_idle", "event_idle_seconds"), ("READ_SECONDS", None)],
    )
    def test_a_key_without_its_unit_is_understood(self, key: str, meant: str | None) -> None:
        """Not taken, though: the unit is what keeps milliseconds out."""
        said = refusal(Timeouts.from_mapping, {key: 5})
        assert ("did you mean" in said) == (meant is not None)
        assert meant is None or f"did you mean {meant}?" in said

    @pytest.mark.parametrize("key", [5, None, True, b"read_seconds", ("read_seconds",)])
    def test_a_key_that_is_no_text_is_refused(self, key: object) -> None:
        """As YAML may have them."""
        said = refusal(Timeouts.from_mapping, {key: 5})  # type: ignore[dict-item]
        assert ": a key is " in said
        assert ", not text; known are " in said

    @pytest.mark.parametrize(
        "secret",
        [
            "hunter2",
            "sk-proj-1234567890",
            "eyJhbGciOiJIUzI1NiJ9.e30.x",
            "0123456789abcdef0123456789abcdef",
            "https://user:password@a.example",
            "1234 5678 9012 3456",
            b"secret",
            ["secret"],
            {"secret": "secret"},
        ],
    )
    def test_a_value_that_may_be_a_secret_is_not_repeated(self, secret: object) -> None:
        """Errors end up in logs; kind and length are enough to find the mistake."""
        said = refusal(Timeouts.from_mapping, {"read_seconds": secret})
        assert str(secret) not in said
        assert "secret" not in said
        told = f"text of {len(secret)} characters" if isinstance(secret, str) else type(secret).__name__
        assert said.endswith(told)

    @pytest.mark.parametrize("value", ["5s", "500 ms", "1,5", "off", "True", "-3", "infinity", "90 seconds"])
    def test_an_attempt_at_a_number_is_repeated(self, value: str) -> None:
        """There the value itself says best what is wrong."""
        assert refusal(Timeouts.from_mapping, {"read_seconds": value}).endswith(f"not '{value}'")

    def test_a_key_is_printed_harmlessly(self) -> None:
        """It may come from anywhere."""
        said = refusal(Timeouts.from_mapping, {"\x1b[31m\n" + "a" * 10_000: 5})
        assert "\x1b" not in said
        assert "\n" not in said
        assert len(said) < 400

    @pytest.mark.parametrize("mapping", [None, [], "read_seconds=5", 5])
    @pytest.mark.parametrize(("make", "settings"), KINDS, ids=["timeouts", "retry"])
    def test_what_is_no_mapping_is_refused(
        self,
        make: Callable[[Mapping[str, object]], object],
        settings: tuple[Setting, ...],
        mapping: Mapping[str, object],
    ) -> None:
        """As an empty section of a YAML file, which is null."""
        assert settings
        assert "takes a mapping, not " in refusal(make, mapping)


@given(
    st.dictionaries(
        st.sampled_from([setting.key for setting in RETRY]) | st.text() | st.integers(),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        max_size=4,
    )
)
def test_for_any_mapping_there_are_numbers_or_one_error(mapping: dict[object, object]) -> None:
    """Nothing else is raised, and what is given is what the policy takes as well."""
    try:
        numbers = read(mapping, RETRY, reader="it")
    except ConfigurationError as error:
        assert str(error).startswith("it: ")  # noqa: PT017
        assert mapping
    else:
        assert set(numbers) == {setting.key for setting in RETRY}
        assert set(mapping) <= set(numbers)
        RetryPolicy.from_mapping(mapping)  # type: ignore[arg-type]
