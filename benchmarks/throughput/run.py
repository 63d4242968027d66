"""All cases, one after another, with progress on stderr; one that fails leaves the others their figures."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.throughput.bed import Bed, kafka_bed
from benchmarks.throughput.case import Case
from benchmarks.throughput.figures import Measured
from benchmarks.throughput.measure import measure
from benchmarks.throughput.memory import measure_memory
from stream.run.terminal.progress import Progress

__all__ = ["measure_all"]

Keep = Callable[[Sequence[Measured], dict[str, str]], None]
"""Called with all runs so far, and with what has failed and how."""


def measure_all(
    cases: Sequence[Case], repeat: int, bootstrap: str | None, profile: Path | None, limit_s: float, keep: Keep, *,
    quiet: bool,
) -> tuple[list[Measured], dict[str, str]]:  # fmt: skip
    """Measure all cases, one after another, and begin anew as often as asked; tell also which failed, and how.

    `keep` is called after every run, so that a measurement that is ended leaves what it has.
    """
    runs: list[Measured] = []
    failed: dict[str, str] = {}
    with ExitStack() as stack:
        bed = Bed()
        if any(case.feed == "kafka" for case in cases):
            folder = stack.enter_context(TemporaryDirectory(prefix="driftbus-kafka-"))
            bed = stack.enter_context(kafka_bed(Path(folder), bootstrap))
        for case in [*cases] * repeat:
            try:
                runs.append(_measure(case, cases[0], bed, profile, limit_s, quiet=quiet))
            except (RuntimeError, TimeoutError, AssertionError) as error:  # the others shall be had
                failed[case.name(cases[0])] = f"{type(error).__name__}: {error}"
            keep(runs, failed)
    return runs, failed


def _measure(
    case: Case, base: Case, bed: Bed, profile: Path | None, limit_s: float, *, quiet: bool
) -> Measured:
    name = f"{case.mode} {case.name(base)}"
    if not quiet:
        click.echo(f"{name}: warming up", err=True)
    with ExitStack() as stack:
        progress: Progress | None = None
        told = 0

        def moved(done: int, total: int) -> None:
            nonlocal progress, told
            if progress is None:  # its clock starts when the measurement does
                progress = stack.enter_context(Progress(name, quiet=quiet))
            progress.part(done, total)
            progress.events(done - told)
            told = done

        if profile is not None:
            return measure_memory(case, moved, limit_s, profile)
        return measure(case, bed, moved, limit_s)
