"""What of a plan is to be doubted: a fit that is poor, and a load far from all that were measured."""

from collections.abc import Callable, Sequence

from benchmarks.capacity.load import Load
from benchmarks.capacity.model import Fit

__all__ = ["doubts"]

POOR_MEDIAN = 0.25
POOR_WORST = 1.0
"""Errors on runs that were not fitted: a quantity that is further off is told with a warning."""
FAR = 3.0
"""So many times the most that was measured, or a part of the least, a plan may have; what is further is told, too."""

_SIDES: tuple[tuple[str, Callable[[Load], float]], ...] = (
    ("events a second of a worker", lambda x: x.rate / x.workers),
    ("features", lambda x: float(x.features)),
    ("series", lambda x: float(x.owners)),
    ("models", lambda x: float(x.models)),
    ("partitions", lambda x: float(x.partitions)),
    ("seconds of a pane", lambda x: x.pane_s),
    ("of the events counted", lambda x: x.sample),
)
"""By what a load is held against those that were measured."""


def doubts(fits: Sequence[Fit], measured: Sequence[Load], planned: Sequence[Load]) -> list[str]:
    """Say in a sentence each what is to be doubted; nothing, if all is as it should be."""
    return [*_poor(fits), *_far(measured, planned)]


def _poor(fits: Sequence[Fit]) -> list[str]:
    return [
        f"The fit of {fit.quantity.name} is poor: on runs that it had not seen it was off by {_off(fit)}. "
        "Take what is said of it for its order of magnitude at most."
        for fit in fits
        if fit.median_error > POOR_MEDIAN or fit.worst_error > POOR_WORST
    ]


def _off(fit: Fit) -> str:
    return f"{fit.median_error:.0%} in the median and {fit.worst_error:.0%} at worst"


def _far(measured: Sequence[Load], planned: Sequence[Load]) -> list[str]:
    told = []
    for name, of in _SIDES:
        least, most = min(map(of, measured)), max(map(of, measured))
        low, high = min(map(of, planned)), max(map(of, planned))
        if high > FAR * most:
            told.append(
                f"{_said(high)} {name} are {_said(high / most)} times the most, {_said(most)}"
            )
        if low < least / FAR:
            told.append(
                f"{_said(low)} {name} are 1/{_said(least / low)} of the least, {_said(least)}"
            )
    return [
        f"{sentence}, that was measured: what the plan says there is a guess." for sentence in told
    ]


def _said(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
