"""The other half of the sampling curve: what is still found at a rate, from the file of `benchmarks.quality`."""

from pathlib import Path

from benchmarks.quality.cells import SAMPLED
from benchmarks.quality.figures import DRIFTBUS
from benchmarks.quality.file import read

__all__ = ["found_by_rate"]

WITHIN = 24
"""Windows in which a drift counts as found."""


def found_by_rate(file: Path) -> dict[float, float]:
    """Tell by rate the detections of all drifts there, as a part of those of the same streams unsampled.

    Raises:
        ValueError: the file is none of that benchmark, or has no unsampled stream of the group `sampling`.
    """
    measured, _ = read(file)
    found: dict[float, list[float]] = {}
    for power in measured.powers:
        if power.where.group == "sampling" and power.decider == DRIFTBUS and power.trials:
            rate = SAMPLED[power.where.cell].sampled
            found.setdefault(rate, []).append(power.found(WITHIN))
    if 1.0 not in found or not sum(found[1.0]):
        raise ValueError(f"{file} has no unsampled stream of the group `sampling`")
    return {rate: sum(of) / sum(found[1.0]) for rate, of in sorted(found.items())}
