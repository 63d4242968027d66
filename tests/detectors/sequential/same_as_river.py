"""A thousand streams of every kind and length, and a judge of whether ours answers as river does.

Agreement is: drifts, and warnings where there are any, at the same updates, and at the end the same
estimates to 1e-12 relative, where NaN agrees with NaN and an infinity with the same one. Should
river raise on a finite value (a `math` function, once sums have overflowed), then it has no answers
from there on; ours is compared up to there and only has to go on without an error.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from river import drift

from detectors import ADWIN, DDM, EDDM, HDDMA, HDDMW, PageHinkley
from detectors.arrays import Floats
from detectors.sequential import ddm, eddm, hddm_a, hddm_w, page_hinkley
from detectors.sequential.kswin import KSWIN
from detectors.sequential.sequential import Sequential

__all__ = ["PAIRS", "Pair", "Stream", "agree", "streams"]

PEER: Any = drift  # river ships no types
LONGEST = 100_000
ONE_BY_ONE = 1_500  # so many values of a stream are also given one by one


def _noise(rng: Generator, n: int) -> Floats:
    return rng.normal(rng.normal(), 10.0 ** rng.uniform(-3, 3), n)


def _step(rng: Generator, n: int) -> Floats:
    at = int(rng.integers(n + 1))
    return rng.normal(size=n) + np.where(np.arange(n) < at, 0.0, rng.uniform(-5, 5))


def _ramp(rng: Generator, n: int) -> Floats:
    slope = rng.uniform(-30, 30) / (n + 1)
    return rng.normal(slope * np.arange(n), 1.0)


def _constant(rng: Generator, n: int) -> Floats:
    return np.full(n, rng.choice([0.0, 1.0, -3.3, 1e-7, rng.normal()]))


def _huge(rng: Generator, n: int) -> Floats:
    """Sums of these overflow, sooner or later: squares at once, differences with the largest."""
    most = 1e300 if rng.random() < 0.5 else 1.7e308
    return rng.choice([-most, 0.0, most], n, p=rng.dirichlet([1, 1, 1]))


def _denormal(rng: Generator, n: int) -> Floats:
    return rng.integers(-50, 50, n).astype(np.float64) * 5e-324


def _integers(rng: Generator, n: int) -> Floats:
    return rng.integers(-3, int(rng.integers(-2, 1000)), n).astype(np.float64)


def _errors(rng: Generator, n: int) -> Floats:
    rates = np.repeat(rng.beta(1, 3, 4), n // 4 + 1)[:n]
    return (rng.random(n) < rates).astype(np.float64)


def _shares(rng: Generator, n: int) -> Floats:
    return rng.beta(np.where(np.arange(n) < n / 2, 2.0, rng.uniform(0.5, 8)), 4.0)


KINDS = (_noise, _step, _ramp, _constant, _huge, _denormal, _integers, _errors, _shares)


@dataclass(frozen=True)
class Stream:
    """Some values; `number` tells the kind and seeds what else is random about them."""

    number: int
    values: Floats


def streams(count: int = 1000) -> Iterator[Stream]:
    """Make streams of all kinds: lengths 0 to 5,000, small ones more often, and some of 100,000."""
    for number in range(count):
        rng = default_rng([1954, number])
        length = int(5001 ** rng.random()) - (number % 50 == 0)
        if number % 200 == 7:
            length = LONGEST
        yield Stream(number, KINDS[number % len(KINDS)](rng, length))


def as_errors(stream: Stream) -> Floats:
    """Make 0 and 1 of values: what lies above their median is an error."""
    if KINDS[stream.number % len(KINDS)] is _errors or not len(stream.values):
        return stream.values
    halves = stream.values / 2  # as sums of the largest are infinite
    return (halves > np.median(halves)).astype(np.float64)


def as_shares(stream: Stream) -> Floats:
    """Make errors of every other stream, and of the rest their place between least and most."""
    if stream.number % 2 or not len(stream.values):
        return as_errors(stream)
    halves = stream.values / 2
    low, span = halves.min(), halves.max() - halves.min()
    return (halves - low) / span if span > 0 else np.zeros(len(halves))


def as_is(stream: Stream) -> Floats:
    return stream.values


def as_beginning(stream: Stream) -> Floats:
    """Take 400 values of every stream, 20,000 of one: river's HDDM takes up to 25 us for each."""
    return stream.values[: 20_000 if stream.number == 7 else 400]


@dataclass(frozen=True)
class Pair:
    """Our detector, river's of the same settings, and what else is to be equal in the end."""

    ours: Callable[..., Sequential]
    theirs: Callable[..., Any]
    settings: Callable[[Generator], dict[str, Any]]
    estimates: Callable[[Any, Any], list[tuple[float, float]]]
    values: Callable[[Stream], Floats] = as_is

    def settings_of(self, stream: Stream) -> dict[str, Any]:
        """Every third stream meets the defaults, and so do the long ones."""
        if stream.number % 3 == 0 or len(stream.values) == LONGEST:
            return {}
        return self.settings(default_rng([1963, stream.number]))


def _hddm_settings(rng: Generator) -> dict[str, Any]:
    return {
        "drift_confidence": 10.0 ** rng.uniform(-6, -0.5),
        "warning_confidence": 10.0 ** rng.uniform(-4, -0.1),
        "two_sided_test": bool(rng.random() < 0.7),
    }


PAIRS: dict[str, Pair] = {
    "adwin": Pair(
        ADWIN,
        PEER.ADWIN,
        lambda rng: {
            "delta": 10.0 ** rng.uniform(-5, -0.1),
            "clock": int(rng.choice([1, 5, 32, 100])),
            "max_buckets": int(rng.integers(2, 8)),
            "min_window_length": int(rng.integers(1, 12)),
            "grace_period": int(rng.integers(0, 30)),
        },
        lambda ours, theirs: [
            (ours.width, theirs.width),
            (ours.total, theirs.total),
            (ours.variance, theirs.variance),
            (ours.estimation, theirs.estimation),
        ],
    ),
    "page_hinkley": Pair(
        PageHinkley,
        PEER.PageHinkley,
        lambda rng: {
            "min_instances": int(rng.integers(1, 60)),
            "delta": rng.normal(),
            "threshold": 10.0 ** rng.uniform(-1, 2),
            "alpha": 1 - 10.0 ** rng.uniform(-6, -1),
            "mode": str(rng.choice(["up", "down", "both"])),
        },
        lambda ours, theirs: [
            (ours._state[page_hinkley.MEAN], theirs._x_mean.get()),
            (ours._state[page_hinkley.INCREASE], theirs._sum_increase),
            (ours._state[page_hinkley.DECREASE], theirs._sum_decrease),
        ],
    ),
    "ddm": Pair(
        DDM,
        PEER.binary.DDM,
        lambda rng: {
            "warm_start": int(rng.integers(0, 60)),
            "warning_threshold": rng.uniform(0, 3),
            "drift_threshold": rng.uniform(0, 4),
        },
        lambda ours, theirs: [
            (ours._state[ddm.SEEN], theirs._p.n),
            (ours._state[ddm.MEAN], theirs._p.get()),
        ],
        as_shares,
    ),
    "eddm": Pair(
        EDDM,
        PEER.binary.EDDM,
        lambda rng: {
            "warm_start": int(rng.integers(0, 60)),
            "alpha": rng.uniform(0.8, 1),
            "beta": rng.uniform(0.5, 0.8),
        },
        lambda ours, theirs: [
            (ours._state[eddm.SEEN] + ours._quiet, theirs._n),
            (ours._state[eddm.MEAN], theirs._error_distances.mean.get()),
            (ours._state[eddm.SQUARES], theirs._error_distances._S),
            (ours._state[eddm.HIGHEST], theirs._p2s_prime_max),
        ],
        as_errors,
    ),
    "hddm_a": Pair(
        HDDMA,
        PEER.binary.HDDMA,
        _hddm_settings,
        lambda ours, theirs: [
            (ours._state[hddm_a.MEAN], theirs._z.get()),
            (ours._state[hddm_a.RISE], theirs._x_min.n),
            (ours._state[hddm_a.RISE + 1], theirs._x_min.get()),
        ],
        as_beginning,
    ),
    "hddm_w": Pair(
        HDDMW,
        PEER.binary.HDDMW,
        lambda rng: _hddm_settings(rng) | {"lambda_val": rng.uniform(0, 1)},
        lambda ours, theirs: [
            (ours._state[hddm_w.ALL + hddm_w.VALUE], theirs._total.ewma),
            (ours._state[hddm_w.RISE + hddm_w.BEFORE + hddm_w.VALUE], theirs._s1_incr.ewma),
            (ours._state[hddm_w.RISE + hddm_w.SINCE + hddm_w.VALUE], theirs._s2_incr.ewma),
        ],
        as_beginning,
    ),
    "kswin": Pair(
        KSWIN,
        PEER.KSWIN,
        lambda rng: {
            "alpha": 10.0 ** rng.uniform(-4, -1),
            "window_size": int(rng.integers(60, 200)),
            "stat_size": int(rng.choice([10, 20, 30])),
            "seed": int(rng.integers(2**31)),
        },
        lambda ours, theirs: [(ours.p_value, theirs.p_value), (ours.n, theirs.n)],
    ),
}


def agree(pair: Pair, stream: Stream) -> int:
    """Assert that ours answers a stream as river does; tell how many detections there were."""
    settings, values = pair.settings_of(stream), pair.values(stream)
    theirs = pair.theirs(**settings)
    drifts, warnings = _answers(theirs, values.tolist())
    answered = len(drifts)
    at_once, one_by_one, mixed = (pair.ours(**settings) for _ in range(3))
    found = np.flatnonzero(drifts)

    assert np.array_equal(at_once.update_many(values[:answered]), found)
    if answered == len(values):
        for mine, other in pair.estimates(at_once, theirs):
            assert _alike(float(mine), float(other)), (mine, other)

    first = values[: min(answered, ONE_BY_ONE)].tolist()
    assert _answers(one_by_one, first) == (drifts[: len(first)], warnings[: len(first)])
    one_by_one.update_many(values[len(first) :])
    assert np.array_equal(_pieces(mixed, values[:answered], stream.number), found)
    mixed.update_many(values[answered:])
    at_once.update_many(values[answered:])
    assert at_once.to_bytes() == one_by_one.to_bytes() == mixed.to_bytes()
    return len(found)


def _answers(detector: Any, values: list[float]) -> tuple[list[bool], list[bool]]:
    """Update one by one; give drifts and warnings as far as there are answers."""
    drifts, warnings = [], []
    warns = hasattr(detector, "warning_detected")
    for x in values:
        try:
            detector.update(x)
        except (ArithmeticError, ValueError):
            break
        drifts.append(bool(detector.drift_detected))
        warnings.append(warns and detector.warning_detected)
    return drifts, warnings


def _pieces(detector: Sequential, values: Floats, seed: int) -> list[int]:
    """Update in pieces, at once and one by one in turns; give the detections."""
    found: list[int] = []
    at = 0
    cuts = np.sort(default_rng([1959, seed]).integers(0, len(values) + 1, 5))
    for k, piece in enumerate(np.split(values, cuts)):
        if k % 2 and len(piece) <= ONE_BY_ONE:
            drifts, _ = _answers(detector, piece.tolist())
            found += [at + int(i) for i in np.flatnonzero(drifts)]
        else:
            found += (at + detector.update_many(piece)).tolist()
        at += len(piece)
    return found


def _alike(mine: float, other: float) -> bool:
    same = mine == other or (isnan(mine) and isnan(other))
    return same or abs(mine - other) <= 1e-12 * max(abs(mine), abs(other))
