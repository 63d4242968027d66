"""Every summary and sketch, as the law-book takes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.summaries.column import Column
from detectors.summaries.distinct_count import DistinctCount
from detectors.summaries.heavy_hitters import HeavyHitters
from detectors.summaries.layout import Layout
from detectors.summaries.quantiles import Quantiles
from detectors.summaries.reservoir import Reservoir
from detectors.summaries.summary import Summary
from detectors.summaries.unseen_values import UnseenValues

__all__ = ["SUMMARIES", "Registered"]

EXAMPLE = Layout([
    Column("x", "number", edges=(-30.0, -1.0, 0.0, 1.0, 30.0), mid=0.0, step=0.01),
    Column("kind", "string", values=("0", "1", "2")),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class Registered:
    """One of `SUMMARIES`: a new one is a file, an entry here, and gets every law.

    Args:
        name: of the class, in small letters.
        empty: makes one of no values; where it needs an extra, ImportError.
        feed: has one take in a float64 array of finite numbers.
        exact: whether merging is associative and commutative, and chunking without trace, to the
            byte. Otherwise they hold within the error that the class states.
    """

    name: str
    empty: Callable[[], Any]
    feed: Callable[[Any, NDArray[np.float64]], None]
    exact: bool


def _feed_summary(summary: Summary, values: NDArray[np.float64]) -> None:
    kinds = [str(int(v)) for v in values % 50]
    summary.merge(Summary.of(EXAMPLE, {"x": values, "kind": kinds}))


def _feed_reservoir(sample: Reservoir, values: NDArray[np.float64]) -> None:
    sample.update_many([v.tobytes() for v in values], [{"x": v} for v in values.tolist()])


def _feed_values(sketch: Any, values: NDArray[np.float64]) -> None:
    sketch.update_many(values.tolist())


SUMMARIES: tuple[Registered, ...] = (
    Registered("summary", lambda: Summary.empty(EXAMPLE), _feed_summary, exact=True),
    Registered("reservoir", lambda: Reservoir(50, 64), _feed_reservoir, exact=True),
    Registered("unseen_values", UnseenValues, _feed_values, exact=True),
    Registered("distinct_count", DistinctCount, _feed_values, exact=True),
    Registered("heavy_hitters", HeavyHitters, _feed_values, exact=False),
    Registered("quantiles", Quantiles, Quantiles.update_many, exact=False),
)
