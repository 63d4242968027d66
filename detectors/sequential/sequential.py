"""What all sequential detectors share: river's calling convention, whole arrays, a binary form.

A detector keeps its settings as attributes and everything that changes in arrays of a fixed size,
the first of which begins with its status. A compiled step takes one value into the arrays; the
same step, looped over, takes a whole array. So one by one and all at once cannot differ.
"""

from math import isfinite
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from detectors.arrays import Counts, Floats
from detectors.binary_form import pack, unpack

__all__ = ["CALM", "DRIFT", "STATUS", "WARNING", "WEIGHT_MAX", "Sequential", "check_aggregate"]

CALM, WARNING, DRIFT = 0, 1, 2
STATUS = 0
"""Where the first array holds the status; steps return it, too."""

WEIGHT_MAX = 2**31


class Sequential:
    """A detector that takes one number after the other.

    A subclass gives `name` (in the registry and in its bytes), `SETTINGS` (its constructor's
    arguments, each also an attribute), `ARRAYS` (attributes that hold all that changes; shapes and
    types are those of a new detector), and the methods `update` and `_run`.
    """

    name: ClassVar[str]
    SETTINGS: ClassVar[tuple[str, ...]]
    ARRAYS: ClassVar[tuple[str, ...]] = ("_state",)
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
        array = np.ascontiguousarray(values, dtype=np.float64)
        if array.ndim != 1:
            raise ValueError(f"need an array of one axis, got one of shape {array.shape}")
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
        except (KeyError, TypeError, AttributeError) as error:
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
            own[...] = saved
        self._status = _status(getattr(self, self.ARRAYS[0]).flat[STATUS], self.name)


def _status(value: float, name: str) -> int:
    if value not in (CALM, WARNING, DRIFT):
        raise ValueError(f"the status of a {name} is 0, 1 or 2, not {value}")
    return int(value)


def check_aggregate(x: float, weight: int, variance: float) -> None:
    """Raise ValueError where an update is not a finite value or aggregate."""
    if not (isfinite(x) and isfinite(variance) and variance >= 0):
        raise ValueError(f"need a finite value and variance >= 0, got {x} and {variance}")
    if not 1 <= weight <= WEIGHT_MAX or weight != int(weight):
        raise ValueError(f"weight must be a whole number from 1 to 2^31, not {weight}")
