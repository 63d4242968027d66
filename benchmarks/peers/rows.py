"""Those that take data frames: a process that gets the bytes in a file."""

from pathlib import Path

from benchmarks.peers.figures import Measured, Run
from benchmarks.peers.process import running
from benchmarks.workload import Workload

__all__ = ["measure_rows"]

CHUNK = 10_000


def measure_rows(
    name: str, python: Path, events: int, workload: Workload, reference: Path, measured: Measured
) -> Run:
    """Measure one that takes data frames: the rows of the warm-up, then those that count.

    Raises:
        PeerError: it does not run.
    """
    folder = reference.parent / name
    folder.mkdir(exist_ok=True)
    values = folder / "values"
    _write(values, workload, workload.warm_up + events)
    job: dict[str, object] = {
        "reference": str(reference),
        "values": str(values),
        "warm_up": workload.warm_up,
    }
    with running(python, name, job, folder) as process:
        process.wait()
        told = process.answers()
    values.unlink()
    measured.versions[name] = told["versions"]
    of = told["measured"]
    return Run(
        name,
        events,
        of["decode_s"] + of["own_s"],
        of["decode_s"],
        of["wall_s"],
        of["rss_mb"],
        of["reports"],
        None,
    )


def _write(file: Path, workload: Workload, n: int) -> None:
    """Write the first n events, one a line: a JSON event has no line break in it."""
    bodies = workload.bodies()
    with file.open("wb") as out:
        for first in range(0, n, CHUNK):
            out.writelines(
                value + b"\n" for value in workload.values(bodies, first, min(CHUNK, n - first))
            )
