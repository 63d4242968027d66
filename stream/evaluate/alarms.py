"""The alarm layer of one size of windows of one chain: its history, its fits, and what it says of a window."""

from collections.abc import Iterator, Mapping
from math import copysign, inf
from typing import Any

import numpy as np

from detectors import Verdict
from detectors.alarms.homogeneity import Unsteady
from detectors.alarms.layer import AlarmLayer, Judged, Size
from detectors.alarms.signals import (
    COLUMN_TESTS,
    VOLUME_TEST,
    Readings,
    Scheme,
    Test,
    read_volume,
    volume_worth,
)
from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.counting import cells
from detectors.comparisons.rates import share_at
from detectors.comparisons.wander import EVENTS_MIN
from detectors.summaries.summary import Summary
from stream.evaluate.baseline import Baseline, Compared
from stream.evaluate.finding import Finding
from stream.evaluate.rules import Rules
from stream.evaluate.side_by_side import side_by_side
from stream.evaluate.standing import Standing
from stream.evaluate.track import Past, Row, Track
from stream.evaluate.unsteady import told_step
from stream.reference.reference import Reference
from stream.words import Kind

__all__ = ["Alarms"]

DAY_MS, WEEK_MS = 86_400_000, 7 * 86_400_000
LEAST_BINS = (1, 2, 3, 0)
"""A column of so many bins in use, or fewer, tells nothing to a test."""
ALONE = "too few events: none a week before"
"""The note where `last_week` has nothing to compare with."""
VOLUME_SLACK = 1
"""`Readings.events` of a volume are one more than the events, so that an empty window is no gap."""


class Alarms:
    """Follows the windows of one size of one chain. `take` a window, then `judge` it, then say what was not `calm`.

    The layer is fitted to the reference's own windows; with those in control since then it is fitted anew at the first
    window of every week (from Monday, UTC), and before it can judge at every window. `saved` is what `payload` gave of
    one like it. Cost: see `AlarmLayer`.
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
        self._batches: list[tuple[Scheme, list[int]]] = []
        parts: list[Readings] = []
        for columns in side_by_side(reference.columns, len(own)):
            history = cells(reference.layout, columns, own.summaries)
            whole = cells(reference.layout, columns, [reference.total])
            scheme = Scheme(whole, history if usual.all() else history.select(usual))
            self._batches.append((scheme, columns))
            parts.append(scheme.read(history))
        self._rates = np.zeros((len(COLUMN_TESTS), len(self.names)), np.bool_)
        self.used = np.zeros(len(self.names), np.int64)
        for scheme, columns in self._batches:
            self._rates[:, columns], self.used[columns] = scheme.rates, scheme.used
        read = self._beside(parts, len(own))
        volume = read_volume(np.array([s.n for s in own.summaries], np.int64))
        self.track = Track((read, volume), own.starts, window.every_ms, self._excluded)
        self.fitted_ms = reference.end_ms
        self._window: Summary | None = None
        if saved is None:
            self.layer, self.volume_layer = self._fit()
        else:
            self._restore(saved)
        self._reasons = self._all_reasons()
        layout, total = reference.layout, reference.total
        self._known = [int(total.counts[layout.bins_of(c)].sum()) for c in range(len(self.names))]

    # -- moving ------------------------------------------------------------------------------------------------------

    def take(self, start_ms: int, summary: Summary | None, events: int) -> bool:
        """Take in a whole window that began at a time; summary None: nothing can be said of its columns.

        Tells whether the layer was fitted anew.
        """
        anew = self._is_due(start_ms)
        if anew:
            former = self.layer, self.volume_layer
            self.layer, self.volume_layer = self._fit()
            self.layer.keep(former[0])
            self.volume_layer.keep(former[1])
            self._reasons = self._all_reasons()
            self.fitted_ms = start_ms
        self._window = summary
        parts = []
        if summary is not None:
            layout = self.reference.layout
            parts = [scheme.read(cells(layout, of, [summary])) for scheme, of in self._batches]
        read, calm = self._beside(parts, 1), np.full(len(self.names), True)
        self.track.append(Row(start_ms, read, read_volume(np.array([events])), calm, True))
        return anew

    def judge(self, share: float) -> list[Finding]:
        """Judge the window taken last, given the false alarms that each monitor may raise by such a window."""
        recent, volume = self.track.recent(self.baseline.reach)
        start = self.track.rows[-1].start_ms
        found: list[Finding] = []
        if self._window is not None:
            alphas = np.array([share * test.share for test in COLUMN_TESTS])
            seen = self._seen(recent, self._worth(recent))
            judged = self.layer.judge(seen.x, seen.worth, start, alphas, seen.base[..., -1])
            found += self._columns(judged, recent.readings, seen.worth[..., -1] > 0, alphas)
        if self._tells_volume:
            alphas = np.array([share * VOLUME_TEST.share])
            seen = self._seen(volume, _volume_worth(volume))
            told = self.volume_layer.judge(seen.x, seen.worth, start, alphas, seen.base[..., -1])
            alone = "" if seen.worth[0, 0, -1] > 0 else ALONE
            events = int(volume.readings.events[0, -1])
            found.append(self._volume(told[0], events, alphas[0], alone))
        return found

    def calm(self, loud: Mapping[str | None, int]) -> None:
        """Say which columns are not in control, and since how many windows, so that these do not enter the history.

        0 is the window taken last alone. A fit between the onset and its discovery has seen the windows between.
        """
        newest, furthest = self.track.rows[-1].start_ms, max(loud.values(), default=-1)
        lags = np.array([loud.get(name, -1) for name in self.names], np.int64)
        for row in reversed(self.track.rows):
            ago = (newest - row.start_ms) // self.size.every_ms
            if ago > furthest:
                break
            row.calm = row.calm & (lags < ago)
            row.calm_volume = row.calm_volume and loud.get(None, -1) < ago

    # -- what it says ------------------------------------------------------------------------------------------------

    def standing(self, share: float) -> Iterator[Standing]:
        """Tell how each column stands, then the volume, and what it would find within a day."""
        tests = [
            (s, test) for s, test in enumerate(COLUMN_TESTS) if test.name not in self.rules.off
        ]
        found = {t.name: self.layer.detectable(s, share * t.share, DAY_MS) for s, t in tests}
        for c, column in enumerate(self.reference.columns):
            steps = {name: float(f"{x[c]:.3g}") for name, x in found.items() if np.isfinite(x[c])}
            if self.used[c] < 2:
                many = (
                    "constant in the reference: only missing, invalid and unknown values are told"
                )
                reason = many if self.used[c] else "no value of it is in the reference"
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
            step = self.volume_layer.detectable(0, share * VOLUME_TEST.share, DAY_MS)[0]
            steps = {"volume": float(f"{step:.3g}")} if np.isfinite(step) else {}
            if reason:
                yield Standing(None, "learning", reason)
            else:
                yield _watched(None, self.volume_layer.unsteady.get(0), steps)

    def unsteady(self) -> Iterator[tuple[str | None, Unsteady]]:
        """Give the columns whose history is not homogeneous, then the volume, if it is told."""
        for c, step in sorted(self.layer.unsteady.items()):
            yield self.names[c], step
        if self._tells_volume:
            yield from ((None, step) for step in self.volume_layer.unsteady.values())

    def _columns(
        self, judged: list[Judged], recent: Readings, comparable: Flags, alphas: Floats
    ) -> list[Finding]:
        """Give the verdicts of all tests: of the first column, then of the second..."""
        valid, events = recent.valid[:, -1], recent.events[:, -1]
        off = self.rules.off | frozenset(self.rules.fixed)
        tests = [s for s in range(len(judged)) if judged[s].test.name not in off]
        found: list[list[Finding]] = [[] for _ in self.names]
        for s in tests:
            told, name = judged[s], judged[s].test.name
            n = events if name == "missing" else valid
            statistic, bound = told.size, np.copysign(told.needed, told.size)
            known = self._known
            effect = self._misfit() if name == "shape" else np.abs(told.size)
            if name == "missing":
                statistic, known = (
                    self._missing() / np.maximum(n, 1),
                    [self.reference.total.n] * len(n),
                )
                reached = share_at(told.usual + np.where(np.isfinite(bound), bound, 0.0), n)
                bound = np.where(np.isfinite(bound), reached, inf)
            notes = [
                note or (f"too few events: {k} of {EVENTS_MIN}" if k < EVENTS_MIN else "" if some else ALONE)
                for note, k, some in zip(self._reasons, n.tolist(), comparable[s], strict=True)
            ]  # fmt: skip
            for c in np.flatnonzero(self.used > LEAST_BINS[s]).tolist():
                found[c].append(Finding(self.names[c], self._verdict(
                    told, c, float(statistic[c]), float(bound[c]), float(effect[c]), int(n[c]),
                    known[c], alphas[s], notes[c],
                )))  # fmt: skip
        return [finding for of_column in found for finding in of_column]

    def _volume(self, told: Judged, events: int, alpha: float, alone: str) -> Finding:
        size, needed = float(told.size[0]), float(told.needed[0])
        bound = needed
        if np.isfinite(needed):
            bound = float(np.expm1(min(float(told.usual[0]) + copysign(needed, size), 700.0)))
        n, m = events - VOLUME_SLACK, self.reference.total.n
        note = _reason(self.volume_layer, 0) or alone
        return Finding(None, self._verdict(told, 0, float(n), bound, abs(size), n, m, alpha, note))

    def _verdict(
        self, told: Judged, c: int, statistic: float, bound: float, effect: float, n: int, m: int, alpha: float,
        note: str,
    ) -> Verdict:  # fmt: skip
        test, p = told.test, None if note else float(told.chance[c])
        floor = self.rules.floors.get(test.name, test.floor)
        alarm = p is not None and p < alpha and effect >= floor
        lag = int(told.lag[c]) if alarm else 0
        away = 0.0 if note else float(told.size[c] if alarm else told.away[c])
        return Verdict(test.name, statistic, bound, p, effect, alarm, n, m, None, note, lag, away)

    # -- history -----------------------------------------------------------------------------------------------------

    @property
    def _tells_volume(self) -> bool:
        """Whether the volume is judged: of errors it is not, as they are as many as the labels."""
        off = self.rules.off | frozenset(self.rules.fixed)
        return self.reference.kind is not Kind.ERRORS and "volume" not in off

    def _is_due(self, start_ms: int) -> bool:
        if not self.track.rows:
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
        rates = self._rates if tests is COLUMN_TESTS else None
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

    def _all_reasons(self) -> list[str]:
        """Say of each column why it is not judged."""
        return [_reason(self.layer, c) for c in range(len(self.names))]

    def _worth(self, past: Past) -> Floats:
        """[S, C, T] the worth of the columns' signals, 0 in excluded times."""
        readings = past.readings
        worth = np.zeros_like(readings.x)
        for scheme, columns in self._batches:
            of = Readings(readings.x[:, columns], readings.valid[columns], readings.events[columns])
            worth[:, columns] = scheme.worth(of) * past.told
        return worth

    def _beside(self, parts: list[Readings], windows: int) -> Readings:
        """Put the batches' columns into their places."""
        if not parts:
            return Readings.empty(len(COLUMN_TESTS), len(self.names), windows)
        at = [np.array(columns, np.int64) for _, columns in self._batches]
        return Readings.beside(parts, at)

    def _misfit(self) -> Floats:
        """[C] the effect of `shape` in the window taken last."""
        effect = np.zeros(len(self.names))
        if self._window is not None:
            for scheme, columns in self._batches:
                window = cells(self.reference.layout, columns, [self._window])
                effect[columns] = scheme.misfit(window)[:, 0]
        return effect

    def _missing(self) -> Counts:
        """[C] values missing in the window taken last."""
        layout, window = self.reference.layout, self._window
        slots = np.array([layout.tail_of(c) for c in range(len(self.names))], np.int64)
        return np.zeros(len(slots), np.int64) if window is None else window.counts[slots]

    # -- state -------------------------------------------------------------------------------------------------------

    def payload(self) -> list[object]:
        """Give the state as numbers and arrays."""
        layers = [self.layer.payload(), self.volume_layer.payload()]
        return [self.fitted_ms, layers, self.track.payload()]

    def _restore(self, payload: Any) -> None:
        self.fitted_ms, (columns, volume), track = payload
        self.layer = AlarmLayer.restore(COLUMN_TESTS, self.size, self._rates, columns)
        self.volume_layer = AlarmLayer.restore((VOLUME_TEST,), self.size, None, volume)
        self.track.restore(track)


def _watched(column: str | None, step: Unsteady | None, steps: dict[str, float]) -> Standing:
    """Tell how a column stands whose history is long enough."""
    if step is None:
        return Standing(column, "watching", "", steps)
    return Standing(column, "unwatched" if step.refused else "watching", told_step(step), steps)


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
