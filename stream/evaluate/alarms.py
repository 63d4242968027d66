"""The alarm layer of one size of windows of one chain: its history, its fits, and what it says of a window."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf, nan
from typing import Any

import numpy as np

from detectors import Verdicts
from detectors.alarms.homogeneity import Unsteady
from detectors.alarms.layer import AlarmLayer, Judged, Size
from detectors.alarms.signals import (
    COLUMN_TESTS,
    VOLUME_TEST,
    Readings,
    Test,
    read_volume,
    volume_worth,
    weight_of,
)
from detectors.alarms.steps import POWER
from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.rates import share_at
from detectors.comparisons.verdict import Score, Why
from detectors.comparisons.wander import EVENTS_MIN
from detectors.summaries.summary import Summary
from stream.evaluate.baseline import Baseline, Compared
from stream.evaluate.findings import Said
from stream.evaluate.rules import Rules
from stream.evaluate.signals import learn_signals
from stream.evaluate.standing import Standing
from stream.evaluate.track import Past, Track
from stream.evaluate.unsteady import told_step
from stream.evaluate.volume import Arrivals, arrivals_of
from stream.reference.reference import Reference
from stream.words import Kind

__all__ = ["Alarms"]

DAY_MS, WEEK_MS = 86_400_000, 7 * 86_400_000
LEAST_BINS = (1, 2, 3, 0)
"""A column of so many bins in use, or fewer, tells nothing to a test."""
ALONE = "too few events: now, at this hour in the history, or to compare with"
"""The note where nothing is known of what is usual."""
LOGARITHM_MAX = 700.0
VOLUME_SLACK = 1
"""`Readings.events` of a volume are one more than the events, so that an empty window is no gap."""


class Alarms:
    """Follows the windows of one size of one chain. `take` a window, then `judge` it, then say what was not `calm`.

    The layer is fitted to the reference's own windows; with those in control since then it is fitted anew at the first
    window of every week (from Monday, UTC), and before it can judge at every window. `refitted`: what was
    learned is not stored yet. `saved` is what `payload` gave of one like it. Cost: see `AlarmLayer`.
    """

    def __init__(self, reference: Reference, which: int, rules: Rules, saved: Any = None) -> None:
        self.reference = reference
        self.rules = rules
        window = reference.windows[which]
        self.size = Size(window.size_ms, window.every_ms, rules.windows_min)
        self.baseline = Baseline(
            rules.compare, rules.history_ms, window.every_ms, rules.windows_min
        )
        self.names: list[str | None] = [column.name for column in reference.columns]
        own = reference.histories[which]
        usual = np.array([not self._excluded(at) for at in own.starts.tolist()], np.bool_)
        self.signals, readings = learn_signals(reference, which, usual)
        volume = _volume_of(arrivals_of(own.summaries))
        self.track = Track((readings, volume), own.starts, window.every_ms, self._excluded)
        self.fitted_ms = reference.end_ms
        self.refitted = True
        self._window: Summary | None = None
        if saved is None:
            self.layer, self.volume_layer = self._fit()
        else:
            self._restore(saved)

    # -- moving ------------------------------------------------------------------------------------------------------

    @property
    def weight(self) -> float:
        """How many events one stood for in the window taken last."""
        return self.track.weight if self.track.taken else 1.0

    def take(self, start_ms: int, summary: Summary | None, arrivals: Arrivals) -> bool:
        """Take in a whole window that began at a time; summary None: nothing can be said of its columns.

        Tells whether the layer was fitted anew.
        """
        anew = self._is_due(start_ms)
        if anew:
            former = self.layer, self.volume_layer
            self.layer, self.volume_layer = self._fit()
            self.layer.keep(former[0])
            self.volume_layer.keep(former[1])
            self.fitted_ms, self.refitted = start_ms, True
        self._window = summary
        self.track.append(start_ms, self.signals.read(summary), _volume_of([arrivals]))
        return anew

    def judge(self, share: float) -> list[Said]:
        """Judge the window taken last, given the false alarms that each monitor may raise by such a window."""
        recent, volume = self.track.recent(self.baseline.reach)
        start = self.track.newest_ms
        said: list[Said] = []
        if self._window is not None:
            alphas = np.array([share * test.share for test in COLUMN_TESTS])
            seen = self._seen(recent, self._worth(recent))
            seen.worth[..., -1] *= self.layer.covers(start)
            judged = self.layer.judge(seen.x, seen.worth, start, alphas, seen.base[..., -1])
            newest = recent.readings.windows(np.array([-1]))  # a copy, as verdicts are kept
            said += self._columns(judged, newest, seen.worth[..., -1] > 0, alphas)
        if self._tells_volume:
            alphas = np.array([share * VOLUME_TEST.share])
            seen = self._seen(volume, _volume_worth(volume))
            told = self.volume_layer.judge(seen.x, seen.worth, start, alphas, seen.base[..., -1])
            newest = volume.readings.windows(np.array([-1]))
            said.append(self._volume(told[0], newest, alphas[0], seen.worth[0, :, -1] > 0))
        return said

    def calm(self, loud: Mapping[str | None, int]) -> None:
        """Say which columns are not in control, and since how many windows, so that these do not enter the history.

        0 is the window taken last alone. A fit between the onset and its discovery has seen the windows between.
        """
        if loud:
            ago = [loud.get(name, -1) for name in (*self.names, None)]
            self.track.disturb(np.array(ago, np.int64))

    # -- what it says ------------------------------------------------------------------------------------------------

    def standing(self, share: float) -> Iterator[Standing]:
        """Tell how each column stands, then the volume, and what effect it would find within a day."""
        off = self.rules.off | frozenset(self.rules.fixed)
        tests = [(s, test) for s, test in enumerate(COLUMN_TESTS) if test.name not in off]
        found = {t.name: self._detectable(self.layer, s, t, share) for s, t in tests}
        for c, column in enumerate(self.reference.columns):
            steps = {name: float(f"{x[c]:.3g}") for name, x in found.items() if np.isfinite(x[c])}
            if self.signals.used[c] < 2:
                many = (
                    "constant in the reference: only missing, invalid and unknown values are told"
                )
                reason = many if self.signals.used[c] else "no value of it is in the reference"
                yield Standing(column.name, "unwatched", reason, steps)
            elif not found:
                yield Standing(
                    column.name, "unwatched", "all its calibrated detectors are switched off"
                )
            elif not self.layer.ready[c]:
                reason = self.layer.reason(c).removeprefix("learning: ")
                yield Standing(column.name, "learning", reason)
            else:
                yield _watched(column.name, self.layer.unsteady.get(c), steps)
        if self._tells_volume:
            reason = self.volume_layer.reason(0).removeprefix("learning: ")
            step = self._detectable(self.volume_layer, 0, VOLUME_TEST, share)[0]
            steps = {"volume": float(f"{step:.3g}")} if np.isfinite(step) else {}
            if reason:
                yield Standing(None, "learning", reason)
            else:
                yield _watched(None, self.volume_layer.unsteady.get(0), steps)

    def _detectable(self, layer: AlarmLayer, s: int, test: Test, share: float) -> Floats:
        """[C] the smallest effect that a test finds with 90 % power within a day; inf: none.

        It lies above the floor, by as much as the mean of half a day may fall short of it by sampling. Of `shape`
        nothing is told: its steps are of a cube root, its effect is a misfit, and no one factor lies between them.
        """
        if test.up:
            return np.full(len(layer.windows), inf)
        found = layer.detectable(s, share * test.share, DAY_MS)
        windows = max(1, DAY_MS // 2 // self.size.every_ms)
        short = POWER / np.sqrt(np.maximum(layer.usual[s] * windows, 1.0))
        return np.asarray(np.maximum(found, self._floor(test) + short))

    def _floor(self, test: Test) -> float:
        return self.rules.floors.get(test.name, test.floor)

    def unsteady(self) -> Iterator[tuple[str | None, Unsteady]]:
        """Give the columns whose history is not homogeneous, then the volume, if it is told."""
        for c, step in sorted(self.layer.unsteady.items()):
            yield self.names[c], step
        if self._tells_volume:
            yield from ((None, step) for step in self.volume_layer.unsteady.values())

    def _columns(
        self, judged: list[Judged], newest: Readings, comparable: Flags, alphas: Floats
    ) -> list[Said]:
        """Give the verdicts of all tests."""
        off = self.rules.off | frozenset(self.rules.fixed)
        places = np.arange(len(self.names))
        said = []
        for s, told in enumerate(judged):
            if told.test.name not in off:
                score, bound, usual = self._score(told, newest)
                verdicts = self._verdicts(
                    told, score, bound, alphas[s], self.layer, comparable[s], EVENTS_MIN, usual
                )
                said.append(Said(places, verdicts, self.signals.used > LEAST_BINS[s]))
        return said

    def _score(
        self, told: Judged, newest: Readings
    ) -> tuple[Score, Callable[[], Floats], Floats | None]:
        """Say in terms that people know what was found of columns, from where on that alarms, and what is usual."""
        test, n, m = told.test.name, newest.valid[:, 0], self.signals.known
        effect = np.abs(told.size)
        if test == "shape":
            effect = self.signals.misfit(newest)[:, 0]

        def bound() -> Floats:
            return told.needed if told.test.up else np.copysign(told.needed, told.size)

        if test != "missing" or self._window is None:
            return Score(test, told.size, effect, n, m), bound, None
        events, m = newest.events[:, 0], np.full(len(n), self.reference.total.n)

        def bound_of_share() -> Floats:
            step = bound()
            reached = share_at(told.usual + np.where(np.isfinite(step), step, 0.0), events)
            return np.where(np.isfinite(step), reached, inf)

        share = self.signals.missing(self._window) / np.maximum(events, 1)
        score = Score(test, share, effect, events, m)
        return score, bound_of_share, share_at(told.usual, events)

    def _volume(self, told: Judged, newest: Readings, alpha: float, comparable: Flags) -> Said:
        usual = np.minimum(told.usual, LOGARITHM_MAX)

        def bound() -> Floats:
            step = np.copysign(told.needed, told.size)
            reached = np.expm1(np.minimum(usual + step, LOGARITHM_MAX))
            return np.where(np.isfinite(told.needed), reached, inf)

        n, m = newest.events[:, -1] - VOLUME_SLACK, np.array([self.reference.total.n])
        seen = newest.valid[:, -1] - round(weight_of(newest))
        score = Score("volume", seen.astype(np.float64), np.abs(told.size), n, m)
        verdicts = self._verdicts(
            told, score, bound, alpha, self.volume_layer, comparable, 0, np.expm1(usual)
        )
        return Said(np.array([-1]), verdicts, np.array([True]))

    def _verdicts(
        self, told: Judged, score: Score, bound: Callable[[], Floats], alpha: float, layer: AlarmLayer,
        comparable: Flags, events_min: int, usual: Floats | None = None,
    ) -> Verdicts:  # fmt: skip
        """Complete the verdicts of a test, of which nothing is said where there is a reason for it."""
        floor = self._floor(told.test)
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
        if usual is not None:
            usual = np.where(some, usual, nan)
        return score.later(alarm, why, lag, away, usual)

    # -- history -----------------------------------------------------------------------------------------------------

    @property
    def _tells_volume(self) -> bool:
        """Whether the volume is judged: of errors it is not, as they are as many as the labels."""
        off = self.rules.off | frozenset(self.rules.fixed)
        return self.reference.kind is not Kind.ERRORS and "volume" not in off

    def _is_due(self, start_ms: int) -> bool:
        if not self.track.taken:
            return False
        learning = not (self.layer.memories and self.volume_layer.memories)
        return learning or _week(start_ms) > _week(self.fitted_ms)

    def _fit(self) -> tuple[AlarmLayer, AlarmLayer]:
        columns, volume, starts = self.track.history()
        of_columns = self._fit_layer(COLUMN_TESTS, columns, self._worth(columns), starts)
        return of_columns, self._fit_layer((VOLUME_TEST,), volume, _volume_worth(volume), starts)

    def _fit_layer(
        self, tests: tuple[Test, ...], past: Past, worth: Floats, starts: Counts
    ) -> AlarmLayer:
        """Fit a layer to the windows that it is to learn from, and to no time before the first of them."""
        compared = self.baseline.history(past.readings.x, worth, past.calm, starts)
        some = np.flatnonzero(compared.worth.any(axis=(0, 1)))
        since = slice(int(some[0]) if len(some) else len(starts), None)
        x, worth = compared.x[..., since], compared.worth[..., since]
        rates = self.signals.rates if tests is COLUMN_TESTS else None
        return AlarmLayer(tests, x, worth, starts[since], self.size, rates)

    def _seen(self, recent: Past, worth: Floats) -> Compared:
        """Give what is looked back on, without the windows of incidents that are over: their ends are no news.

        An incident is over for who was in control in the window before the newest.
        """
        seen = self.baseline.recent(recent.readings.x, worth, recent.calm)
        looked_at = (recent.calm | ~recent.calm[:, -2:-1])[:, -seen.x.shape[2] :]
        return seen._replace(worth=seen.worth * looked_at)

    def _excluded(self, start_ms: int) -> bool:
        """Whether a window is in an excluded time."""
        return bool(self.rules.calendar.excluded(start_ms, start_ms + self.size.size_ms))

    def _worth(self, past: Past) -> Floats:
        """[S, C, T] the worth of the columns' signals, 0 in excluded times."""
        return self.signals.worth(past.readings) * past.told

    # -- state -------------------------------------------------------------------------------------------------------

    def head(self) -> list[object]:
        """Give what changes with every window."""
        return [self.fitted_ms, self.track.taken]

    def fit(self) -> list[object]:
        """Give what was learned, as numbers and arrays."""
        return [self.layer.payload(), self.volume_layer.payload()]

    def payload(self) -> list[object]:
        """Give the state as numbers and arrays."""
        blocks = [self.track.block(place) for place in self.track.blocks()]
        return [*self.head(), [self.fit(), blocks]]

    def _restore(self, payload: Any) -> None:
        self.fitted_ms, taken, ((columns, volume), blocks) = payload
        self.layer = AlarmLayer.restore(COLUMN_TESTS, self.size, self.signals.rates, columns)
        self.volume_layer = AlarmLayer.restore((VOLUME_TEST,), self.size, None, volume)
        self.track.restore(taken, blocks)
        self.refitted = False


def _watched(column: str | None, step: Unsteady | None, steps: dict[str, float]) -> Standing:
    """Tell how a column stands whose history is long enough."""
    if step is None:
        return Standing(column, "watching", "", steps)
    return Standing(column, "unwatched" if step.refused else "watching", told_step(step), steps)


def _volume_of(told: Sequence[Arrivals]) -> Readings:
    """Read the volumes of windows; of one of which nothing was kept, what one event more would have stood for."""
    more = [a.seen + round(a.weight) - VOLUME_SLACK for a in told]
    return read_volume(np.array(more, np.int64), np.array([a.worth for a in told], np.int64))


def _volume_worth(past: Past) -> Floats:
    return volume_worth(past.readings) * past.told


def _reason(layer: AlarmLayer, c: int) -> str:
    """Say why a column is not judged; empty where it is."""
    step = layer.unsteady.get(c)
    unwatched = f"unwatched: {told_step(step)}" if step is not None and step.refused else ""
    return layer.reason(c) or unwatched


def _week(time_ms: int) -> int:
    """Number the weeks, which begin on Mondays."""
    return (time_ms - 4 * DAY_MS) // WEEK_MS
