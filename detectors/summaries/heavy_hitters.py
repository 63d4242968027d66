"""Which values are frequent: the frequent-items sketch of Apache DataSketches."""

from collections import Counter
from collections.abc import Iterable

from detectors.binary_form import pack, unpack
from detectors.summaries.column import Value
from detectors.summaries.sketches import read_sketch, reading, sketches
from detectors.summaries.value_text import TEXT_BYTES_MAX, value_text

__all__ = ["HeavyHitters"]

KIND, VERSIONS = "heavy_hitters", range(1, 2)
LG_SIZE_MIN, LG_SIZE_MAX = 3, 26


class HeavyHitters:
    """Finds the values that make up a good share of a stream, with bounds of their counts.

    Promise: for every value the true count lies within `bounds`, always, and these are at most
    3.5/2^lg_size of all values apart: 1.4 % with lg_size 8. So no value of a larger share is missed.
    With at most 0.75 * 2^lg_size distinct values everything is exact. Merging keeps the promise
    whatever the order, but not the bytes: which of the rare values are let go depends on it.
    Values are known by `value_text`, 64 bytes at most.

    Cost: 0.2 us a value where few are distinct, 4 us where all are. Memory: 2^lg_size values.

    The pipeline's state does not use it, as a replay must give a worker's state to the byte, however
    the partitions were dealt out; its `UnseenValues` is exact in any order and for that finds only
    what dominates. This is for those who want the frequent ones of a stream of their own.

    Paper: Anderson, Bevan, Lang, Liberty, Rhodes, Thaler 2017, "A high-performance algorithm for
    identifying frequent items in data streams".

    Args:
        lg_size: base-2 logarithm of the size of the table, 3 to 26.

    Raises:
        ValueError: `lg_size` lies elsewhere.
        ImportError: DataSketches is not installed.

    >>> hitters = HeavyHitters()
    >>> hitters.update_many(["web", "app", "web"])
    >>> hitters.common(), hitters.bounds("web"), hitters.seen
    ([('web', 2), ('app', 1)], (2, 2), 3)
    """

    __slots__ = ("_sketch", "lg_size")

    def __init__(self, lg_size: int = 8) -> None:
        if not LG_SIZE_MIN <= lg_size <= LG_SIZE_MAX:
            raise ValueError(f"lg_size must be {LG_SIZE_MIN} to {LG_SIZE_MAX}, not {lg_size}")
        self.lg_size = lg_size
        self._sketch = sketches().frequent_strings_sketch(lg_size)

    @property
    def seen(self) -> int:
        """How many values were taken in."""
        return int(self._sketch.total_weight)

    @property
    def error_max(self) -> float:
        """How far apart the bounds of a count can be, at most."""
        return float(self._sketch.epsilon) * self.seen

    @property
    def bytes_max(self) -> int:
        """The most bytes that `to_bytes` can give."""
        return 256 + int(0.75 * 2**self.lg_size) * (TEXT_BYTES_MAX + 4 + 8)

    def bounds(self, value: Value) -> tuple[int, int]:
        """Tell between what the count of a value lies; from 0 on for one that is not held."""
        text = value_text(value)
        return self._sketch.get_lower_bound(text), self._sketch.get_upper_bound(text)

    def common(self, n: int = 10) -> list[tuple[str, int]]:
        """Give the n commonest values and their estimated counts, by count, then by name."""
        wanted = sketches().frequent_items_error_type.NO_FALSE_NEGATIVES
        known = [(text, count) for text, count, *_ in self._sketch.get_frequent_items(wanted)]
        return sorted(known, key=lambda pair: (-pair[1], pair[0]))[:n]

    def update_many(self, values: Iterable[Value]) -> None:
        """Take in values."""
        for text, count in sorted(Counter(map(value_text, values)).items()):
            self._sketch.update(text, count)

    def merge(self, other: "HeavyHitters") -> None:
        """Take in another sketch of the same size, in place."""
        if other.lg_size != self.lg_size:
            raise ValueError(f"lg_size {other.lg_size} does not go into lg_size {self.lg_size}")
        self._sketch.merge(other._sketch)

    def to_bytes(self) -> bytes:
        """Give the state as bytes."""
        held = {"lg_size": self.lg_size, "sketch": bytes(self._sketch.serialize())}
        return pack(KIND, VERSIONS[-1], held)

    @classmethod
    def from_bytes(cls, data: bytes) -> "HeavyHitters":
        """Read what `to_bytes` gave."""
        fields = unpack(data, KIND, VERSIONS)
        with reading(KIND):
            made = cls(fields["lg_size"])
            sketch = read_sketch(sketches().frequent_strings_sketch, fields["sketch"])
            if sketch.epsilon != made._sketch.epsilon:
                raise ValueError(f"this {KIND} has another size than it says: {made.lg_size}")
            made._sketch = sketch
        return made
