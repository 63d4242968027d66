"""Whatever models are called, a scrape is short, clean and of no sample twice."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from stream.evaluate.judging.standing import WHYS, State
from stream.evaluate.monitors import Stock
from stream.run.copies.backup import Backup
from stream.run.work.labels import OTHER, SERIES_MAX, bounded, label_of
from stream.run.work.metrics import WorkerMetrics, exposition
from stream.run.work.monitor_metrics import MONITOR_NAMES
from tests.run.copies import MemoryLog
from tests.run.rig import Rig

FINE = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
ODD = [
    'a"b',
    "a\nb",
    "a\\b",
    "<script>",
    "é",
    "x" * 200,
    "",
    "a b",
    OTHER,
    "{}",
    "\x00",
    "\u202e",
    "m",
]


@given(name=st.text(max_size=300), other=st.text(max_size=300))
def test_labels_have_few_characters_and_different_names_stay_apart(name: str, other: str) -> None:
    assert FINE.fullmatch(label_of(name))
    assert (label_of(name) == label_of(other)) == (name == other)


def test_a_good_name_stays_as_it_is_and_nobody_can_be_called_other() -> None:
    assert label_of("fraud/12.b:c-d_e") == "fraud/12.b:c-d_e"
    assert label_of(OTHER) != OTHER


@given(
    counted=st.lists(st.tuples(st.sampled_from(ODD), st.integers(0, 9)), max_size=20),
    most=st.integers(1, 8),
)
def test_what_has_no_label_of_its_own_adds_up_under_other(
    counted: list[tuple[str, int]], most: int
) -> None:
    """So sums stay right; rows are at most as many as asked for, each with another label."""
    rows = bounded([(name, [float(n), 1.0]) for name, n in counted], most)
    assert len({label for label, _ in rows}) == len(rows) <= most
    assert sum(values[0] for _, values in rows) == sum(n for _, n in counted)
    assert sum(values[1] for _, values in rows) == len(counted)


def test_a_hundred_thousand_models_make_a_scrape_of_a_few_thousand_series(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Prometheus' own parser reads it, no sample stands there twice, and no model's monitors are lost from the sum."""

    class Evaluator:
        model = None
        outbox: tuple[()] = ()

    rig, number = Rig(), 100_000
    names = [ODD[i % len(ODD)] + str(i) for i in range(number)]
    monkeypatch.setattr(rig.runtime.models, "evaluators", {name: Evaluator() for name in names})
    states: dict[State, int] = {"watching": 2, "learning": 1, "unwatched": 0}
    whys = dict.fromkeys(WHYS, 0) | {"constant": 1}
    effects = {test: [0.1, 0.3, 0.7] for test in ("location", "spread", "missing", "volume")}
    stock = Stock(states, whys, effects)
    monkeypatch.setattr("stream.run.work.metrics.take_stock", lambda _: stock)
    text = exposition(
        WorkerMetrics(rig.runtime, Backup(rig.config, rig.store, MemoryLog()))
    ).decode()
    samples: dict[str, list[Sample]] = {name: [] for name in MONITOR_NAMES}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.get(sample.name, []).append(sample)
    for of_metric in samples.values():
        assert 3_000 < len(of_metric) <= SERIES_MAX
        assert len({tuple(sorted(s.labels.items())) for s in of_metric}) == len(of_metric)
        assert all(FINE.fullmatch(s.labels["model"]) for s in of_metric)
    assert sum(s.value for s in samples["driftbus_monitors"]) == 3 * number
    assert sum(s.value for s in samples["driftbus_monitors_not_watched"]) == number
    told = {(s.labels["monitor"], s.value) for s in samples["driftbus_detectable_effect"]}
    assert told == {("best", 0.1), ("median", 0.3), ("worst", 0.7)}
    rig.runtime.close()
