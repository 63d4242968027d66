"""All monitors of a model and how they stand, to be looked at."""

from collections.abc import Iterator
from typing import NamedTuple

from stream.evaluate.chain import Chain
from stream.evaluate.model import Model
from stream.evaluate.standing import STATES, Standing, State
from stream.reference.reference import WindowSize
from stream.words import Kind, Series

__all__ = ["Monitor", "count_monitors", "monitors_of_chain", "monitors_of_model"]

SOON = "its first window has not ended yet"


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


def count_monitors(model: Model) -> dict[State, int]:
    """Count the monitors by state; one that is watched in windows of any size is watched."""
    best: dict[tuple[Series, Kind, str | None], int] = {}
    for monitor in monitors_of_model(model):
        place = (monitor.series, monitor.kind, monitor.standing.column)
        rank = STATES.index(monitor.standing.state)
        best[place] = min(rank, best.get(place, rank))
    ranks = list(best.values())
    return {state: ranks.count(rank) for rank, state in enumerate(STATES)}
