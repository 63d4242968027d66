"""`python -m benchmarks.quality --json FILE`: how calm and how sharp driftbus' alarms are, beside its peers.

`../QUALITY.md` says how to read it.
"""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from benchmarks.detectors.environments import REQUIREMENTS
from benchmarks.machine import machine, versions
from benchmarks.outputs import OUT_FILE, OUT_FOLDER
from benchmarks.quality.deciders.alibi_detect import AlibiDetect
from benchmarks.quality.drifts import DRIFTS
from benchmarks.quality.figures import Measured
from benchmarks.quality.file import read, write
from benchmarks.quality.flights import FLIGHTS
from benchmarks.quality.markdown import page
from benchmarks.quality.plan import FRESH, GROUPS, SWEEP, Plan
from benchmarks.quality.run import measure
from benchmarks.quality.streams import KNOWN
from benchmarks.quality.table import tables
from stream.run.terminal.tables import show_table

__all__ = ["main"]

QUICK = Plan(
    cells=("independent", "season_ar_0.9"), histories=(1,), fleets=1, weeks=1, monitors=12, raw_monitors=1,
    peer_fleets=1, drift_fleets=1, drifts=("mean +0.5 sd", "missing 1 to 10 %"), scale=12,
)  # fmt: skip


@click.command()
@click.option("--json", "out", type=OUT_FILE, help="Where the figures go.")
@click.option("--markdown", type=OUT_FILE, help="Where the tables go as Markdown.")
@click.option("--plots", type=OUT_FOLDER,
              help="A folder for charts as PNG; needs matplotlib.")  # fmt: skip
@click.option("--join", "parts", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True,
              help="Measure nothing, but join files of earlier runs; may be given more than once.")  # fmt: skip
@click.option("--groups", help=f"Which of {', '.join(GROUPS)}.  [default: cells]")
@click.option("--sweep", is_flag=True, help=f"The groups {', '.join(SWEEP)}: driftbus only.")
@click.option("--only", type=click.Choice(["driftbus"]), help="Leave out the peers.")
@click.option("--cells", help="Which streams; all of the groups by default.")
@click.option("--drifts", help="Which drifts, by name.  [default: all]")
@click.option("--history", help="Weeks to learn from, each in turn.  [default: 4,1]")
@click.option("--monitors", type=click.IntRange(min=4), help="Columns of a fleet.  [default: 100]")
@click.option("--budget", type=click.FloatRange(min=0, min_open=True),
              help="False alarms a week that driftbus may raise.  [default: 1]")  # fmt: skip
@click.option("--fleets", type=click.IntRange(min=1),
              help="Seeds of each case in control.  [default: for max(40, 8 / budget) fleet-weeks]")  # fmt: skip
@click.option("--weeks", type=click.IntRange(min=1), help="Weeks judged of each.  [default: 3]")
@click.option("--first-seed", type=click.IntRange(min=1_001),
              help=f"The first seed that figures are of.  [default: {FRESH}]")  # fmt: skip
@click.option(
    "--peer-fleets", type=click.IntRange(min=1), help="Those of them that peers get.  [default: 4]"
)
@click.option(
    "--drift-fleets", type=click.IntRange(min=1), help="Seeds of each drift.  [default: 4]"
)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True,
              help="Processes; figures are the same whatever their number.")  # fmt: skip
@click.option("--quick", is_flag=True, help="Two cells, a small fleet, a week: does it run?")
@click.option("--quiet", is_flag=True, help="No progress.")
def main(
    out: Path | None, markdown: Path | None, plots: Path | None, parts: tuple[Path, ...],
    jobs: int, quick: bool, quiet: bool, **chosen: Any,
) -> None:  # fmt: skip
    """Measure false alarms in control and delays under drift, of driftbus and its peers."""
    if parts:
        try:
            files = [read(part) for part in parts]
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--join") from None
        measured = Measured.joined(of for of, _ in files)
        runs = [run for _, told in files for run in told]
    else:
        plan = _plan(QUICK if quick else Plan(), **chosen)
        start = perf_counter()
        measured = measure(plan, partial(_tell, start, quiet), jobs)
        runs = [_run(plan, jobs, perf_counter() - start)]
    if out is not None:
        write(out, measured, runs)
    if markdown is not None:
        markdown.write_text(page(measured, runs))
    for table in tables(measured):
        show_table(*table)
    for name, reason in measured.absent.items():
        click.echo(f"  {name}: {reason}")
    if plots is not None:
        from benchmarks.quality.charts import draw  # noqa: PLC0415 - matplotlib is an extra

        for file in draw(measured, plots):
            click.echo(f"  {file}")


def _plan(
    base: Plan, *, groups: str | None, sweep: bool, only: str | None, cells: str | None,
    drifts: str | None, history: str | None, **numbers: int | float | None,
) -> Plan:  # fmt: skip
    """Change what was asked to be changed."""
    given: dict[str, Any] = {name: number for name, number in numbers.items() if number is not None}
    if groups:
        given["groups"] = _known(groups, GROUPS, "--groups")
    if sweep:
        given["groups"] = SWEEP
    if cells:
        given["cells"] = _known(cells, (*KNOWN, *FLIGHTS), "--cells")
    if drifts:
        given["drifts"] = _known(drifts, DRIFTS, "--drifts")
    if history:
        given["histories"] = _weeks(history)
    return replace(base, peers=only is None, **given)


def _tell(start: float, quiet: bool, line: str) -> None:
    """Show progress; all processes of a run share one clock."""
    if not quiet:
        click.echo(f"{perf_counter() - start:6.0f} s  {line}", err=True)


def _run(plan: Plan, jobs: int, seconds: float) -> dict[str, Any]:
    """Say how figures came about."""
    fresh = [seed for case in plan.cases for seed in case.fresh]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions() | {"scipy": version("scipy")} | _of_peers(),
        "seconds": round(seconds),
        "jobs": jobs,
        "plan": asdict(plan),
        "seeds": {"tuning": _span(plan.tuning_seeds), "fresh": _span(fresh)},
    }


def _of_peers() -> dict[str, str]:
    """Tell the versions of the peers that were run as packages."""
    asked = REQUIREMENTS["alibi_detect"] if AlibiDetect.installed() else ()
    return dict(requirement.split("==") for requirement in asked)


def _span(seeds: list[int]) -> tuple[int, ...]:
    return (min(seeds), max(seeds)) if seeds else ()


def _known(names: str, known: Iterable[str], option: str) -> tuple[str, ...]:
    asked, there = tuple(names.split(",")), tuple(known)
    unknown = sorted(set(asked) - set(there))
    if unknown:
        message = f"{', '.join(unknown)}; there are {', '.join(there)}"
        raise click.BadParameter(message, param_hint=option)
    return asked


def _weeks(history: str) -> tuple[int, ...]:
    if not all(weeks.isdecimal() and int(weeks) for weeks in history.split(",")):
        raise click.BadParameter(f"{history} are not numbers of weeks", param_hint="--history")
    return tuple(map(int, history.split(",")))


if __name__ == "__main__":
    main()
