"""What the alarm layer says of one window: of one chain, or of many chains side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np

from detectors import Verdicts
from detectors.alarms.layer import AlarmLayer, Judged, Size
from detectors.alarms.signals import (
    COLUMN_TESTS,
    VOLUME_TEST,
    Readings,
    Test,
    tells,
    volume_worth,
    weight_of,
)
from detectors.alarms.tail import cautious
from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.rates import share_at
from detectors.comparisons.verdict import Score, Why
from detectors.comparisons.wander import EVENTS_MIN
from detectors.summaries.summary import Summary
from stream.evaluate.judging.baseline import Baseline, Compared
from stream.evaluate.judging.findings import Said
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.signals import Signals
from stream.evaluate.judging.track import Past
from stream.evaluate.judging.unsteady import told_step

__all__ = [
    "VOLUME_SLACK",
    "AlarmJudge",
    "columns_tell",
    "columns_worth",
    "floor_of",
    "volumes_worth",
]

LEAST_BINS = (1, 2, 3, 0)
"""A column of so many bins in use, or fewer, tells nothing to a test."""
ALONE = "too few events: now, at this hour in the history, or to compare with"
"""The note where nothing is known of what is usual."""
LOGARITHM_MAX = 700.0
VOLUME_SLACK = 1
"""`Readings.events` of a volume are one more than the events, so that an empty window is no gap."""


@dataclass(frozen=True, slots=True, eq=False)
class AlarmJudge:
    """What is known of C columns of K chains, and of their volumes, to judge a window of each by; it knows no state.

    Attributes:
        signals: how the columns are read.
        layer: what is usual of the columns.
        volume_layer: what is usual of the volumes.
        totals: [C] events that the column's reference knows.
        volume_totals: [K] events that the reference knows.
        tells_volume: whether volumes are judged at all.
    """

    rules: Rules
    size: Size
    baseline: Baseline
    signals: Signals
    layer: AlarmLayer
    volume_layer: AlarmLayer
    totals: Counts
    volume_totals: Counts
    tells_volume: bool

    @property
    def alike(self) -> tuple[object, ...]:
        """What must be the same of those that judge `beside` each other, which are under the same rules."""
        return self.layer.alike, self.volume_layer.alike, self.tells_volume

    @property
    def reach(self) -> int:
        """How many windows a judgement looks back on, the newest included; no more than it must while layers learn."""
        learning = not self.layer.memories and not self.volume_layer.memories
        return self.baseline.nearest if learning else self.baseline.reach

    @classmethod
    def beside(
        cls,
        parts: "Sequence[AlarmJudge]",
        windows: Sequence[Summary],
        signals: Signals | None = None,
    ) -> "AlarmJudge":
        """Judge the windows of several chains at once, each as its own would; none: only the volumes.

        `signals` are theirs beside each other, if these are known already.
        """
        first = parts[0]
        if signals is None:
            signals = first.signals
            if windows:
                signals = Signals.beside([part.signals for part in parts], windows)
        return cls(
            first.rules, first.size, first.baseline,
            signals,
            AlarmLayer.beside([part.layer for part in parts]),
            AlarmLayer.beside([part.volume_layer for part in parts]),
            np.concatenate([part.totals for part in parts]),
            np.concatenate([part.volume_totals for part in parts]),
            first.tells_volume,
        )  # fmt: skip

    def judge(
        self, recent: Past, volume: Past, window: Summary | None, start: int, share: float
    ) -> list[Said]:
        """Judge the newest window; of the columns nothing is said where `window` is None.

        Args:
            recent: of the columns, `reach` windows, the newest last.
            volume: of the volumes, likewise.
            window: the newest one.
            start: when it began.
            share: the false alarms that each monitor may raise by such a window.
        """
        said: list[Said] = []
        share = cautious(share)
        if window is not None:
            alphas = np.array([share * test.share for test in COLUMN_TESTS])
            seen = self.columns_seen(recent, start)
            judged = self.layer.judge(seen.x, seen.worth, start, alphas, seen.base[..., -1])
            newest = recent.readings.windows(np.array([-1]))  # a copy, as verdicts are kept
            said += self._columns(judged, newest, window, seen.worth[..., -1] > 0, alphas)
        if self.tells_volume:
            alphas = np.array([share * VOLUME_TEST.share])
            seen = self.volumes_seen(volume)
            told = self.volume_layer.judge(seen.x, seen.worth, start, alphas, seen.base[..., -1])
            newest = volume.readings.windows(np.array([-1]))
            said.append(self._volume(told[0], newest, alphas[0], seen.worth[0, :, -1] > 0))
        return said

    def columns_seen(self, recent: Past, start: int) -> Compared:
        """Give what is looked back on of the columns, of which the newest window began at a time."""
        seen = self._seen(recent, columns_worth(self.signals, recent))
        seen.worth[..., -1] *= self.layer.covers(start)
        return seen

    def volumes_seen(self, volume: Past) -> Compared:
        """Give what is looked back on of the volumes."""
        return self._seen(volume, volumes_worth(volume))

    def _columns(
        self, judged: list[Judged], newest: Readings, window: Summary, comparable: Flags, alphas: Floats
    ) -> list[Said]:  # fmt: skip
        """Give the verdicts of all tests."""
        off = self.rules.off | frozenset(self.rules.fixed)
        places = np.arange(len(self.signals.used))
        said = []
        for s, told in enumerate(judged):
            if told.test.name not in off:
                score, bound, usual = self._score(told, newest, window)
                verdicts = self._verdicts(
                    told, score, bound, alphas[s], self.layer, comparable[s], EVENTS_MIN, usual
                )
                said.append(Said(places, verdicts, self.signals.used > LEAST_BINS[s]))
        return said

    def _score(
        self, told: Judged, newest: Readings, window: Summary
    ) -> tuple[Score, Callable[[], Floats], Floats]:
        """Say in terms that people know what was found of columns, from where on that alarms, and what is usual."""
        test, n, m = told.test.name, newest.valid[:, 0], self.signals.known
        effect = np.abs(told.size)
        if test == "shape":
            effect = self.signals.misfit(newest)[:, 0]

        def bound() -> Floats:
            return told.needed if told.test.up else np.copysign(told.needed, told.size)

        if test != "missing":
            return Score(test, told.size, effect, n, m), bound, told.usual
        events = newest.events[:, 0]

        def bound_of_share() -> Floats:
            step = bound()
            reached = share_at(told.usual + np.where(np.isfinite(step), step, 0.0), events)
            return np.where(np.isfinite(step), reached, inf)

        share = self.signals.missing(window) / np.maximum(events, 1)
        score = Score(test, share, effect, events, self.totals)
        return score, bound_of_share, share_at(told.usual, events)

    def _volume(self, told: Judged, newest: Readings, alpha: float, comparable: Flags) -> Said:
        usual = np.minimum(told.usual, LOGARITHM_MAX)

        def bound() -> Floats:
            step = np.copysign(told.needed, told.size)
            reached = np.expm1(np.minimum(usual + step, LOGARITHM_MAX))
            return np.where(np.isfinite(told.needed), reached, inf)

        n, m = newest.events[:, -1] - VOLUME_SLACK, self.volume_totals
        seen = newest.valid[:, -1] - np.rint(weight_of(newest)).astype(np.int64)
        score = Score("volume", seen.astype(np.float64), np.abs(told.size), n, m)
        verdicts = self._verdicts(
            told, score, bound, alpha, self.volume_layer, comparable, 0, np.expm1(usual)
        )
        return Said(np.full(len(n), -1), verdicts, np.full(len(n), True))

    def _verdicts(
        self, told: Judged, score: Score, bound: Callable[[], Floats], alpha: float, layer: AlarmLayer,
        comparable: Flags, events_min: int, usual: Floats,
    ) -> Verdicts:  # fmt: skip
        """Complete the verdicts of a test, of which nothing is said where there is a reason for it."""
        floor = floor_of(self.rules, told.test)
        some = layer.judged & (score.n >= events_min) & comparable
        alarm = some & (told.chance < alpha) & (score.effect >= floor)

        def why() -> Why:
            notes = [
                _reason(layer, c)
                or (f"too few events: {k} of {events_min}" if k < events_min else "" if there else ALONE)
                for c, (k, there) in enumerate(zip(score.n.tolist(), comparable.tolist(), strict=True))
            ]  # fmt: skip
            return Why(bound(), np.where(some, told.chance, nan), notes)

        away = np.where(some, np.where(alarm, told.size, told.away), 0.0)
        lag = np.where(alarm, told.lag, 0)
        return score.later(alarm, why, lag, away, np.where(some, usual, nan))

    def _seen(self, recent: Past, worth: Floats) -> Compared:
        """Give what is looked back on, without the windows of incidents that are over: their ends are no news.

        An incident is over for who was in control in the window before the newest.
        """
        seen = self.baseline.recent(recent.readings.x, worth, recent.calm)
        looked_at = (recent.calm | ~recent.calm[:, -2:-1])[:, -seen.x.shape[2] :]
        return seen._replace(worth=seen.worth * looked_at)


def columns_worth(signals: Signals, past: Past) -> Floats:
    """[S, C, T] the worth of the columns' signals, 0 in excluded times."""
    return signals.worth(past.readings) * past.told


def columns_tell(past: Past) -> Floats:
    """[S, C, T] 1 where the worth of any signal is more than 0: all that is asked of columns that cannot be ready."""
    return np.broadcast_to(tells(past.readings) * past.told, past.readings.x.shape)


def volumes_worth(past: Past) -> Floats:
    """[1, K, T] the worth of the volumes, 0 in excluded times."""
    return volume_worth(past.readings) * past.told


def floor_of(rules: Rules, test: Test) -> float:
    """Tell the smallest effect of a test that is worth telling."""
    return rules.floors.get(test.name, test.floor)


def _reason(layer: AlarmLayer, c: int) -> str:
    """Say why a column is not judged; empty where it is."""
    step = layer.unsteady.get(c)
    unwatched = f"unwatched: {told_step(step)}" if step is not None and step.refused else ""
    return layer.reason(c) or unwatched
