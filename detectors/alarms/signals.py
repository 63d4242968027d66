"""What the alarm layer follows of a column: a few numbers a window, instead of its counts.

location, spread and shape come from an ordered probit fit (`probit.py`): how far the values moved, in
standard deviations; how much wider they lie, as a logarithm; and the cube root of the misfit over
what sampling and usual wander make of it, near 1 in control (Wilson and Hilferty 1931). Categories are
put in the order in which they wander (`order.py`) and then treated alike. A column of two values has
the arcsine rate of the second as its location. missing is the arcsine rate of missing values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from detectors.alarms.order import wander_order
from detectors.alarms.probit import fit_probit, probit_weights
from detectors.arrays import Counts, Flags, Floats, beside
from detectors.comparisons.cells import Cells
from detectors.comparisons.rates import arcsine_rate
from detectors.comparisons.wander import EVENTS_MIN

__all__ = [
    "COLUMN_TESTS",
    "VOLUME_TEST",
    "Readings",
    "Scheme",
    "Test",
    "read_volume",
    "tells",
    "volume_worth",
    "weight_of",
]


PER_BIN = 5
"""Values that a window needs for each bin in use before its misfit is told."""
PLACES: Floats = np.linspace(-4.0, 4.0, 33)
"""Locations for which it is worked out how much an event tells; the middle one is that of the reference."""


@dataclass(frozen=True, slots=True)
class Test:
    """One signal as it is tested: its name, the smallest effect worth telling, and its nature.

    Attributes:
        name: what verdicts call it.
        floor: default floor, in the unit of the effect.
        share: part of a monitor's budget that it may spend.
        least: smallest factor between its variance and the sampling variance that is known of it.
        up: whether only a rise is drift.
    """

    name: str
    floor: float
    share: float
    least: float = 1.0
    up: bool = False


COLUMN_TESTS = (
    Test("location", 0.1, 0.40),
    Test("spread", 0.1, 0.12),
    Test("shape", 0.02, 0.12, least=0.25, up=True),
    Test("missing", 0.05, 0.08),
)
"""What is tested of every column; 8 % more are for data quality, 20 % of the budget stay unspent."""
VOLUME_TEST = Test("volume", float(np.log(2)), 0.5)
"""Of a series: the logarithm of the number of events; twice or half as many are worth telling."""


@dataclass(frozen=True, eq=False)
class Readings:
    """What is kept of T windows of C columns: S signals, in the order of their tests, and how many events they tell of.

    Attributes:
        x: [S, C, T] the signals, rounded to single precision, 0 where they tell nothing.
        valid: [C, T] values counted.
        events: [C, T] events, values or not.

    Cost: 8 + 4 S bytes a column and window when packed.
    """

    x: Floats
    valid: Counts
    events: Counts

    def __len__(self) -> int:
        return int(self.x.shape[2])

    @classmethod
    def empty(cls, signals: int, columns: int, windows: int = 0) -> "Readings":
        """Make readings of windows that tell nothing."""
        counts = np.zeros((columns, windows), np.int64)
        return cls(np.zeros((signals, columns, windows)), counts, counts.copy())

    @classmethod
    def join(cls, parts: "list[Readings]") -> "Readings":
        """Put windows one after the other."""
        x = np.concatenate([part.x for part in parts], axis=2)
        valid = np.concatenate([part.valid for part in parts], axis=1)
        return cls(x, valid, np.concatenate([part.events for part in parts], axis=1))

    @classmethod
    def beside(cls, parts: "list[Readings]", columns: list[Counts]) -> "Readings":
        """Put columns beside each other; `columns` are the places that those of each part take."""
        made = cls.empty(parts[0].x.shape[0], sum(map(len, columns)), len(parts[0]))
        for part, at in zip(parts, columns, strict=True):
            made.x[:, at], made.valid[at], made.events[at] = part.x, part.valid, part.events
        return made

    def columns(self, at: slice) -> "Readings":
        """View some columns."""
        return Readings(self.x[:, at], self.valid[at], self.events[at])

    def windows(self, at: Counts | slice) -> "Readings":
        """Take some windows."""
        return Readings(self.x[:, :, at], self.valid[:, at], self.events[:, at])


class Scheme:
    """How the signals of C columns are read, learned from a reference and its windows.

    Args:
        reference: totals, T = 1.
        history: its windows, at least one.

    Attributes:
        used: [C] bins that the reference fills; a column of one has no signal but `missing`.
        rates: [S, C] which signals are arcsine rates, whose tails are the binomial's.

    Cost: O(T B^2) a categorical column to learn, some 3 us a column to read.

    >>> history = Cells.of([[0, 20 + w % 3, 30, 25, 0] for w in range(40)])
    >>> scheme = Scheme(history.total(), history)
    >>> x = scheme.read(Cells.of([[0, 10, 30, 36, 0]])).x[:, 0, 0]
    >>> bool(x[0] > 0.3), bool(x[3] < 0.2)
    (True, True)
    """

    def __init__(self, reference: Cells, history: Cells) -> None:
        C, _, B = reference.shape
        totals = reference.bins[:, 0]
        self.place = np.full((C, B), -1, np.int32)
        for c in range(C):
            filled = np.flatnonzero(totals[c])
            if not len(filled):
                continue
            if reference.discrete[c]:
                own = filled[wander_order(history.bins[c][:, filled])] if len(history) else filled
                self.place[c, own] = np.arange(len(filled))
            else:  # an empty bin belongs to its neighbour further in
                held = np.arange(int(reference.last[c]) + 1)
                at = np.clip(np.searchsorted(filled, held), 0, len(filled) - 1)
                self.place[c, held] = at
        self.used = self.place.max(axis=1).astype(np.int64) + 1
        self.known = reference.valid[:, 0]
        placed = self._placed(reference.bins)[:, 0]
        below = (np.cumsum(placed, axis=1) + 0.5 * np.arange(1, placed.shape[1] + 1)) / (
            placed.sum(axis=1) + 0.5 * self.used
        )[:, None].clip(1e-9)
        self.scores = np.where(below < 1, ndtri(np.minimum(below, 1 - 1e-12)), 0.0)
        of_mu, of_spread = probit_weights(self.scores, self.used, PLACES)
        self.mu_weights, self.spread_weights = of_mu[:, len(PLACES) // 2].copy(), of_spread.copy()
        self.freedom = np.maximum(self.used - 3, 1)
        none = np.zeros(C, np.bool_)
        self.rates = np.stack([self.used == 2, none, none, ~none])
        self.excess = np.zeros(C)
        if len(history):
            _, _, misfit = fit_probit(self._placed(history.bins), self.scores, self.used)
            n = np.maximum(history.valid, 1)
            over = np.where(
                history.valid >= EVENTS_MIN, misfit / self.freedom[:, None] - 1 / n, 0.0
            )
            windows = np.maximum(1, (history.valid >= EVENTS_MIN).sum(axis=1))
            self.excess = np.maximum(0.0, over.sum(axis=1) / windows)

    @classmethod
    def beside(cls, parts: "Sequence[Scheme]") -> "Scheme":
        """Read the columns of several schemes, one after the other, each as its own would."""
        made = cls.__new__(cls)
        made.place = beside([part.place + 1 for part in parts]) - 1  # what pads is in no place
        made.scores = beside([part.scores for part in parts])
        made.rates = np.concatenate([part.rates for part in parts], axis=1)
        for name in ("used", "known", "freedom", "excess", "mu_weights", "spread_weights"):
            setattr(made, name, np.concatenate([getattr(part, name) for part in parts]))
        return made

    def share(self, other: "Scheme") -> None:
        """Hold what is the same in another scheme once, as that one holds it."""
        for name, own in vars(self).items():
            theirs = getattr(other, name)
            if own.dtype == theirs.dtype and np.array_equal(own, theirs):
                setattr(self, name, theirs)

    def read(self, cells: Cells) -> Readings:
        """Read the signals of T windows."""
        placed = self._placed(cells.bins)
        mu, spread, misfit = fit_probit(placed, self.scores, self.used)
        n = placed.sum(axis=2)
        enough = n >= EVENTS_MIN
        two = (self.used == 2)[:, None]
        mu = np.where(two, arcsine_rate(placed[:, :, 1], n), mu)
        shape = np.cbrt(misfit / self._usual(n))
        x = np.stack([mu, spread, shape, arcsine_rate(cells.missing, cells.n)])
        told = np.stack([enough & (self.used > least)[:, None] for least in (1, 2, 3)])
        told = np.concatenate([told, cells.n[None] >= EVENTS_MIN])
        return Readings(np.where(told, x, 0.0).astype(np.float32).astype(np.float64), n, cells.n)

    def worth(self, readings: Readings) -> Floats:
        """[S, C, T] one over the sampling variance of the signals, 0 where they tell nothing."""
        n, events = readings.valid, readings.events
        enough = n >= EVENTS_MIN
        of_mu = n * self.mu_weights[:, None]
        of_mu = np.where((self.used == 2)[:, None], n + 0.75, of_mu)
        filled = n >= PER_BIN * self.used[:, None]  # else a misfit is no chi-square
        shape = np.where(self.used > 3, 4.5 * self.freedom, 0.0)[:, None] * (enough & filled)
        return np.stack([
            of_mu * enough, n * self._spread_weights(readings.x[0]) * enough, shape,
            np.where(events >= EVENTS_MIN, events + 0.75, 0.0),
        ])  # fmt: skip

    def _spread_weights(self, mu: Floats) -> Floats:
        """[C, T] what an event tells of the spread at a location [C, T], between those worked out.

        Of the location it is taken to tell what it tells in the middle: far away it tells less, and yet it is far.
        """
        at = (np.clip(mu, PLACES[0], PLACES[-1]) - PLACES[0]) / (PLACES[1] - PLACES[0])
        low = np.minimum(at.astype(np.int64), len(PLACES) - 2)
        c = np.arange(len(mu))[:, None]
        lower, upper = self.spread_weights[c, low], self.spread_weights[c, low + 1]
        return np.asarray(lower + (at - low) * (upper - lower))

    def misfit(self, readings: Readings) -> Floats:
        """[C, T] the misfit beyond what sampling and usual wander make: the effect of `shape`."""
        beyond = np.maximum(0.0, readings.x[2] ** 3 - 1)
        return np.asarray(beyond * self._usual(readings.valid))

    def _usual(self, n: Counts) -> Floats:
        """[C, T] the misfit that sampling and usual wander make."""
        return np.asarray(self.freedom[:, None] * (1 / np.maximum(n, 1) + self.excess[:, None]))

    def _placed(self, bins: Counts) -> Counts:
        """[C, T, most used] put counts into the bins in use, in order."""
        C, T, _ = bins.shape
        P = max(2, int(self.used.max(initial=1)))
        c, b = np.nonzero(self.place >= 0)
        to = (c * T)[:, None] + np.arange(T)  # where each count belongs: columns, windows, places
        to = to * P + self.place[c, b][:, None]  # of 64 bits
        placed = np.bincount(to.ravel(), bins[c, :, b].ravel(), C * T * P)
        return placed.reshape(C, T, P).astype(np.int64)


def read_volume(events: Counts, worth: Counts | None = None) -> Readings:
    """Read the volume of T windows [T], or of several series [C, T]: log(n + 1), whose variance is about 1/n.

    Where `events` were estimated, `worth` tells how many events, all counted, would be known as well.
    In what is read, `valid` is n + 1 then, and `events` one more than the worth.

    >>> read_volume(np.array([0, 99])).x.round(2).tolist()
    [[[0.0, 4.61]]]
    """
    n = np.atleast_2d(np.asarray(events, np.int64))
    x = np.log1p(n)[None].astype(np.float32).astype(np.float64)
    known = n if worth is None else np.atleast_2d(np.asarray(worth, np.int64))
    return Readings(x, n + 1, known + 1)


def tells(readings: Readings) -> Flags:
    """[C, T] tell of which windows any signal of columns is worth something: of those the missing values are."""
    return np.asarray(readings.events >= EVENTS_MIN)


def weight_of(volume: Readings) -> Floats:
    """[C] tell how many events one stood for in the last window of volumes."""
    return np.asarray(volume.valid[:, -1] / volume.events[:, -1])


def volume_worth(readings: Readings) -> Floats:
    """[1, C, T] one over the variance of the volume of windows that there were; 0 for gaps."""
    return readings.events[None].astype(np.float64)
