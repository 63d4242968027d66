"""The alarm layer of one size of windows of one chain: its history, its fits, and what it says of a window."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

import numpy as np

from detectors.alarms.homogeneity import Unsteady
from detectors.alarms.layer import AlarmLayer, Size
from detectors.alarms.signals import COLUMN_TESTS, VOLUME_TEST, Readings, Test, read_volume
from detectors.alarms.steps import POWER
from detectors.alarms.tail import cautious
from detectors.arrays import Counts, Floats
from detectors.summaries.summary import Summary
from stream.evaluate.judging.alarm_judge import (
    VOLUME_SLACK,
    AlarmJudge,
    columns_tell,
    columns_worth,
    floor_of,
    volumes_worth,
)
from stream.evaluate.judging.baseline import Baseline
from stream.evaluate.judging.findings import Said
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.shelf import Shelf
from stream.evaluate.judging.signals import learn_signals
from stream.evaluate.judging.standing import CONSTANT, NO_VALUES, OFF, Standing
from stream.evaluate.judging.track import Find, Past, Track, recent_of
from stream.evaluate.judging.unsteady import told_step
from stream.evaluate.judging.volume import Arrivals, arrivals_of
from stream.reference.history import History
from stream.reference.reference import Reference
from stream.words import Kind

__all__ = ["Alarms", "Heard"]

DAY_MS = 86_400_000
MONDAY_MS = 4 * DAY_MS


class Alarms:
    """Follows the windows of one size of one chain. `take` a window, then `judge` it, then say what was not `calm`.

    The layer is fitted to the reference's own windows; with those in control since then it is fitted anew at the first
    window of every week, or of another `Rules.refit_ms`, and before it can judge at every window. `refitted`: what was
    learned is not stored yet. `saved` is what `payload` gave of one like it, `find` reads stored blocks of its history.
    Cost: see `AlarmLayer`.
    """

    def __init__(
        self, reference: Reference, which: int, rules: Rules, saved: Any = None, find: Find | None = None
    ) -> None:  # fmt: skip
        self.reference = reference
        self.rules = rules
        window = reference.windows[which]
        self.size = Size(window.size_ms, window.every_ms, rules.windows_min)
        self.baseline = Baseline(
            rules.compare, rules.history_ms, window.every_ms, rules.windows_min
        )
        self.names: list[str | None] = [column.name for column in reference.columns]
        self._history = reference.histories[which]
        own = self._history.held()
        usual = np.array([not self._excluded(at) for at in own.starts.tolist()], np.bool_)
        self.signals, readings = learn_signals(reference, own, usual)
        shelf = self._shelf_of(readings, own)
        self.track = Track(shelf, window.every_ms, self._excluded, which, find)
        self.fitted_ms = reference.end_ms
        self.refitted = True
        self._window: Summary | None = None
        if saved is None:
            self.layer, self.volume_layer = self._fit(shelf)
        else:
            self._restore(saved)
        self._let_go()

    # -- moving ------------------------------------------------------------------------------------------------------

    @property
    def weight(self) -> float:
        """How many events one stood for in the window taken last."""
        return self.track.weight if self.track.taken else 1.0

    def take(self, start_ms: int, summary: Summary | None, arrivals: Arrivals) -> bool:
        """Take in a whole window that began at a time; summary None: nothing can be said of its columns.

        Tells whether the layer was fitted anew.
        """
        return self.enter(start_ms, summary, arrivals, self.signals.read(summary))

    def enter(
        self, start_ms: int, summary: Summary | None, arrivals: Arrivals, read: Readings
    ) -> bool:
        """Take in a window like `take`, of which the `signals` have been read."""
        anew = self._is_due(start_ms)
        if anew:
            former = self.layer, self.volume_layer
            self.layer, self.volume_layer = self._fit(self._own())
            self.layer.keep(former[0])
            self.volume_layer.keep(former[1])
            self.fitted_ms, self.refitted = start_ms, True
            self._let_go()
        self._window = summary
        self.track.append(start_ms, read, _volume_of([arrivals]))
        return anew

    def judge(self, share: float) -> list[Said]:
        """Judge the window taken last, given the false alarms that each monitor may raise by such a window."""
        return self.heard().judge(share)

    def heard(self) -> "Heard":
        """Give the window taken last with all that it is judged by, whatever is taken after it."""
        return Heard(self.judging, self.track.view(), self._window)

    def done(self) -> None:
        """Know that nobody asks what is heard of the window taken last any more; who was given it has what it needs."""
        self._window = None

    @property
    def judging(self) -> AlarmJudge:
        """What judges windows, of what is learned so far."""
        n = self.reference.total.n
        return AlarmJudge(
            self.rules, self.size, self.baseline, self.signals, self.layer, self.volume_layer,
            np.full(len(self.signals.used), n), np.array([n]), self._tells_volume,
        )  # fmt: skip

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
        found: dict[str, list[float]] = {}
        if self.layer.memories:  # else nothing is found by any
            found = {t.name: self._detectable(self.layer, s, t, share).tolist() for s, t in tests}
        for c, column in enumerate(self.reference.columns):
            steps = {name: float(f"{x[c]:.3g}") for name, x in found.items() if isfinite(x[c])}
            if self.signals.used[c] < 2:
                reason = CONSTANT if self.signals.used[c] else NO_VALUES
                yield Standing(column.name, "unwatched", reason, steps)
            elif not tests:
                yield Standing(column.name, "unwatched", OFF)
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
        if test.up or not layer.memories:
            return np.full(len(layer.windows), inf)
        found = layer.detectable(s, cautious(share) * test.share, DAY_MS)
        windows = max(1, DAY_MS // 2 // self.size.every_ms)
        short = POWER / np.sqrt(np.maximum(layer.usual[s] * windows, 1.0))
        return np.asarray(np.maximum(found, floor_of(self.rules, test) + short))

    def unsteady(self) -> Iterator[tuple[str | None, Unsteady]]:
        """Give the columns whose history is not homogeneous, then the volume, if it is told."""
        for c, step in sorted(self.layer.unsteady.items()):
            yield self.names[c], step
        if self._tells_volume:
            yield from ((None, step) for step in self.volume_layer.unsteady.values())

    # -- history -----------------------------------------------------------------------------------------------------

    @property
    def _tells_volume(self) -> bool:
        """Whether the volume is judged: of errors it is not, as they are as many as the labels."""
        off = self.rules.off | frozenset(self.rules.fixed)
        return self.reference.kind is not Kind.ERRORS and "volume" not in off

    def _is_due(self, start_ms: int) -> bool:
        if not self.track.taken:
            return False
        return self._is_learning or self._period(start_ms) > self._period(self.fitted_ms)

    def _period(self, time_ms: int) -> int:
        """Number the times between fits, as if one had begun on the first Monday after the epoch."""
        return (time_ms - MONDAY_MS) // self.rules.refit_ms

    @property
    def _is_learning(self) -> bool:
        return not (self.layer.memories and self.volume_layer.memories)

    def history(self) -> tuple[Past, Past, Counts]:
        """Give all windows, the reference's own and those since: columns, volume, when they began."""
        return self.track.history(self._own())

    def _own(self) -> Shelf:
        """Give the reference's own windows; read anew, as they take no room from one fit to the next."""
        if self.track.own is not None:
            return self.track.own
        own = self._history.held()
        return self._shelf_of(self.signals.read_all(own.summaries), own)

    def _let_go(self) -> None:
        """Hold no more windows than are looked back on, unless the layer is fitted with every window."""
        if not self._is_learning:
            self.track.let_go(self.baseline.reach)

    def _shelf_of(self, readings: Readings, own: History) -> Shelf:
        starts, summaries = own.starts, own.summaries
        told = np.array([not self._excluded(at) for at in starts.tolist()], np.bool_)
        return Shelf.of(readings, _volume_of(arrivals_of(summaries)), starts, told)

    def _fit(self, own: Shelf) -> tuple[AlarmLayer, AlarmLayer]:
        columns, volume, starts = self.track.history(own)
        long = self.size.suffices(len(starts), self.size.span_ms(starts))
        worth = columns_worth(self.signals, columns) if long else columns_tell(columns)
        of_columns = self._fit_layer(COLUMN_TESTS, columns, worth, starts)
        return of_columns, self._fit_layer((VOLUME_TEST,), volume, volumes_worth(volume), starts)

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

    def _excluded(self, start_ms: int) -> bool:
        """Whether a window is in an excluded time."""
        return bool(self.rules.calendar.excluded(start_ms, start_ms + self.size.size_ms))

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


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A window that was taken: what judges it, the windows up to it, and what it holds.

    Any thread may ask, at any time, and gets the same answer. Cost: nothing but references until then.
    """

    judging: AlarmJudge
    track: Track
    window: Summary | None

    def judge(self, share: float) -> list[Said]:
        """Judge it; see `Alarms.judge`."""
        recent, volume = recent_of([self.track], self.judging.reach)
        return self.judging.judge(recent, volume, self.window, self.track.newest_ms, share)


def _watched(column: str | None, step: Unsteady | None, steps: dict[str, float]) -> Standing:
    """Tell how a column stands whose history is long enough."""
    if step is None:
        return Standing(column, "watching", "", steps)
    return Standing(column, "unwatched" if step.refused else "watching", told_step(step), steps)


def _volume_of(told: Sequence[Arrivals]) -> Readings:
    """Read the volumes of windows; of one of which nothing was kept, what one event more would have stood for."""
    more = [a.seen + round(a.weight) - VOLUME_SLACK for a in told]
    return read_volume(np.array(more, np.int64), np.array([a.worth for a in told], np.int64))
