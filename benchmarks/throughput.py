"""`python -m benchmarks.throughput --json FILE`: what an event costs the worker, in processor time and memory.

It measures the client alone, the client with typed decode, and a whole worker, each in a process of its own, from the
embedded broker, which runs with the producer in another one. README.md says how to read the figures.
"""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from benchmarks.measure import MODES, Measured, measure
from benchmarks.report import document, rows
from benchmarks.workload import Workload
from stream.run.progress import Progress
from stream.run.tables import show_table

__all__ = ["main"]

HEADER = ("mode", "CPU us/event", "more", "events/s", "RSS MB", "grown MB")


@click.command()
@click.option("--json", "out", type=click.Path(path_type=Path, dir_okay=False),
              help="Where the figures go.")  # fmt: skip
@click.option("--events", type=click.IntRange(min=1), default=2_000_000, show_default=True,
              help="Events measured in each mode.")  # fmt: skip
@click.option("--modes", default=",".join(MODES), show_default=True, help="What is measured.")
@click.option("--repeat", type=click.IntRange(min=1), default=1, show_default=True,
              help="Runs of each mode, in turn; the medians count.")  # fmt: skip
@click.option("--features", type=click.IntRange(min=1), default=10, show_default=True,
              help="Numeric features of an event; a category comes on top.")  # fmt: skip
@click.option("--missing", type=click.FloatRange(0, 1), default=0.01, show_default=True,
              help="Share of events whose first feature is null.")  # fmt: skip
@click.option("--warm-up", type=click.IntRange(min=1_000), default=100_000, show_default=True,
              help="Events that go before those measured.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress.")
def main(
    out: Path | None, events: int, modes: str, repeat: int, features: int, missing: float,
    warm_up: int, quiet: bool,
) -> None:  # fmt: skip
    """Measure what an event costs driftbus."""
    chosen = modes.split(",")
    unknown = sorted(set(chosen) - set(MODES))
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(MODES)}")
    workload = Workload(features, missing, warm_up)
    runs = [
        _measure(mode, events, workload, quiet=quiet)
        for _ in range(repeat)
        for mode in MODES
        if mode in chosen
    ]
    date = datetime.now(UTC).isoformat(timespec="seconds")
    told = document(runs, workload, date)
    if out is not None:
        out.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    show_table(
        f"{events:,} events a mode, state in {told['store'] or 'nothing'}", HEADER, rows(runs)
    )
    ratios = told["ratios"]
    assert isinstance(ratios, dict)
    for pair, ratio in ratios.items():
        click.echo(f"  {pair} {ratio:.2f}")


def _measure(mode: str, events: int, workload: Workload, *, quiet: bool) -> Measured:
    if not quiet:
        click.echo(f"{mode}: warming up", err=True)
    with ExitStack() as stack:
        progress: Progress | None = None
        told = 0

        def moved(done: int, total: int) -> None:
            nonlocal progress, told
            if progress is None:  # its clock starts when the measurement does
                progress = stack.enter_context(Progress(mode, quiet=quiet))
            progress.part(done, total)
            progress.events(done - told)
            told = done

        return measure(mode, events, workload, moved)


if __name__ == "__main__":
    main()
