"""How monitors stand, as metrics: how many are watched, why the others are not, and how small a shift is found."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric

from stream.evaluate.judging.standing import STATES, WHYS
from stream.evaluate.monitors import Stock
from stream.run.work.labels import SERIES_MAX, bounded, labels_of

__all__ = ["MONITOR_NAMES", "monitor_metrics"]

MONITOR_NAMES = {
    "driftbus_monitors": "Monitors of the models this worker owns, by how they stand: watching, learning, unwatched",
    "driftbus_monitors_not_watched": "Monitors that are learning or unwatched, by reason",
    "driftbus_detectable_effect": "Smallest effect found within a day with 90 % power: best, median, worst monitor",
}
"""The metrics and what they tell; see `stream.run.work.metrics.NAMES`."""
TESTS = ("location", "spread", "missing", "volume")
"""What has a smallest effect; that of location is in standard deviations."""
OF: dict[str, Callable[[list[float]], float]] = {"best": min, "median": median, "worst": max}


def monitor_metrics(models: Sequence[tuple[str, Stock]]) -> Iterator[Metric]:
    """Give the metrics of models by name, none of more than SERIES_MAX series."""
    yield _counts("driftbus_monitors", "state", STATES, [(n, of.states) for n, of in models])
    yield _counts(
        "driftbus_monitors_not_watched", "reason", tuple(WHYS), [(n, of.whys) for n, of in models]
    )
    yield _effects(models)


def _counts(
    name: str, label: str, values: Sequence[str], counted: Sequence[tuple[str, Mapping[Any, int]]]
) -> Metric:
    family = GaugeMetricFamily(name, MONITOR_NAMES[name], labels=["model", label])
    rows = ((model, [float(counts[value]) for value in values]) for model, counts in counted)
    for model, row in bounded(rows, SERIES_MAX // len(values)):
        for value, n in zip(values, row, strict=True):
            family.add_metric([model, value], n)
    return family


def _effects(models: Sequence[tuple[str, Stock]]) -> Metric:
    """Tell of all monitors of a label together, by test; nothing where none is known."""
    name = "driftbus_detectable_effect"
    family = GaugeMetricFamily(name, MONITOR_NAMES[name], labels=["model", "detector", "monitor"])
    labels = labels_of((name for name, _ in models), SERIES_MAX // (len(TESTS) * len(OF)))
    pooled: dict[tuple[str, str], list[float]] = {}
    for label, (_, stock) in zip(labels, models, strict=True):
        for test in TESTS:
            pooled.setdefault((label, test), []).extend(stock.effects.get(test, ()))
    for (label, test), effects in pooled.items():
        for which, choose in OF.items():
            if effects:
                family.add_metric([label, test, which], choose(effects))
    return family
