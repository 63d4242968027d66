"""What a comparison sees: the counts of one column, window by window.

A comparison never reads events. It reads `Cells`: for each of T windows how many values fell into
each of B bins, how many were missing or invalid, and the extremes. Cells add up exactly, so a
reference is the total of its windows and a window can be taken out of it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Flags, Floats

__all__ = ["Cells", "baseline"]


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Summaries of one column over T windows; T = 1 for a single window or a reference's total.

    Attributes:
        bins: [T, B] counts of present, valid values. Numeric: bins 0 and B - 1 are the outer bins,
            far outside the reference's range; between them lie the reference-quantile bins in
            order. Discrete: a bin per known value; the last bin is `other`, values never seen.
        missing: [T] events without a value.
        invalid: [T] events whose value had the wrong type.
        lo: [T] smallest numeric value, +inf if there is none.
        hi: [T] largest numeric value, -inf if there is none.
        discrete: whether bins are values rather than ranges.

    Raises:
        ValueError: the shapes do not agree.

    >>> day = Cells.of([[0, 6, 4, 0], [0, 5, 3, 1]], missing=[0, 1])
    >>> len(day), day.valid.tolist(), day.n.tolist(), day.total().bins.tolist()
    (2, [10, 9], [10, 10], [[0, 11, 7, 1]])
    """

    bins: Counts
    missing: Counts
    invalid: Counts
    lo: Floats
    hi: Floats
    discrete: bool

    def __post_init__(self) -> None:
        if self.bins.ndim != 2:
            raise ValueError(f"bins must be [windows, bins], not of shape {self.bins.shape}")
        for name in ("missing", "invalid", "lo", "hi"):
            shape = getattr(self, name).shape
            if shape != self.bins.shape[:1]:
                raise ValueError(f"{name} has shape {shape} beside bins of {self.bins.shape}")

    @classmethod
    def of(
        cls,
        bins: ArrayLike,
        missing: ArrayLike = 0,
        invalid: ArrayLike = 0,
        lo: ArrayLike = np.inf,
        hi: ArrayLike = -np.inf,
        discrete: bool = False,
    ) -> Cells:
        """Build cells from anything array-like; single numbers serve for all windows."""
        counts = np.asarray(bins, np.int64)
        windows = counts.shape[:1]
        return cls(
            counts,
            np.broadcast_to(np.asarray(missing, np.int64), windows),
            np.broadcast_to(np.asarray(invalid, np.int64), windows),
            np.broadcast_to(np.asarray(lo, np.float64), windows),
            np.broadcast_to(np.asarray(hi, np.float64), windows),
            discrete,
        )

    @staticmethod
    def concat(parts: Sequence[Cells]) -> Cells:
        """Put windows behind each other, in the order given; at least one part."""
        return Cells(
            np.concatenate([part.bins for part in parts]),
            np.concatenate([part.missing for part in parts]),
            np.concatenate([part.invalid for part in parts]),
            np.concatenate([part.lo for part in parts]),
            np.concatenate([part.hi for part in parts]),
            parts[0].discrete,
        )

    def __len__(self) -> int:
        return int(self.bins.shape[0])

    @property
    def valid(self) -> Counts:
        """[T] values that fell into a bin."""
        return np.asarray(self.bins.sum(axis=1, dtype=np.int64))

    @property
    def n(self) -> Counts:
        """[T] all events: valid, missing and invalid."""
        return self.valid + self.missing + self.invalid

    @property
    def with_missing(self) -> Counts:
        """[T, B + 1] the bins and, last, the missing: a missing value is a value too."""
        return np.column_stack([self.bins, self.missing])

    def select(self, windows: Flags | slice) -> Cells:
        """Keep some of the windows."""
        return Cells(
            self.bins[windows],
            self.missing[windows],
            self.invalid[windows],
            self.lo[windows],
            self.hi[windows],
            self.discrete,
        )

    def total(self) -> Cells:
        """Merge all windows into one; no windows at all make one empty window."""
        return Cells(
            self.bins.sum(axis=0, keepdims=True, dtype=np.int64),
            self.missing.sum(keepdims=True, dtype=np.int64),
            self.invalid.sum(keepdims=True, dtype=np.int64),
            self.lo.min(keepdims=True, initial=np.inf),
            self.hi.max(keepdims=True, initial=-np.inf),
            self.discrete,
        )

    def rest(self, total: Cells) -> Counts:
        """[T, B] the total's bins without each of these windows, for leaving one out."""
        return total.bins - self.bins


def baseline(reference: Cells, history: Cells, inside: Flags) -> Cells:
    """Tell what each history window is compared with, so that none is compared with itself.

    Args:
        reference: the total, T = 1.
        history: T windows.
        inside: [T] whether the window is part of the reference.

    Returns:
        T windows: the reference without the window where that is inside, else the reference.
        Extremes cannot be taken back and stay the reference's.

    Raises:
        ValueError: the reference is not one window, `inside` has another length than the
            history, or a window said to be inside holds more than the reference.
    """
    windows = (len(history),)
    if len(reference) != 1 or inside.shape != windows:
        raise ValueError(
            f"need one reference and a flag a window, got {len(reference)} and {inside.shape}"
        )
    rest = Cells(
        np.where(inside[:, None], history.rest(reference), reference.bins),
        np.where(inside, reference.missing - history.missing, reference.missing),
        np.where(inside, reference.invalid - history.invalid, reference.invalid),
        np.broadcast_to(reference.lo, windows),
        np.broadcast_to(reference.hi, windows),
        reference.discrete,
    )
    if min(counts.min(initial=0) for counts in (rest.bins, rest.missing, rest.invalid)) < 0:
        raise ValueError("a window said to be inside the reference holds more than the reference")
    return rest
