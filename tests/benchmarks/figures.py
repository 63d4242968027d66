"""Figures as a measurement would give them, made up."""

from benchmarks.throughput.case import Case
from benchmarks.throughput.report import Figures

__all__ = ["BASE", "figures"]

BASE = Case()


def figures(
    case: Case = BASE, cpu: float = 4.0, runs: int = 1, wide: float = 0.0, **more: float
) -> Figures:
    """Make the figures of a case that costs `cpu` us an event, its runs no further than `wide` from that."""
    values = {
        "cpu_us_per_event": cpu, "events_per_second": 1e6 / cpu, "events": float(case.events),
        "wall_s": case.events * cpu / 1e6, "rss_mb": 250.0, "rss_mb_early": 250.0, "rss_mb_end": 250.0,
    } | more  # fmt: skip
    spread = {name: (value, value) for name, value in values.items()}
    spread["cpu_us_per_event"] = (cpu - wide, cpu + wide)
    return Figures(case, runs, values, spread)
