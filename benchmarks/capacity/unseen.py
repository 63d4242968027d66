"""Holds the model against runs that no fit has seen: what it says of them over what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.capacity.load import load_of
from benchmarks.capacity.model import Fit, is_usable, value_of
from benchmarks.throughput.case import Case
from benchmarks.throughput.report import Figures

__all__ = ["Held", "held_against"]


@dataclass(frozen=True)
class Held:
    """A case that was not fitted: for each fit what it says over what was measured; None where nothing was."""

    case: Case
    ratios: tuple[float | None, ...]


def held_against(
    fits: Sequence[Fit], fitted: Sequence[Figures], others: Sequence[Figures]
) -> list[Held]:
    """Hold fits against the figures of single whole workers, as far as their case was not fitted.

    Raises:
        ValueError: they are of another feed than those fitted.
    """
    usable = list(filter(is_usable, others))
    seen = {_but_length(f.case) for f in fitted}
    for of in usable:
        if of.case.feed != fitted[0].case.feed:
            raise ValueError(
                f"runs from {of.case.feed} are told by no model of {fitted[0].case.feed}"
            )
    return [_held(fits, of) for of in usable if _but_length(of.case) not in seen]


def _held(fits: Sequence[Fit], figures: Figures) -> Held:
    load = load_of(figures)
    values = [(fit.at(load), value_of(fit.quantity, figures)) for fit in fits]
    return Held(figures.case, tuple(said / value if value else None for said, value in values))


def _but_length(case: Case) -> Case:
    """Give the case without how long it was measured."""
    return replace(case, events=0, warm_up=0)
