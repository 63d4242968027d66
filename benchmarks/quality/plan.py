"""What to measure: cases by group, each of which can be measured alone and in a process of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from benchmarks.quality.cells import SAMPLED
from benchmarks.quality.drifts import DRIFTS
from benchmarks.quality.figures import Where
from benchmarks.quality.flights import FLIGHTS, HISTORY
from benchmarks.quality.streams import ALL, Stream

__all__ = ["FRESH", "GROUPS", "SWEEP", "Case", "Plan"]

TUNING, FRESH = 1, 5_001
"""The first seed of each kind; bounds are chosen on tuning seeds only, and all figures told are of fresh ones."""

WEEKS_MIN, INCIDENTS_MIN = 40, 8
"""Fleet-weeks a case in control: so many, or until the budget allows so many false alarms, if that is longer."""

BLOCK = 500
"""Larger fleets are drawn and judged by blocks of so many monitors, each with its part of the budget."""

FLIGHT_FLEETS = 8
"""Permutations of the flights: 336 weeks, 24 airports with a fault, each in two columns."""
FLIGHT_WEEKS, FLIGHT_LIMIT = 42, 0.33
SCALE = 20_000
SWEPT = ("independent", "season_ar_0.9", "mixed")


@dataclass(frozen=True)
class Case:
    """One place that is measured, with `fleets` seeds in control of `weeks` each, from `first_seed` on."""

    where: Where
    fleets: int
    weeks: int
    first_seed: int = FRESH

    @property
    def blocks(self) -> int:
        """Into how many parts the fleet is cut; they are alike, and differ in chance."""
        return ceil(self.where.monitors / BLOCK)

    @property
    def budget(self) -> float:
        """A block's part of the budget a week."""
        return self.where.budget / self.blocks

    @property
    def stream(self) -> Stream:
        """The stream of a block."""
        monitors = ceil(self.where.monitors / self.blocks)
        return Stream(self.where.cell, self.where.history, monitors, self.weeks)

    @property
    def limit(self) -> float:
        """Incidents a fleet-week to keep to: the budget, on the flights less."""
        if self.where.cell in FLIGHTS:
            return min(self.where.budget, FLIGHT_LIMIT)
        return self.where.budget

    @property
    def fresh(self) -> list[int]:
        """Seeds of the false alarms that are told."""
        return list(range(self.first_seed, self.first_seed + self.fleets))


@dataclass(frozen=True)
class Plan:
    """What to measure, and how thoroughly.

    Attributes:
        groups: names of GROUPS.
        cells: only these cells of every group; all by default.
        peers: whether other deciders are run, too; in the group `cells` only.
        histories: weeks to learn from.
        monitors: columns of a fleet.
        budget: false alarms a week over the fleet that driftbus is told.
        fleets: seeds a case in control; by default as many as its fleet-weeks ask for (`WEEKS_MIN`).
        weeks: weeks judged of each.
        peer_fleets: the first of these seeds, on which peers are run, and as many others on which they are set.
        raw_monitors: monitors on which slow peers are run.
        drift_fleets: seeds a cell and drift, with the longest history only. The flights have a fault in all.
        drifts: by name.
        scale: monitors of the fleet whose cost is measured.
        first_seed: the first of the fresh seeds. What was chosen by the figures of some seeds is confirmed on others.
    """

    groups: Sequence[str] = ("cells",)
    cells: Sequence[str] = ()
    peers: bool = True
    histories: Sequence[int] = (4, 1)
    monitors: int = 100
    budget: float = 1.0
    fleets: int | None = None
    weeks: int = 3
    peer_fleets: int = 4
    raw_monitors: int = 8
    drift_fleets: int = 4
    drifts: Sequence[str] = tuple(DRIFTS)
    scale: int = SCALE
    first_seed: int = FRESH

    @property
    def cases(self) -> list[Case]:
        """All cases in control, in order."""
        wanted = [where for group in self.groups for where in GROUPS[group](self)]
        return [self._case(where) for where in dict.fromkeys(wanted)
                if not self.cells or where.cell in self.cells]  # fmt: skip

    def peer_seeds(self, case: Case) -> list[int]:
        """Those of the fresh seeds on which peers are run."""
        return case.fresh[: self.peer_fleets]

    @property
    def tuning_seeds(self) -> list[int]:
        """Seeds on which peers are set."""
        return list(range(TUNING, TUNING + self.peer_fleets))

    def drift_seeds(self, case: Case) -> list[int]:
        """Seeds of the drifts that are told."""
        if case.where.cell in FLIGHTS:
            return case.fresh
        return list(range(self.first_seed, self.first_seed + self.drift_fleets))

    def drifts_of(self, case: Case) -> list[str]:
        """The drifts to try in a case: with the longest history only, and of the sweep only where it samples."""
        where = case.where
        if where.cell in FLIGHTS:
            return list(case.stream.drifts)
        if where.group not in WITH_DRIFT or where.history != max(self.histories):
            return []
        return [drift for drift in case.stream.drifts if drift in self.drifts]

    def _case(self, where: Where) -> Case:
        if where.cell in FLIGHTS:
            return Case(where, self.fleets or FLIGHT_FLEETS, FLIGHT_WEEKS, self.first_seed)
        needed = max(WEEKS_MIN, INCIDENTS_MIN / where.budget)
        enough = 1 if where.monitors >= SCALE else ceil(needed / self.weeks)
        return Case(where, self.fleets or enough, self.weeks, self.first_seed)


def _cells(plan: Plan) -> list[Where]:
    return [
        Where(cell, HISTORY // 7, 27, plan.budget)
        if cell in FLIGHTS
        else Where(cell, history, plan.monitors, plan.budget)
        for cell in ALL
        for history in plan.histories
    ]


def _budgets(plan: Plan) -> list[Where]:
    """The smallest budget takes 400 fleet-weeks, so its fleet is small."""
    fleets = ((0.02, 6), (0.1, plan.monitors), (10.0, plan.monitors))
    return [Where(cell, max(plan.histories), monitors, budget, "budgets")
            for budget, monitors in fleets for cell in SWEPT]  # fmt: skip


def _fleets(plan: Plan) -> list[Where]:
    """Fewer cells with more monitors; `SCALE` monitors for three weeks are six hundred times a hundred's week."""
    fleets = ((6, SWEPT), (1_000, SWEPT[-1:]), (SCALE, SWEPT[-1:]))
    return [Where(cell, max(plan.histories), monitors, plan.budget, "fleets")
            for monitors, cells in fleets for cell in cells]  # fmt: skip


def _sampling(plan: Plan) -> list[Where]:
    return [
        Where(cell, max(plan.histories), plan.monitors, plan.budget, "sampling") for cell in SAMPLED
    ]


def _none(plan: Plan) -> list[Where]:  # noqa: ARG001 - every group is called alike
    """Cost is measured by itself (`cost.py`)."""
    return []


GROUPS: dict[str, Callable[[Plan], list[Where]]] = {
    "cells": _cells,
    "budgets": _budgets,
    "fleets": _fleets,
    "sampling": _sampling,
    "scale": _none,
}
SWEEP = tuple(group for group in GROUPS if group != "cells")
"""Groups that only driftbus is run in."""
WITH_DRIFT = ("cells", "sampling")
