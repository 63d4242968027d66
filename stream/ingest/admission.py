"""Which events of a batch count in which series, where there is room for a number of these only."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.ingest.group import Group
from stream.ingest.roster import DAY_MS
from stream.ingest.rosters import Rosters
from stream.words import Segment, Series

__all__ = ["Admission", "series_of"]


class Admission:
    """Enters the series of a batch into the rosters of its partition, and knows who was refused.

    As long as there is room for all of a batch, its order plays no part, and the series are entered as `counted` meets
    them. Else all events are looked at here, in the order of the log, so that any batches give the same rosters.

    Cost: nothing to speak of while there is room, else about 1 us an event.
    """

    def __init__(
        self, rosters: Rosters, groups: Sequence[Group], ts: NDArray[np.int64], pane_ms: int
    ) -> None:
        self._rosters = rosters
        self._pane_ms = pane_ms
        self._refused: dict[Series, set[int]] | None = None
        parts = [[series_of(g.model, *party) for party in g.parties] for g in groups]
        if rosters.has_room(s for of_group in parts for of in of_group for s in of):
            return
        self._refused = {}
        events = sorted((at, g, who) for g, group in enumerate(groups)
                        for at, who in zip(group.at.tolist(), group.who.tolist(), strict=True))  # fmt: skip
        for at, g, who in events:
            day = self._day(int(ts[at]) // pane_ms)
            for series in parts[g][who]:
                if not rosters.enter(series, day):
                    self._refused.setdefault(series, set()).add(at)

    def refuses(self, model: str) -> bool:
        """Tell whether there was no room for a model of the batch."""
        return self._refused is not None and model not in self._rosters.of

    def counted(
        self, series: Series, pane: int, at: NDArray[np.int64], chosen: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Tell which of the chosen events of a group, all of one pane, count in a series; `at` as the group's."""
        if self._refused is None:
            self._rosters.enter(series, self._day(pane))
            return chosen
        out = self._refused.get(series)
        if out is None:
            return chosen
        return np.array([i for i in chosen.tolist() if int(at[i]) not in out], dtype=np.int64)

    def _day(self, pane: int) -> int:
        return pane * self._pane_ms // DAY_MS


def series_of(model: str, version: str, segment: Segment) -> list[Series]:
    """Name the series that an event counts in: the whole, and its exact segment."""
    whole = Series(model, version)
    return [whole, Series(model, version, segment)] if segment else [whole]
