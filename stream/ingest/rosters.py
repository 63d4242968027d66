"""The rosters of one partition: which models are counted on it, and which of their series."""

from collections.abc import Iterable

from stream.ingest.roster import Roster
from stream.words import Series

__all__ = ["Rosters"]


class Rosters:
    """One roster a model: at most `models_max` of them, of `series_max` series each, of `total_max` together.

    Models are never let go: first come, first served. Where all rosters together are full, a series gives way to a
    newcomer of its own model only, so no model takes another's place.
    """

    def __init__(self, models_max: int, series_max: int, total_max: int) -> None:
        self.of: dict[str, Roster] = {}
        self._models_max = models_max
        self._series_max = series_max
        self._total_max = total_max

    def has_room(self, told: Iterable[Series]) -> bool:
        """Tell whether these can be entered in any order, as nobody needs to be refused or to leave."""
        by_model: dict[str, set[Series]] = {}
        for series in told:
            by_model.setdefault(series.model, set()).add(series)
        if len(self.of.keys() | by_model.keys()) > self._models_max:
            return False
        empty = Roster(self._series_max)
        new = 0
        for model, of_model in by_model.items():
            roster = self.of.get(model, empty)
            if not roster.has_room(of_model):
                return False
            new += sum(series not in roster.days for series in of_model)
        return new == 0 or self._total() + new <= self._total_max

    def enter(self, series: Series, day: int) -> bool:
        """Note that a series has an event on a day of event time; tell whether it is counted."""
        roster = self.of.get(series.model)
        if roster is None:
            if len(self.of) >= self._models_max:
                return False
            roster = self.of[series.model] = Roster(self._series_max)
        return roster.enter(series, day, room=lambda: self._total() < self._total_max)

    def restore(self, model: str, payload: object) -> None:
        """Take the state that a roster's `payload` gave; of a model that has none yet, None."""
        roster = self.of[model] = Roster(self._series_max)
        if payload is not None:
            roster.restore(model, payload)

    def _total(self) -> int:
        return sum(len(roster.days) for roster in self.of.values())
