"""Quantiles of numbers nobody has binned: the KLL sketch of Apache DataSketches."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.binary_form import pack, unpack
from detectors.summaries.sketches import read_sketch, reading, sketches

__all__ = ["Quantiles"]

KIND, VERSIONS = "quantiles", range(1, 2)
K_MIN, K_MAX = 8, 65_535
LEVELS_MAX = 61
"""Of the sketch: each holds twice the weight of the one below, so more cannot be of 64 bits."""


class Quantiles:
    """Ranks and quantiles of numbers whose range is not known beforehand.

    Promise: a rank is within `rank_error` of the true one, 99 times in 100: 1.3 % with k 200. With at
    most k numbers everything is exact. Merging keeps the promise whatever the order, but it is no
    function of the numbers: the sketch tosses coins that nobody can seed, so beyond k numbers two
    runs over one stream differ, by less than the error.

    Cost: about 30 ns a number. Memory: about 3 k numbers.

    The pipeline's state does not use it: it counts into bins frozen with the reference, which
    compare two windows exactly and merge to the byte. This is for those who explore a stream that
    has no reference.

    Paper: Karnin, Lang, Liberty 2016, "Optimal quantile approximation in streams".

    Args:
        k: 8 to 65,535; the error is about 2.3 / k^0.97.

    Raises:
        ValueError: `k` lies elsewhere.
        ImportError: DataSketches is not installed.

    >>> quantiles = Quantiles()
    >>> quantiles.update_many(np.arange(101.0))
    >>> quantiles.quantile(0.5), quantiles.rank(24.0), quantiles.n
    (50.0, 0.24752475247524752, 101)
    """

    __slots__ = ("_sketch", "k")

    def __init__(self, k: int = 200) -> None:
        if not K_MIN <= k <= K_MAX:
            raise ValueError(f"k must be {K_MIN} to {K_MAX}, not {k}")
        self.k = k
        self._sketch = sketches().kll_doubles_sketch(k)

    @property
    def n(self) -> int:
        """How many numbers were taken in."""
        return int(self._sketch.n)

    @property
    def rank_error(self) -> float:
        """How far a rank is from the true one, 99 times in 100."""
        estimated = self._sketch.is_estimation_mode()
        return float(self._sketch.normalized_rank_error(False)) if estimated else 0.0

    @property
    def bytes_max(self) -> int:
        """The most bytes that `to_bytes` can give."""
        held = 3 * self.k + K_MIN * LEVELS_MAX  # levels shrink by a third down to K_MIN numbers
        return 256 + 8 * held + 4 * LEVELS_MAX

    def rank(self, x: float) -> float:
        """Tell the share of numbers that are at most x; ValueError when there are none."""
        self._need_numbers()
        return float(self._sketch.get_rank(x, True))

    def quantile(self, rank: float) -> float:
        """Tell the smallest number of at least this rank, 0 to 1; ValueError when there are none."""
        self._need_numbers()
        return float(self._sketch.get_quantile(rank, True))

    def update_many(self, values: Sequence[float] | NDArray[np.float64]) -> None:
        """Take in numbers; ValueError, and nothing is taken in, when one is not finite."""
        numbers = np.array(values, dtype=np.float64)  # a copy: the sketch refuses what is read only
        if not np.isfinite(numbers).all():
            raise ValueError("quantiles are of finite numbers")
        self._sketch.update(numbers)

    def merge(self, other: "Quantiles") -> None:
        """Take in another sketch of the same k, in place."""
        if other.k != self.k:
            raise ValueError(f"a sketch of k {other.k} does not go into one of {self.k}")
        self._sketch.merge(other._sketch)

    def to_bytes(self) -> bytes:
        """Give the state as bytes."""
        return pack(KIND, VERSIONS[-1], {"k": self.k, "sketch": bytes(self._sketch.serialize())})

    @classmethod
    def from_bytes(cls, data: bytes) -> "Quantiles":
        """Read what `to_bytes` gave."""
        fields = unpack(data, KIND, VERSIONS)
        with reading(KIND):
            made = cls(fields["k"])
            made._sketch = read_sketch(sketches().kll_doubles_sketch, fields["sketch"])
            if made._sketch.k != made.k:
                raise ValueError(f"this {KIND} has another size than it says: {made.k}")
        return made

    def _need_numbers(self) -> None:
        if not self.n:
            raise ValueError("there are no numbers yet")
