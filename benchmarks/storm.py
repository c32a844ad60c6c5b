"""How a crowd of clients comes back to a server that lost all of them at once.

Nothing is timed here: `crowd` simulates, with a seed, and gives the same numbers on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import TypeAlias

from benchmarks.clients import OURS
from benchmarks.crowd import Course, MakeClient, Scenario, course_of, everstream_client, rule_client
from benchmarks.delay_rules import EXACT, RULES
from benchmarks.results import Figure, Goal, Report, Scale, Table

__all__ = ["run"]

CLIENTS = 2_000
WANTED = 5.0
"""How many times lower our peak is to be than that of the client that obeys exactly."""

SCENARIOS = (
    Scenario(name="restart", title="restarted, back at once"),
    Scenario(name="restart, `retry:`", title="restarted, retry: 3000", hint=3.0),
    Scenario(name="down", title="down for 10 s", down_for=10.0),
    Scenario(name="down, `retry:`", title="down for 10 s, retry: 3000", down_for=10.0, hint=3.0),
    Scenario(
        name="503s", title="503 for 10 s, Retry-After: 5", down_for=10.0, is_fronted=True, retry_after=5.0
    ),
    Scenario(
        name="overloaded", title="100 accepted per second, else 503, Retry-After: 5", room=10, retry_after=5.0
    ),
)
PLOTTED = (SCENARIOS[1], SCENARIOS[2], SCENARIOS[5])
PLOTTED_CLIENTS = (EXACT, "launchdarkly-eventsource, jitter set", OURS)
PLOTTED_SECONDS = 20.0

Courses: TypeAlias = Mapping[str, Mapping[Scenario, Course]]
"""What happened to the crowd of each client, by its name."""


def run(scale: Scale) -> Report:
    """Simulates every scenario with a crowd of each kind of client."""
    makers: dict[str, MakeClient] = {
        OURS: everstream_client,
        **{name: rule_client(rule) for name, rule in RULES.items()},
    }
    clients = scale.of(CLIENTS, at_least=100)
    courses: Courses = {
        name: {scenario: course_of(scenario, make, clients) for scenario in SCENARIOS}
        for name, make in makers.items()
    }
    return Report(tables=_tables(courses, clients), figures=(_figure(courses),), goals=(_goal(courses),))


def _tables(courses: Courses, clients: int) -> tuple[Table, ...]:
    return (
        _table(
            courses,
            name="storm-peaks",
            title=f"The most arrivals of {clients:,} clients in any 100 ms",
            cell=lambda course, ours: _peak(course.peak, ours.peak),
            note="In brackets: times the peak of everstream.",
        ),
        _table(
            courses,
            name="storm-return",
            title="Seconds until half of the clients, and all of them, are back",
            cell=lambda course, _: f"{_half_back(course)} / {_all_back(course)}",
            note="never: not all were back after an hour, or some gave up.",
        ),
        _table(
            courses,
            name="storm-requests",
            title="Requests and refused connections per client, until it is back",
            cell=lambda course, _: f"{len(course.arrivals) / course.clients:.1f}",
        ),
    )


def _table(
    courses: Courses, *, name: str, title: str, cell: Callable[[Course, Course], str], note: str = ""
) -> Table:
    ours = courses[OURS]
    return Table(
        name=name,
        title=title,
        columns=("client", *(scenario.name for scenario in SCENARIOS)),
        rows=tuple(
            (client, *(cell(course, ours[scenario]) for scenario, course in by_scenario.items()))
            for client, by_scenario in courses.items()
        ),
        notes=(note,) if note else (),
    )


def _peak(peak: int, ours: int) -> str:
    return f"{peak:,} ({peak / ours:.1f})"


def _half_back(course: Course) -> str:
    return f"{median(course.returned):.1f}" if _are_all_back(course) else "-"


def _all_back(course: Course) -> str:
    return f"{course.returned[-1]:.1f}" if _are_all_back(course) else "never"


def _are_all_back(course: Course) -> bool:
    return len(course.returned) == course.clients


def _figure(courses: Courses) -> Figure:
    return Figure(
        name="storm",
        series={
            scenario.title: {
                client: tuple(map(float, courses[client][scenario].per_window(PLOTTED_SECONDS)))
                for client in PLOTTED_CLIENTS
            }
            for scenario in PLOTTED
        },
    )


def _goal(courses: Courses) -> Goal:
    times = [courses[EXACT][scenario].peak / courses[OURS][scenario].peak for scenario in SCENARIOS]
    return Goal(
        name="storm: the peak of a client that obeys the hint exactly",
        wanted=f"at least {WANTED:.0f} times everstream's",
        measured=f"{min(times):.1f} to {max(times):.1f} times",
        is_met=min(times) >= WANTED,
    )
