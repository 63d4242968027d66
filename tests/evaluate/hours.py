"""A chain of hours of a few columns, made of numbers instead of events, so that weeks of it take seconds."""

from collections.abc import Iterable, Sequence

import numpy as np

from detectors.arrays import Floats
from detectors.summaries.column import learn_column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.evaluate.chains.case import Judged
from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.calm import Calm
from stream.evaluate.judging.rules import Rules
from stream.reference.history import History
from stream.reference.reference import ALWAYS, Reference, WindowSize
from stream.words import Kind, Series
from tests.events import HOUR, PLAN

MONDAY = 1_767_571_200_000
"""2026-01-05, 0:00 UTC."""
DAY, WEEK = 24, 168
RULES = Rules(30, 28, {}, {}, frozenset(), calm=Calm(clear_after=3))
EVENTS = 200
SPREAD = np.random.default_rng(0).permutation(np.linspace(-2.5, 2.5, EVENTS))
COLUMN = learn_column("x", SPREAD.tolist(), 20, 50)
assert COLUMN is not None
LAYOUT = Layout((COLUMN,))
SERIES = Series("m", "1", ())


def hour(level: float, seed: int, missing: int = 0) -> Summary:
    """Make a window of 200 normal values around a level, the first of them missing where that is asked for."""
    values = np.random.default_rng(seed).normal(level, 1, EVENTS)
    values[:missing] = np.nan
    return Summary.of(LAYOUT, {"x": values})


def hours(levels: Sequence[float] | Floats, seed: int = 0) -> list[Summary]:
    """Make a window of each level."""
    return [hour(float(level), seed * 100_000 + i) for i, level in enumerate(levels)]


def reference(windows: Sequence[Summary], end_ms: int = MONDAY) -> Reference:
    """Make a reference of hours that end at a time."""
    total = Summary.empty(LAYOUT)
    for window in windows:
        total.merge(window)
    starts = end_ms - HOUR * np.arange(len(windows), 0, -1, dtype=np.int64)
    return Reference(
        SERIES, Kind.FEATURES, 1, "test", ALWAYS, HOUR, (WindowSize(HOUR, HOUR),), int(starts[0]), end_ms,
        LAYOUT.columns, total, (History(starts, tuple(windows)),),
    )  # fmt: skip


def chain(of: Reference, rules: Rules = RULES) -> Chain:
    """Make a chain of a fleet of twenty monitors that may raise one false alarm a week."""
    return Chain(SERIES, Kind.FEATURES, of, rules, lambda _: PLAN)


def feed(to: Chain, windows: Iterable[Summary], start_ms: int = MONDAY) -> list[Judged]:
    """Let a chain judge hours, one after the other from a time on."""
    judged: list[Judged] = []
    for i, window in enumerate(windows):
        to.take(start_ms + i * HOUR, window, {})
        judged += to.close(start_ms + (i + 1) * HOUR)
    return judged


def alarms(judged: Iterable[Judged]) -> list[int]:
    """List the hours since the first Monday in which the column alarmed."""
    return [
        (j.closed.start_ms - MONDAY) // HOUR
        for j in judged
        if any(f.verdict.alarm and f.column == "x" for f in j.findings)
    ]


def phases(judged: Iterable[Judged]) -> list[tuple[int, str]]:
    """List the turns of the column's incidents, each with its hour."""
    return [
        ((j.closed.start_ms - MONDAY) // HOUR, change.phase)
        for j in judged
        for column, change in j.changes
        if column == "x"
    ]
