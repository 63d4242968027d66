"""What was left out because there was no room for it: counted for the metrics, told once in the log."""

import logging
from collections import Counter
from collections.abc import Mapping

from stream.ingest.fold import Counters

__all__ = ["REASONS", "Refusals", "of_partition"]

LOG = logging.getLogger("driftbus.limits")

REASONS = {
    "models": "events of new models are left out: there are limits.models_max of them",
    "series": "new versions and segments are not counted by themselves: there are limits.series_max of them",
    "columns": "values of new columns are not learned: limits.columns_max is reached, or their names are too long",
    "raw_rows": "a reference is learned from a sample of its rows: limits.raw_rows_max or their bytes are reached",
    "join_rows": "predictions or labels of a pane are left out of the join: labels.waiting_max is reached",
    "movers": "a model has moved so often that the event over several models may lack some of it",
    "waiting": "predictions leave before their label came: labels.waiting_max is reached",
}
"""Why something is left out, and what to read in the log."""
_OF_COUNTERS = {
    "models": "models_refused",
    "series": "series_refused",
    "columns": "columns_refused",
    "raw_rows": "raw_rows_dropped",
    "join_rows": "join_rows_dropped",
}


class Refusals:
    """Counts of a worker since it started, by place (a topic, or `evaluate`) and reason; they only grow.

    What is not known to grow with the input has no place here: places are the configuration's, reasons are REASONS.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()

    def note(self, at: str, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """Count what was refused between two looks, and say so if it is the first time."""
        for reason, n in after.items():
            more = n - before.get(reason, 0)
            if more and not self.counts[at, reason]:
                LOG.warning(
                    "%s: %s (told once; driftbus_refused_total counts)", at, REASONS[reason]
                )
            if more:
                self.counts[at, reason] += more


def of_partition(counters: Counters) -> dict[str, int]:
    """Give what a partition has refused, by reason."""
    return {reason: getattr(counters, name) for reason, name in _OF_COUNTERS.items()}
