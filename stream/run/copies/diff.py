"""`driftbus state diff`: what differs between two exports, and where within it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson

__all__ = ["Difference", "differences"]

SHOWN_MAX = 60
"""Characters of a value that are shown."""
ABSENT = object()


class Difference(NamedTuple):
    """A thing that differs: its name, the place within it (empty: the whole), and what each side has there."""

    path: str
    place: str
    one: str
    other: str


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Difference]:
    """Compare two states, name by name, and of each that differs tell the first place where it does."""
    for path in sorted(one.keys() | other.keys()):
        a, b = one.get(path, ABSENT), other.get(path, ABSENT)
        found = _first(a, b, "")
        if found is not None:
            place, x, y = found
            yield Difference(path, place, _shown(x), _shown(y))


def _first(a: Any, b: Any, place: str) -> tuple[str, Any, Any] | None:
    """Find the first inner place that differs; None when there is none. NaN equals NaN."""
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            if found := _first(x, y, f"{place}[{i}]"):
                return found
        return None
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            inner = f"{place}.{key}" if place else key
            if found := _first(a.get(key, ABSENT), b.get(key, ABSENT), inner):
                return found
        return None
    equal = a is b or (a == b and type(a) is type(b)) or (a != a and b != b)
    return None if equal else (place, a, b)


def _shown(value: Any) -> str:
    if value is ABSENT:
        return "(absent)"
    if isinstance(value, list):
        return f"{len(value):,} items"
    text = orjson.dumps(value).decode()
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"
