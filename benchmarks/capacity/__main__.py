"""`python -m benchmarks.capacity FILE`: what a number of events a day takes, from figures of `benchmarks.throughput`.

FILE was written by `benchmarks.throughput --capacity --json FILE`. The section for a README goes to stdout; with
`--unseen OTHER` the runs of another file are held against the model, too.
"""

from pathlib import Path

import click

from benchmarks.capacity.doubts import doubts
from benchmarks.capacity.load import Load, load_of
from benchmarks.capacity.markdown import section, unseen_table
from benchmarks.capacity.model import fit_all, is_usable
from benchmarks.capacity.plan import Prices, plan
from benchmarks.capacity.unseen import held_against
from benchmarks.throughput.compare import read_figures

__all__ = ["main"]

PRICES = Prices()
COUNT = click.IntRange(min=1)
MORE = click.FloatRange(min=0, min_open=True)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--unseen", type=click.Path(path_type=Path, dir_okay=False, exists=True), multiple=True,
              help="A file of runs that are held against the model and not fitted.")  # fmt: skip
@click.option("--events", "days", type=MORE, multiple=True, default=(1e9, 1e11), show_default=True,
              help="Events a day.")  # fmt: skip
@click.option("--models", type=COUNT, default=10, show_default=True, help="Models in all.")
@click.option(
    "--series", type=COUNT, default=100, show_default=True, help="Segments of each model."
)
@click.option("--features", type=COUNT, default=10, show_default=True, help="Numeric features.")
@click.option("--pane", "pane_s", type=MORE, default=10.0, show_default=True, help="Seconds.")
@click.option("--sample", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True,
              help="Share of the events that is counted.")  # fmt: skip
@click.option("--peak", type=click.FloatRange(min=1), default=2.0, show_default=True,
              help="The peak of the day over its mean.")  # fmt: skip
@click.option(
    "--core-hour", type=MORE, default=PRICES.core_hour, show_default=True, help="Its price."
)
@click.option("--gb-hour", type=MORE, default=PRICES.gb_hour, show_default=True, help="Its price.")
@click.option("--shard-mb", type=MORE, default=PRICES.shard_mb_s, show_default=True,
              help="MB a second that a shard of Redis takes in.")  # fmt: skip
def main(
    file: Path, unseen: tuple[Path, ...], days: tuple[float, ...], models: int, series: int, features: int,
    pane_s: float, sample: float, peak: float, core_hour: float, gb_hour: float, shard_mb: float,
) -> None:  # fmt: skip
    """Fit the model and write the plan."""
    try:
        figures = read_figures(file)
        fits = fit_all(figures)
        others = [of for other in unseen for of in read_figures(other)]
        held = held_against(fits, figures, others)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    owners = models * series + (models if series > 1 else 0)
    base = Load(1.0, features, owners, models, 1, pane_s, sample)
    prices = Prices(core_hour, gb_hour, shard_mb_s=shard_mb)
    fleets = [plan(fits, events, base, peak, prices) for events in sorted(days)]
    measured = [load_of(of) for of in filter(is_usable, figures)]
    doubtful = doubts(fits, measured, [fleet.load for fleet in fleets])
    click.echo(section(fits, fleets, peak, prices, doubtful), nl=False)
    if unseen:
        click.echo("\n" + unseen_table(fits, held), nl=False)


if __name__ == "__main__":
    main()
