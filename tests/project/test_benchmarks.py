"""The benchmarks measure what they say, and the page about performance has a place for all of it.

How fast anything is, is for `make bench`: no test knows it. Of the peers, only the tutorial loop is needed.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import page, profile, storm, throughput
from benchmarks.__main__ import PARTS
from benchmarks.crowd import Scenario, course_of, everstream_client, rule_client
from benchmarks.delay_rules import EXACT, RULES
from benchmarks.measuring import Case, Finding, compared
from benchmarks.results import Goal, Report, Scale, Table, goal_table
from benchmarks.stages import STAGES
from everstream.testing import SSEServer, connection, event
from tests.project.source import ROOT, Module
from tests.project.test_source_style import FILE_LINES, FUNCTION_LINES, functions, length, undocumented

OURS, TUTORIAL = "everstream", "the tutorial loop"
TINY = Scale(rounds=1, events=0.001, clients=(OURS, TUTORIAL))
MODULES = [
    Module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    for path in sorted((ROOT / "benchmarks").rglob("*.py"))
]
PAGE = page.PAGE.read_text("utf-8")


def where(module: Module) -> str:
    """Returns the name of a test for this module."""
    return module.path


class TestThroughput:
    def test_clients_that_are_right_are_measured(self) -> None:
        """Each of them gets a processor time for an event."""
        case = Case(title="a", payload="chat", framing="one per chunk", count=100_000)
        found = compared(case, TINY)
        assert set(found) == {OURS, TUTORIAL}
        assert [finding.wrong for finding in found.values()] == ["", ""]
        assert all(len(finding.seconds) == 1 and finding.least > 0 for finding in found.values())

    def test_a_client_that_delivers_something_else_is_found_out(self) -> None:
        """The tutorial loop makes eight events of one with eight lines; it gets no time for that."""
        found = compared(Case(title="a", payload="lines", framing="64 KiB chunks", count=100_000), TINY)
        assert found[OURS].wrong == ""
        assert found[TUTORIAL].wrong != ""
        assert found[TUTORIAL].seconds == ()

    @pytest.mark.parametrize(("theirs", "is_met"), [(3.0, True), (2.9, False)])
    def test_a_goal_that_is_missed_is_called_missed(self, theirs: float, is_met: bool) -> None:
        """The least of all rounds counts, and a peer that is wrong does not."""
        row = {
            OURS: Finding(seconds=(2.0, 2.2)),
            TUTORIAL: Finding(wrong="wrong data"),
            "sseclient-py": Finding(seconds=(4.0, theirs)),
        }
        report = throughput.report({case.title: row for case in throughput.CASES})
        assert {goal.is_met for goal in report.goals} == {is_met}
        assert all("sseclient-py" in goal.measured for goal in report.goals)
        table = goal_table(report.goals)
        assert {cells[-1] for cells in table.rows} == {"yes" if is_met else "NO"}


class TestStorm:
    SCENARIOS = storm.SCENARIOS

    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
    def test_our_crowd_is_spread(self, scenario: Scenario) -> None:
        """Its peak is a fifth of that of clients that obey exactly, or less; and everybody comes back."""
        ours = course_of(scenario, everstream_client, 1000)
        exact = course_of(scenario, rule_client(RULES[EXACT]), 1000)
        assert exact.peak == 1000
        assert ours.peak <= exact.peak / 5
        assert len(ours.returned) == 1000

    def test_nobody_of_us_comes_before_the_hint(self) -> None:
        """Jitter comes on top of what the server asked for, in the stream or in a response."""
        hinted = Scenario(name="a", title="a", hint=3.0)
        assert course_of(hinted, everstream_client, 100).arrivals[0] > 3.0
        refused = Scenario(name="b", title="b", down_for=0.9, is_fronted=True, retry_after=7.0)
        arrivals = course_of(refused, everstream_client, 100).arrivals
        first, second = arrivals[:100], arrivals[100:]
        assert first[-1] < 1.2
        assert second[0] > 7.0

    def test_an_overloaded_server_accepts_no_more_than_it_has_room_for(self) -> None:
        """The others come again, until there is room for them."""
        scenario = Scenario(name="a", title="a", room=3, retry_after=1.0)
        course = course_of(scenario, rule_client(RULES[EXACT]), 100)
        accepted = [int(at * 10) for at in course.returned]
        assert len(accepted) == 100
        assert max(map(accepted.count, accepted)) == 3
        assert len(course.arrivals) > 100

    def test_the_peak_is_looked_for_everywhere(self) -> None:
        """Also across the borders of tenths of a second, in which the plot counts."""
        course = storm.Course(arrivals=[0.05, 0.09, 0.11, 0.12, 0.19, 0.3], returned=[], clients=6)
        assert course.peak == 4
        assert course.per_window(0.4) == (2, 3, 0, 1)

    def test_it_is_the_same_every_time(self) -> None:
        """Nothing is timed, and the dice have a seed: each rule has its row, and each scenario its column."""
        scale = Scale(rounds=1, events=0.05)
        report = storm.run(scale)
        assert report == storm.run(scale)
        for table in report.tables:
            assert [row[0] for row in table.rows] == [OURS, *RULES]
            assert table.columns[1:] == tuple(scenario.name for scenario in self.SCENARIOS)


class TestProfile:
    @pytest.mark.parametrize("stage", STAGES)
    def test_a_stage_reads_the_whole_stream(self, stage: str) -> None:
        """What a stage counts is there to the last."""
        text = "".join(f"data: é{number}\n\n" for number in range(10))
        counts = {"unframed": len(text.encode()), "decoded": len(text)}
        with SSEServer() as server:
            # `socket.recv` reads to the end of the connection.
            server.script([connection(*(event(f"é{n}") for n in range(10)), framing="close")])
            count = STAGES[stage](server.url, 10)
        if stage == "received":
            assert count > len(text.encode())
        else:
            assert count == counts.get(stage, 10)

    def test_each_stage_has_a_row(self) -> None:
        """It says what the stage takes, and how much of that is its own."""
        times = {stage: float(number**2) / 1e6 for number, stage in enumerate(STAGES, start=1)}
        table = profile.stage_table({"a": times})
        assert [row[1:] for row in table.rows[:3]] == [("1.00", "1.00"), ("4.00", "3.00"), ("9.00", "5.00")]
        assert len(table.rows) == len(STAGES)


class TestPage:
    def test_it_has_a_place_for_each_table(self) -> None:
        """And no place for a table that there is not."""
        tables = sorted({"machine", "goals"} | {name for module in MODULES for name in table_names(module)})
        assert sorted(page.blocks(PAGE)) == tables

    def test_it_shows_each_picture(self) -> None:
        """The three are there, and none has a date in it, which would change with each run."""
        pictures = re.findall(r"\]\(\.\./_static/(performance-\w+\.svg)\)", PAGE)
        assert pictures == [f"performance-{name}.svg" for name in ("throughput", "latency", "storm")]
        for picture in pictures:
            assert "dc:date" not in (page.PICTURES / picture).read_text("utf-8")

    def test_a_table_is_replaced_and_the_rest_stays(self) -> None:
        """Prose and other tables are as they were."""
        text = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n<!-- bench:y -->\nkept\n<!-- /bench:y -->\n"
        assert page.with_tables(text, {"x": "new"}) == text.replace("old", "\nnew\n")

    def test_a_table_without_a_place_is_an_error(self) -> None:
        """It would be lost in silence."""
        with pytest.raises(LookupError, match="nowhere"):
            page.with_tables(PAGE, {"nowhere": ""})

    @pytest.mark.parametrize("is_whole", [True, False])
    def test_goals_are_written_with_a_whole_run_only(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_whole: bool
    ) -> None:
        """Else the table would have those of two runs, or lack some."""
        copy = tmp_path / "page.md"
        copy.write_text(PAGE, "utf-8")
        monkeypatch.setattr(page, "PAGE", copy)
        names = [name for name in page.blocks(PAGE) if name not in ("goals", "machine")]
        tables = [Table(name=name, title="", columns=("c",), rows=(("cell",),)) for name in names]
        goal = Goal(name="the goal", wanted="a", measured="b", is_met=False)
        page.write(Report(tables=tuple(tables if is_whole else tables[1:]), goals=(goal,)))
        assert copy.read_text("utf-8").count("| cell |") == len(tables) - (not is_whole)
        assert ("| the goal | a | b | NO |" in copy.read_text("utf-8")) is is_whole

    def test_the_machine_is_named_in_general_words(self) -> None:
        """No host name, no path."""
        assert re.fullmatch(
            r"Measured on a (virtual )?machine with \d+ processors \(\w+, \w+\), with \w+ [\w.+]+, "
            r"requests [\d.]+ and urllib3 [\d.]+\.",
            page.machine(),
        )


def table_names(module: Module) -> Iterator[str]:
    """Yields the names of the tables that a module makes."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Table", "_table"):
            names = [word.value for word in node.keywords if word.arg == "name"]
            yield from (
                name.value for name in names if isinstance(name, ast.Constant) and name.value != "goals"
            )


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs(part: str) -> None:
    """The command finds a function in it to run."""
    assert callable(importlib.import_module(f"benchmarks.{part}").run)


@pytest.mark.parametrize("module", MODULES, ids=where)
def test_a_module_of_the_benchmarks_is_as_short_and_documented_as_those_of_the_library(
    module: Module,
) -> None:
    """Those who doubt the numbers have to read it."""
    assert module.text.count("\n") <= FILE_LINES
    assert [f.name for f in functions(module) if length(module, f) > FUNCTION_LINES] == []
    assert ast.get_docstring(module.tree)
    assert list(undocumented(module)) == []
