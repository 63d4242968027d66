"""All that is said of one window, as arrays; verdicts one by one only of the columns that somebody asks about."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detectors import Verdict, Verdicts
from detectors.arrays import Counts, Flags
from stream.evaluate.judging.finding import Finding, excused, is_hard

__all__ = ["Findings", "Said"]


@dataclass(frozen=True, eq=False)
class Said:
    """What one detector says of some columns.

    Attributes:
        columns: [K] their places in the reference; -1 is the series as a whole.
        verdicts: K of them.
        told: [K] which of these are told.
    """

    columns: Counts
    verdicts: Verdicts
    told: Flags

    @property
    def loud(self) -> Flags:
        """[K] which alarm."""
        return self.verdicts.alarm & self.told

    def only(self, where: Flags) -> "Said":
        """Tell nothing elsewhere."""
        return replace(self, told=self.told & where)

    def hard(self) -> Flags:
        """[K] which are alarms by a hard rule."""
        hard = np.zeros(len(self.columns), np.bool_)
        at = np.flatnonzero(self.loud).tolist()
        hard[at] = [is_hard(verdict) for verdict in self.verdicts.some(at)]
        return hard


class Findings:
    """What detectors say of a window: `said` as arrays, `plain` one by one.

    `places` are the columns' names in order, each with its place. `excused` names the excluded time in which only hard
    rules speak; else it is empty.

    Cost: nothing a quiet column, some 10 us a column that is asked about.
    """

    def __init__(
        self, places: Mapping[str, int], said: Sequence[Said] = (), plain: Sequence[Finding] = (), excused: str = "",
    ) -> None:  # fmt: skip
        self._said: tuple[Said, ...] | Callable[[], Sequence[Said]] = tuple(said)
        self.kept: list[list[object]] | None = None
        self.plain = tuple(plain)
        self.excused = excused
        self._places = places
        self._loud: dict[str | None, int] | None = None

    @classmethod
    def quiet(
        cls, places: Mapping[str, int], say: Callable[[], Sequence[Said]], kept: list[list[object]]
    ) -> "Findings":
        """Tell of a window in which nothing alarms: what is `kept` of it is known, what is said only once asked for.

        `say` must give the same whenever it is asked, on any thread.
        """
        made = cls(places)
        made._said, made._loud, made.kept = say, {}, kept
        return made

    @property
    def said(self) -> tuple[Said, ...]:
        """What detectors say. Two threads may ask at once: each then works it out."""
        said = self._said
        if not isinstance(said, tuple):
            said = self._said = tuple(said())
        return said

    def __iter__(self) -> Iterator[Finding]:
        """Give all, column by column, those of the series first."""
        for column in (None, *self._places):
            yield from (Finding(column, verdict) for verdict in self.of(column))

    def of(self, column: str | None) -> list[Verdict]:
        """Give the verdicts on a column."""
        place = -1 if column is None else self._places[column]
        found: list[Verdict] = []
        for said in self.said:
            at = np.flatnonzero((said.columns == place) & said.told).tolist()
            if at:  # else nobody asks why, which costs more than the answer
                found += said.verdicts.some(at)
        found += [finding.verdict for finding in self.plain if finding.column == column]
        return [excused(v, self.excused) for v in found] if self.excused else found

    def loud(self) -> dict[str | None, int]:
        """Give the columns that alarm, the series first, each with how many windows ago that began at the latest."""
        if self._loud is None:
            self._loud = self._listen()
        return self._loud

    def _listen(self) -> dict[str | None, int]:
        lags: dict[int, int] = {}
        for said in self.said:
            where = said.hard() if self.excused else said.loud
            if not where.any():
                continue
            at = np.flatnonzero(where)
            back = [0] * len(at) if said.verdicts.lag is None else said.verdicts.lag[at].tolist()
            for place, lag in zip(said.columns[at].tolist(), back, strict=True):
                lags[place] = max(lags.get(place, 0), lag)
        for finding in self.plain:
            if finding.verdict.alarm and (not self.excused or is_hard(finding.verdict)):
                place = -1 if finding.column is None else self._places[finding.column]
                lags[place] = max(lags.get(place, 0), finding.verdict.lag)
        names = [*self._places] if lags else []
        return {None if place < 0 else names[place]: lags[place] for place in sorted(lags)}
