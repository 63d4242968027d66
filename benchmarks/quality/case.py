"""Measures one case: in control, then the peers set to driftbus' own rate, then all under drift."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from time import process_time

import numpy as np

from benchmarks.quality.deciders import MATCHED, Decider, peers
from benchmarks.quality.deciders.alibi_detect import AlibiDetect
from benchmarks.quality.deciders.driftbus import Driftbus
from benchmarks.quality.drifts import SHIFTS
from benchmarks.quality.figures import POSSIBLE, Control, Measured, Power
from benchmarks.quality.flights import FLIGHTS
from benchmarks.quality.metrics import begins, delays
from benchmarks.quality.plan import Case, Plan
from benchmarks.quality.possible import possible
from benchmarks.quality.streams import KNOWN
from benchmarks.quality.windows import Windows
from detectors.arrays import Flags

__all__ = ["Tell", "measure_case"]

NOT_INSTALLED = (
    "absent: `python -m benchmarks.detectors --peers alibi_detect` makes its environment"
)

Tell = Callable[[str], object]
Pair = tuple[Windows, Windows]
"""A history and the windows in control that follow it."""


def measure_case(plan: Plan, case: Case, tell: Tell) -> Measured:
    """Measure a case. `tell` is given a line of text whenever something begins."""
    where = case.where
    name = f"{where.cell}, {where.history} weeks of history, {where.monitors} monitors, budget {where.budget:g}"
    measured = Measured()
    ours = Driftbus(case.budget)
    tell(f"{name}: {case.fleets} fleets in control")
    own = _control(plan, case, ours, _drawn(case, case.fresh))
    measured.controls.append(own)
    tell(f"{name}: {own.incidents} incidents, {own.learning} of {own.asked} monitors learn")
    others: list[Decider] = []
    settings: dict[str, float] = {}
    drifts = plan.drifts_of(case)
    if plan.peers and where.group == "cells":
        tell(f"{name}: the peers")
        fresh = list(_drawn(case, plan.peer_seeds(case)))
        others = _able(fresh[0][1], measured, where.cell)
        measured.controls += [_control(plan, case, peer, fresh) for peer in others]
        if drifts:
            tell(f"{name}: setting the peers to driftbus' rate")
            settings = _match(plan, case, others, own.rate, measured)
            measured.controls += [
                _control(plan, case, peer, fresh, settings[peer.name])
                for peer in others
                if peer.name in settings
            ]
        del fresh
    for drift in drifts:
        tell(f"{name}: {drift}")
        measured.powers += _power(plan, case, drift, [ours, *others], settings)
        measured.powers += _ceiling(case, drift)
    return measured


def _drawn(case: Case, seeds: Sequence[int]) -> Iterator[Pair]:
    """Draw one fleet after the other, block by block."""
    return (case.stream.control(seed, block) for seed in seeds for block in range(case.blocks))


def _able(windows: Windows, measured: Measured, cell: str) -> list[Decider]:
    """Give the peers that can be run on these windows, and say of the others why not."""
    if not AlibiDetect.installed():
        measured.absent["alibi-detect CVM"] = NOT_INSTALLED
    all_peers = peers()
    able = [peer for peer in all_peers if not peer.RAW or windows.raw is not None]
    for peer in all_peers:
        if peer not in able:
            measured.absent[f"{peer.name} in {cell}"] = "too many values to be drawn"
    return able


class Fitted:
    """A decider that has learned from a history, before the windows that follow it.

    `monitors` are those that it is asked about: all, or a few numeric ones where it is slow; `share` says
    what part they are of those that it could be asked about.
    """

    def __init__(
        self, plan: Plan, case: Case, decider: Decider, history: Windows, windows: Windows
    ) -> None:
        self.decider = copy(decider)
        self.monitors = np.arange(len(windows.columns))
        self.windows = windows
        self.share = 1.0
        if decider.FEW:
            numeric = np.flatnonzero(windows.numeric)
            wanted = len(numeric) if case.where.cell in FLIGHTS else plan.raw_monitors
            self.monitors = numeric[:wanted]
            self.share = len(self.monitors) / len(numeric)
            history, self.windows = history.of(self.monitors), windows.of(self.monitors)
        self.decider.fit(history)

    def alarms(self, setting: float | None = None) -> Flags:
        """Judge; driftbus can do so but once."""
        return self.decider.alarms(self.windows, setting)

    @property
    def weeks(self) -> float:
        """Weeks that its windows are of all that it could be asked about."""
        return self.windows.weeks * self.share


# -- in control ------------------------------------------------------------------------------------------------------


def _control(
    plan: Plan, case: Case, decider: Decider, pairs: Iterator[Pair] | Sequence[Pair], setting: float | None = None,
) -> Control:  # fmt: skip
    """Count false alarms over some histories and the windows that follow them."""
    told = Control(case.where, decider.name, setting is not None, setting, case.limit)
    by_detector: Counter[str] = Counter()
    judged = 0
    for history, windows in pairs:
        start = process_time()
        fitted = Fitted(plan, case, decider, history, windows)
        alarms = fitted.alarms(setting)
        told.seconds += process_time() - start
        told.incidents += int(begins(alarms).sum())
        told.weeks += fitted.weeks / case.blocks
        told.in_alarm += float(alarms.sum())
        told.asked += len(alarms)
        judged += alarms.size
        if isinstance(fitted.decider, Driftbus):
            by_detector += fitted.decider.by_detector
            told.learning += fitted.decider.learning
    told.in_alarm /= judged
    told.by_detector = dict(by_detector.most_common())
    return told


# -- at the same rate ------------------------------------------------------------------------------------------------


def _match(
    plan: Plan, case: Case, others: Sequence[Decider], allowed: float, measured: Measured
) -> dict[str, float]:
    """Choose for each peer the most eager setting that is as calm on the tuning seeds, if it has one."""
    pairs = list(_drawn(case, plan.tuning_seeds))
    chosen: dict[str, float] = {}
    for peer in others:
        if peer.name not in MATCHED:
            continue
        setting = as_calm([Fitted(plan, case, peer, *pair) for pair in pairs], allowed)
        if setting is None:
            label = f"{peer.name} at driftbus' rate in {case.where.cell}"
            measured.absent[label] = "even its calmest setting alarms more often"
        else:
            chosen[peer.name] = setting
    return chosen


def as_calm(fitted: Sequence[Fitted], allowed: float) -> float | None:
    """Go from calm to eager until there are more incidents a week than allowed."""
    weeks = sum(of.weeks for of in fitted)
    settings = {s for of in fitted for s in of.decider.settings(of.windows)}
    chosen = None
    for setting in sorted(settings, reverse=True):
        if sum(int(begins(of.alarms(setting)).sum()) for of in fitted) > allowed * weeks:
            break
        chosen = setting
    return chosen


# -- drift -----------------------------------------------------------------------------------------------------------


def _power(
    plan: Plan, case: Case, drift: str, deciders: Sequence[Decider], settings: dict[str, float]
) -> list[Power]:  # fmt: skip
    """Measure the delays of all deciders under one drift, at their own setting and at driftbus' rate."""
    powers: dict[tuple[str, bool], Power] = {}
    for seed in plan.drift_seeds(case):
        history, windows, monitors, onset = case.stream.drift(seed, drift)
        for decider in deciders:
            fitted = Fitted(plan, case, decider, history, windows)
            rows = np.flatnonzero(np.isin(fitted.monitors, monitors))
            began = onset[np.isin(monitors, fitted.monitors)]
            matched = [settings[decider.name]] if decider.name in settings else []
            for setting in (None, *matched):
                key = (decider.name, setting is not None)
                power = powers.setdefault(key, Power(case.where, drift, *key))
                power.add(delays(fitted.alarms(setting)[rows], began))
    return [power for power in powers.values() if power.trials]


def _ceiling(case: Case, drift: str) -> list[Power]:
    """Tell how soon a shift of the mean could be found at all."""
    cell = KNOWN.get(case.where.cell)
    if cell is None or drift not in SHIFTS:
        return []
    power = Power(case.where, drift, POSSIBLE, matched=False)
    power.add(possible(cell, drift, case.where.budget, case.where.monitors))
    return [power]
