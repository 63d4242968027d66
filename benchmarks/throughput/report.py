"""From measurements to figures, a file and a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.machine import machine, versions
from benchmarks.throughput.case import Case
from benchmarks.throughput.figures import Measured
from stream.run.terminal.tables import Cell

__all__ = ["Figures", "document", "figures_of", "rows"]

_PREFIX = {"whole": "", "consume": "consume_", "decode": "decode_"}
"""Figures of the whole stand without a name before them."""
_MOST = ("rss_mb", "rss_mb_early", "rss_mb_end")
"""Of these the largest counts, of all others the median."""


@dataclass(frozen=True)
class Figures:
    """The runs of a case together: by name the figure, and the least and the most of the runs."""

    case: Case
    runs: int
    values: dict[str, float]
    spread: dict[str, tuple[float, float]]

    def __getitem__(self, name: str) -> float:
        return self.values[name]


def figures_of(runs: Sequence[Measured]) -> list[Figures]:
    """Join the runs of each case, cases in the order in which they came."""
    by_case: dict[Case, list[dict[str, float]]] = {}
    for run in runs:
        by_case.setdefault(run.case, []).append(_plain(run))
    told = []
    for case, of in by_case.items():
        columns = {name: [values[name] for values in of if name in values] for name in of[0]}
        values = {
            name: max(column) if name in _MOST else median(column)
            for name, column in columns.items()
        }
        spread = {name: (min(column), max(column)) for name, column in columns.items()}
        told.append(Figures(case, len(of), values, spread))
    return told


def document(runs: Sequence[Measured], date: str) -> dict[str, object]:
    """Give what the JSON file holds.

    At the top the figures of the first case of each mode, those of the whole without a name before them; `ratios` say
    how much a mode costs as a multiple of another. Then `figures`, those of every case, and `runs`, every run.
    """
    figures = figures_of(runs)
    first = {f.case.mode: f for f in reversed(figures)}
    told: dict[str, object] = {"date": date, "workload": asdict(runs[0].case.workload)}
    for mode, of in first.items():
        for name in ("cpu_us_per_event", "events_per_second", *_MOST):
            told[_PREFIX[mode] + name] = round(of[name], 3)
    told["ratios"] = {
        f"{one}/{other}": round(first[one]["cpu_us_per_event"] / cost, 3)
        for one, other in (("decode", "consume"), ("whole", "decode"), ("whole", "consume"))
        if one in first and other in first and (cost := first[other]["cpu_us_per_event"])
    }
    told["store"] = next((run.store for run in runs if run.store), None)
    told["figures"] = [
        {"case": asdict(f.case), "runs": f.runs, "values": _rounded(f.values), "spread": f.spread}
        for f in figures
    ]
    everything = [{"case": asdict(run.case), "store": run.store} | _plain(run) for run in runs]
    return told | {"versions": versions(), "machine": machine(), "runs": everything}


def rows(figures: Sequence[Figures], base: Case) -> list[list[Cell]]:
    """Give the table: a line a case, by what it has that the base has not."""
    return [
        [
            f.case.name(base),
            f"{f['cpu_us_per_event']:.2f}",
            _span(f),
            round(f["events_per_second"]),
            round(f["rss_mb"]),
            round(f["rss_mb_end"] - f["rss_mb_early"]),
        ]
        for f in figures
    ]


def _span(figures: Figures) -> str:
    least, most = figures.spread["cpu_us_per_event"]
    return f"{least:.2f}-{most:.2f}" if figures.runs > 1 else "one run"


def _plain(run: Measured) -> dict[str, Any]:
    return {
        "events": run.events,
        "cpu_us_per_event": run.cpu_us_per_event,
        "events_per_second": run.events_per_second,
        "wall_s": run.wall_s,
        "cpu_s": run.cpu_s,
        "rss_mb": run.rss_mb,
        "rss_mb_early": run.rss_mb_early,
        "rss_mb_end": run.rss_mb_end,
        **run.more,
    }


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}
