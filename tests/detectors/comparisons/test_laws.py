"""What every comparison promises, whatever it compares."""

from dataclasses import fields, replace
from functools import cache
from math import isfinite, isnan

import numpy as np
import pytest
from hypothesis import given, settings

from detectors import COMPARISONS, Cells, Comparison, Location, Silence, Verdict, Volume
from detectors.comparisons.distances import DistanceComparison
from tests.detectors.comparisons.streams import (
    PLACES,
    any_cells,
    everywhere,
    flat_windows,
    moments,
    normal_shares,
    normal_windows,
    repeated_cells,
)

EVERY: tuple[type[Comparison], ...] = (*COMPARISONS, Location, Volume, Silence)
DISTANCES = tuple(kind for kind in EVERY if issubclass(kind, DistanceComparison))


def name_of(kind: type[Comparison]) -> str:
    return kind.name


every_kind = pytest.mark.parametrize("kind", EVERY, ids=name_of)
every_distance = pytest.mark.parametrize("kind", DISTANCES, ids=name_of)


def check_sane(kind: type[Comparison], reference: Cells, history: Cells, window: Cells) -> None:
    inside = np.full(len(history), False)
    for fixed in (None, 0.2):
        verdicts = kind(reference, history, inside, fixed=fixed).judge(window, 1e-3)
        assert len(verdicts) == window.shape[0]
        for verdict in verdicts:
            assert verdict.detector == kind.name
            assert isfinite(verdict.statistic)
            assert isfinite(verdict.effect)
            assert not isnan(verdict.threshold)
            assert verdict.p_value is None or 0 <= verdict.p_value <= 1
            if verdict.contributions is not None:
                assert float(verdict.contributions.sum()) == pytest.approx(
                    verdict.statistic, rel=1e-9, abs=1e-6
                )


# -- any counts --


@every_kind
@settings(max_examples=12)
@given(any_cells(windows=1), any_cells(), any_cells(windows=1))
def test_any_counts_get_a_finite_answer(
    kind: type[Comparison], reference: Cells, history: Cells, window: Cells
) -> None:
    check_sane(kind, reference, history, window)


@every_kind
@settings(max_examples=12)
@given(repeated_cells(), any_cells(windows=1))
def test_any_counts_get_a_finite_answer_after_a_history(
    kind: type[Comparison], history: Cells, window: Cells
) -> None:
    check_sane(kind, history.total(), history, window)


def windows_of(cells: Cells, windows: int) -> Cells:
    return Cells.concat([cells] * windows)


ODD = {
    "zero counts": flat_windows(1, [0, 0, 0, 0]),
    "all missing": flat_windows(1, [0, 0, 0, 0], missing=500),
    "all invalid": flat_windows(1, [0, 0, 0, 0], invalid=500),
    "one bin of many": flat_windows(1, [0, 500, 0, 0]),
    "outer bins only": flat_windows(1, [250, 0, 0, 250]),
    "one bin": flat_windows(1, [500]),
    "one category": flat_windows(1, [500, 0], discrete=True),
    "other only": flat_windows(1, [0, 500], discrete=True),
    "no categories seen": flat_windows(1, [0, 0, 0], discrete=True),
    "categories all missing": flat_windows(1, [0, 0, 0], discrete=True, missing=500),
    "usual": flat_windows(1, [3, 200, 290, 3], missing=4),
}


@every_kind
@pytest.mark.parametrize("usual", ODD)
def test_empty_constant_and_missing_columns_get_a_finite_answer(
    kind: type[Comparison], usual: str
) -> None:
    """Each as a history, and then each of the same bins as a window, with and without windows."""
    known = ODD[usual]
    for window in ODD.values():
        if (window.shape, window.discrete) == (known.shape, known.discrete):
            for windows in (0, 12):
                history = windows_of(known, windows) if windows else known.select(slice(0, 0))
                check_sane(kind, known, history, window)


@every_kind
def test_no_columns_get_no_verdicts(kind: type[Comparison]) -> None:
    none = normal_windows(0, 12).columns(slice(0, 0))
    assert list(kind(none.total(), none, everywhere(12)).judge(none.total(), 0.01)) == []
    assert kind.applies(none.total()).shape == (0,)


# -- many columns --


def same_bits(one: Verdict, other: Verdict) -> bool:
    mine, others = one.contributions, other.contributions
    parts = mine is others or (
        mine is not None and others is not None and mine.tolist() == others.tolist()
    )
    return one == other and parts


@cache
def unlike_columns(seed: int, windows: int) -> Cells:
    """Columns of one to 130 bins, numeric and discrete, from empty to huge, gone in some windows."""
    rng = np.random.default_rng(seed)
    columns = []
    for width in (4, 130, 3, 22, 9, 1, 52, 23, 2, 22, 8, 3):
        shares = rng.dirichlet(np.full(width, rng.choice([0.3, 5.0])))
        wobble = shares * np.exp(0.1 * rng.normal(size=(windows, width)))
        sizes = rng.poisson(rng.choice([0, 40, 3000, 10**7]), windows)
        gone = rng.random(windows) < 0.1
        bins = np.array([
            rng.multinomial(0 if out else n, p)
            for n, p, out in zip(sizes, wobble / wobble.sum(axis=1, keepdims=True), gone, strict=True)
        ])  # fmt: skip
        missing = rng.binomial(sizes, 0.02) + np.where(gone, sizes, 0)
        filled = bins.any(axis=1)
        columns.append(
            Cells.of(
                bins,
                missing=missing,
                invalid=rng.binomial(sizes, 0.001),
                lo=np.where(filled, -1.0, np.inf),
                hi=np.where(filled, np.where(rng.random(windows) < 0.05, -1.0, 4.0), -np.inf),
                discrete=bool(rng.random() < 0.4),
                **moments(bins),
            )
        )
    return Cells.stack(columns)


@every_kind
@pytest.mark.parametrize(("windows", "seed"), [(9, 0), (40, 1)])
def test_judging_columns_at_once_equals_judging_each_alone_to_the_last_bit(
    kind: type[Comparison], windows: int, seed: int
) -> None:
    """So the verdict on a column cannot depend on what else a series has."""
    cells = unlike_columns(seed, windows + 3)
    history = cells.select(slice(0, windows))
    reference = history.select(slice(0, windows - 2)).total()
    inside = np.arange(windows) < windows - 2
    at_once = kind(reference, history, inside)
    alone = [kind(reference.column(c), history.column(c), inside) for c in range(cells.shape[0])]
    applies = kind.applies(reference).tolist()
    assert applies == [bool(kind.applies(reference.column(c))[0]) for c in range(len(alone))]
    judged = 0
    for t in range(windows, windows + 3):
        window = cells.select(slice(t, t + 1))
        verdicts = at_once.judge(window, 1e-3)
        for c, (verdict, compare) in enumerate(zip(verdicts, alone, strict=True)):
            (own,) = compare.judge(window.column(c), 1e-3)
            assert same_bits(verdict, own), (c, verdict, own)
            judged += verdict.p_value is not None
    assert (judged > 0) == (windows > 9 and kind is not Silence)


@every_kind
def test_columns_may_stand_in_any_order(kind: type[Comparison]) -> None:
    cells = unlike_columns(2, 21)
    order = np.random.default_rng(0).permutation(cells.shape[0])

    def judged(columns: Cells) -> list[Verdict]:
        history = columns.select(slice(0, 20))
        compare = kind(history.total(), history, everywhere(20))
        return list(compare.judge(columns.select(slice(20, 21)), 1e-3))

    straight, mixed = judged(cells), judged(cells.columns(order))
    assert all(same_bits(straight[c], mixed[at]) for at, c in enumerate(order.tolist()))


# -- one column --


@every_kind
def test_a_window_like_all_others_never_alarms(kind: type[Comparison]) -> None:
    history = flat_windows(20, [0, 40, 60, 0], missing=3, invalid=2)
    compare = kind(history.total(), history, everywhere(20))
    assert not compare.judge(flat_windows(1, [0, 40, 60, 0], missing=3, invalid=2), 0.01)[0].alarm


@every_kind
def test_without_a_share_of_the_budget_nothing_can_alarm_and_the_threshold_says_so(
    kind: type[Comparison],
) -> None:
    """Upwards and downwards. Silence is told by a hard rule alone, which needs no budget."""
    history = flat_windows(20, [0, 400, 600, 0], missing=300, invalid=200)
    compare = kind(history.total(), history, everywhere(20))
    for missing in (200, 300, 400):
        window = flat_windows(1, [0, 390, 610, 0], missing=missing, invalid=200)
        verdict = compare.judge(window, 0.0)[0]
        assert not verdict.alarm
        assert verdict.threshold == (0.0 if kind.name == "silence" else np.inf)


@every_kind
def test_judging_leaves_no_trace(kind: type[Comparison]) -> None:
    cells = normal_windows(0, 32)
    compare = kind(cells.total(), cells, everywhere(32))
    window = normal_windows(1, 1, shift=2)
    first = list(compare.judge(window, 1e-3))
    compare.judge(normal_windows(2, 1), 1e-3)
    assert list(compare.judge(window, 1e-3)) == first


def frozen(cells: Cells) -> Cells:
    """The same cells, in arrays that nobody can write to."""
    arrays = {field.name: getattr(cells, field.name).copy() for field in fields(cells)}
    for array in arrays.values():
        array.flags.writeable = False
    return replace(cells, **arrays)


@every_kind
def test_what_is_given_is_never_changed(kind: type[Comparison]) -> None:
    """Arrays that cannot be written to give what writable ones give, and these stay as they were."""
    cells = unlike_columns(3, 20)
    window = cells.select(slice(0, 1))
    locked = frozen(cells), frozen(cells.total()), frozen(window)
    inside = everywhere(20)
    inside.flags.writeable = False
    expected = list(kind(cells.total(), cells, everywhere(20)).judge(window, 1e-3))
    assert list(kind(locked[1], locked[0], inside).judge(locked[2], 1e-3)) == expected
    for field in fields(cells):
        assert np.array_equal(getattr(cells, field.name), getattr(locked[0], field.name))


@every_kind
def test_with_nine_windows_it_learns_and_says_so(kind: type[Comparison]) -> None:
    history = normal_windows(0, 9)
    (verdict,) = kind(history.total(), history, everywhere(9)).judge(
        normal_windows(1, 1, shift=1), 0.01
    )
    assert (verdict.alarm, verdict.p_value) == (False, None)
    assert verdict.threshold == np.inf
    assert verdict.note == "learning: 9 of 10 windows"


@every_kind
def test_a_fixed_threshold_needs_no_history_and_claims_no_chance(kind: type[Comparison]) -> None:
    reference = normal_windows(0, 1)
    compare = kind(reference, reference.select(slice(0, 0)), everywhere(0), fixed=0.05)
    (verdict,) = compare.judge(normal_windows(1, 1, shift=1), 1e-3)
    assert (verdict.threshold, verdict.p_value) == (0.05, None)
    assert verdict.note == "fixed threshold: no false-alarm budget covers it"


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in EVERY
        if kind in DISTANCES or kind.name in {"location", "mean_shift", "variance_shift"}
    ],
    ids=name_of,
)
@pytest.mark.parametrize("floor", [0.0, 0.3])
def test_it_alarms_exactly_beyond_its_threshold(kind: type[Comparison], floor: float) -> None:
    """The threshold holds both the chance and the floor, on the scale of the statistic."""
    history = normal_windows(0, 60, wander=0.05)
    compare = kind(history.total(), history, everywhere(60), floor=floor)
    alarms = []
    for step in range(30):
        (verdict,) = compare.judge(normal_windows(step, 1, shift=step / 10), 1e-3)
        usual = 1.0 if kind.name == "variance_shift" else 0.0
        side = -1 if verdict.threshold < usual else 1  # the lower bound of a two-sided test
        assert verdict.alarm == (side * verdict.statistic > side * verdict.threshold)
        alarms.append(verdict.alarm)
    assert set(alarms) == {False, True}


@every_kind
def test_a_reference_window_is_not_compared_with_itself(kind: type[Comparison]) -> None:
    """Marked as outside, the same windows look closer to the reference than they are."""
    history = normal_windows(0, 12, events=200)
    within = kind(history.total(), history, everywhere(12), floor=0.0)
    beside = kind(history.total(), history, ~everywhere(12), floor=0.0)
    window = normal_windows(1, 1, events=200, shift=0.3)
    (inner,), (outer,) = within.judge(window, 1e-3), beside.judge(window, 1e-3)
    assert inner.statistic == outer.statistic
    if kind.name == "psi":
        assert inner.p_value is not None
        assert outer.p_value is not None
        assert inner.p_value > outer.p_value


@every_distance
def test_the_further_a_column_moves_the_larger_is_its_distance(kind: type[Comparison]) -> None:
    """Exact shares of a normal column, step by step away from the reference, in either direction."""
    history = normal_windows(0, 12, events=10_000)
    reference = Cells.of(np.rint(10**6 * normal_shares(np.zeros(1))))
    compare = kind(reference, history, ~everywhere(12))
    for way in (1, -1):
        bins = np.rint(10**6 * normal_shares(way * np.linspace(0, 4, 33))).astype(np.int64)
        windows = Cells.of(bins, lo=-9.0, hi=9.0, **moments(bins, PLACES))
        found = [
            compare.judge(windows.select(slice(t, t + 1)), 0.01)[0].statistic for t in range(33)
        ]
        assert found == sorted(found)
        assert found[-1] > found[0]


@every_distance
def test_the_more_of_a_category_is_exchanged_the_larger_is_the_distance(
    kind: type[Comparison],
) -> None:
    if not kind.applies(flat_windows(1, [600, 300, 100, 0], discrete=True))[0]:
        return
    history = flat_windows(12, [600, 300, 100, 0], discrete=True)
    compare = kind(history.total(), history, everywhere(12))
    found = [
        compare.judge(flat_windows(1, [600 - k, 300, 100 + k, 0], discrete=True), 0.01)[0].statistic
        for k in range(0, 601, 20)
    ]
    assert found == sorted(found)
    assert found[-1] > found[0]


@every_kind
@pytest.mark.parametrize("floor", [1e6, 1e200, float("inf")])
def test_a_floor_that_nothing_reaches_is_no_error(kind: type[Comparison], floor: float) -> None:
    """Warnings are errors here; a window without events comes along. Hard rules have floors of their own."""
    history = normal_windows(0, 20)
    compare = kind(history.total(), history, everywhere(20), floor=floor)
    empty = Cells.of(np.zeros((1, 22)), sums=0, squares=0)
    for window in (normal_windows(1, 1, shift=0.5), normal_windows(2, 1, shift=-0.5), empty):
        assert not compare.judge(window, 1e-3)[0].alarm
