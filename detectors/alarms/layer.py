"""The alarm layer of some columns at one size of window: what is usual, and what is worth telling."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from detectors.alarms.homogeneity import Step, Unsteady, largest_steps
from detectors.alarms.memory import REACH, Memory, fit_memory
from detectors.alarms.season import season, terms
from detectors.alarms.signals import Test
from detectors.alarms.steps import Steps, detectable, newest_steps
from detectors.alarms.tail import Tail, fit_tail, tail_chance
from detectors.arrays import Counts, Flags, Floats
from detectors.comparisons.rates import binomial_tail, share_at

__all__ = ["AlarmLayer", "Judged", "Size"]

DAY_MS, WEEK_MS = 86_400_000, 7 * 86_400_000
HOURS, SEEN = 24, 3
"""Hours of the day; so many windows about one of them say what is usual then."""
PLENTY = 672
"""Windows that are a history even if they last less than a week: as many as four weeks of hours."""

QUIET = 0.5
"""Normal score below which a window's step is not measured by its surprise."""
RARE = 0.05
"""The chance of a rate below which it is held against the events themselves. No test may take as much."""


@dataclass(frozen=True, slots=True)
class Size:
    """A size of windows: how long, and how often one ends; and how many of them are a history."""

    size_ms: int
    every_ms: int
    windows_min: int

    def span_ms(self, starts: Counts) -> int:
        """Tell how long windows last that begin then, from the first to the end of the last; a gap counts a day."""
        steps = np.minimum(np.diff(starts), max(DAY_MS, self.every_ms))
        return int(steps.sum()) + self.size_ms if len(starts) else 0

    def suffices(self, windows: Counts | int, span_ms: int) -> Flags | bool:
        """Tell whether so many windows are a history, if they last so long: then a column is `ready`."""
        return (windows >= self.windows_min) & ((span_ms >= WEEK_MS) | (windows >= PLENTY))


@dataclass(frozen=True, eq=False)
class Judged:
    """The answers of one test about C columns of one window.

    Attributes:
        chance: [C] of so surprising a window in control; 1 where nothing can be said.
        size: [C] estimated step, in units of the signal; it began `lag` windows ago.
        needed: [C] the size from which this very window would alarm; inf where none.
        lag: [C].
        usual: [C] what the season makes of the newest window.
        away: [C] how far the newest window itself lies from that.
    """

    test: Test
    chance: Floats
    size: Floats
    needed: Floats
    lag: Counts
    usual: Floats
    away: Floats


class AlarmLayer:
    """What S tests know of C columns, fitted to windows in control.

    Args:
        tests: S of them.
        x: [S, C, T] the signals of T windows in control (`Readings.x`).
        worth: [S, C, T] one over their sampling variance, 0 where they tell nothing.
        starts: [T] begins of the windows in ms, ascending.
        size: of the windows.
        rates: [S, C] which signals are arcsine rates; None: none is.

    Attributes:
        ready: [C] which columns have history enough to be judged; `reason` says what another lacks.
        unsteady: by column, where the history is not homogeneous; those refused are not judged either.
        windows: [C] windows learned from.
        span_ms: from the first of them to the end of the last; a gap counts a day at most.

    Cost: about 1.5 ms a signal of 672 windows to fit, nothing while no column is ready; 7 us to judge.
    """

    def __init__(
        self, tests: tuple[Test, ...], x: Floats, worth: Floats, starts: Counts, size: Size,
        rates: Flags | None = None,
    ) -> None:  # fmt: skip
        S, C, _ = x.shape
        self.tests = tests
        self.size = size
        self.rates = np.zeros((S, C), np.bool_) if rates is None else rates
        self.windows: Counts = np.count_nonzero(worth.any(axis=0), axis=1)
        self.span_ms = size.span_ms(starts)
        self.usual = np.zeros((S, C))
        """[S, C] worth of a usual window."""
        self.memories: list[Memory] = []
        self.tails: list[Tail] = []
        self.unsteady: dict[int, Unsteady] = {}
        """By column, where its history is not homogeneous."""
        of_hour = (
            worth.any(axis=0).astype(np.int64) @ np.eye(HOURS, dtype=np.int64)[self._hour(starts)]
        )
        self.hours: NDArray[np.int8] = np.minimum(of_hour, SEEN).astype(np.int8)
        """[C, 24] windows of each hour of the day that were learned from, `SEEN` at most."""
        if self.ready.any():
            self._fit(x, worth, starts)

    @cached_property
    def ready(self) -> Flags:
        """[C] which columns have a history that is long enough."""
        return np.asarray(self.size.suffices(self.windows, self.span_ms))

    def covers(self, start_ms: int) -> Flags:
        """[C] of which columns the history knows windows about that hour of the day: else a season is a guess."""
        harmonics, _ = terms(self.size.size_ms, self.span_ms)
        if not harmonics:
            return np.full(len(self.windows), True)
        step = max(1, self.size.size_ms * HOURS // DAY_MS)
        hour = (start_ms + self.size.size_ms // 2) % DAY_MS * HOURS // DAY_MS
        about = sorted({(hour + by) % HOURS for by in (-step, 0, step)})
        return np.asarray(self.hours[:, about].sum(axis=1) >= SEEN)

    def _hour(self, starts: Counts | int) -> Counts:
        return np.asarray((starts + self.size.size_ms // 2) % DAY_MS * HOURS // DAY_MS, np.int64)

    def _fit(self, x: Floats, worth: Floats, starts: Counts) -> None:
        every = self.size.every_ms
        # Beyond what is looked back on, a gap tells nothing more by being longer.
        gaps = np.minimum(np.diff(starts) // every, REACH)
        at = np.concatenate([np.zeros(1, np.int64), np.cumsum(gaps)])
        filled = int(at[-1]) + 1
        even = np.zeros((2, *x.shape[:2], filled))
        even[0][..., at], even[1][..., at] = x, worth
        places = np.arange(filled, dtype=np.int64)
        last = np.searchsorted(at, places, side="right") - 1
        times = starts[last] + every * (places - at[last])
        X = season(times, self.size.size_ms, self.span_ms)
        surprises = []
        for s, test in enumerate(self.tests):
            least = np.full(x.shape[1], test.least)
            memory, surprise = fit_memory(even[0, s], even[1, s], X, least)
            self.memories.append(memory)
            surprises.append(surprise)
            if not test.up:
                week = WEEK_MS // every
                steps = largest_steps(memory, even[0, s], even[1, s], X, surprise, week)
                self._note_steps(test, steps, times)
        judged = self.judged
        for s, surprise in enumerate(surprises):
            self.tails.append(fit_tail(surprise[judged], len(surprise), judged))
            told = np.where(worth[s] > 0, worth[s], np.nan)
            some = (worth[s] > 0).any(axis=1)
            self.usual[s, some] = np.nanmedian(told[some], axis=1)

    def _note_steps(self, test: Test, steps: list[Step | None], times: Counts) -> None:
        """Keep of each column the worst step that is worth telling."""
        for c, step in enumerate(steps):
            if step is None or abs(step.size) < test.floor or not self.ready[c]:
                continue
            worth = abs(step.size) / test.floor
            found = Unsteady(test.name, step.size, int(times[step.at]), step.refused, worth)
            self.unsteady[c] = max(self.unsteady.get(c, found), found, key=Unsteady.badness)

    @cached_property
    def judged(self) -> Flags:
        """[C] which columns are judged: their history is long enough and homogeneous enough."""
        judged = self.ready.copy()
        judged[[c for c, step in self.unsteady.items() if step.refused]] = False
        return judged

    def judge(
        self, x: Floats, worth: Floats, last_ms: int, alphas: Floats, base: Floats | None = None
    ) -> list[Judged]:
        """Judge the newest window.

        Args:
            x: [S, C, N] up to `REACH` windows without gaps in time, the newest last.
            worth: [S, C, N] as for the fit.
            last_ms: when the newest one began.
            alphas: [S] the chance of a false alarm that each test may take, > 0.
            base: [S, C] what the newest window's signals are measured from; None: from 0.
        """
        S, C, N = x.shape
        if not self.memories:
            nothing = np.zeros(C)
            rest = (nothing, np.full(C, inf), nothing.astype(np.int64), nothing, nothing)
            return [Judged(test, np.ones(C), *rest) for test in self.tests]
        memory, share, slope = self._together
        X = _season_before(last_ms, N, self.size, self.span_ms)
        x_of, worth_of = (np.ascontiguousarray(part).reshape(S * C, N) for part in (x, worth))
        steps = newest_steps(memory, x_of, worth_of, X)
        chance = tail_chance(steps.surprise, share, slope)
        at = self._binomial_rows
        if len(at):
            of_usual = np.maximum(self.usual.ravel(), 1.0)
            chance[at] = np.maximum(chance[at], _binomial(steps, at, of_usual[at], self.windows))
            at = at[chance[at] < RARE]
            if base is not None:  # a difference from another week's is no rate
                at = at[base.ravel()[at] == 0]
            counted = _counted(x_of[at], worth_of[at], steps.lag[at])
            tails = _binomial(steps, at, of_usual[at], self.windows, counted)
            chance[at] = np.maximum(chance[at], tails)
        sizes, errors, usual, lags = (
            found.reshape(S, C) for found in (steps.size, steps.error, steps.usual, steps.lag)
        )
        chance = chance.reshape(S, C)
        for s, test in enumerate(self.tests):
            if test.up:
                chance[s] = np.where(sizes[s] > 0, chance[s], 1.0)
        # On the scale of normal scores a step's size goes with its surprise; of a window that surprises nobody
        # neither tells anything of the other, and the size's standard error must do.
        scores = -ndtri(np.maximum(chance, 1e-300) / 2)
        unit = np.where(scores < QUIET, errors, np.abs(sizes) / np.maximum(scores, QUIET))
        told = self.judged & (worth[..., -1] > 0)
        chance, sizes = np.where(told, chance, 1.0), np.where(told, sizes, 0.0)
        needed = np.where(told, unit * -ndtri(alphas / 2)[:, None], inf)
        away = np.where(told, x[..., -1] - usual, 0.0)
        usual = usual if base is None else usual + base
        parts = zip(self.tests, chance, sizes, needed, lags, usual, away, strict=True)
        return [Judged(*of_test) for of_test in parts]

    @classmethod
    def beside(cls, parts: "Sequence[AlarmLayer]") -> "AlarmLayer":
        """Make a layer that judges the columns of several, one after the other, each as its own would.

        They are of the same tests and size, `alike` in their seasons. It serves to judge, and to ask what `covers`.
        Cost: a copy of what they have learned.
        """
        made, first = cls.__new__(cls), parts[0]
        made.tests, made.size, made.span_ms = first.tests, first.size, first.span_ms
        made.memories, made.tails = first.memories, first.tails
        for name in ("windows", "hours", "judged"):
            setattr(made, name, np.concatenate([getattr(part, name) for part in parts]))
        for name in ("rates", "usual"):
            setattr(made, name, np.concatenate([getattr(part, name) for part in parts], axis=1))
        if first.memories:
            own = [
                (part.memories[s], part.tails[s]) for s in range(len(made.tests)) for part in parts
            ]
            shares = np.repeat(
                [tail.share for _, tail in own], [len(tail.slope) for _, tail in own]
            )
            slopes = np.concatenate([tail.slope for _, tail in own])
            vars(made)["_together"] = Memory.join([memory for memory, _ in own]), shares, slopes
        return made

    @property
    def alike(self) -> tuple[object, ...]:
        """What must be the same of layers that judge `beside` each other."""
        return bool(self.memories), terms(self.size.size_ms, self.span_ms), self.size

    @cached_property
    def _together(self) -> tuple[Memory, Floats, Floats]:
        """The memory of all S * C signals, test by test, of which `memories` are views; shares and slopes of tails."""
        memory = Memory.join(self.memories)
        columns = len(self.windows)
        self.memories = [
            memory.part(slice(s * columns, (s + 1) * columns)) for s in range(len(self.tests))
        ]
        share = np.repeat([tail.share for tail in self.tails], columns)
        return memory, share, np.concatenate([tail.slope for tail in self.tails])

    @cached_property
    def _binomial_rows(self) -> Counts:
        """Places among all S * C signals of those whose tails are the binomial's."""
        return np.flatnonzero(self.rates)

    def _forget(self) -> None:
        """Let go of what was derived from what has changed."""
        for name in ("ready", "judged", "_together"):
            self.__dict__.pop(name, None)

    def detectable(self, s: int, alpha: float, within_ms: int) -> Floats:
        """[C] the smallest step of test s that is found with 90 % power in that time; inf: none."""
        found = np.full(len(self.windows), inf)
        if self.memories:
            within = max(1, within_ms // self.size.every_ms)
            needed = self.tails[s].needed(alpha)
            found = detectable(self.memories[s], self.usual[s], needed, within)
        return np.where(self.judged, found, inf)

    def keep(self, former: "AlarmLayer") -> None:
        """Let columns stand by what they had learned before where this history has less than half as many windows.

        So a column that was in an incident for so long that its history is gone is judged on as before, and not by what
        little has come since. Where the season has other terms now, such a column is learned anew.
        """
        if not former.memories or not self.windows.size:
            return
        poorer = former.ready & (2 * self.windows < former.windows)
        if not poorer.any():
            return
        if not self.memories:
            self.memories, self.tails, self.usual = former.memories, former.tails, former.usual
            self.span_ms = former.span_ms
        elif self.memories[0].season.shape != former.memories[0].season.shape:
            return
        else:
            for s, old in enumerate(former.memories):
                self.memories[s] = self.memories[s].replaced(poorer, old)
                slope = np.where(poorer, former.tails[s].slope, self.tails[s].slope)
                self.tails[s] = Tail(self.tails[s].share, slope)
            self.usual = np.where(poorer, former.usual, self.usual)
        self.windows = np.where(poorer, former.windows, self.windows)
        self.hours = np.where(poorer[:, None], former.hours, self.hours)
        for c in np.flatnonzero(poorer).tolist():
            self.unsteady.pop(c, None)
            if c in former.unsteady:
                self.unsteady[c] = former.unsteady[c]
        self._forget()

    def reason(self, c: int) -> str:
        """Say how far the learning of column c is; empty once it is done."""
        if self.ready[c]:
            return ""
        if self.windows[c] < self.size.windows_min:
            return f"learning: {self.windows[c]} of {self.size.windows_min} windows"
        hour = 3_600_000
        return f"learning: {self.span_ms // hour} of {WEEK_MS // hour} hours"

    def payload(self) -> list[object]:
        """Give what was learned, as arrays and numbers."""
        tails = [[tail.share, tail.slope] for tail in self.tails]
        memories = [memory.payload() for memory in self.memories]
        unsteady = [[c, *step] for c, step in sorted(self.unsteady.items())]
        hours = self.hours.astype(np.int64)
        return [self.windows, self.span_ms, self.usual, memories, tails, unsteady, hours]

    @classmethod
    def restore(
        cls, tests: tuple[Test, ...], size: Size, rates: Flags | None, payload: Any
    ) -> "AlarmLayer":
        """Make one of what `payload` gave."""
        windows, span_ms, usual, memories, tails, unsteady, hours = payload
        nothing = np.zeros((len(tests), len(windows), 0))
        layer = cls(tests, nothing, nothing, np.zeros(0, np.int64), size, rates)
        layer.windows, layer.span_ms, layer.usual = windows, span_ms, usual
        layer.hours = hours.astype(np.int8)
        layer.memories = [Memory.restore(fields) for fields in memories]
        layer.tails = [Tail(share, slope) for share, slope in tails]
        layer.unsteady = {c: Unsteady(*step) for c, *step in unsteady}
        layer._forget()  # it was told of no windows
        return layer


@lru_cache(maxsize=64)
def _season_before(last_ms: int, windows: int, size: Size, span_ms: int) -> Floats:
    """Give the regressors of so many windows up to one; they are the same for all columns and series."""
    times = last_ms - size.every_ms * np.arange(windows - 1, -1, -1, dtype=np.int64)
    return season(times, size.size_ms, span_ms)


def _binomial(
    steps: Steps, at: Counts, worth: Floats, windows: Counts, now: Floats | None = None
) -> Floats:
    """Give the binomial's chance of rates as far from the usual ones, on as many events as they are worth.

    `at` are their places among all signals, which are those of the same columns test by test; `worth` is that of usual
    windows. `now` are the shares themselves; None: those at the step's end.
    """
    size, usual = steps.size[at], steps.usual[at]
    events = 1 / np.maximum(steps.error[at], 1e-9) ** 2
    least = 0.5 / (worth * windows[at % len(windows)] + 1)
    stepped = share_at(usual + size, worth) if now is None else now
    usual = share_at(usual, worth)
    tails = binomial_tail(stepped, events, np.clip(usual, least, 1 - least), size < 0)
    return np.minimum(1.0, 2 * tails)


def _counted(x: Floats, worth: Floats, lags: Counts) -> Floats:
    """Give the share [R] of all events since a step began, from arcsine rates [R, N] and their worth.

    The arcsine rate of few of few events is larger than that of as rare ones of many, and would add up to a step where
    windows have become small; the events themselves would not.
    """
    N = x.shape[1]
    since = np.arange(N) >= N - 1 - lags[:, None]
    n = np.where(since, np.maximum(worth - 3 / 4, 0.0), 0.0)
    k = n * np.minimum(share_at(x, n), 1.0)
    return np.asarray(k.sum(axis=1) / np.maximum(n.sum(axis=1), 1.0))
