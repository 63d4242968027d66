"""What a fleet uses as a function of its events, fitted to the figures of `benchmarks.throughput`.

Every quantity is a sum of stated terms with coefficients that are not negative, found by least squares of the relative
error. Processor time, operations and bytes are fitted an event, memory as it is. The error that is told is that on runs
which the fit did not see: each run is predicted by a model fitted to all others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from scipy.optimize import nnls

from benchmarks.capacity.load import Load, load_of
from benchmarks.throughput.case import Case
from benchmarks.throughput.report import Figures
from detectors.arrays import Floats

__all__ = ["QUANTITIES", "Fit", "Quantity", "fit_all", "is_usable", "value_of"]

RUNS_MIN = 8
"""Cases without which nothing is fitted."""


Term = tuple[str, Callable[[Load], float]]

# Of an event:
_EVENT: Term = ("an event", lambda _: 1.0)
_FIELD: Term = ("a value that is carried", lambda x: float(x.columns))
_USED: Term = ("an event that is counted", lambda x: x.sample)
_VALUE: Term = ("a value that is counted", lambda x: x.sample * x.columns)
_GROUP: Term = ("a model in a batch", lambda x: x.grouped)
# Of a second, by what happens in it:
_SECOND: Term = ("a second of a worker", lambda x: x.workers * x.watched / x.rate)
_LOOK: Term = (
    "a second of a worker and a partition whose mark it reads",
    lambda x: x.workers * x.partitions * x.watched / x.rate,
)
_WOKEN: Term = (
    "a mark that is read as a pane closes on a partition",
    lambda x: x.partitions**2 * x.closed / x.rate,
)
_COMMIT: Term = ("a commit of a partition", lambda x: x.commits / x.rate)
_WRITTEN: Term = ("a column written at it", lambda x: x.commits * x.written / x.rate)
_WRITTEN_BIN: Term = ("a bin of it", lambda x: x.commits * x.bins_written / x.rate)
_MODEL: Term = ("a model of a pane that closes", lambda x: x.models * x.closed / x.rate)
_PART: Term = (
    "a model of a pane that closes on a partition",
    lambda x: x.models * x.partitions * x.closed / x.rate,
)
_READ: Term = ("a column of a pane's part", lambda x: x.parts * x.closed / x.rate)
_READ_BIN: Term = ("a bin of it", lambda x: x.bins_of_parts * x.closed / x.rate)
_CLOSED: Term = ("a column of a pane that closes", lambda x: x.merged * x.closed / x.rate)
_JUDGED: Term = ("a column of a window that ends", lambda x: x.monitors * x.ends / x.rate)
# Of what is held:
_PROCESS: Term = ("a process", lambda _: 1.0)
_WAY: Term = ("a value of an event under way", lambda x: float(x.columns))
_HELD: Term = ("a column that is evaluated", lambda x: x.evaluated)
_HISTORY: Term = ("one whose windows are judged", lambda x: x.judged * x.evaluated)
_OPEN: Term = (
    "a column of an open pane, on a partition",
    lambda x: x.open / x.workers,
)
_MONITOR: Term = ("a column of a series", lambda x: float(x.monitors))
_RESULT: Term = ("a result of it that is kept", lambda x: x.monitors * x.results)
_KEPT: Term = ("a column of a pane that is kept", lambda x: x.kept)
_NAMED: Term = ("a model", lambda x: float(x.models))


@dataclass(frozen=True)
class Quantity:
    """What is fitted: the names under which figures have it, whether it is a rate, and its terms."""

    name: str
    unit: str
    figures: tuple[str, ...]
    per_event: bool
    terms: tuple[Term, ...]


QUANTITIES = (
    Quantity("worker CPU", "us/event", ("cpu_us_per_event",), False,
             (_EVENT, _USED, _VALUE, _GROUP, _SECOND, _WRITTEN, _READ, _JUDGED)),
    Quantity("worker memory", "MB", ("rss_mb",), False, (_PROCESS, _WAY, _HELD, _HISTORY, _OPEN)),
    Quantity("store operations", "an event", ("redis_ops_per_s", "store_calls_per_s"), True,
             (_SECOND, _LOOK, _WOKEN, _COMMIT, _MODEL, _PART)),
    Quantity("store bytes written", "bytes/event",
             ("redis_in_bytes_per_s", "store_written_bytes_per_s"), True,
             (_COMMIT, _WRITTEN, _WRITTEN_BIN, _MODEL, _CLOSED, _JUDGED)),
    Quantity("store bytes read", "bytes/event",
             ("redis_out_bytes_per_s", "store_read_bytes_per_s"), True, (_LOOK, _COMMIT, _READ, _READ_BIN, _MODEL)),
    Quantity("store CPU", "us/event", ("redis_cpu_us_per_event",), False,
             (_SECOND, _COMMIT, _WRITTEN, _MODEL, _JUDGED)),
    Quantity("store memory", "MB", ("redis_used_mb", "store_kept_mb"), False,
             (_PROCESS, _NAMED, _MONITOR, _RESULT, _KEPT)),
    Quantity("bytes from Kafka", "bytes/event", ("net_kafka_in_bytes_per_s",), True,
             (_EVENT, _FIELD)),
)  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """The coefficients of a quantity's terms, and how far it was off on runs that it had not seen.

    `worst` is the case on which it was furthest off, `first` the first of those fitted.
    """

    quantity: Quantity
    coefficients: Floats
    runs: int
    median_error: float
    worst_error: float
    worst: Case
    first: Case

    def at(self, load: Load) -> float:
        """Tell the quantity under a load."""
        return float(_row(self.quantity, load) @ self.coefficients)


def fit_all(figures: Sequence[Figures]) -> list[Fit]:
    """Fit every quantity that enough cases of whole, single workers have, all of one feed.

    Raises:
        ValueError: there are too few cases, or they come from several feeds.
    """
    usable = list(filter(is_usable, figures))
    if len({f.case.feed for f in usable}) > 1:
        raise ValueError("figures of several feeds do not go together; give one file")
    if len(usable) < RUNS_MIN:
        raise ValueError(
            f"{len(usable)} cases are too few: measure with `benchmarks.throughput --capacity`"
        )
    loads = [load_of(f) for f in usable]
    fits = (_fit(quantity, usable, loads) for quantity in QUANTITIES)
    return [fit for fit in fits if fit is not None]


def _fit(quantity: Quantity, figures: Sequence[Figures], loads: Sequence[Load]) -> Fit | None:
    told = ((f.case, load, value_of(quantity, f)) for f, load in zip(figures, loads, strict=True))
    of = [(case, load, value) for case, load, value in told if value]
    if len(of) < RUNS_MIN:
        return None
    A = np.array([_row(quantity, load) for _, load, _ in of])
    y = np.array([value for _, _, value in of])
    errors = []
    for i in range(len(y)):
        seen = np.arange(len(y)) != i
        errors.append(abs(float(A[i] @ _solve(A[seen], y[seen])) / y[i] - 1))
    worst, case = max(zip(errors, (case for case, _, _ in of), strict=True), key=itemgetter(0))
    return Fit(quantity, _solve(A, y), len(y), float(np.median(errors)), worst, case, of[0][0])


def _solve(A: Floats, y: Floats) -> Floats:
    """Minimise the sum of squared relative errors over coefficients of at least 0; terms are scaled to like sizes."""
    scale = np.maximum(np.abs(A).max(axis=0), 1e-300)
    solution: Floats = nnls(A / scale / y[:, None], np.ones(len(y)))[0] / scale
    return solution


def _row(quantity: Quantity, load: Load) -> Floats:
    return np.array([term(load) for _, term in quantity.terms])


def is_usable(figures: Figures) -> bool:
    """Tell whether the model speaks of such a case: one whole worker, without drift made on purpose."""
    case = figures.case
    return case.mode == "whole" and case.workers == 1 and not case.drift


def value_of(quantity: Quantity, figures: Figures) -> float | None:
    """Give a quantity as measured, an event where it is fitted so; None where it was not measured."""
    value = next((figures.values[n] for n in quantity.figures if n in figures.values), None)
    if value is None or not quantity.per_event:
        return value
    memory = figures.case.feed == "memory"
    rate = figures.case.rate if memory else figures["events"] / figures["wall_s"]
    return value / rate
