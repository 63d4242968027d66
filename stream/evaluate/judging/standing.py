"""How a monitor stands: whether it is watched, still learns, or cannot be watched, and why."""

import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec import msgpack

from stream.state.versions import dump, load, making_sense

__all__ = [
    "CONSTANT", "NO_VALUES", "OFF", "SOON", "STATES", "WHYS", "Standing", "Standings", "State", "dump_standings",
    "load_standings", "why",
]  # fmt: skip

State = Literal["watching", "learning", "unwatched"]
STATES: tuple[State, ...] = ("watching", "learning", "unwatched")

SOON = "its first window has not ended yet"
CONSTANT = "constant in the reference: only missing, invalid and unknown values are told"
NO_VALUES = "no value of it is in the reference"
OFF = "all its calibrated detectors are switched off"
WHYS = {
    "no_reference": re.compile(r"[\d,]+ of [\d,]+ events"),
    "no_window": re.compile(re.escape(SOON)),
    "few_windows": re.compile(r"\d+ of \d+ windows"),
    "little_time": re.compile(r"\d+ of \d+ hours"),
    "constant": re.compile(re.escape(CONSTANT)),
    "no_values": re.compile(re.escape(NO_VALUES)),
    "switched_off": re.compile(re.escape(OFF)),
    "unsteady": re.compile(r"its reference is not homogeneous: .*"),
    "other": re.compile(r".*"),
}
"""The reasons for which a monitor is not watched, in a word, and how each reads (`Standing.reason`)."""


HELD = msgpack.Decoder(list[tuple[str | None, State, str, dict[str, float]]])
"""Reads standings as they are held."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One monitor: a column, or the series' volume (None), of a chain that is judged in windows of one size.

    `reason` says why it is not watched, or not wholly; empty where there is nothing to say. `detectable` tells by test
    the smallest effect (`Verdict.effect`, so beyond its floor) that it finds with 90 % power within a day; empty
    where that is not known. Of `shape` it never is.
    """

    column: str | None
    state: State
    reason: str = ""
    detectable: Mapping[str, float] = field(default_factory=dict)


class Standings(MutableMapping[int, tuple[Standing, ...]]):
    """The standings of a chain by the place of the window's size, held as bytes, since they are seldom asked for.

    Cost of a question: 1 us a monitor.
    """

    __slots__ = ("_packed",)

    def __init__(self) -> None:
        self._packed: dict[int, bytes] = {}

    def __getitem__(self, which: int) -> tuple[Standing, ...]:
        return tuple(Standing(*told) for told in HELD.decode(self._packed[which]))

    def __setitem__(self, which: int, standings: Sequence[Standing]) -> None:
        told = [(s.column, s.state, s.reason, dict(s.detectable)) for s in standings]
        self._packed[which] = msgpack.encode(told)

    def __delitem__(self, which: int) -> None:
        del self._packed[which]

    def __iter__(self) -> Iterator[int]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def why(standing: Standing) -> str:
    """Name the reason for which a monitor is not watched: one of `WHYS`.

    >>> why(Standing("x", "learning", "5 of 28 windows"))
    'few_windows'
    """
    return next(name for name, reads in WHYS.items() if reads.fullmatch(standing.reason))


def dump_standings(reference_digest: bytes, by_window: Mapping[int, Sequence[Standing]]) -> bytes:
    """Pack the standings of a chain under a reference; `by_window` is by the place of the window's size."""
    body = [
        [which, [[s.column, s.state, s.reason, dict(s.detectable)] for s in standings]]
        for which, standings in sorted(by_window.items())
    ]
    return dump("standing", [reference_digest, body])


@making_sense("standing")
def load_standings(blob: bytes, reference_digest: bytes) -> dict[int, tuple[Standing, ...]]:
    """Read what `dump_standings` wrote; nothing if it was under another reference."""
    digest, body = load(blob, "standing")
    if digest != reference_digest:
        return {}
    return {which: tuple(Standing(*told) for told in standings) for which, standings in body}
