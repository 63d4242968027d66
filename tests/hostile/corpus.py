"""Messages that have hurt somebody, each with what must become of it; made by rule, the same in every run.

Each is the good message of its kind with one thing wrong. What must become of it is told beforehand: `dead` with words
of the reason, `spoils` with the columns that are invalid in it, or fine.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from stream.words import Kind
from tests.hostile.forms import huge, nested, no_json, truncated
from tests.hostile.texts import names, texts
from tests.hostile.times import times
from tests.hostile.values import numbers, twice, types

__all__ = ["BYTES_MAX", "FAMILIES", "Hostile", "corpus"]

BYTES_MAX = 1_000_000
"""The longest event that is read, as it is by default."""


class Hostile(NamedTuple):
    """One message. `dead`: words of its dead letter's reason, None if it is read; `spoils`: its invalid columns."""

    family: str
    name: str
    kind: Kind
    value: bytes | None
    dead: str | None = None
    spoils: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """Name it for people and for the test's id."""
        return f"{self.kind}-{self.family}-{self.name}"


FAMILIES = {
    "no json": no_json,
    "truncated": truncated,
    "nested": nested,
    "huge": huge,
    "numbers": numbers,
    "types": types,
    "twice": twice,
    "texts": texts,
    "names": names,
    "times": times,
}


@cache
def corpus() -> tuple[Hostile, ...]:
    """Give all of them; some are of 10 MB."""
    return tuple(_made())


def _made() -> Iterator[Hostile]:
    for family, cases in FAMILIES.items():
        for name, kind, value, fate in cases():
            dead = fate if isinstance(fate, str) else None
            spoils = fate if isinstance(fate, frozenset) else frozenset()
            yield Hostile(family, name, kind, value, dead, spoils)
