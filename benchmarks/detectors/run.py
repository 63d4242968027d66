"""Runs the processes: every round a process for each library, then one for the memory of each detector."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np

from benchmarks.detectors.environments import NotInstalledError, interpreter
from benchmarks.detectors.figures import Measured
from benchmarks.detectors.streams import STREAMS, errors, numbers

__all__ = ["Plan", "measure"]

HERE = Path(__file__).parent
PROCESS_S = 900.0
"""A process that takes longer is ended."""

IN_JAVA = "inside Java"
"""A way of which no memory is measured: it's the heap, which grows until its collector minds."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        peers: libraries, in the order in which they run.
        rounds: passes over the stream, each in a new process.
        values: length of the streams.
        few: length of the stream of detectors that cost a test with every update.
        time_s: processor time until which a pass is repeated within a round.
        marks: updates after which memory is measured.
        memory_of: detectors whose memory is measured, each in a process of its own.
        memory_s: processor time after which a memory measurement ends where it is.
    """

    peers: Sequence[str]
    rounds: int = 3
    values: int = 1_000_000
    few: int = 20_000
    time_s: float = 0.25
    marks: Sequence[int] = (1_000_000, 10_000_000)
    memory_of: Sequence[str] = tuple(STREAMS)
    memory_s: float = 12.0


def measure(plan: Plan, tell: Tell) -> Measured:
    """Measure all there is to measure. `tell` is given a line of text whenever something begins."""
    measured = Measured()
    pythons: dict[str, Path] = {}
    for peer in plan.peers:
        tell(f"{peer}: its environment")
        try:
            pythons[peer] = interpreter(peer)
        except NotInstalledError as error:
            measured.absent[peer] = f"did not install: {error}"
    with tempfile.TemporaryDirectory(prefix="driftbus-benchmark-") as folder:
        streams = _write_streams(Path(folder), plan)
        for number in range(1, plan.rounds + 1):
            for peer, python in pythons.items():
                job = {"do": "time", "streams": streams, "detectors": list(STREAMS), "ways": [],
                       "seconds": plan.time_s}  # fmt: skip
                for told in _answers(python, peer, job):
                    _say(f"round {number} of {plan.rounds}", peer, told, tell)
                    measured.take(peer, told)
        _measure_memory(plan, pythons, streams, measured, tell)
    return measured


def _measure_memory(
    plan: Plan,
    pythons: Mapping[str, Path],
    streams: Mapping[str, str],
    measured: Measured,
    tell: Tell,
) -> None:
    """Measure the memory of what could be timed, two processes at a time: here no time is measured."""

    def run(peer: str, detector: str, way: str) -> list[dict[str, Any]]:
        job = {"do": "memory", "streams": streams, "detectors": [detector], "ways": [way],
               "marks": list(plan.marks), "seconds": plan.memory_s}  # fmt: skip
        answers = []
        for told in _answers(pythons[peer], peer, job):
            _say("memory", peer, told, tell)
            answers.append(told)
        return answers

    wanted = [
        (f.peer, f.detector, f.way)
        for f in measured.figures
        if f.error is None and f.detector in plan.memory_of and f.way != IN_JAVA
    ]
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda of: run(*of), wanted)
        for (peer, _, _), answers in zip(wanted, done, strict=True):
            for told in answers:
                measured.take(peer, told)


def _write_streams(folder: Path, plan: Plan) -> dict[str, str]:
    """Write the streams, and give the file of each detector."""
    made = {
        "numbers": numbers(plan.values),
        "errors": errors(plan.values),
        "few numbers": numbers(plan.few),
    }
    for name, values in made.items():
        np.save(folder / f"{name}.npy", values)
    return {detector: str(folder / f"{name}.npy") for detector, name in STREAMS.items()}


def _answers(python: Path, peer: str, job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Run a process and yield what it tells. One that ends before its time has failed in what it had begun."""
    command = [str(python), "-P", str(HERE / "process.py"), str(HERE / "peers" / f"{peer}.py")]
    begun: dict[str, Any] = {"what": "absent"}
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [*command, json.dumps(job)], stdout=subprocess.PIPE, stderr=said, text=True
        ) as process,
    ):
        end = Timer(PROCESS_S, process.kill)
        end.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                told = json.loads(line)
                if told["what"] == "done":
                    return
                if told["what"] == "begin":
                    begun = told | {"what": "error"}
                yield told
            process.wait()
        finally:
            end.cancel()
        said.seek(0)
        lines = said.read().strip().splitlines()
    yield begun | {"error": lines[-1] if lines else f"it ended with {process.returncode}"}


def _say(part: str, peer: str, told: Mapping[str, Any], tell: Tell) -> None:
    if told["what"] == "begin":
        tell(f"{part}: {peer}: {told['detector']}, {told['way']}")
