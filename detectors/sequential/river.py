"""Any drift detector of river behind the interface of our own, with a binary form that runs no code.

River keeps a detector's state in plain attributes, and pickles it. Here the attributes are walked
instead: numbers, texts, lists, tuples, dicts, deques, arrays, random numbers, the object's own
methods, and objects of the few classes in PARTS. Anything else is refused by the attribute's name.
In the binary form what is no plain value is a list that begins with its sort:

    ["deque", maxlen, items...]   ["object", "river.stats.mean.Mean", ["n", value], ...]   ...

Reading looks up detectors and the classes in PARTS by their exact names, and nothing else.
"""

from collections import deque
from collections.abc import Callable, Mapping
from importlib import import_module
from random import Random
from types import FunctionType, MethodType
from typing import Any, ClassVar

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.binary_form import LETTERS, Value
from detectors.sequential.sequential import LARGEST, SMALLEST, Sequential, check_aggregate

__all__ = ["RIVER", "River", "river_class", "river_names"]

RIVER = "river."
"""What the names of river's detectors begin with beside those of our own."""
ROOMS = ("river.drift", "river.drift.binary")
PARTS = frozenset({
    "river.stats.mean.Mean",
    "river.stats.var.Var",
    "river.stats.ewmean.EWMean",
    "river.drift.binary.hddm_w.SampleInfo",
})  # fmt: skip
"""Classes of objects inside of detectors."""
RUST = "river._river_rust"
RUST_PARTS = {
    f"{RUST}.drift.AdaptiveWindowing": (0.5, 1, 1, 1, 1),
    f"{RUST}.stats.RsEWMean": (0.5,),
}
"""Those that keep their state in bytes, with arguments to make one, which the bytes then replace."""
DEPTH_MAX = 12
FAILURES = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
"""What a detector of river raises where its settings, which it does not check, lead nowhere."""


class River(Sequential):
    """A drift detector of river, one value after the other.

    Args:
        detector: the name of its class in `river.drift` or `river.drift.binary`, as "FHDDM".
        settings: its arguments; plain values.

    Attributes:
        wrapped: river's object, for what is particular to it.

    It costs what river costs; `update_many` is a loop. River does not bound the memory of its
    detectors, so neither does `bytes_max`. Bytes are read by the version of river that wrote them.

    Raises:
        ImportError: river is not there: `pip install 'driftbus[river]'`.
        ValueError: river has no such detector, or refuses its settings, or fails with an update, or
            that is not a single finite number.

    >>> fhddm = River("FHDDM", {"sliding_window_size": 50})
    >>> fhddm.update_many([1, 0] * 100 + [0] * 100).tolist()
    [236]
    """

    name: ClassVar[str] = "river"
    SETTINGS: ClassVar[tuple[str, ...]] = ("detector", "settings")
    ARRAYS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, detector: str, settings: Mapping[str, Any] | None = None) -> None:
        self.detector = detector
        self.settings = dict(settings or {})
        made = river_class(detector)
        try:
            self.wrapped: Any = made(**self.settings)
        except (TypeError, ArithmeticError) as error:
            raise ValueError(f"river's {detector} cannot be made: {error}") from None

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one value; an aggregate is refused, as river knows none. See `Sequential.update`."""
        if weight != 1 or variance or not SMALLEST <= x <= LARGEST:
            check_aggregate(x, weight, variance)
            raise ValueError("river's detectors take single values, not the mean of several")
        self._feed(x)

    @property
    def drift_detected(self) -> bool:
        """Whether the last update found a drift."""
        return bool(self.wrapped.drift_detected)

    @property
    def warning_detected(self) -> bool:
        """Whether the last update gave a warning; False for a detector that gives none."""
        return bool(getattr(self.wrapped, "warning_detected", False))

    @property
    def binary(self) -> bool:
        """Whether river made it for values of 0 and 1."""
        return issubclass(type(self.wrapped), _base().BinaryDriftDetector)

    @property
    def bytes_max(self) -> int:
        """Refuse to answer: NotImplementedError, as nobody bounds what river keeps."""
        raise NotImplementedError("river does not bound the memory of its detectors")

    def _run(self, values: Floats, found: Counts) -> int:
        k = 0
        for i, x in enumerate(values.tolist()):
            self._feed(x)
            if self.wrapped.drift_detected:
                found[k] = i
                k += 1
        return k

    def _feed(self, x: float) -> None:
        try:
            self.wrapped.update(x)
        except FAILURES as error:
            raise ValueError(f"river's {self.detector} fails with {x}: {error}") from error

    def _saved(self) -> dict[str, Any]:
        return {"state": _attributes_out(self.wrapped, self.detector, 0)}

    def _restore(self, fields: dict[str, Any]) -> None:
        try:
            _attributes_in(self.wrapped, fields["state"], 0)
            if not isinstance(self.wrapped.drift_detected, bool | np.bool_):
                raise TypeError("it does not say whether there is a drift")
        except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"this is no state of river's {self.detector}: {error}") from None


def river_names() -> tuple[str, ...]:
    """Tell the names of river's drift detectors; ImportError if there is no river."""
    base = _base().DriftDetector, _base().BinaryDriftDetector
    rooms = [vars(_module(room)) for room in ROOMS]
    return tuple(sorted({
        name for room in rooms for name, thing in room.items()
        if isinstance(thing, type) and issubclass(thing, base)
    }))  # fmt: skip


def river_class(name: str) -> Callable[..., Any]:
    """Give river's drift detector of that name; ValueError if there is none."""
    known = river_names()
    if name not in known:
        raise ValueError(f"river has no drift detector {name!r}; it has {', '.join(known)}")
    found: Callable[..., Any] = next(
        vars(_module(room))[name] for room in ROOMS if name in vars(_module(room))
    )
    return found


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name} cannot be imported: pip install 'driftbus[river]' ({error})"
        ) from None


def _base() -> Any:
    return _module("river.base")


# Writing: every value as one that `binary_form` knows.


def _attributes_out(owner: object, path: str, depth: int) -> list[Value]:
    return [
        [name, _out(value, owner, f"{path}.{name}", depth + 1)]
        for name, value in vars(owner).items()
    ]


def _out(value: object, owner: object, path: str, depth: int) -> Value:
    """Give a value of an attribute of `owner`; `path` tells where it stands."""
    if depth > DEPTH_MAX:
        raise ValueError(f"{path} is nested too deep to be written")
    if value is None or type(value) in (bool, float, str, bytes):
        return value
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, np.generic | np.ndarray) and value.dtype.newbyteorder("<") in LETTERS:
        return ["scalar" if isinstance(value, np.generic) else "array", np.asarray(value)]
    if type(value) is Random:
        version, words, gauss = value.getstate()
        return ["random", version, np.array(words, np.uint32), gauss]
    if isinstance(value, MethodType) and value.__self__ is owner:
        return ["method", value.__name__]
    return _group_out(value, owner, path, depth)


def _group_out(value: object, owner: object, path: str, depth: int) -> Value:
    if type(value) is list or type(value) is tuple:
        return [type(value).__name__, *(_out(item, owner, path, depth + 1) for item in value)]
    if type(value) is deque:
        return ["deque", value.maxlen, *(_out(item, owner, path, depth + 1) for item in value)]
    if type(value) is dict:
        pairs = value.items()
        return ["dict", *([_out(x, owner, path, depth + 1) for x in pair] for pair in pairs)]
    kind: Any = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name in RUST_PARTS:
        rust: Any = value
        return ["rust", name, bytes(rust.__getstate__())]
    if name in PARTS:
        return ["object", name, *_attributes_out(value, path, depth)]
    raise ValueError(f"{path} is a {name}, which has no binary form")


# Reading: the same way back. What is not as it was written raises one of the errors that
# `River._restore` turns into a ValueError.


def _attributes_in(owner: object, pairs: list[Value], depth: int) -> None:
    """Replace the attributes of an object; a method may stand only where the new one has one."""
    methods = {name for name, value in vars(owner).items() if isinstance(value, MethodType)}
    vars(owner).clear()
    for name, value in pairs:
        read = _in(value, owner, depth + 1)
        if not isinstance(name, str) or (isinstance(read, MethodType) and name not in methods):
            raise TypeError(f"there is no such attribute as {name}")
        vars(owner)[name] = read


def _in(value: Value, owner: object, depth: int) -> object:
    if not isinstance(value, list):
        if isinstance(value, dict | np.ndarray):
            raise TypeError("a value that was never written")
        return value
    sort, *rest = value
    if depth > DEPTH_MAX or not isinstance(sort, str):
        raise ValueError("this is no value of a detector of river")
    return READERS[sort](rest, owner, depth)


def _method_in(rest: list[Value], owner: object, depth: int) -> object:  # noqa: ARG001 - every one is called alike
    (name,) = rest
    method = vars(type(owner))[name]
    if not isinstance(method, FunctionType) or name.startswith("__"):
        raise TypeError(f"{name} is no method of {type(owner).__name__}")
    return MethodType(method, owner)


def _random_in(rest: list[Value], owner: object, depth: int) -> object:  # noqa: ARG001 - every one is called alike
    version, words, gauss = rest
    random = Random()  # noqa: S311 - river's choice
    random.setstate((version, tuple(words.tolist()), gauss))
    return random


def _array_in(rest: list[Value], owner: object, depth: int) -> object:  # noqa: ARG001 - every one is called alike
    (array,) = rest
    if not isinstance(array, np.ndarray):
        raise TypeError("an array that is none")
    return array


def _scalar_in(rest: list[Value], owner: object, depth: int) -> object:
    array: Any = _array_in(rest, owner, depth)
    return array[()]


def _list_in(rest: list[Value], owner: object, depth: int) -> list[object]:
    return [_in(item, owner, depth + 1) for item in rest]


def _deque_in(rest: list[Value], owner: object, depth: int) -> object:
    longest, *items = rest
    return deque(_list_in(items, owner, depth), maxlen=longest)


def _dict_in(rest: list[Value], owner: object, depth: int) -> object:
    return {_in(key, owner, depth + 1): _in(item, owner, depth + 1) for key, item in rest}


def _object_in(rest: list[Value], owner: object, depth: int) -> object:  # noqa: ARG001 - every one is called alike
    name, *pairs = rest
    if name not in PARTS:
        raise ValueError(f"{name!r} is no part of a detector of river")
    module, _, last = name.rpartition(".")
    kind = vars(_module(module))[last]
    made: object = kind.__new__(kind)
    _attributes_in(made, pairs, depth)
    return made


def _rust_in(rest: list[Value], owner: object, depth: int) -> object:  # noqa: ARG001 - every one is called alike
    name, state = rest
    arguments = RUST_PARTS[name]
    room, last = name.removeprefix(f"{RUST}.").split(".")
    made = getattr(getattr(_module(RUST), room), last)(*arguments)
    try:
        made.__setstate__(state)
    except BaseException as error:  # Rust's panics are no Exceptions
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError(f"{name} cannot be made of these bytes") from None
    return made


READERS: dict[str, Callable[[list[Value], object, int], object]] = {
    "list": _list_in,
    "tuple": lambda rest, owner, depth: tuple(_list_in(rest, owner, depth)),
    "deque": _deque_in,
    "dict": _dict_in,
    "array": _array_in,
    "scalar": _scalar_in,
    "random": _random_in,
    "method": _method_in,
    "object": _object_in,
    "rust": _rust_in,
}
