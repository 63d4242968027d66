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

from benchmarks.throughput.case import Case
from benchmarks.throughput.report import Figures
from detectors.arrays import Floats

__all__ = ["QUANTITIES", "Fit", "Load", "Quantity", "fit_all", "is_usable", "load_of", "value_of"]

BATCH = 10_000
"""Messages that a worker asks for at once; those of a partition are folded together."""
RUNS_MIN = 8
"""Cases without which nothing is fitted."""


@dataclass(frozen=True)
class Load:
    """What comes in, and how many workers share it.

    `commits_s`: commits of a partition a second of event time (a worker that hurries has fewer).
    """

    rate: float
    features: int
    owners: int
    models: int
    partitions: int
    pane_s: float
    sample: float
    commits_s: float
    workers: int = 1

    @property
    def monitors(self) -> int:
        """Columns of all series, the category with them."""
        return self.owners * (self.features + 1)

    @property
    def touched(self) -> float:
        """Columns of all series, times the partitions on which events of theirs come between two commits."""
        events = self.rate * self.sample / self.commits_s / self.partitions
        return self.partitions * min(float(self.owners), events) * (self.features + 1)

    @property
    def grouped(self) -> float:
        """Models that a worker finds among the events of a batch, an event: each has columns made for it."""
        of_batch = BATCH * self.workers / self.partitions
        return min(float(self.models), of_batch * self.sample) / of_batch


Term = tuple[str, Callable[[Load], float]]

_COMMITS: Term = ("commits of a partition", lambda x: x.partitions * x.commits_s / x.rate)
_TOUCHED: Term = ("columns written at a commit", lambda x: x.touched * x.commits_s / x.rate)
_CLOSED: Term = ("columns of a pane that closes", lambda x: x.monitors / x.pane_s / x.rate)
_READ: Term = (
    "columns of its parts, one a partition",
    lambda x: x.touched / x.pane_s / x.rate,
)
_MODELS: Term = ("models of a pane that closes", lambda x: x.models / x.pane_s / x.rate)
_EVENT: Term = ("an event", lambda _: 1.0)
_USED: Term = ("an event that is counted", lambda x: x.sample)
_VALUE: Term = ("a value that is counted", lambda x: x.sample * (x.features + 1))
_FIELD: Term = ("a value that is carried", lambda x: float(x.features + 1))
_GROUP: Term = ("a model in a batch", lambda x: x.grouped)
_PROCESS: Term = ("a process", lambda _: 1.0)
_MONITOR: Term = ("a monitor", lambda x: float(x.monitors))
_OPEN: Term = ("a column of an open pane, on a partition", lambda x: x.touched)


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
             (_EVENT, _USED, _VALUE, _GROUP, _TOUCHED, _CLOSED, _READ)),
    Quantity("worker memory", "MB", ("rss_mb",), False, (_PROCESS, _MONITOR, _OPEN)),
    Quantity("store operations", "an event", ("redis_ops_per_s", "store_calls_per_s"), True,
             (_COMMITS, _MODELS)),
    Quantity("store bytes written", "bytes/event",
             ("redis_in_bytes_per_s", "store_written_bytes_per_s"), True,
             (_COMMITS, _TOUCHED, _CLOSED)),
    Quantity("store bytes read", "bytes/event",
             ("redis_out_bytes_per_s", "store_read_bytes_per_s"), True, (_COMMITS, _READ, _MODELS)),
    Quantity("store CPU", "us/event", ("redis_cpu_us_per_event",), False,
             (_COMMITS, _TOUCHED, _CLOSED, _READ)),
    Quantity("store memory", "MB", ("redis_used_mb", "store_kept_mb"), False,
             (_PROCESS, _MONITOR, _OPEN)),
    Quantity("bytes from Kafka", "bytes/event", ("net_kafka_in_bytes_per_s",), True,
             (_EVENT, _FIELD)),
)  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """The coefficients of a quantity's terms, and how far it was off on runs that it had not seen; `worst` is one."""

    quantity: Quantity
    coefficients: Floats
    runs: int
    median_error: float
    worst_error: float
    worst: Case

    def at(self, load: Load) -> float:
        """Tell the quantity under a load."""
        return float(_row(self.quantity, load) @ self.coefficients)


def load_of(case: Case, wall_s: float, events: int) -> Load:
    """Tell what came in, in a run of so many seconds."""
    config = case.config()
    owners = case.models * case.series + (case.models if case.series > 1 else 0)
    hurried = wall_s * case.rate / events if case.feed != "memory" else 1.0
    commits_s = min(1.0, max(hurried, 1e-3)) * 1000 / config.commit_interval_ms
    return Load(
        case.rate, case.features, owners, case.models, case.partitions, config.pane_ms / 1000,
        case.sample, commits_s,
    )  # fmt: skip


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
    loads = [load_of(f.case, f["wall_s"], int(f["events"])) for f in usable]
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
    return Fit(quantity, _solve(A, y), len(y), float(np.median(errors)), worst, case)


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
