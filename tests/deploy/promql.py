"""The words of a PromQL expression, sorted into metrics, labels, and what is neither."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from stream.run.work.metrics import NAMES

LANGUAGE = {
    *("absent", "and", "by", "count", "delta", "deriv", "histogram_quantile", "increase"),
    *("label_values", "max", "min", "min_over_time", "on", "or", "rate", "sum", "time", "vector"),
}
"""The functions and operators in use here."""
LABELS = {
    *(
        "topic",
        "severity",
        "state",
        "kind",
        "half",
        "sink",
        "version",
        "at",
        "reason",
        "detector",
        "monitor",
    ),
    *("instance", "job", "le", "alertname", "alertstate"),
}
"""The labels of the worker's metrics, and those Prometheus adds."""
OWN = {"up", "ALERTS"}
"""Metrics that Prometheus makes itself."""


class Words(NamedTuple):
    """What an expression speaks of."""

    metrics: set[str]
    unknown: set[str]


def words_of(expression: str) -> Words:
    """Tell the driftbus metrics of an expression, and the words that are nothing we know.

    >>> words_of('sum by (topc) (rate(driftbus_lag_records{topic="features"}[5m]))')
    Words(metrics={'driftbus_lag_records'}, unknown={'topc'})
    """
    bare = re.sub(r'"[^"]*"|\$\w+', "", expression)
    words = set(re.findall(r"(?<!\w)[A-Za-z_]\w*", bare))
    metrics = {word for word in words if _metric(word)}
    unknown = words - metrics - LANGUAGE - LABELS - OWN
    return Words({_metric(word) for word in metrics}, unknown)


def expressions(panels: list[dict[str, object]]) -> Iterator[str]:
    """Tell every expression of a dashboard's panels."""
    for panel in panels:
        targets = panel.get("targets", [])
        assert isinstance(targets, list)
        yield from (target["expr"] for target in targets)


def _metric(word: str) -> str:
    """Tell the metric that a series belongs to, or nothing: a histogram has three series."""
    whole = re.sub(r"_(bucket|sum|count)$", "", word)
    return next((name for name in (word, whole) if name in NAMES), "")
