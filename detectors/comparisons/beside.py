"""Comparisons of one kind, of several references, as one comparison of all their columns."""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np

from detectors.arrays import beside
from detectors.comparisons.cells import Cells
from detectors.comparisons.comparison import Comparison
from detectors.comparisons.wander import Wander

__all__ = ["comparisons_beside"]

Of = TypeVar("Of", bound=Comparison)
Joined = dict[tuple[int, ...], Any]


def comparisons_beside(parts: Sequence[Of], joined: Joined | None = None) -> Of:
    """Make one comparison of the columns of several, part by part.

    Every column is judged as its own part judges it, to the last bit. What is no array (a floor, a fixed threshold)
    must be the same in all parts, which must live as long. Cost: some 0.2 us a part and attribute; what they have
    learned is copied only as far as judging asks for it. With `joined`, what several kinds share is copied once.

    >>> from detectors import Psi
    >>> history = Cells.of([[0, 48 + w % 5, 52 - w % 5, 0] for w in range(20)])
    >>> part = Psi(history.total(), history, np.full(20, True))
    >>> window = Cells.of([[0, 10, 90, 0]])
    >>> both = comparisons_beside([part, part]).judge(Cells.beside([window, window]), alpha=1e-3)
    >>> both.alarm.tolist(), bool((both.statistic == part.judge(window, alpha=1e-3).statistic).all())
    ([True, True], True)
    """
    if len(parts) == 1:
        return parts[0]
    made: Of = object.__new__(_kind_of(type(parts[0])))
    vars(made).update(_parts=parts, _joined={} if joined is None else joined)
    return made


@cache
def _kind_of(kind: type[Of]) -> type[Of]:
    """Derive the kind that joins what its parts have learned when it is first asked for."""
    return type(kind.__name__, (kind,), {"__getattr__": _join})


def _join(self: Any, name: str) -> Any:
    values = [vars(part)[name] for part in vars(self)["_parts"]]
    vars(self)[name] = value = _beside(values, vars(self)["_joined"])
    return value


def _beside(values: list[Any], joined: Joined) -> Any:
    first = values[0]
    if isinstance(first, np.ndarray):
        return beside(values)
    if isinstance(first, Cells):
        key = tuple(map(id, values))
        if key not in joined:
            joined[key] = Cells.beside(values)
        return joined[key]
    if isinstance(first, Wander):
        return Wander.beside(values)
    return first
