"""Runs all deciders over all cells: in control, then set to driftbus' own rate, then under drift."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from time import process_time

import numpy as np

from benchmarks.quality.deciders import ABSENT, MATCHED, Decider, all_deciders
from benchmarks.quality.deciders.driftbus import Driftbus
from benchmarks.quality.drifts import DRIFTS
from benchmarks.quality.figures import Control, Measured, Power
from benchmarks.quality.flights import FLIGHTS, HISTORY
from benchmarks.quality.metrics import begins, delays
from benchmarks.quality.streams import ALL, Stream
from benchmarks.quality.windows import Windows
from detectors.arrays import Flags

__all__ = ["Plan", "measure"]

Tell = Callable[[str], None]
Pair = tuple[Windows, Windows]
"""A history and the windows in control that follow it."""

TUNING, FRESH = 1, 1_001
"""The first seed of each kind; bounds are chosen on tuning seeds only, and all figures told are of fresh ones."""


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        cells: by name.
        histories: weeks to learn from.
        fleets: seeds a cell, in control.
        weeks: weeks judged of each.
        monitors: columns of a fleet.
        raw_monitors: those of them that are run where raw values are read.
        budget: false alarms a week over the fleet that driftbus is told.
        drift_fleets: seeds a cell and drift, with the longest history only; the peers are set on
            `fleets` others.
        drifts: by name.
    """

    cells: Sequence[str] = ALL
    histories: Sequence[int] = (4, 1)
    fleets: int = 2
    weeks: int = 3
    monitors: int = 100
    raw_monitors: int = 8
    budget: float = 1.0
    drift_fleets: int = 1
    drifts: Sequence[str] = tuple(DRIFTS)

    @property
    def tuning_seeds(self) -> list[int]:
        """Seeds on which peers are set."""
        return list(range(TUNING, TUNING + self.fleets))

    @property
    def fresh_seeds(self) -> list[int]:
        """Seeds of the false alarms that are told."""
        return list(range(FRESH, FRESH + self.fleets))

    @property
    def drift_seeds(self) -> list[int]:
        """Seeds of the drifts that are told."""
        return list(range(FRESH, FRESH + self.drift_fleets))

    @property
    def streams(self) -> list[Stream]:
        """Cells with their histories, in order; the flights have but one."""
        made = [
            Stream(cell, HISTORY // 7 if cell in FLIGHTS else history, self.monitors, self.weeks)
            for cell in self.cells
            for history in self.histories
        ]
        return list(dict.fromkeys(made))


def measure(plan: Plan, tell: Tell) -> Measured:
    """Measure all there is to measure. `tell` is given a line of text whenever something begins."""
    measured = Measured(absent=dict(ABSENT))
    for stream in plan.streams:
        where = f"{stream.cell}, {stream.history} weeks of history"
        tell(f"{where}: in control")
        deciders = all_deciders(plan.budget)
        fresh = [stream.control(seed) for seed in plan.fresh_seeds]
        for decider in deciders:
            if decider.RAW and fresh[0][1].raw is None:
                measured.absent[f"{decider.name} in {stream.cell}"] = "too many values to be drawn"
                continue
            measured.controls.append(_control(plan, stream, decider, fresh))
        drifts = _drifts(plan, stream)
        if not drifts:
            continue
        tell(f"{where}: setting the peers to driftbus' rate")
        settings = _match(plan, stream)
        for peer in MATCHED:
            if peer not in settings:
                label = f"{peer} at driftbus' rate in {stream.cell}"
                measured.absent[label] = "even its calmest setting alarms more often"
        measured.controls += [
            _control(plan, stream, decider, fresh, settings[decider.name])
            for decider in deciders
            if decider.name in settings
        ]
        for drift in drifts:
            tell(f"{where}: {drift}")
            measured.powers += _power(plan, stream, drift, deciders, settings)
    return measured


def _drifts(plan: Plan, stream: Stream) -> list[str]:
    """List the drifts to try: none with a shorter history than the longest."""
    if stream.cell in FLIGHTS:
        return list(stream.drifts)
    longest = stream.history == max(plan.histories)
    return [drift for drift in stream.drifts if longest and drift in plan.drifts]


# -- one decider on one fleet ------------------------------------------------------------------------------------------


class _Fitted:
    """A decider that has learned from a history, before the windows that follow it.

    `monitors` are those that it is asked about: all, or a few numeric ones where it reads raw values; `share` says
    what part they are of those that it could be asked about.
    """

    def __init__(
        self, plan: Plan, stream: Stream, decider: Decider, history: Windows, windows: Windows
    ) -> None:
        self.decider = copy(decider)
        self.monitors = np.arange(len(windows.columns))
        self.windows = windows
        self.share = 1.0
        if decider.RAW:
            numeric = np.flatnonzero(windows.numeric)
            wanted = len(numeric) if stream.cell in FLIGHTS else plan.raw_monitors
            self.monitors = numeric[:wanted]
            self.share = len(self.monitors) / len(numeric)
            history, self.windows = history.of(self.monitors), windows.of(self.monitors)
        self.decider.fit(history)

    def alarms(self, setting: float | None = None) -> Flags:
        """Judge; driftbus can do so but once."""
        return self.decider.alarms(self.windows, setting)


# -- in control ------------------------------------------------------------------------------------------------------


def _control(
    plan: Plan,
    stream: Stream,
    decider: Decider,
    pairs: Sequence[Pair],
    setting: float | None = None,
) -> Control:
    """Count false alarms over some histories and the windows that follow them."""
    told = Control(stream.cell, stream.history, decider.name, setting is not None, setting)
    judged = 0
    for history, windows in pairs:
        start = process_time()
        fitted = _Fitted(plan, stream, decider, history, windows)
        alarms = fitted.alarms(setting)
        told.seconds += process_time() - start
        told.incidents += int(begins(alarms).sum())
        told.weeks += windows.weeks * fitted.share
        told.in_alarm += float(alarms.sum())
        judged += alarms.size
        if isinstance(fitted.decider, Driftbus):
            told.by_detector += fitted.decider.by_detector
            told.learning += fitted.decider.learning
    told.in_alarm /= judged
    return told


# -- at the same rate ------------------------------------------------------------------------------------------------


def _match(plan: Plan, stream: Stream) -> dict[str, float]:
    """Choose for each peer the most eager setting that is as calm as driftbus, on the tuning seeds, if it has one."""
    pairs = [stream.control(seed) for seed in plan.tuning_seeds]
    allowed = _control(plan, stream, Driftbus(plan.budget), pairs).rate
    chosen = {
        peer.name: _as_calm([_Fitted(plan, stream, peer, *pair) for pair in pairs], allowed)
        for peer in all_deciders(plan.budget)
        if peer.name in MATCHED
    }
    return {name: setting for name, setting in chosen.items() if setting is not None}


def _as_calm(fitted: Sequence[_Fitted], allowed: float) -> float | None:
    """Go from calm to eager until there are more incidents a week than allowed."""
    weeks = sum(of.windows.weeks * of.share for of in fitted)
    settings = {s for of in fitted for s in of.decider.settings(of.windows)}
    chosen = None
    for setting in sorted(settings, reverse=True):
        if sum(int(begins(of.alarms(setting)).sum()) for of in fitted) > allowed * weeks:
            break
        chosen = setting
    return chosen


# -- drift -----------------------------------------------------------------------------------------------------------


def _power(
    plan: Plan, stream: Stream, drift: str, deciders: Sequence[Decider], settings: dict[str, float]
) -> list[Power]:  # fmt: skip
    """Measure the delays of all deciders under one drift, at their own setting and at driftbus' rate."""
    powers: dict[tuple[str, bool], Power] = {}
    for seed in plan.fresh_seeds if stream.cell in FLIGHTS else plan.drift_seeds:
        history, windows, monitors, onset = stream.drift(seed, drift)
        for decider in deciders:
            fitted = _Fitted(plan, stream, decider, history, windows)
            rows = np.flatnonzero(np.isin(fitted.monitors, monitors))
            began = onset[np.isin(monitors, fitted.monitors)]
            matched = [settings[decider.name]] if decider.name in settings else []
            for setting in (None, *matched):
                key = (decider.name, setting is not None)
                power = Power(stream.cell, stream.history, drift, *key)
                power = powers.setdefault(key, power)
                power.delays.append(delays(fitted.alarms(setting)[rows], began))
    return [power for power in powers.values() if power.trials]
