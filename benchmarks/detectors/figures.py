"""What was measured, and how it stands to the yardstick."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

__all__ = ["GOALS", "Comparison", "Figure", "Measured", "compare"]

GOALS = {
    "ADWIN": {"update": 1 / 1.5, "update_many": 10.0},
    "PageHinkley": {"update": 1 / 1.5, "update_many": 10.0},
    "CUSUM": {"update_many": 20.0},
    "EWMA": {"update_many": 20.0},
    "DDM": {"update": 1 / 1.5, "update_many": 20.0},
    "EDDM": {"update": 1 / 1.5, "update_many": 20.0},
    "HDDMA": {"update": 1 / 1.5, "update_many": 20.0},
    "HDDMW": {"update": 1 / 1.5, "update_many": 20.0},
}
"""How many times as fast as the yardstick driftbus has to be at least, by detector and way."""


@dataclass
class Figure:
    """What was measured of one detector of one library, fed in one way.

    `cpu_s` has every pass over `values` values of every round, `found` the positions of drifts, `rss_kb` pairs of
    updates done and resident memory, from before the first update on. What failed has an `error` and maybe no more.
    """

    detector: str
    peer: str
    way: str
    values: int = 0
    cpu_s: list[float] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    rss_kb: list[list[int]] = field(default_factory=list)
    state_bytes: int | None = None
    state_bytes_max: int | None = None
    error: str | None = None

    @property
    def ns(self) -> float | None:
        """Processor time per update in nanoseconds, the median of all passes."""
        return median(self.cpu_s) / self.values * 1e9 if self.cpu_s else None

    @property
    def grown_kb(self) -> list[tuple[int, int]]:
        """Updates done, and how much more memory was resident than before, in KB."""
        return [(updates, kb - self.rss_kb[0][1]) for updates, kb in self.rss_kb[1:]]


@dataclass
class Measured:
    """All figures; the versions of each library's packages; and why a library is not among them."""

    figures: list[Figure] = field(default_factory=list)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def take(self, peer: str, told: Mapping[str, Any]) -> None:
        """Take one answer of a process; `process.py` says what there are."""
        match told["what"]:
            case "versions":
                self.versions[peer] = {k: v for k, v in told.items() if k != "what"}
            case "time":
                figure = self._of(peer, told)
                figure.values, figure.found = told["values"], told["found"]
                figure.cpu_s += told["cpu_s"]
            case "memory":
                figure = self._of(peer, told)
                figure.rss_kb = told["rss_kb"]
                figure.state_bytes = told.get("state_bytes")
                figure.state_bytes_max = told.get("state_bytes_max")
            case "error":
                self._of(peer, told).error = told["error"]
            case "absent":
                self.absent[peer] = f"did not run: {told['error']}"

    def _of(self, peer: str, told: Mapping[str, Any]) -> Figure:
        name, way = told["detector"], told["way"]
        for figure in self.figures:
            if (figure.detector, figure.peer, figure.way) == (name, peer, way):
                return figure
        self.figures.append(Figure(name, peer, way))
        return self.figures[-1]


@dataclass(frozen=True)
class Comparison:
    """A figure beside its yardstick: river's, or the textbook's class where river has no such detector.

    Attributes:
        speed: how many times as many updates a second of processor time; 1 is the yardstick.
        goal: the least that `speed` has to be, where there is a goal.
        expected: the yardstick's detections in what this one saw of the stream.
        first_difference: the first position where only one of the two found a drift; None if there is none.
    """

    yardstick: str
    speed: float
    goal: float | None
    expected: int
    first_difference: int | None

    @property
    def same(self) -> bool:
        """Whether all drifts were found at the same positions."""
        return self.first_difference is None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without a goal."""
        return None if self.goal is None else self.speed >= self.goal


def compare(figure: Figure, figures: Sequence[Figure]) -> Comparison | None:
    """Hold a figure against its yardstick; None where one of them was not measured."""
    yardsticks = [
        f for f in figures if f.detector == figure.detector and f.peer in ("river", "textbook")
    ]
    if not yardsticks or yardsticks[0].ns is None or figure.ns is None:
        return None
    yardstick = yardsticks[0]
    assert yardstick.ns is not None
    seen = min(figure.values, yardstick.values)
    expected = {at for at in yardstick.found if at < seen}
    differ = expected ^ {at for at in figure.found if at < seen}
    goal = GOALS.get(figure.detector, {}).get(figure.way) if figure.peer == "driftbus" else None
    return Comparison(
        yardstick.peer, yardstick.ns / figure.ns, goal, len(expected), min(differ, default=None)
    )
