"""The pages about metrics say what the code measures."""

import re
import typing
from collections.abc import Iterator

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import REGISTRY

from everstream.observe.labels import ConnectionLoss, ConnectOutcome, StreamEnd
from everstream.observe.metrics import Metrics
from tests.fakes import FakeClock
from tests.observe.measuring import Measurement, everything, kind_of
from tests.project.doc_tables import REFERENCE, plain, table
from tests.project.source import ROOT

HOW_TO = ROOT / "docs" / "how-to" / "metrics.md"


@pytest.fixture(scope="module")
def measured() -> Measurement:
    """What is measured of a stream to which everything happened."""
    measurement = Measurement(lambda _event: 0.0)
    measurement.stream()(*everything())
    return measurement


def test_the_table_of_metrics_is_that_of_the_code(measured: Measurement) -> None:
    """Names, kinds, units, labels and meanings are what the SDK saw, neither more nor fewer."""
    documented = {
        name: (row["kind"], plain(row["unit"]), set(re.findall(r"`(\w+)`", row["labels"])), row["meaning"])
        for name, row in table("metrics.md", "metric").items()
    }
    seen = {
        name: (
            kind_of(metric),
            metric.unit,
            {label for point in metric.data.data_points for label in point.attributes or {}},
            metric.description,
        )
        for name, metric in measured.read().items()
    }
    assert documented == seen


@pytest.mark.parametrize(
    ("column", "words"), [("outcome", ConnectOutcome), ("interruption", ConnectionLoss), ("end", StreamEnd)]
)
def test_the_tables_of_labels_are_those_of_the_code(column: str, words: object) -> None:
    """Each closed list is on the page, in the order of the code."""
    assert tuple(table("metrics.md", column)) == typing.get_args(words)


def test_the_meter_is_named() -> None:
    """`Measurement.read` refuses any other; the page says which it is."""
    assert "The meter is `everstream`." in (REFERENCE / "metrics.md").read_text("utf-8")


@pytest.fixture
def exported() -> Iterator[set[str]]:
    """The names under which Prometheus sees a stream to which everything happened."""
    reader = PrometheusMetricReader()
    provider = MeterProvider([reader])
    observer, clock = Metrics(provider, timestamp=lambda _event: 0.0).observer("prices"), FakeClock()
    for item in everything():
        observer(item, clock)
    yield {sample.name for metric in REGISTRY.collect() for sample in metric.samples}
    provider.shutdown()  # which takes the reader out of the registry


def test_the_how_to_asks_for_what_is_measured(exported: set[str]) -> None:
    """Each name in the rules, and in what is printed, is one that the exporter of Prometheus gives."""
    asked = set(re.findall(r"\beverstream_[a-z_]+[a-z]\b", HOW_TO.read_text("utf-8")))
    assert len(asked) > 5
    assert asked <= exported


def test_the_rules_ask_for_words_that_exist() -> None:
    """Each word of a closed list in the rules is one of that list."""
    found = re.findall(r'(\w+)_total\{(\w+)="(\w+)"\}', HOW_TO.read_text("utf-8"))
    asked = {(name, word) for name, label, word in found if label != "stream"}
    assert {name for name, _ in asked} == {"everstream_stream_ends", "everstream_stream_connects"}
    words = {"everstream_stream_ends": StreamEnd, "everstream_stream_connects": ConnectOutcome}
    assert [word for name, word in asked if word not in typing.get_args(words[name])] == []
