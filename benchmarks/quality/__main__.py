"""`python -m benchmarks.quality --json FILE`: how calm and how sharp driftbus' alarms are, beside its peers.

One process, one core; `../QUALITY.md` says how to read it.
"""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import click
import orjson

from benchmarks.machine import machine, versions
from benchmarks.quality.run import Plan, measure
from benchmarks.quality.streams import ALL
from benchmarks.quality.table import control_rows, culprit_rows, document, power_rows
from stream.run.tables import show_table

__all__ = ["main"]

QUICK = Plan(
    cells=("independent", "season_ar_0.9"), histories=(1,), fleets=1, weeks=1, monitors=12, raw_monitors=1,
    drifts=("mean +0.5 sd", "missing 1 to 10 %"),
)  # fmt: skip
HOW = "share found within 2/24/56/96 windows in %, median delay"


@click.command()
@click.option("--json", "out", type=click.Path(path_type=Path, dir_okay=False),
              help="Where the figures go.")  # fmt: skip
@click.option("--cells", help="Which streams; all by default.")
@click.option("--history", help="Weeks to learn from, each in turn.  [default: 4,1]")
@click.option("--fleets", type=click.IntRange(min=1), help="Seeds of each cell in control.")
@click.option("--weeks", type=click.IntRange(min=1), help="Weeks judged of each.")
@click.option("--drift-fleets", type=click.IntRange(min=1), help="Seeds of each drift.")
@click.option("--monitors", type=click.IntRange(min=4), help="Columns of a fleet.")
@click.option("--budget", type=click.FloatRange(min=0, min_open=True),
              help="False alarms a week that driftbus may raise.  [default: 1]")  # fmt: skip
@click.option("--plots", type=click.Path(path_type=Path, file_okay=False),
              help="A folder for charts as PNG; needs matplotlib.")  # fmt: skip
@click.option("--quick", is_flag=True, help="Two cells, a small fleet, a week: does it run?")
@click.option("--quiet", is_flag=True, help="No progress.")
def main(
    out: Path | None, cells: str | None, history: str | None, fleets: int | None,
    weeks: int | None, drift_fleets: int | None, monitors: int | None, budget: float | None,
    plots: Path | None, quick: bool, quiet: bool,
) -> None:  # fmt: skip
    """Measure false alarms in control and delays under drift, of driftbus and its peers."""
    base = QUICK if quick else Plan()
    plan = replace(
        base,
        cells=_known(cells) if cells else base.cells,
        histories=_weeks(history) if history else base.histories,
        fleets=fleets or base.fleets,
        weeks=weeks or base.weeks,
        drift_fleets=drift_fleets or base.drift_fleets,
        monitors=monitors or base.monitors,
        budget=budget or base.budget,
    )
    start = perf_counter()

    def tell(line: str) -> None:
        if not quiet:
            click.echo(f"{perf_counter() - start:6.0f} s  {line}", err=True)

    measured = measure(plan, tell)
    told = document(
        measured,
        {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": versions() | {"scipy": version("scipy")},
            "seconds": round(perf_counter() - start),
            "plan": asdict(plan),
            "seeds": {"tuning": plan.tuning_seeds, "fresh": plan.fresh_seeds, "drift": plan.drift_seeds},
        },
    )  # fmt: skip
    if out is not None:
        out.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    seeds = f"fresh seeds {_span(plan.fresh_seeds)}, tuning seeds {_span(plan.tuning_seeds)}"
    fleet = f"{plan.monitors} monitors, budget {plan.budget:g} a fleet-week"
    show_table(f"In control: incidents a fleet-week (upper 95 % bound), windows in alarm; {fleet}; {seeds}",
               *control_rows(measured, plan.budget))  # fmt: skip
    show_table("driftbus' false alarms", *culprit_rows(measured))
    show_table(f"Drift, each at its own setting: {HOW}", *power_rows(measured, matched=False))
    show_table(
        f"Drift, all at driftbus' false-alarm rate: {HOW}", *power_rows(measured, matched=True)
    )
    for name, reason in measured.absent.items():
        click.echo(f"  {name}: {reason}")
    if plots is not None:
        from benchmarks.quality.charts import draw  # noqa: PLC0415 - matplotlib is an extra

        for file in draw(measured, plan.budget, plots):
            click.echo(f"  {file}")


def _known(cells: str) -> tuple[str, ...]:
    chosen = tuple(cells.split(","))
    unknown = sorted(set(chosen) - set(ALL))
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(ALL)}")
    return chosen


def _weeks(history: str) -> tuple[int, ...]:
    if not all(weeks.isdecimal() and int(weeks) for weeks in history.split(",")):
        raise click.BadParameter(f"{history} are not numbers of weeks")
    return tuple(map(int, history.split(",")))


def _span(seeds: list[int]) -> str:
    return f"{seeds[0]} to {seeds[-1]}"


if __name__ == "__main__":
    main()
