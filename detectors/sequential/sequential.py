"""What all sequential detectors share: river's calling convention, whole arrays, a binary form.

A detector keeps its settings as attributes and everything that changes in arrays of a fixed size,
the first of which begins with its status. A compiled step takes one value into the arrays; the
same step, looped over, takes a whole array. So one by one and all at once cannot differ.
"""

import sys
from numbers import Real
from operator import index
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Floats
from detectors.binary_form import pack, unpack

__all__ = [
    "CALM",
    "DRIFT",
    "LARGEST",
    "SMALLEST",
    "STATUS",
    "WARNING",
    "WEIGHT_MAX",
    "Sequential",
    "check_aggregate",
    "flag",
    "number",
    "whole",
]

CALM, WARNING, DRIFT = 0, 1, 2
STATUS = 0
"""Where the first array holds the status; steps return it, too."""

WEIGHT_MAX = 2**31
WHOLE_MAX = 2**53
"""Up to it every whole number is a float, too."""
LARGEST = sys.float_info.max
SMALLEST = -LARGEST
"""`SMALLEST <= x <= LARGEST` is what `isfinite` tells, without its error for whole numbers beyond."""


class Sequential:
    """A detector that takes one number after the other, and one thread at a time.

    A subclass gives `name` (in the registry and in its bytes), `SETTINGS` (its constructor's
    arguments, each also an attribute), `ARRAYS` (attributes that hold all that changes; shapes and
    types are those of a new detector), and the methods `update` and `_run`. `COUNTERS` and `FIXED`
    tell what of the first array can be checked when bytes are read.
    """

    name: ClassVar[str]
    SETTINGS: ClassVar[tuple[str, ...]]
    ARRAYS: ClassVar[tuple[str, ...]] = ("_state",)
    COUNTERS: ClassVar[tuple[int, ...]] = ()
    """Where the first array counts something: finite numbers from 0 on."""
    FIXED: ClassVar[int | None] = None
    """From where on the first array holds settings, to its end."""
    VERSION: ClassVar[int] = 1
    BINARY: ClassVar[bool] = False
    """Whether it takes errors, 0 for right and 1 for wrong, rather than any number."""

    _status: int = CALM

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one value, or the aggregate of several.

        Args:
            x: the value, or the mean of the values.
            weight: how many values, 1 to 2^31.
            variance: mean squared deviation of the values from x, >= 0.

        Raises:
            ValueError: not a finite number, or no aggregate; nothing has changed then.
        """
        raise NotImplementedError

    def update_many(self, values: ArrayLike) -> Counts:
        """Take many values, with exactly the answers and the state of one update each.

        Args:
            values: [N] numbers, read only.

        Returns:
            Ascending positions in `values` at which `drift_detected` was true.

        Raises:
            ValueError: not an array of one axis of finite numbers; nothing has changed then.
        """
        array = _row(values)
        self._check(array)
        found = np.empty(len(array), np.int64)
        detections = self._run(array, found)
        return np.asarray(found[:detections].copy())

    @property
    def drift_detected(self) -> bool:
        """Whether the last update found a drift."""
        return self._status == DRIFT

    @property
    def bytes_max(self) -> int:
        """Bound of the state in bytes, in memory and in binary form, however long the stream."""
        return 1024 + sum(int(getattr(self, name).nbytes) for name in self.ARRAYS)

    def clone(self) -> Self:
        """Make a new one with the same settings, as river does for the trees of a forest."""
        return type(self)(**{name: getattr(self, name) for name in self.SETTINGS})

    def to_bytes(self) -> bytes:
        """Write all there is to know; see `detectors.binary_form`."""
        fields = {"settings": {name: getattr(self, name) for name in self.SETTINGS}}
        return pack(self.name, self.VERSION, fields | self._saved())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Go on exactly where `to_bytes` was called.

        Raises:
            ValueError: the bytes are damaged, of another detector or of a newer version.
        """
        fields = unpack(data, cls.name, range(1, cls.VERSION + 1))
        try:
            detector = cls(**fields["settings"])
            detector._restore(fields)
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"the bytes of this {cls.name} lack or mistake {error}") from None
        return detector

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.SETTINGS)
        return f"{type(self).__name__}({settings})"

    # What a subclass says, or says otherwise.

    def _run(self, values: Floats, found: Counts) -> int:
        """Take checked values, note where drift was detected, set the status; give their number."""
        raise NotImplementedError

    def _check(self, values: Floats) -> None:
        """Raise ValueError where one of the values could not be taken."""
        if not np.isfinite(values).all():
            at = int(np.argmin(np.isfinite(values)))
            raise ValueError(f"need finite values, got {values[at]} at {at}")

    def _saved(self) -> dict[str, Any]:
        """Give what changes, for the binary form."""
        return {name: getattr(self, name) for name in self.ARRAYS}

    def _restore(self, fields: dict[str, Any]) -> None:
        """Take over what `_saved` gave into a new detector; ValueError if that is no state."""
        for name in self.ARRAYS:
            own, saved = getattr(self, name), fields[name]
            if (own.dtype, own.shape) != (saved.dtype, saved.shape):
                raise ValueError(f"{name} of a {self.name} is {own.shape}, not {saved.shape}")
            if name == self.ARRAYS[0]:
                self._check_state(own, saved)
            own[...] = saved
        self._status = _status(getattr(self, self.ARRAYS[0]).flat[STATUS], self.name)

    def _check_state(self, own: Any, saved: Any) -> None:
        """Raise ValueError where the first array of a state contradicts itself or the settings."""
        counters = saved[list(self.COUNTERS)]
        if not (np.isfinite(counters) & (counters >= 0)).all():
            raise ValueError(f"a {self.name} does not count as far as {counters.min()}")
        if self.FIXED is not None and not np.array_equal(
            own[self.FIXED :], saved[self.FIXED :], equal_nan=own.dtype.kind == "f"
        ):
            raise ValueError(f"the state of this {self.name} has other settings beside it")


def _row(values: ArrayLike) -> Floats:
    """Give an array of one axis of numbers; ValueError if that is none."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"need an array of one axis, got one of shape {array.shape}")
    numbers = array.dtype.kind in "biuf"
    if array.dtype.kind == "O":
        numbers = all(isinstance(value, Real) for value in array)
    if not numbers:
        raise ValueError(f"need numbers, got an array of {array.dtype}")
    try:
        return np.ascontiguousarray(array, dtype=np.float64)
    except OverflowError as error:
        raise ValueError(f"need finite values: {error}") from None


def _status(value: float, name: str) -> int:
    if value not in (CALM, WARNING, DRIFT):
        raise ValueError(f"the status of a {name} is 0, 1 or 2, not {value}")
    return int(value)


def check_aggregate(x: float, weight: int, variance: float) -> None:
    """Raise ValueError where an update is not a finite value or aggregate."""
    if not (SMALLEST <= x <= LARGEST and 0 <= variance <= LARGEST):
        raise ValueError(f"need a finite value and variance >= 0, got {x} and {variance}")
    if not 1 <= weight <= WEIGHT_MAX or weight != int(weight):
        raise ValueError(f"weight must be a whole number from 1 to 2^31, not {weight}")


def whole(name: str, value: int, least: int, most: int = WHOLE_MAX) -> int:
    """Give the setting `name` as a whole number, or raise ValueError.

    >>> whole("clock", 32, 1)
    32
    """
    try:
        found = None if isinstance(value, bool) else index(value)
    except TypeError:
        found = None
    if found is None or not least <= found <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return found


def number(name: str, value: float) -> float:
    """Give the setting `name` as a finite number, or raise ValueError.

    >>> number("delta", 1)
    1.0
    """
    wrong = isinstance(value, bool) or not isinstance(value, Real)
    if wrong or not SMALLEST <= value <= LARGEST:
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    return float(value)


def flag(name: str, value: bool) -> bool:
    """Give the setting `name` as true or false, or raise ValueError."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false, not {value!r}")
    return value
