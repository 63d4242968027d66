"""A small reference with a history of its own, and windows to hold against it."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from detectors.summaries.column import Column, learn_column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.evaluate.judging.rules import Rules
from stream.reference.history import History
from stream.reference.reference import ALWAYS, Reference, WindowSize
from stream.words import Kind, Series
from tests.evaluate.streams import LEARNED, WINDOW
from tests.events import T0

SHARE = 1e-4
"""False alarms that a monitor may raise by one window."""
RULES = Rules(30, 28, {}, {}, frozenset())
RNG = np.random.default_rng(0)


def learned(name: str, values: Sequence[object]) -> Column:
    """Learn a column of some values."""
    column = learn_column(name, values, 20, 50)
    assert column is not None
    return column


COLUMNS = (
    learned("few", [0.0, 1.0] * 9),
    learned("x", RNG.normal(size=900).tolist()),
    learned("word", [f"w{i % 8}" for i in range(900)]),
    learned("constant", [7.0] * 9),
)
LAYOUT = Layout(COLUMNS)


def window(
    seed: int, n: int = 200, *, shift: float = 0.0, scale: float = 1.0, holes: float = 0.1,
    words: int = 8, lost: str = "",
) -> Summary:  # fmt: skip
    """Make a window; shift, scale and holes (share of missing values) concern x, column `lost` has no values."""
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=n) * scale + shift).tolist()
    values: dict[str, list[object]] = {
        "few": rng.integers(0, 2, n).astype(float).tolist(),
        "x": [None if hole else v for hole, v in zip(rng.random(n) < holes, x, strict=True)],
        "word": [f"w{i}" for i in rng.integers(0, words, n).tolist()],
        "constant": [7.0] * n,
    }
    if lost:
        values[lost] = [None] * n
    return Summary.of(LAYOUT, values)


@cache
def reference(windows: int = LEARNED, kind: Kind = Kind.FEATURES) -> Reference:
    """Give a reference that begins at T0 and knows so many windows of its own."""
    own = tuple(window(seed) for seed in range(windows))
    total = Summary.empty(LAYOUT)
    for summary in own or (window(0),):
        total.merge(summary)
    starts = T0 + WINDOW * np.arange(windows, dtype=np.int64)
    return Reference(
        Series("m", "1", ()), kind, 1, "test", ALWAYS, WINDOW, (WindowSize(WINDOW, WINDOW),), T0,
        T0 + windows * WINDOW, COLUMNS, total, (History(starts, own),),
    )  # fmt: skip
