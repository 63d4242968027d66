"""How a monitor stands: whether it is watched, still learns, or cannot be watched, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from stream.state.versions import dump, load, making_sense

__all__ = ["STATES", "Standing", "State", "dump_standings", "load_standings"]

State = Literal["watching", "learning", "unwatched"]
STATES: tuple[State, ...] = ("watching", "learning", "unwatched")


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
