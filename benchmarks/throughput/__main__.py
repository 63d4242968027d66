"""`python -m benchmarks.throughput --json FILE`: what an event costs the worker, in processor time and memory.

Producers and workers are processes of their own; the events come from the embedded broker, from a real Kafka, or from
memory. `../README.md` says how to read the figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from benchmarks.outputs import OUT_FILE, OUT_FOLDER
from benchmarks.throughput.case import FEEDS, MODES, Case, swept
from benchmarks.throughput.compare import read_figures
from benchmarks.throughput.figures import Measured
from benchmarks.throughput.report import figures_of
from benchmarks.throughput.run import measure_all
from benchmarks.throughput.sampling import found_by_rate
from benchmarks.throughput.show import show, write
from benchmarks.throughput.suite import LATENCY, capacity, suite
from stream.run.terminal.ended import ended_by_signals

__all__ = ["main"]

BASE = Case()
Decorator = Callable[[Callable[..., None]], Callable[..., None]]
COUNT = click.IntRange(min=1)


def _setting(name: str, kind: Any, told: str) -> Decorator:
    """Make an option of a field of a case."""
    flag = "--" + name.replace("_", "-")
    return click.option(flag, type=kind, default=getattr(BASE, name), show_default=True, help=told)


@click.command()
@click.option("--json", "out", type=OUT_FILE, help="Where the figures go.")
@click.option("--feed", type=click.Choice(FEEDS), default="embedded", show_default=True,
              help="Where events come from; memory: no client and no broker, for sweeps and profiles.")  # fmt: skip
@click.option("--bootstrap", help="A Kafka that runs, for --feed kafka; default: one of its own.")
@click.option("--modes", help="What is measured.  [default: consume,decode,whole; in sweeps whole]")
@click.option("--repeat", type=COUNT, default=1, show_default=True,
              help="Runs of each case, in turn; the medians count.")  # fmt: skip
@click.option("--sweep", "sweeps", multiple=True, metavar="NAME=V,V",
              help="Measure a parameter at these values; several: one after another.")  # fmt: skip
@click.option("--latency", is_flag=True,
              help="Give events a pace, and measure the time to an alert.")  # fmt: skip
@click.option("--suite", "whole_suite", is_flag=True,
              help="Measure all that was promised: 14 cases, about 15 s each and their events.")  # fmt: skip
@click.option("--capacity", "for_capacity", is_flag=True,
              help="Measure what `benchmarks.capacity` is fitted to: 25 to 30 cases of their own pace.")  # fmt: skip
@click.option("--limit", type=click.FloatRange(min=1), default=120.0, show_default=True,
              help="Seconds after which no more events of a case are produced.")  # fmt: skip
@click.option("--against", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="A former file of --json to compare with.")  # fmt: skip
@click.option("--plots", type=OUT_FOLDER,
              help="A folder for charts as PNG; needs the extra `plots`.")  # fmt: skip
@click.option("--detections", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="A file of `benchmarks.quality --groups sampling`, for the chart of sampling.")  # fmt: skip
@click.option(
    "--profile",
    type=OUT_FILE,
    help="What cProfile says of the memory feed, for `python -m pstats FILE`.",
)
@click.option("--quiet", is_flag=True, help="No progress.")
@_setting("events", COUNT, "Events measured in each case.")
@_setting("warm_up", click.IntRange(min=1_000), "Events that go before those measured.")
@_setting("workers", COUNT, "Processes that share the partitions.")
@_setting("partitions", COUNT, "Of the topic; the embedded broker has 4.")
@_setting("features", COUNT, "Numeric features of an event; a category comes on top.")
@_setting("missing", click.FloatRange(0, 1), "Share of events whose first feature is null.")
@_setting("models", COUNT, "Models on the topic.")
@_setting("series", COUNT, "Segments of each model; 1: events have none.")
@_setting("rate", COUNT, "Events a second of event time.")
@_setting("sample", click.FloatRange(0, 1, min_open=True), "Share of events that is folded.")
@_setting("pane", str, "The worker's setting.")
@_setting("windows", str, "The worker's setting, separated by commas.")
@_setting("lateness", str, "The worker's setting.")
@_setting("commit_interval", str, "The worker's setting.")
@_setting("consume_size", COUNT, "Messages the client is asked for at once.")
@_setting(
    "arrow", click.IntRange(min=0), "Rows of an Arrow message, from memory; 0: events are JSON."
)
@ended_by_signals()
def main(
    out: Path | None, feed: str, bootstrap: str | None, modes: str | None, repeat: int, sweeps: tuple[str, ...],
    profile: Path | None, quiet: bool, latency: bool, whole_suite: bool, for_capacity: bool, limit: float,
    against: Path | None, plots: Path | None, detections: Path | None, **settings: Any,
) -> None:  # fmt: skip
    """Measure what an event costs driftbus."""
    base = Case(feed=feed, **settings)
    _check_feed(feed, bootstrap, profile)
    try:
        former = [] if against is None else read_figures(against)
        found = {} if detections is None else found_by_rate(detections)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if latency:
        base, modes = replace(base, **LATENCY), modes or "whole"
    presets = [*suite(base)] * whole_suite + [*capacity(base)] * for_capacity
    cases = list(dict.fromkeys(presets)) or _cases(base, modes, sweeps)
    _check(cases)

    def keep(runs: Sequence[Measured], failed: dict[str, str]) -> None:
        if out is not None and runs:
            write(out, runs, failed)

    runs, failed = measure_all(cases, repeat, bootstrap, profile, limit, keep, quiet=quiet)
    for name, why in failed.items():
        click.echo(f"{name}: {why}", err=True)
    if not runs:
        raise click.ClickException("nothing could be measured")
    show(runs, former, base)
    if plots is not None:
        from benchmarks.throughput.charts import draw  # noqa: PLC0415 - matplotlib is an extra

        drawn = list(map(str, draw(figures_of(runs), found, plots)))
        for chart in drawn or ["no chart: it takes several modes, or a sweep"]:
            click.echo(f"  {chart}")


def _cases(base: Case, modes: str | None, sweeps: Sequence[str]) -> list[Case]:
    """Give the cases: the modes of the base, or one sweep of each mode after the other."""
    plain = ["whole"] if sweeps or base.feed == "memory" else list(MODES)
    chosen = modes.split(",") if modes else plain
    unknown = sorted(set(chosen) - set(MODES))
    if unknown:
        told = f"{', '.join(unknown)}; there are {', '.join(MODES)}"
        raise click.BadParameter(told, param_hint="--modes")
    bases = [replace(base, mode=mode) for mode in MODES if mode in chosen]
    try:
        return [case for one in bases for case in swept(one, sweeps)]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--sweep") from None


def _check_feed(feed: str, bootstrap: str | None, profile: Path | None) -> None:
    if profile is not None and feed != "memory":
        raise click.BadParameter("only --feed memory can be profiled", param_hint="--profile")
    if bootstrap is not None and feed != "kafka":
        raise click.BadParameter(f"{feed} has none: use --feed kafka", param_hint="--bootstrap")


def _check(cases: Sequence[Case]) -> None:
    try:
        for case in cases:
            case.check()
    except ValueError as error:
        raise click.UsageError(str(error)) from None


if __name__ == "__main__":
    main()
