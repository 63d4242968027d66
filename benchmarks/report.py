"""From measurements to a file and a table."""

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from benchmarks.machine import machine, versions
from benchmarks.measure import Measured
from benchmarks.workload import Workload

__all__ = ["document", "rows"]

_PREFIX = {"whole": "", "consume": "consume_", "decode": "decode_"}
"""Figures of the whole stand without a name before them."""


def document(runs: Sequence[Measured], workload: Workload, date: str) -> dict[str, object]:
    """Give what the JSON file holds: the medians over the runs of each mode, their ratios, and every run.

    `ratios` say how much a mode costs as a multiple of another. Modes that were not measured have no figures.
    """
    told: dict[str, object] = {"date": date, "workload": asdict(workload)}
    costs = {mode: median(r.cpu_us_per_event for r in of) for mode, of in _by_mode(runs).items()}
    for mode, of in _by_mode(runs).items():
        prefix = _PREFIX[mode]
        told[f"{prefix}cpu_us_per_event"] = round(costs[mode], 3)
        told[f"{prefix}events_per_second"] = round(median(r.events_per_second for r in of))
        told[f"{prefix}rss_mb"] = round(max(r.rss_mb for r in of), 1)
        told[f"{prefix}rss_mb_early"] = round(max(r.rss_mb_early for r in of), 1)
        told[f"{prefix}rss_mb_end"] = round(max(r.rss_mb_end for r in of), 1)
    told["ratios"] = {
        f"{one}/{other}": round(costs[one] / costs[other], 3)
        for one, other in (("decode", "consume"), ("whole", "decode"), ("whole", "consume"))
        if one in costs and costs.get(other)
    }
    stores = {run.store for run in runs if run.store}
    told["store"] = stores.pop() if stores else None
    figures = [asdict(run) | {"cpu_us_per_event": round(run.cpu_us_per_event, 3)} for run in runs]
    return told | {"versions": versions(), "machine": machine(), "runs": figures}


def rows(runs: Sequence[Measured]) -> list[list[str | int]]:
    """Give the table: one line a mode, with what it costs beyond the line above."""
    table: list[list[str | int]] = []
    before = 0.0
    for mode, of in _by_mode(runs).items():
        cost = median(run.cpu_us_per_event for run in of)
        table.append(
            [
                mode,
                f"{cost:.2f}",
                f"{cost - before:+.2f}",
                round(median(run.events_per_second for run in of)),
                round(max(run.rss_mb for run in of)),
                round(max(run.rss_mb_end - run.rss_mb_early for run in of)),
            ]
        )
        before = cost
    return table


def _by_mode(runs: Sequence[Measured]) -> dict[str, list[Measured]]:
    by_mode: dict[str, list[Measured]] = {}
    for run in runs:
        by_mode.setdefault(run.mode, []).append(run)
    return by_mode
