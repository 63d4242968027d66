"""KSWIN: the newest values of a sliding window against a random choice of its older ones.

Raab, Heusinger and Schleif, "Reactive Soft Prototype Computing for Concept Drift Streams"
(Neurocomputing 416, 2020). With every value that fills the window, `stat_size` of its older values
are drawn and held against its `stat_size` newest by the two-sample Kolmogorov-Smirnov test:

    |<------- window_size - stat_size ------->|<-- stat_size -->|
     o o . o . . o o . o . o . . o . o . o . .  n n n n n n n n n     drift: p <= alpha

With a seed the answers are those of river 0.26, which draws by CPython's `random.sample`. What is
not in the paper and not said by river: a drift also needs a distance over 0.1 (`distance_min`;
0 gives the paper's test), and with the update after a detection the whole window is given up, the
newest values too, and the random numbers begin again from the seed (`keep_recent` does neither).

Both samples have r values, so the distance is h/r with a whole h, and its p-value depends on h
alone: one table of r + 1 p-values, made by `scipy.stats.ks_2samp`, serves a detector's whole life.
"""

from collections.abc import Iterable
from functools import cache
from math import ceil, log
from random import Random
from typing import Any, ClassVar
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import Counts, Flags, Floats
from detectors.compiled import compiled
from detectors.sequential.sequential import (
    CALM,
    DRIFT,
    LARGEST,
    SMALLEST,
    Sequential,
    check_aggregate,
    flag,
    number,
    whole,
)

__all__ = ["KSWIN", "STAT_SIZE_MAX", "WINDOW_SIZE_MAX"]

STAT_SIZE_MAX = 1_000
"""Beyond it the table of p-values takes seconds to make; river's test would take them every day."""
WINDOW_SIZE_MAX = 1_000_000

Words = NDArray[np.uint32]
"""The state of a Mersenne twister: 624 words, and how many of them are used up."""
WORDS = 624

# Where the state holds what: the status, values since the beginning, values in the window, where
# its oldest is, and the distance last found (-1: none); the settings that a step needs come last.
(STATUS, SEEN, HELD, OLDEST, DISTANCE) = range(5)
(RECENT, POOL_MAX, KEEP) = range(5, 8)


class KSWIN(Sequential):
    """Detects any change of a distribution: mean, spread or shape.

    Args:
        alpha: p-value at which to alarm, 0 to 1. Successive tests share nearly all their values,
            so this is no rate of false alarms; river's advice is to stay below 0.01.
        window_size: values in the sliding window, 2 x stat_size to 1,000,000.
        stat_size: newest values that are held against as many older ones, 1 to 1,000.
        seed: a whole number of 64 bits, of the random choice; None takes a seed from the system
            once, so that two detectors differ. From its bytes even this one goes on as it would.
        window: values that have been seen already; the newest `window_size` are taken.
        distance_min: a drift has a distance (0 to 1) over this.
        keep_recent: whether the newest values stay in the window after a detection, so that the
            next test is `window_size - stat_size` updates away, not `window_size`.

    Cost: about 3.3 us an update and 2.7 us a value of `update_many` by default, growing as
    stat_size x log(stat_size); 8 bytes a value of the window and 5 KB.

    Raises:
        ValueError: an argument is out of its range, or an update is not a single finite number.

    >>> kswin = KSWIN(seed=1)
    >>> kswin.update_many([i % 7 for i in range(200)] + [5 + i % 7 for i in range(40)]).tolist()
    [219]
    """

    name: ClassVar[str] = "kswin"
    SETTINGS: ClassVar[tuple[str, ...]] = (
        "alpha",
        "window_size",
        "stat_size",
        "seed",
        "distance_min",
        "keep_recent",
    )
    ARRAYS: ClassVar[tuple[str, ...]] = ("_state", "_window", "_random", "_start")
    COUNTERS: ClassVar[tuple[int, ...]] = (SEEN, HELD, OLDEST)
    FIXED: ClassVar[int | None] = RECENT

    def __init__(
        self,
        alpha: float = 0.005,
        window_size: int = 100,
        stat_size: int = 30,
        seed: int | None = None,
        window: Iterable[float] | None = None,
        *,
        distance_min: float = 0.1,
        keep_recent: bool = False,
    ) -> None:
        alpha, distance_min = number("alpha", alpha), number("distance_min", distance_min)
        keep_recent = flag("keep_recent", keep_recent)
        if not (0 <= alpha <= 1 and 0 <= distance_min <= 1):
            raise ValueError(
                f"alpha and distance_min lie between 0 and 1, not {alpha} and {distance_min}"
            )
        stat_size = whole("stat_size", stat_size, 1, STAT_SIZE_MAX)
        # Each of both samples has stat_size values.
        window_size = whole("window_size", window_size, 2 * stat_size, WINDOW_SIZE_MAX)
        seed = None if seed is None else whole("seed", seed, -(2**63), 2**63 - 1)
        self.alpha = alpha
        self.window_size = window_size
        self.stat_size = stat_size
        self.seed = seed
        self.distance_min = distance_min
        self.keep_recent = keep_recent
        self._p_values = _p_values(self.stat_size)
        distances = np.arange(self.stat_size + 1) / self.stat_size
        self._alarms: Flags = (self._p_values <= alpha) & (distances > distance_min)
        pool_max = _pool_max(self.stat_size)
        self._state = np.array([CALM, 0, 0, 0, -1, self.stat_size, pool_max, keep_recent], np.int64)
        self._window = np.zeros(self.window_size)
        self._start = _words(seed)
        self._random = self._start.copy()
        if window is not None:
            self._fill(np.array(list(window), dtype=np.float64)[-self.window_size :])

    def _fill(self, values: Floats) -> None:
        self._check(values)
        self._window[: len(values)] = values
        self._state[HELD] = len(values)

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one value; an aggregate is refused, as single values are what is compared.

        See `Sequential.update`.
        """
        if weight != 1 or variance or not SMALLEST <= x <= LARGEST:
            check_aggregate(x, weight, variance)
            raise ValueError("KSWIN takes single values, not the mean of several")
        self._status = _step(
            self._state, self._window, self._random, self._start, self._alarms, float(x)
        )

    @property
    def p_value(self) -> float:
        """The p-value of the last update; 0 where the window was not full, as in river."""
        return float(self._p_values[self._state[DISTANCE]]) if self._state[DISTANCE] >= 0 else 0.0

    @property
    def distance(self) -> float:
        """The Kolmogorov-Smirnov distance of the last update; 0 where the window was not full."""
        return max(0, int(self._state[DISTANCE])) / self.stat_size

    @property
    def n(self) -> int:
        """Values since the beginning or the last one anew; those kept from before count."""
        return int(self._state[SEEN])

    def _run(self, values: Floats, found: Counts) -> int:
        detections, self._status = _steps(
            self._state, self._window, self._random, self._start, self._alarms, values, found
        )
        return detections

    def _restore(self, fields: dict[str, Any]) -> None:
        super()._restore(fields)
        state, size = self._state, self.window_size
        sane = (
            (0 <= state[HELD] <= size and 0 <= state[OLDEST] < size)
            and -1 <= state[DISTANCE] <= self.stat_size
            and max(self._random[WORDS], self._start[WORDS]) <= WORDS
            and np.isfinite(self._window).all()
        )
        if not sane:
            raise ValueError("these are not the contents of a kswin")


def _pool_max(k: int) -> int:
    """Tell up to which population CPython's `sample` draws k from a list, and not by a set."""
    return 21 + (4 ** ceil(log(k * 3, 4)) if k > 5 else 0)


def _words(seed: int | None) -> Words:
    """Give the twister of `random.Random(seed)`."""
    return np.array(Random(seed).getstate()[1], dtype=np.uint32)  # noqa: S311 - river's choice


@cache
def _p_values(r: int) -> Floats:
    """[r + 1] the p-value of the distance h/r between two samples of r values each.

    Two samples of r successive whole numbers, one shifted by h, have that distance. Cost: 0.2 ms a
    value, up to 0.5 ms for the longest.
    """
    from scipy.stats import ks_2samp  # noqa: PLC0415 - takes most of a second, and few need it

    numbers = np.arange(r)
    with catch_warnings():
        simplefilter("ignore", RuntimeWarning)  # from some h on scipy leaves the exact p-value
        values = np.array([ks_2samp(numbers, numbers + h).pvalue for h in range(r + 1)])
    values.flags.writeable = False
    return values


@compiled
def _step(
    state: Counts, window: Floats, random: Words, start: Words, alarms: Flags, x: float
) -> int:
    """Take one value and tell the status."""
    size, r = len(window), state[RECENT]
    if state[STATUS] == DRIFT:
        _begin(state, random, start, size)
    state[SEEN] += 1
    if state[HELD] < size:
        window[_round(state[OLDEST] + state[HELD], size)] = x
        state[HELD] += 1
    else:
        window[state[OLDEST]] = x
        state[OLDEST] = _round(state[OLDEST] + 1, size)
    state[STATUS] = CALM
    if state[HELD] == size:
        chosen, newest = np.empty(r), np.empty(r)
        places = _sample(random, size - r, r, state[POOL_MAX])
        for i in range(r):
            chosen[i] = window[_round(state[OLDEST] + places[i], size)]
            newest[i] = window[_round(state[OLDEST] + size - r + i, size)]
        state[DISTANCE] = _distance(chosen, newest)
        if alarms[state[DISTANCE]]:
            state[STATUS] = DRIFT
    return int(state[STATUS])


@compiled
def _begin(state: Counts, random: Words, start: Words, size: int) -> None:
    """Begin anew after a detection; what is held has lain in a full window."""
    kept = state[RECENT] if state[KEEP] else 0
    state[OLDEST] = _round(state[OLDEST] + size - kept, size)
    state[HELD] = state[SEEN] = kept
    state[DISTANCE] = -1
    if not kept:
        for i in range(len(start)):
            random[i] = start[i]


@compiled
def _round(place: int, size: int) -> int:
    """Go round once: a remainder without the division."""
    return place - size if place >= size else place


@compiled
def _distance(one: Floats, other: Floats) -> int:
    """Tell r times the Kolmogorov-Smirnov distance of two samples of r values; sorts them."""
    one.sort()
    other.sort()
    r, i, j, most = len(one), 0, 0, 0
    while i < r and j < r:
        x = min(one[i], other[j])
        while i < r and one[i] == x:
            i += 1
        while j < r and other[j] == x:
            j += 1
        most = max(most, abs(i - j))
    return most


@compiled
def _sample(random: Words, n: int, k: int, pool_max: int) -> Counts:
    """Draw k of range(n), in CPython's way."""
    drawn, bits = np.empty(k, np.int64), 0
    while n >> bits:
        bits += 1
    if n <= pool_max:
        pool = np.arange(n)
        for left in range(n, n - k, -1):
            bits -= left >> (bits - 1) == 0
            at = _below(random, left, bits)
            drawn[n - left] = pool[at]
            pool[at] = pool[left - 1]
        return drawn
    for i in range(k):
        again = True
        while again:
            drawn[i] = _below(random, n, bits)
            again = False
            for j in range(i):
                again = again or drawn[j] == drawn[i]
    return drawn


@compiled
def _below(random: Words, n: int, bits: int) -> int:
    """Draw one of range(n), 0 < n < 2^32: as many bits as n has, until they are less than n."""
    drawn = n
    while drawn >= n:
        drawn = _word(random) >> (32 - bits)
    return drawn


@compiled
def _word(random: Words) -> int:
    """Draw 32 bits from a Mersenne twister (Matsumoto and Nishimura 1998)."""
    at = np.int64(random[WORDS])
    if at >= WORDS:
        _twist(random)
        at = np.int64(0)
    word = np.int64(random[at])
    random[WORDS] = at + 1
    word ^= word >> 11
    word ^= (word << 7) & 0x9D2C5680
    word ^= (word << 15) & 0xEFC60000
    return int(word ^ (word >> 18))


@compiled
def _twist(random: Words) -> None:
    """Make the next 624 words."""
    for i in range(WORDS):
        high, low = np.int64(random[i]), np.int64(random[(i + 1) % WORDS])
        mixed = (high & 0x80000000) | (low & 0x7FFFFFFF)
        word = np.int64(random[(i + 397) % WORDS]) ^ (mixed >> 1)
        random[i] = word ^ 0x9908B0DF if mixed & 1 else word


@compiled
def _steps(
    state: Counts,
    window: Floats,
    random: Words,
    start: Words,
    alarms: Flags,
    values: Floats,
    found: Counts,
) -> tuple[int, int]:
    """Take value after value; tell how many detections were noted in `found`, and the status."""
    k = 0
    for i in range(len(values)):
        if _step(state, window, random, start, alarms, values[i]) == DRIFT:
            found[k] = i
            k += 1
    return k, int(state[STATUS])
