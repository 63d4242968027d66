"""All monitors of a model and how they stand, to be looked at."""

from collections.abc import Iterator
from typing import NamedTuple

from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.standing import SOON, STATES, WHYS, Standing, State, why
from stream.evaluate.model import Model
from stream.reference.reference import WindowSize
from stream.words import Kind, Series

__all__ = [
    "Monitor",
    "Stock",
    "count_monitors",
    "monitors_of_chain",
    "monitors_of_model",
    "take_stock",
]


class Monitor(NamedTuple):
    """A monitor in windows of one size; `window` is None where a series still learns its reference."""

    series: Series
    kind: Kind
    window: WindowSize | None
    standing: Standing


def monitors_of_chain(chain: Chain) -> Iterator[Monitor]:
    """Give the monitors of a chain, for one size of windows after the other."""
    names: list[str | None] = [column.name for column in chain.reference.columns]
    if chain.kind is not Kind.ERRORS:
        names.append(None)
    unjudged = tuple(Standing(name, "learning", SOON) for name in names)
    for which, window in enumerate(chain.reference.windows):
        for standing in chain.standings.get(which, unjudged):
            yield Monitor(chain.series, chain.kind, window, standing)


def monitors_of_model(model: Model) -> Iterator[Monitor]:
    """Give the monitors of all chains, in order; a chain that learns its reference is one."""
    for (series, kind), chain in sorted(model.chains.copy().items()):
        if isinstance(chain, Chain):
            yield from monitors_of_chain(chain)
        else:
            yield Monitor(series, kind, None, chain.standing())


class Stock(NamedTuple):
    """The monitors of a model, counted; one that is watched in windows of any size is watched.

    Attributes:
        states: how many stand how.
        whys: how many of those that are not watched are not for which reason.
        effects: by test, the smallest effect that each watched monitor finds within a day, in windows of any size.
    """

    states: dict[State, int]
    whys: dict[str, int]
    effects: dict[str, list[float]]


def take_stock(model: Model) -> Stock:
    """Count the monitors. Cost: some 3 us each."""
    best: dict[tuple[Series, Kind, str | None], Standing] = {}
    effects: dict[tuple[Series, Kind, str | None], dict[str, float]] = {}
    for monitor in monitors_of_model(model):
        standing = monitor.standing
        place = (monitor.series, monitor.kind, standing.column)
        known = best.get(place)
        if known is None or STATES.index(standing.state) < STATES.index(known.state):
            best[place] = standing
        if standing.state == "watching":
            found = effects.setdefault(place, {})
            for test, effect in standing.detectable.items():
                found[test] = min(effect, found.get(test, effect))
    stock = Stock(dict.fromkeys(STATES, 0), dict.fromkeys(WHYS, 0), {})
    for standing in best.values():
        stock.states[standing.state] += 1
        if standing.state != "watching":
            stock.whys[why(standing)] += 1
    for found in effects.values():
        for test, effect in found.items():
            stock.effects.setdefault(test, []).append(effect)
    return stock


def count_monitors(model: Model) -> dict[State, int]:
    """Count the monitors by state; see `Stock`."""
    return take_stock(model).states
