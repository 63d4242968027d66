"""What was measured, and how it stands to driftbus."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.meter import ENOUGH_S
from benchmarks.peers.peers import OURS, PEERS

__all__ = ["Beside", "Measured", "Run"]


@dataclass(frozen=True)
class Run:
    """What `events` cost one process.

    Attributes:
        cpu_s: processor time in seconds, of all threads and children, user and system, all that is below included.
        decode_s: the part that made data frames of the bytes; None where there are none.
        wall_s: from the first event to the last.
        rss_mb: the most memory it ever had resident, in MB (10^6 bytes).
        reports: comparisons with the reference or profiles made; of driftbus, windows evaluated since it started.
        drifts: drifts told by river's detectors since the process started.
    """

    peer: str
    events: int
    cpu_s: float
    decode_s: float | None
    wall_s: float
    rss_mb: float
    reports: int
    drifts: int | None


@dataclass(frozen=True)
class Beside:
    """A peer's figures over all its runs, beside ours.

    Attributes:
        cpu_us: processor time of an event in microseconds, the median.
        own_us: the same without making data frames.
        rss_mb: the most of all runs.
        times: how many times as much processor time as driftbus; None where that was not measured.
        reached: whether `times` is at least the peer's goal; None without one of them, or where events were too few.
        few: whether a run of this peer, or of driftbus, took too little processor time to be held against a goal.
    """

    peer: str
    events: int
    cpu_us: float
    own_us: float
    rss_mb: float
    times: float | None
    reached: bool | None
    few: bool


@dataclass
class Measured:
    """All runs; the versions of each peer's packages; why a peer is not there; the store of driftbus."""

    runs: list[Run] = field(default_factory=list)
    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    store: str | None = None

    def beside(self) -> list[Beside]:
        """Give the peers that were measured, in their order."""
        ours = [run for run in self.runs if run.peer == OURS]
        by_peer = {name: [run for run in self.runs if run.peer == name] for name in PEERS}
        return [_beside(name, runs, ours) for name, runs in by_peer.items() if runs]


def _beside(name: str, runs: Sequence[Run], ours: Sequence[Run]) -> Beside:
    cpu_us, goal = _us(runs), PEERS[name].goal
    own_us = median((run.cpu_s - (run.decode_s or 0.0)) / run.events for run in runs) * 1e6
    rss_mb = max(run.rss_mb for run in runs)
    times = cpu_us / unit if ours and (unit := _us(ours)) else None
    few = min(run.cpu_s for run in [*runs, *ours]) < ENOUGH_S
    reached = times >= goal if times is not None and goal and not few else None
    return Beside(name, runs[0].events, cpu_us, own_us, rss_mb, times, reached, few)


def _us(runs: Sequence[Run]) -> float:
    return median(run.cpu_s / run.events for run in runs) * 1e6
