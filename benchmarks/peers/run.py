"""Runs the peers: every round each of them once, in their order, on the same bytes."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.detectors.environments import NotInstalledError
from benchmarks.machine import versions
from benchmarks.peers.figures import Measured
from benchmarks.peers.peers import OURS, PEERS, python_of
from benchmarks.peers.process import PeerError
from benchmarks.peers.rows import measure_rows
from benchmarks.peers.topic import measure_topic
from benchmarks.peers.worker import measure_worker
from benchmarks.workload import Workload

__all__ = ["Plan", "measure"]

REFERENCE_SEED = 2
"""As driftbus' own reference of this workload has."""


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        peers: their names, in the order in which they run.
        events: events after the warm-up; who is slow gets fewer.
        rounds: runs of each, in turn, with new processes.
        workload: the stream, with the events of its warm-up.
    """

    peers: Sequence[str]
    events: int = 2_000_000
    rounds: int = 1
    workload: Workload = field(default_factory=Workload)


def measure(plan: Plan, tell: Callable[[str], None]) -> Measured:
    """Measure all that install and run. `tell` is given a line of text whenever something begins."""
    measured = Measured()
    pythons: dict[str, Path] = {}
    for name in plan.peers:
        tell(f"{name}: its environment")
        try:
            pythons[name] = python_of(name)
        except NotInstalledError as error:
            measured.absent[name] = f"did not install: {error}"
    if OURS in pythons:
        measured.versions[OURS] = versions()
    with tempfile.TemporaryDirectory(prefix="driftbus-benchmark-") as folder:
        reference = Path(folder) / "reference"
        _write_reference(reference, plan.workload)
        for number in range(1, plan.rounds + 1):
            for name, python in pythons.items():
                if name not in measured.absent:
                    tell(f"round {number} of {plan.rounds}: {name}")
                    _measure_one(plan, name, python, reference, measured)
    return measured


def _measure_one(plan: Plan, name: str, python: Path, reference: Path, measured: Measured) -> None:
    """Measure a peer once; why it does not run is an answer, too."""
    events = min(plan.events, PEERS[name].events_max)
    measure_it = measure_rows if PEERS[name].frames else measure_topic
    try:
        if name == OURS:
            run = measure_worker(events, plan.workload, measured)
        else:
            run = measure_it(name, python, events, plan.workload, reference, measured)
    except PeerError as error:
        measured.absent[name] = f"did not run: {error}"
    else:
        measured.runs.append(run)


def _write_reference(file: Path, workload: Workload) -> None:
    bodies = workload.bodies(REFERENCE_SEED)
    file.write_bytes(b"\n".join(workload.values(bodies, 0, len(bodies))))
