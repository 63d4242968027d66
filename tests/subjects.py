"""Everything registered, as subjects of the law-book."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from detectors import COMPARISONS, SEQUENTIAL, SUMMARIES, Comparison, Layout, Summary, learn_column
from detectors.arrays import Floats
from detectors.comparisons.counting import cells
from detectors.comparisons.verdict import Verdict
from detectors.sequential.sequential import Sequential
from detectors.summaries import Registered
from tests.laws import Subject

__all__ = ["every_subject"]

LONG = {"kswin": 300_000}
"""Updates that stand for "however many" where 10 million would take half a minute."""
LONG_OBJECTS = 30_000
"""The same for summaries that take values one by one, as objects."""
LONG_WINDOW = 1_000_000
"""The same for comparisons, which all read the same summary."""
HISTORY = 30


def numbers(length: int, seed: int, shift: float) -> Floats:
    """Normal values whose mean steps up by `shift` at half."""
    values = np.random.default_rng(seed).normal(size=length)
    values[length // 2 :] += shift
    return values


def errors(length: int, seed: int, shift: float) -> Floats:
    """Errors, 0 or 1, whose rate steps up from 0.2; the step 4 makes it 0.9."""
    chance = np.full(length, 0.2)
    chance[length // 2 :] += 0.7 * shift / 4
    return (np.random.default_rng(seed).random(length) < chance).astype(np.float64)


# -- sequential detectors ------------------------------------------------------------------------


def sequential(kind: type[Sequential]) -> Subject:
    """A sequential detector with its defaults, and a seed where it has one."""

    def make() -> Sequential:
        return kind(**({"seed": 1} if "seed" in kind.SETTINGS else {}))

    def evidence(values: Floats) -> float:
        """The sooner the first detection after the step, the stronger."""
        found = make().update_many(values)
        after = found[found >= len(values) // 2]
        return -float(after[0]) if len(after) else -float(len(values))

    return Subject(
        name=f"sequential.{kind.name}",
        make=make,
        take=lambda thing, values: thing.update_many(values).tolist(),
        state=lambda thing: thing.to_bytes(),
        restore=kind.from_bytes,
        stream=errors if kind.BINARY else numbers,
        constants=(0.0, 1.0) if kind.BINARY else (0.0, 1.0, -3.3, 1e-300, 1e9),
        bytes_max=lambda thing: thing.bytes_max,
        evidence=evidence,
        alarms=lambda values: len(make().update_many(values)),
        long=LONG.get(kind.name, 10_000_000),
    )


# -- comparisons: the thing is the window that is judged, as a summary ---------------------------


def spoilt(by: float, *, base: Callable[[int, int, float], Floats] = numbers) -> Any:
    """Make streams in whose second half more values are `by`, up to nine in ten at the step 4."""

    def stream(length: int, seed: int, shift: float) -> Floats:
        values = base(length, seed, 0.0)
        chance = np.zeros(length)
        chance[length // 2 :] = 0.9 * shift / 4
        values[np.random.default_rng(seed + 1).random(length) < chance] = by
        return values

    return stream


def widening(length: int, seed: int, shift: float) -> Floats:
    """Normal values whose spread grows by half."""
    values = numbers(length, seed, 0.0)
    values[length // 2 :] *= 1 + shift
    return values


DRIFTS: dict[str, Callable[[int, int, float], Floats]] = {
    "missing": spoilt(np.nan),
    "invalid": spoilt(np.inf),
    "out_of_range": spoilt(1e6),
    "unseen": spoilt(7.0, base=errors),
    "frozen": spoilt(0.25),
    "variance_shift": widening,
}
"""What a comparison is meant to find, where that is not a shift of the mean."""


@cache
def layout_of(name: str) -> Layout:
    column = learn_column("x", DRIFTS.get(name, numbers)(5000, 11, 0.0).tolist(), 20, 50)
    assert column is not None
    return Layout([column])


def judged(
    kind: type[Comparison], layout: Layout, windows: list[Floats], window: Summary
) -> Verdict:
    """Hold a window against a reference that is made of all the windows of its history."""
    history = cells(layout, [0], [Summary.of(layout, {"x": values}) for values in windows])
    compare = kind(history.total(), history, np.full(len(windows), True))
    return compare.judge(cells(layout, [0], [window]), 1e-4)[0]


def comparison(kind: type[Comparison]) -> Subject:
    """A window that takes values, and is then judged by one comparison."""
    stream = DRIFTS.get(kind.name, numbers)
    layout = layout_of(kind.name)
    usual = [stream(500, 100 + i, 0.0) for i in range(HISTORY)]

    def evidence(values: Floats) -> float:
        return judged(kind, layout, usual, Summary.of(layout, {"x": values})).statistic

    def alarms(values: Floats) -> int:
        """A window of a constant, in a column that has never been anything else."""
        column = learn_column("x", values.tolist(), 20, 50)
        assert column is not None
        constant = Layout([column])
        whole = Summary.of(constant, {"x": values})
        return int(judged(kind, constant, [values[:500]] * HISTORY, whole).alarm)

    return Subject(
        name=f"comparisons.{kind.name}",
        make=lambda: Summary.empty(layout),
        take=lambda thing, values: thing.merge(Summary.of(layout, {"x": values})),
        state=lambda thing: thing.to_bytes(),
        restore=Summary.from_bytes,
        stream=stream,
        constants=(0.0, 1.0, -3.3, 1e-300, 1e150),
        bytes_max=lambda thing: thing.bytes_max,
        evidence=evidence,
        alarms=alarms,
        merge=lambda one, other: one.merge(other),
        long=LONG_WINDOW,
    )


# -- summaries -----------------------------------------------------------------------------------


def summary(of: Registered) -> Subject:
    """A mergeable summary of values."""
    return Subject(
        name=f"summaries.{of.name}",
        make=of.empty,
        take=of.feed,
        state=lambda thing: thing.to_bytes(),
        restore=type(of.empty()).from_bytes,
        stream=numbers,
        constants=(),
        bytes_max=lambda thing: thing.bytes_max,
        merge=(lambda one, other: one.merge(other)) if of.exact else None,
        exact=of.exact or None,
        long=LONG_OBJECTS,
    )


def every_subject() -> list[Subject]:
    """Make a subject of everything that is registered."""
    return [
        *map(sequential, SEQUENTIAL),
        *map(comparison, COMPARISONS),
        *map(summary, SUMMARIES),
    ]
