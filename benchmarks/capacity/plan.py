"""What a fleet for a number of events a day is made of, what it costs, and what of it breaks first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from benchmarks.capacity.load import Load
from benchmarks.capacity.model import Fit

__all__ = ["Bound", "Fleet", "Prices", "plan"]

DAY_S = 86_400
MONTH_H = 730
BUSY = 0.6
"""The part of a core that a worker or a shard is to be busy with at the peak; the rest is for catching up."""
SHARE = 2
"""Partitions a worker, so that work can be moved in parts."""
ROUNDS = 30
EVALUATING = ("a column of a pane's part", "a column of a window that ends")
"""The terms of processor time that fall to the one owner of a model."""

HISTORY_GB, HISTORY_STORED_GB = 9.4e-6, 14.6e-6
"""What four weeks of history add to a column, in a worker and in the store, as `benchmarks.memory` tells it: the series
that are measured here have a reference of their own newest windows only."""


@dataclass(frozen=True)
class Prices:
    """What is paid: a core-hour, a GB-hour; and what a machine may hold, and a shard of Redis take in a second."""

    core_hour: float = 0.04
    gb_hour: float = 0.005
    worker_gb: float = 4.0
    shard_gb: float = 16.0
    shard_mb_s: float = 100.0


@dataclass(frozen=True)
class Bound:
    """Something that ends: `used` is the part that the plan uses of it, and `todo` what gives more."""

    name: str
    used: float
    todo: str


@dataclass(frozen=True)
class Fleet:
    """A plan. `load` is at the peak; memory in GB, bytes a second, cost a month."""

    events_a_day: float
    load: Load
    cores: float
    workers: int
    worker_gb: float
    shards: int
    store_gb: float
    uses: Mapping[str, float]
    cost: float
    bounds: tuple[Bound, ...]


def plan(
    fits: Sequence[Fit], events_a_day: float, base: Load, peak: float, prices: Prices
) -> Fleet:
    """Plan for events a day whose peak is so many times their mean; `base` tells all but rate and partitions."""
    by_name = {fit.quantity.name: fit for fit in fits}
    load = replace(base, rate=events_a_day / DAY_S * peak, partitions=1)
    workers = 1
    for _ in range(ROUNDS):  # more partitions cost more, so more workers, so more partitions
        load = replace(load, partitions=max(4, SHARE * workers), workers=workers)
        cores = by_name["worker CPU"].at(load) * load.rate / 1e6
        if ceil(cores / BUSY) <= workers:
            break
        workers = ceil(cores / BUSY)
    worker_gb = by_name["worker memory"].at(load) / 1e3 + load.evaluated * HISTORY_GB
    store_gb = by_name["store memory"].at(load) / 1e3 + load.monitors * HISTORY_STORED_GB
    store_cores = _at(by_name, "store CPU", load) * load.rate / 1e6
    taken = _at(by_name, "store bytes written", load) * load.rate / 1e6 / prices.shard_mb_s
    shards = max(1, ceil(store_cores / BUSY), ceil(store_gb / prices.shard_gb), ceil(taken))
    hourly = (workers + shards) * prices.core_hour
    hourly += (workers * worker_gb + store_gb) * prices.gb_hour
    rates = ("store operations", "store bytes written", "store bytes read", "bytes from Kafka")
    uses = {name: _at(by_name, name, load) * load.rate for name in rates if name in by_name}
    bounds = _bounds(by_name, load, cores, worker_gb, store_cores, prices)
    return Fleet(
        events_a_day, load, cores, workers, worker_gb, shards, store_gb, uses, hourly * MONTH_H,
        tuple(sorted(bounds, key=lambda bound: -bound.used)),
    )  # fmt: skip


def _bounds(
    by_name: Mapping[str, Fit], load: Load, cores: float, worker_gb: float, store_cores: float,
    prices: Prices,
) -> list[Bound]:  # fmt: skip
    """Tell what cannot be spread any further as the plan stands."""
    evaluating = _part(by_name["worker CPU"], load, EVALUATING) * load.rate / 1e6
    return [
        Bound("a partition has one worker", cores / load.partitions, "more partitions"),
        Bound("a model has one owner, who evaluates it", evaluating / load.models,
              "longer panes, fewer segments a model, fewer partitions"),
        Bound("a worker's memory", worker_gb / prices.worker_gb,
              "more workers, fewer segments, or larger machines"),
        Bound("a key is on one shard of Redis", store_cores / max(load.partitions, load.models),
              "a longer commit interval, more partitions"),
    ]  # fmt: skip


def _part(fit: Fit, load: Load, names: Sequence[str]) -> float:
    """Tell what some terms of a quantity are under a load."""
    of = zip(fit.quantity.terms, fit.coefficients.tolist(), strict=True)
    return sum((float(c) * term(load) for (name, term), c in of if name in names), 0.0)


def _at(by_name: Mapping[str, Fit], name: str, load: Load) -> float:
    return by_name[name].at(load) if name in by_name else 0.0
