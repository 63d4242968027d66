"""Judged together is judged alone, to the byte: alerts and state, whoever else is there."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import msgspec
import numpy as np
import pytest

from detectors.alarms.layer import AlarmLayer
from detectors.alarms.signals import COLUMN_TESTS
from detectors.summaries.column import Column, learn_column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from sinks.event import structured
from stream.config import Alarms
from stream.evaluate.chains import together
from stream.evaluate.chains.case import Case
from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.alarm_judge import columns_worth
from stream.evaluate.judging.alarms import Alarms as AlarmsOf
from stream.evaluate.judging.findings import Findings
from stream.evaluate.judging.side_by_side import behind
from stream.evaluate.judging.signals import Signals
from stream.evaluate.judging.track import recent_of
from stream.evaluate.model import Model, ModelRules
from stream.evaluate.panes.gather import Merged
from stream.evaluate.telling.report import Told, window_result
from stream.ingest.pane import Binned
from stream.reference.book import Book
from stream.reference.history import History
from stream.reference.reference import ALWAYS, Reference, WindowSize
from stream.run.fleet.rules import model_rules
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series
from tests.evaluate.hours import MONDAY, WEEK
from tests.events import HOUR, PLAN, configuration

TOLD = Told(0, 0)
CONFIG = msgspec.structs.replace(
    configuration(), pane_ms=HOUR, alarms=Alarms(budget_per_week=1.0, monitors=20)
)
RULES = model_rules(CONFIG)
SIZES = (WindowSize(HOUR, HOUR), WindowSize(3 * HOUR, HOUR))
HOURS = 26
LEARNED = (WEEK, WEEK, 5, WEEK + 40, WEEK, 60, 400, WEEK)
"""Windows that each series' reference knows: some are learning, and one shows more of its season."""
FEW = (4, 7)
"""Series that have too few events to be judged in two hours of three; two such hours together have enough."""


def learned(name: str, values: Sequence[object]) -> Column:
    """Learn a column of some values."""
    column = learn_column(name, values, 20, 50)
    assert column is not None
    return column


@cache
def columns(series: int) -> tuple[Column, ...]:
    """Give the columns of a series, of which no two have the same bins; some have two, some three."""
    rng = np.random.default_rng(series)
    number = learned("x", rng.normal(size=60 + 200 * (series % 3)).tolist())
    word = learned("word", [f"w{i % (3 + series)}" for i in range(90)])
    two = learned("two", [0.0, 1.0] * 9)
    return (number, word, two)[: 2 + series % 2]


def hour(series: int, at: int, *, shift: float = 0.0, lost: bool = False) -> Summary:
    """Make an hour of a series; shift concerns x, all of whose values may be lost."""
    rng = np.random.default_rng((series, at + 1000))
    events = 20 if series in FEW and at % 3 else 90
    values: dict[str, list[object]] = {
        "x": [None] * events if lost else rng.normal(shift, 1, events).tolist(),
        "word": [f"w{i}" for i in rng.integers(0, 3 + series, events).tolist()],
        "two": rng.integers(0, 2, events).astype(float).tolist(),
    }
    return Summary.of(Layout(columns(series)), values)


@cache
def reference(series: int) -> Reference:
    """Make the reference of a series."""
    own = tuple(hour(series, -i) for i in range(LEARNED[series], 0, -1))
    total = Summary.empty(Layout(columns(series)))
    for window in own:
        total.merge(window)
    starts = MONDAY - HOUR * np.arange(len(own), 0, -1, dtype=np.int64)
    history = History(starts, own)
    return Reference(
        Series("m", "1", (("shop", f"s{series}"),)), Kind.FEATURES, 1, "test", ALWAYS, HOUR, SIZES,
        int(starts[0]), MONDAY, columns(series), total, (history, history),
    )  # fmt: skip


def window(series: int, at: int) -> Summary | None:
    """Give what a series brings: some drift, one is silent for a while."""
    if series == 1 and at in range(9, 14):
        return None
    lost, moves = series == 3 and at in (7, 8), series in (0, 6) and at >= 15
    return hour(series, at, shift=1.5 * moves, lost=lost)


class Run:
    """A model that takes the hours of all series; what it tells and writes, hour by hour."""

    def __init__(self, rules: ModelRules) -> None:
        book = Book([reference(series) for series in range(len(LEARNED))])
        self.model = Model("m", rules, book, lambda of: of, lambda _: PLAN)
        self.model.bases[Kind.FEATURES] = MONDAY // HOUR
        self.told: list[bytes] = []
        self.fields: list[dict[bytes, bytes]] = []
        for at in range(HOURS):
            parts: dict[Series, list[Binned | Raw]] = {
                reference(series).series: [Binned(reference(series).digest, summary)]
                for series in range(len(LEARNED))
                if (summary := window(series, at)) is not None
            }
            number = MONDAY // HOUR + at
            pane = Merged(number, parts, {("t", 0): (at, at)})
            events = self.model.advance(Kind.FEATURES, [pane], number + 1, TOLD)
            self.told += [structured(event) for event in events]
            self.fields.append(self.model.fields())
            self.model.settled()


@cache
def side_by_side(rules: Callable[[], ModelRules], most: int) -> Run:
    """Judge windows of so many columns at most together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "COLUMNS_MAX", most)
        return Run(rules())


def alone(rules: Callable[[], ModelRules]) -> Run:
    """Judge every window for itself."""
    return side_by_side(rules, 1)


def plain() -> ModelRules:
    """Judge as by default."""
    return RULES


def weekly() -> ModelRules:
    """Compare with the week before, and hold some scores against fixed thresholds."""
    judging = replace(RULES.judging, compare="last_week", fixed={"missing": 0.3, "psi": 0.2})
    return replace(RULES, judging=judging)


def daily() -> ModelRules:
    """Learn anew every day."""
    return replace(RULES, judging=replace(RULES.judging, refit_ms=24 * HOUR))


@pytest.mark.parametrize("rules", [plain, weekly, daily], ids=lambda rules: str(rules.__name__))
@pytest.mark.parametrize("most", [6, together.COLUMNS_MAX])
def test_judged_together_is_judged_alone(rules: Callable[[], ModelRules], most: int) -> None:
    """The same alerts and the same bytes to store after every hour, by twos and threes or all at once."""
    run, one = side_by_side(rules, most), alone(rules)
    assert one.told
    assert run.told == one.told
    assert run.fields == one.fields


def test_only_who_has_a_story_or_nobody_beside_it_is_judged_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is quiet is found to be so by one call, in which even those take part that have few events or none."""
    alone_again: set[str] = set()
    heard = Chain.hear

    def hear(chain: Chain, case: Case) -> Findings:
        if case.closed.whole and not chain.incidents and not chain.cooling:
            alone_again.add(chain.series.segment[0][1])
        return heard(chain, case)

    monkeypatch.setattr(Chain, "hear", hear)
    assert Run(plain()).told
    assert alone_again <= {"s1"}


def test_what_was_found_quiet_tells_as_much_when_asked_later() -> None:
    """Status asks for every verdict of the last window: the same as of one that was judged alone."""
    run, one = side_by_side(plain, together.COLUMNS_MAX), alone(plain)
    assert any(callable(of.findings._said) for of in run.model.latest.values())
    for key, judged in run.model.latest.items():
        assert window_result(judged) == window_result(one.model.latest[key])


def test_who_asks_in_the_middle_of_a_step_is_told_of_the_window_that_was_told_last() -> None:
    """Status is asked on another thread while the next windows are judged; what it shows is of one window."""
    run, one = Run(plain()), alone(plain)
    chains = [chain for chain in run.model.chains.values() if isinstance(chain, Chain)]
    for chain in chains:
        series = int(chain.series.segment[0][1][1:])
        chain.take(MONDAY + HOURS * HOUR, hour(series, HOURS, shift=0.2), {})
    together.judge_ahead(chains, lambda _: MONDAY + (HOURS + 1) * HOUR)
    assert sum(bool(chain.ahead) for chain in chains) > 1
    for key, judged in run.model.latest.items():
        assert window_result(judged) == window_result(one.model.latest[key])


def seats(run: Run) -> list[list[AlarmsOf]]:
    """Give the alarm layers of a run's short windows, those together that judge beside each other."""
    groups: dict[object, list[AlarmsOf]] = {}
    for chain in run.model.chains.values():
        assert isinstance(chain, Chain)
        alarms = chain._alarms[0]
        assert alarms is not None
        groups.setdefault(alarms.judging.alike, []).append(alarms)
    return list(groups.values())


def test_layers_beside_each_other_answer_as_each_alone() -> None:
    """Every number, not only what alarms: chances, sizes, bounds, onsets, what is usual."""
    several = [group for group in seats(alone(plain)) if len(group) > 1]
    assert any(group[0].layer.memories for group in several)
    alphas = np.full(len(COLUMN_TESTS), 1e-4)
    for group in several:
        pasts = [recent_of([alarms.track], alarms.baseline.reach)[0] for alarms in group]
        worths = [columns_worth(of.signals, past) for of, past in zip(group, pasts, strict=True)]
        x = np.concatenate([past.readings.x for past in pasts], axis=1)
        start = group[0].track.newest_ms
        one = AlarmLayer.beside([alarms.layer for alarms in group])
        together_ = one.judge(x, np.concatenate(worths, axis=1), start, alphas)
        each = [
            alarms.layer.judge(past.readings.x, worth, start, alphas)
            for alarms, past, worth in zip(group, pasts, worths, strict=True)
        ]
        for s, told in enumerate(together_):
            for name in ("chance", "size", "needed", "lag", "usual", "away"):
                parts = np.concatenate([getattr(of[s], name) for of in each])
                assert np.array_equal(getattr(told, name), parts), (told.test.name, name)
        covered = np.concatenate([alarms.layer.covers(start) for alarms in group])
        assert np.array_equal(one.covers(start), covered)


def test_signals_and_tracks_beside_each_other_are_those_of_each_alone() -> None:
    """What is read of windows, what it is worth, and what is looked back on."""
    for group in seats(alone(plain)):
        windows = [hour(at, at) for at, _ in enumerate(LEARNED)]
        windows = [
            next(w for w in windows if len(w.counts) == alarms.reference.layout.size)
            for alarms in group
        ]
        one = Signals.beside([alarms.signals for alarms in group], windows)
        wide = behind(windows)
        read = one.read(wide)
        each = [a.signals.read(window) for a, window in zip(group, windows, strict=True)]
        assert np.array_equal(read.x, np.concatenate([of.x for of in each], axis=1))
        effects = [a.signals.misfit(of) for a, of in zip(group, each, strict=True)]
        assert np.array_equal(one.misfit(read), np.concatenate(effects))
        missing = [a.signals.missing(window) for a, window in zip(group, windows, strict=True)]
        assert np.array_equal(one.missing(wide), np.concatenate(missing))
        reach = group[0].baseline.reach
        many = recent_of([alarms.track for alarms in group], reach)
        alone_ = [recent_of([alarms.track], reach) for alarms in group]
        for i, past in enumerate(many):
            parts = [of[i] for of in alone_]
            x = np.concatenate([part.readings.x for part in parts], axis=1)
            assert np.array_equal(past.readings.x, x)
            assert np.array_equal(past.calm, np.concatenate([part.calm for part in parts]))
            told = [np.broadcast_to(part.told, part.calm.shape) for part in parts]
            assert np.array_equal(past.told, np.concatenate(told))
        worth = np.concatenate(
            [columns_worth(a.signals, of[0]) for a, of in zip(group, alone_, strict=True)], axis=1
        )
        assert np.array_equal(columns_worth(one, many[0]), worth)
