"""`python -m benchmarks.binning --json FILE`: how far a statistic of bins is from scipy's of the raw values.

Windows of 500 values are held against references of 2,000, once raw by scipy and once in bins of the reference's
quantiles, 5 to 200 of them, and in a bin a value. BINNING.md says how to read the figures.
"""

from collections.abc import Callable, Iterable
from importlib.metadata import version
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import orjson
from scipy.stats import cramervonmises_2samp, ks_2samp, wasserstein_distance

from benchmarks.machine import machine, versions
from benchmarks.outputs import OUT_FILE
from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.cramer_von_mises import cramer_von_mises
from detectors.comparisons.kolmogorov_smirnov import kolmogorov_smirnov
from detectors.comparisons.location import rank_scores
from detectors.comparisons.wasserstein import wasserstein
from detectors.summaries.binning import quantile_edges

__all__ = ["BINS", "DATA", "STATISTICS", "Row", "agreement", "main"]

BINS: tuple[int | None, ...] = (5, 10, 20, 50, 100, 200, None)
"""Bins of the reference; None: one for each of its distinct values."""

STATISTICS = ("ks", "cramer_von_mises", "wasserstein", "wasserstein_sd", "mean")
SHIFTS = (0.0, 0.1, 0.25)
GRID = 8192
"""Steps of a summary's grid in half the reference's range."""


class Data(NamedTuple):
    """A kind of data: how to draw it around its place, its standard deviation, whether it is rounded."""

    draw: Callable[[np.random.Generator, int], Floats]
    spread: float
    whole: bool = False

    def sample(self, rng: np.random.Generator, size: int, shift: float = 0.0) -> Floats:
        """Draw values moved up by some standard deviations; rounding comes last."""
        values = self.draw(rng, size) + shift * self.spread
        return np.rint(values) if self.whole else values


DATA = {
    "normal": Data(lambda rng, size: rng.normal(size=size), 1.0),
    "heavy-tailed": Data(lambda rng, size: rng.standard_t(3, size=size), sqrt(3)),
    "tied": Data(lambda rng, size: 4 * rng.gamma(1.5, size=size), 4 * sqrt(1.5), whole=True),
}
"""Heavy tails are those of Student's t of 3 degrees of freedom; tied values are some 30 whole numbers, skewed."""


class Row(NamedTuple):
    """How well one statistic in bins stands for the raw one.

    Attributes:
        data: what was drawn.
        bins: how many bins; None for one a value.
        statistic: which one.
        correlation: between binned and raw, over all windows.
        largest_difference: of binned and raw, in the unit of the statistic.
        equal: share of windows in which both decide alike at a chance of 0.01, by shift.
        found: share of windows in which the binned one is beyond its bound, by shift.
        found_raw: the same of the raw one.
    """

    data: str
    bins: int | None
    statistic: str
    correlation: float
    largest_difference: float
    equal: dict[str, float]
    found: dict[str, float]
    found_raw: dict[str, float]


def agreement(
    data: str, references: int, windows: int, seed: int, n: int = 500, m: int = 2000
) -> list[Row]:
    """Measure all statistics with all numbers of bins on one kind of data.

    Args:
        data: a key of DATA.
        references: how many references are drawn.
        windows: how many windows at each shift are held against each reference, and twice as many without
            shift to say which value is exceeded once in a hundred times.
        seed: of the draws.
        n: values of a window.
        m: values of a reference.
    """
    rng = np.random.default_rng(seed)
    kind = DATA[data]
    shifts = np.repeat([np.nan, *SHIFTS], [2 * windows, *[windows] * len(SHIFTS)])
    raw, binned = [], []
    for _ in range(references):
        reference = kind.sample(rng, m)
        drawn = [kind.sample(rng, n, shift) for shift in np.nan_to_num(shifts)]
        raw.append(_raw(drawn, reference))
        binned.append([_binned(drawn, reference, bins) for bins in BINS])
    places = np.tile(shifts, references)
    whole = np.concatenate(raw, axis=1)
    return [
        _row(data, bins, name, np.concatenate([table[b][s] for table in binned]), whole[s], places)
        for b, bins in enumerate(BINS)
        for s, name in enumerate(STATISTICS)
    ]


def _raw(windows: list[Floats], reference: Floats) -> Floats:
    """[statistics, windows] by scipy, of the raw values."""
    ordered, spread = np.sort(reference), reference.std(ddof=1)

    def ranks(x: Floats) -> Floats:
        below, up_to = (np.searchsorted(ordered, x, side) for side in ("left", "right"))
        return np.asarray((below + up_to) / (2 * len(ordered)))

    own = ranks(reference)
    return np.array(
        [
            [
                ks_2samp(x, reference, method="asymp").statistic,
                cramervonmises_2samp(x, reference, method="asymptotic").statistic,
                wasserstein_distance(ranks(x), own) / own.std(),
                wasserstein_distance(x, reference) / spread,
                (x.mean() - reference.mean()) / spread,
            ]
            for x in windows
        ]
    ).T


def _binned(windows: list[Floats], reference: Floats, bins: int | None) -> Floats:
    """[statistics, windows] of the counts in the reference's bins, and the mean on its grid."""
    edges = np.unique(reference) if bins is None else quantile_edges(reference, bins)

    def counts(x: Floats) -> Counts:
        return np.bincount(np.searchsorted(edges, x, side="right"), minlength=len(edges) + 1)

    known, table = counts(reference), np.array([counts(x) for x in windows])
    distance, _ = wasserstein(table, known, True, rank_scores(known))
    omega2, _ = cramer_von_mises(table, known, pooled=True)
    lo, hi = float(reference.min()), float(reference.max())
    step = (hi - lo) / 2 / GRID
    grid, *rows = (np.rint((x - (lo + hi) / 2) / step) for x in (reference, *windows))
    means = np.array([row.mean() for row in rows])
    return np.array(
        [
            kolmogorov_smirnov(table, known),
            omega2 / (1 / len(windows[0]) + 1 / len(reference)),
            distance,
            distance,
            (means - grid.mean()) / grid.std(ddof=1),
        ]
    )


def _row(
    data: str, bins: int | None, name: str, binned: Floats, raw: Floats, shifts: Floats
) -> Row:
    decided, decided_raw = _beyond(binned, shifts), _beyond(raw, shifts)

    def shares(flags: Flags) -> dict[str, float]:
        return {f"{shift:g}": round(float(flags[shifts == shift].mean()), 4) for shift in SHIFTS}

    return Row(
        data,
        bins,
        name,
        round(float(np.corrcoef(binned, raw)[0, 1]), 5),
        float(f"{np.abs(binned - raw).max():.3g}"),
        shares(decided == decided_raw),
        shares(decided),
        shares(decided_raw),
    )


def _beyond(values: Floats, shifts: Floats) -> Flags:
    """Whether each value is beyond what one in a hundred of the unshifted windows set aside reaches."""
    sizes = np.abs(values)
    return np.asarray(sizes > np.quantile(sizes[np.isnan(shifts)], 0.99))


@click.command()
@click.option("--json", "out", type=OUT_FILE,
              help="Where the figures go.")  # fmt: skip
@click.option("--plot", type=OUT_FILE,
              help="Where a picture of them goes; needs matplotlib.")  # fmt: skip
@click.option("--references", type=click.IntRange(min=1), default=20, show_default=True,
              help="References drawn of each kind of data.")  # fmt: skip
@click.option("--windows", type=click.IntRange(min=1), default=50, show_default=True,
              help="Windows a reference at each shift.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of all draws.")
def main(out: Path | None, plot: Path | None, references: int, windows: int, seed: int) -> None:
    """Measure what binning does to the statistics people know."""
    rows = [row for data in DATA for row in agreement(data, references, windows, seed)]
    if out is not None:
        told = {
            "rows": [row._asdict() for row in rows],
            "references": references,
            "windows": windows,
            "seed": seed,
            "machine": machine(),
            "versions": versions() | {"scipy": version("scipy")},
        }
        out.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    if plot is not None:
        draw_picture(rows, plot)
    click.echo("\n".join(table(rows)))


def table(rows: Iterable[Row]) -> list[str]:
    """Lay the rows out as a table in Markdown; the mean needs no bins and has one line."""
    lines = [
        "| data | statistic | bins | correlation | largest difference | decides alike | finds | scipy |",
        "|---|---|---|---|---|---|---|---|",
    ]
    order = {name: i for i, name in enumerate((*DATA, *STATISTICS))}
    for row in sorted(rows, key=lambda row: (order[row.data], order[row.statistic])):
        if row.statistic == "mean" and row.bins != BINS[0]:
            continue
        bins = "any" if row.statistic == "mean" else "by value" if row.bins is None else row.bins
        lines.append(
            f"| {row.data} | {row.statistic} | {bins} | {row.correlation:.4f} | {row.largest_difference:g} "
            f"| {_joined(row.equal)} | {_joined(row.found, 1)} | {_joined(row.found_raw, 1)} |"
        )
    return lines


def _joined(shares: dict[str, float], first: int = 0) -> str:
    return "; ".join(f"{share:.3f}" for share in list(shares.values())[first:])


def draw_picture(rows: Iterable[Row], path: Path) -> None:
    """Draw correlation and equal decisions against the number of bins, a line a statistic."""
    import matplotlib as mpl  # noqa: PLC0415 - a heavy import that only pictures need

    mpl.use("agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415 - as above

    figure, axes = plt.subplots(2, len(DATA), figsize=(12, 6), sharex=True, sharey="row")
    ticks = ["by value" if bins is None else str(bins) for bins in BINS]
    chosen = list(rows)
    for column, data in enumerate(DATA):
        for name in STATISTICS:
            own = [row for row in chosen if (row.data, row.statistic) == (data, name)]
            axes[0, column].plot(ticks, [row.correlation for row in own], marker="o", label=name)
            axes[1, column].plot(ticks, [row.equal["0.1"] for row in own], marker="o")
        axes[0, column].set_title(data)
        axes[1, column].set_xlabel("bins")
    axes[0, 0].set_ylabel("correlation with scipy")
    axes[1, 0].set_ylabel("equal decisions, shift 0.1 sd")
    axes[0, -1].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
