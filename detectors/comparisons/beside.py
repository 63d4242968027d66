"""Comparisons of one kind, of several references, as one comparison of all their columns."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from detectors.arrays import beside
from detectors.comparisons.cells import Cells
from detectors.comparisons.comparison import Comparison
from detectors.comparisons.wander import Wander

__all__ = ["comparisons_beside"]

Of = TypeVar("Of", bound=Comparison)


def comparisons_beside(parts: Sequence[Of]) -> Of:
    """Make one comparison of the columns of several, part by part.

    Every column is judged as its own part judges it, to the last bit. What is no array (a floor, a fixed threshold)
    must be the same in all parts. Cost: a copy of what they have learned, some 2 us a part.

    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> kind = COMPARISONS[0]
    >>> part = kind(history.total(), history, np.full(20, True))
    >>> window = Cells.of([[0, 10, 90, 0]])
    >>> both = comparisons_beside([part, part]).judge(Cells.stack([window, window]), alpha=1e-3)
    >>> both.alarm.tolist(), bool((both.statistic == part.judge(window, alpha=1e-3).statistic).all())
    ([True, True], True)
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    made = object.__new__(type(first))
    for name in vars(first):
        vars(made)[name] = _beside([vars(part)[name] for part in parts])
    return made


def _beside(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, np.ndarray):
        return beside(values)
    if isinstance(first, Cells):
        return Cells.beside(values)
    if isinstance(first, Wander):
        names = [field.name for field in fields(Wander)]
        return Wander(*(np.concatenate([getattr(of, name) for of in values]) for name in names))
    return first
