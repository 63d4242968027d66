"""What was promised, held against what was measured; told as reached or missed, never as a failure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.meter import ENOUGH_S
from benchmarks.throughput.report import Figures

__all__ = ["Check", "checks"]

CPU = "cpu_us_per_event"
RATIOS = (
    ("two workers together / one", "workers", 2, 1, 1.1),
    ("100 features / 10", "features", 100, 10, 10.0),
    ("10,000 series / one", "series", 10_000, 1, 2.0),
    ("64 models / one", "models", 64, 1, 1.3),
    ("a sample of 1/10 / all", "sample", 0.1, 1.0, 0.45),
)
"""A promise about the processor time an event: with a field of the case at a value, over the same at another."""
WHOLE_OVER_DECODE = 1.5
CPU_US = 5.0
GROWN = 1.05
"""Memory at the end over that after a fifth of the events: more is called growing."""
P99_MS = 1_500.0
P99_AT = 50_000
"""Events a second at which that is promised."""


@dataclass(frozen=True)
class Check:
    """A promise: `value` shall be at most `limit`. `few`: events were too few to tell."""

    name: str
    feed: str
    value: float
    limit: float
    few: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether it is kept; None where that cannot be told."""
        return None if self.few else self.value <= self.limit


def checks(figures: Sequence[Figures]) -> list[Check]:
    """Check every promise for which the cases were measured, from a broker: without a client costs are others."""
    return [check for of in figures for check in _of_case(of, figures)]


def _of_case(of: Figures, figures: Sequence[Figures]) -> Iterator[Check]:
    case = of.case
    if case.mode != "whole" or case.feed == "memory":
        return
    for name, field, value, base, limit in RATIOS:
        if getattr(case, field) == value:
            changed: dict[str, Any] = {field: base}
            before = _find(figures, replace(case, **changed))
            if before is not None:
                yield Check(name, case.feed, of[CPU] / before[CPU], limit, _few(of, before))
    if "latency_p99_ms" in of.values and case.rate == P99_AT:
        yield Check("99 % of alerts within, ms", case.feed, of["latency_p99_ms"], P99_MS)
    plain = case == type(case)(feed=case.feed, events=case.events, warm_up=case.warm_up)
    if plain:
        decode = _find(figures, replace(case, mode="decode"))
        if decode is not None:
            ratio, few = of[CPU] / decode[CPU], _few(of, decode)
            yield Check("whole / decode", case.feed, ratio, WHOLE_OVER_DECODE, few)
        yield Check("CPU us an event", case.feed, of[CPU], CPU_US, _few(of))
        grown = of["rss_mb_end"] / of["rss_mb_early"]
        yield Check("memory at the end / early", case.feed, grown, GROWN)


def _few(*figures: Figures) -> bool:
    return any(of[CPU] * of["events"] / 1e6 < ENOUGH_S for of in figures)


def _find(figures: Sequence[Figures], case: object) -> Figures | None:
    return next((f for f in figures if f.case == case), None)
