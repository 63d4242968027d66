"""Mergeable statistics of columns and streams, of a fixed size.

`learn_column` freezes how a column is binned, `Layout` gives columns their slots, and `Summary` counts
events into them. `Reservoir` samples rows to learn from, `UnseenValues` names what no column knew.
`DistinctCount`, `HeavyHitters` and `Quantiles` are Apache DataSketches behind the same interface,
`Mergeable`; `SUMMARIES` has them all.
"""

from detectors.summaries.column import Column, learn_column
from detectors.summaries.distinct_count import DistinctCount
from detectors.summaries.heavy_hitters import HeavyHitters
from detectors.summaries.layout import Layout
from detectors.summaries.mergeable import Mergeable
from detectors.summaries.quantiles import Quantiles
from detectors.summaries.registry import SUMMARIES, Registered
from detectors.summaries.reservoir import Reservoir
from detectors.summaries.summary import Summary, mean_of
from detectors.summaries.unseen_values import UnseenValues

__all__ = [
    "SUMMARIES",
    "Column",
    "DistinctCount",
    "HeavyHitters",
    "Layout",
    "Mergeable",
    "Quantiles",
    "Registered",
    "Reservoir",
    "Summary",
    "UnseenValues",
    "learn_column",
    "mean_of",
]
