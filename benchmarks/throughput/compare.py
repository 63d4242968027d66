"""Holds figures against those of a former file: how many times as much, and what is worse beyond the spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.throughput.case import Case
from benchmarks.throughput.report import Figures

__all__ = ["Change", "changes", "read_figures"]

MORE_IS_BETTER = ("events_per_second",)
COMPARED = (
    "cpu_us_per_event",
    "events_per_second",
    "rss_mb",
    "redis_ops_per_s",
    "redis_used_mb",
    "latency_p99_ms",
)


@dataclass(frozen=True)
class Change:
    """A figure now and then; `worse` if every run of now is worse than every run of then, and there were several."""

    case: Case
    name: str
    then: float
    now: float
    worse: bool

    @property
    def ratio(self) -> float:
        """How many times as much it is now."""
        return self.now / self.then


def read_figures(path: Path) -> list[Figures]:
    """Read the figures of a file that `--json` wrote.

    Raises:
        ValueError: it is none.
    """
    try:
        told: dict[str, Any] = orjson.loads(path.read_bytes())
        return [_figures(of) for of in told["figures"]]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} has no figures of this benchmark; give a file of its --json ({error})"
        ) from None


def _figures(told: dict[str, Any]) -> Figures:
    spread = {name: (least, most) for name, (least, most) in told["spread"].items()}
    return Figures(Case(**told["case"]), told["runs"], told["values"], spread)


def changes(now: Sequence[Figures], then: Sequence[Figures]) -> list[Change]:
    """Compare the cases that both have, figure by figure."""
    before = {f.case: f for f in then}
    return [
        _change(of, before[of.case], name)
        for of in now
        if of.case in before
        for name in COMPARED
        if of.values.get(name) and before[of.case].values.get(name)
    ]


def _change(now: Figures, then: Figures, name: str) -> Change:
    (least, most), (before_least, before_most) = now.spread[name], then.spread[name]
    apart = most < before_least if name in MORE_IS_BETTER else least > before_most
    several = now.runs > 1 and then.runs > 1
    return Change(now.case, name, then[name], now[name], apart and several)
