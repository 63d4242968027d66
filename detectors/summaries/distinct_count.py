"""How many distinct values there are: HyperLogLog, of Apache DataSketches."""

from collections.abc import Iterable
from typing import Any

from detectors.binary_form import pack, unpack
from detectors.summaries.column import Value
from detectors.summaries.sketches import read_sketch, reading, sketches
from detectors.summaries.value_text import value_text

__all__ = ["DistinctCount"]

KIND, VERSIONS = "distinct_count", range(1, 2)
LG_K_MIN, LG_K_MAX = 7, 21


class DistinctCount:
    """Estimates the number of distinct values, texts, numbers or booleans, of any stream.

    Promise: `estimate` has a relative standard error of about 1.04/sqrt(2^lg_k), 1.6 % with lg_k 12;
    the truth lies within `bounds(2)` 95 times in 100. Merging is exact to the byte, as the sketch is
    an array of maxima: DataSketches' own exact list of the first values and its estimator that
    follows the order of arrival are left out for it, which makes the error a quarter larger.

    Cost: 0.2 us a value where few are distinct, 1.5 us where all are. Memory: 2^lg_k bytes, from the first value on.

    The pipeline counts its unseen values with `UnseenValues` instead: that names them, is exact up
    to 32 of them, and needs no further package. This is for those who count users or items by the
    million.

    Papers: Flajolet, Fusy, Gandouet, Meunier 2007, "HyperLogLog"; Lang 2017, "Back to the future".

    Args:
        lg_k: base-2 logarithm of the number of registers, 7 to 21.

    Raises:
        ValueError: `lg_k` lies elsewhere.
        ImportError: DataSketches is not installed.

    >>> count = DistinctCount()
    >>> count.update_many(f"user {i % 1000}" for i in range(3000))
    >>> low, high = count.bounds(3)
    >>> low < 1000 < high, abs(count.estimate - 1000) < 50
    (True, True)
    """

    __slots__ = ("_sketch", "lg_k")

    def __init__(self, lg_k: int = 12) -> None:
        if not LG_K_MIN <= lg_k <= LG_K_MAX:
            raise ValueError(f"lg_k must be {LG_K_MIN} to {LG_K_MAX}, not {lg_k}")
        self.lg_k = lg_k
        self._sketch = self._empty()

    @property
    def estimate(self) -> float:
        """The number of distinct values, about."""
        return float(self._settled().get_estimate())

    def bounds(self, deviations: int = 2) -> tuple[float, float]:
        """Tell between what the number lies, give or take 1, 2 or 3 standard deviations."""
        settled = self._settled()
        return settled.get_lower_bound(deviations), settled.get_upper_bound(deviations)

    @property
    def bytes_max(self) -> int:
        """The most bytes that `to_bytes` can give."""
        kind = sketches().hll_sketch
        held: int = kind.get_max_updatable_serialization_bytes(self.lg_k, sketches().HLL_8)
        return held + 128

    def update_many(self, values: Iterable[Value]) -> None:
        """Take in values."""
        update = self._sketch.update
        for text in set(map(value_text, values)):
            update(text)

    def merge(self, other: "DistinctCount") -> None:
        """Take in another count of the same size, in place."""
        if other.lg_k != self.lg_k:
            raise ValueError(f"a count of lg_k {other.lg_k} does not go into one of {self.lg_k}")
        self._sketch = self._union(self._sketch, other._sketch)

    def to_bytes(self) -> bytes:
        """Give the state as bytes."""
        held = self._settled().serialize_updatable()
        return pack(KIND, VERSIONS[-1], {"lg_k": self.lg_k, "sketch": bytes(held)})

    @classmethod
    def from_bytes(cls, data: bytes) -> "DistinctCount":
        """Read what `to_bytes` gave."""
        fields = unpack(data, KIND, VERSIONS)
        with reading(KIND):
            made = cls(fields["lg_k"])
            sketch = read_sketch(sketches().hll_sketch, fields["sketch"])
            if sketch.lg_config_k != made.lg_k:
                raise ValueError(f"this {KIND} has another size than it says: {made.lg_k}")
            made._sketch = made._union(made._sketch, sketch)
        return made

    def _empty(self) -> Any:
        """Begin with all registers, as the lists that are kept before them depend on the order."""
        return sketches().hll_sketch(self.lg_k, sketches().HLL_8, True)

    def _settled(self) -> Any:
        """Give the sketch as its registers alone tell it; a union forgets the order of arrival."""
        return self._union(self._sketch, self._sketch)

    def _union(self, *parts: Any) -> Any:
        union = sketches().hll_union(self.lg_k)
        for part in parts:
            union.update(part)
        result = union.get_result(sketches().HLL_8)
        return self._empty() if result.is_empty() else result
