"""Comparisons that run only when asked for: their p-values hold without drift, and drift is found."""

from functools import lru_cache

import numpy as np
import pytest
from scipy.stats import binom, norm

from detectors.arrays import Floats
from detectors.comparisons.cells import Cells
from detectors.comparisons.comparison import Comparison
from detectors.comparisons.cramer_von_mises import CramerVonMises
from detectors.comparisons.g import G
from detectors.comparisons.hellinger import Hellinger
from detectors.comparisons.jensen_shannon import JensenShannon
from detectors.comparisons.kullback_leibler import KullbackLeibler
from detectors.comparisons.mean_shift import MeanShift
from detectors.comparisons.total_variation import TotalVariation
from detectors.comparisons.variance_shift import VarianceShift
from detectors.comparisons.wasserstein import Wasserstein
from tests.detectors.comparisons.streams import everywhere

OF_SHARES: tuple[type[Comparison], ...] = (
    G,
    KullbackLeibler,
    JensenShannon,
    Hellinger,
    TotalVariation,
)
NUMERIC: tuple[type[Comparison], ...] = (
    *OF_SHARES,
    Wasserstein,
    CramerVonMises,
    MeanShift,
    VarianceShift,
)
every_numeric = pytest.mark.parametrize("kind", NUMERIC, ids=lambda kind: str(kind.name))
every_of_shares = pytest.mark.parametrize("kind", OF_SHARES, ids=lambda kind: str(kind.name))

COLUMNS, HISTORY = 700, 50
FINE = norm.ppf(np.arange(1, 60) / 60)  # three places in each of twenty bins
CATEGORIES = (0.4, 0.3, 0.2, 0.08)


@lru_cache(maxsize=8)
def numeric(events: int, shift: float = 0.0, columns: int = COLUMNS) -> Cells:
    """Independent normal columns of 22 bins with sums, 1 % missing; the last window is shifted."""
    rng = np.random.default_rng(events)
    parts = []
    for windows, mean in ((HISTORY, 0.0), (1, shift)):
        fine = np.diff(norm.cdf(FINE - mean), prepend=0, append=1)
        drawn = rng.multinomial(events, [*(0.99 * fine), 0.01], size=(columns, windows))
        values, missing = drawn[..., :-1], drawn[..., -1]
        bins = np.pad(
            values.reshape(columns, windows, 20, 3).sum(axis=-1), [(0, 0), (0, 0), (1, 1)]
        )
        place = np.rint(1000 * norm.ppf((np.arange(60) + 0.5) / 60)).astype(np.int64)
        parts.append(
            Cells.of(bins, missing, sums=values @ place, squares=values @ place**2, lo=-3, hi=3)
        )
    return Cells.concat(parts)


@lru_cache(maxsize=8)
def categories(events: int, moved: float = 0.0, columns: int = COLUMNS) -> Cells:
    """Independent columns of four categories, 2 % missing; in the last window some have moved."""
    rng = np.random.default_rng(events)
    parts = []
    for windows, away in ((HISTORY, 0.0), (1, moved)):
        shares = np.array([*CATEGORIES, 0.02])
        shares[[0, 3]] += [-away, away]
        drawn = rng.multinomial(events, shares, size=(columns, windows))
        bins = np.pad(drawn[..., :-1], [(0, 0), (0, 0), (0, 1)])
        parts.append(Cells.of(bins, drawn[..., -1], discrete=True))
    return Cells.concat(parts)


def p_values(kind: type[Comparison], cells: Cells) -> Floats:
    """Judge the last window by those before it."""
    history = cells.select(slice(0, HISTORY))
    compare = kind(history.total(), history, everywhere(HISTORY), floor=0.0)
    return compare.judge(cells.select(slice(HISTORY, None)), 1e-3).p_value


def check_rare(p: Floats) -> None:
    """One p-value a column, so they are independent: more would come about once in 10,000 runs."""
    for alpha in (0.05, 0.01):
        assert int(np.sum(p < alpha)) <= binom.isf(1e-4, len(p), alpha)


@every_numeric
@pytest.mark.parametrize("events", [50, 500, 5000])
def test_without_drift_small_p_values_of_numeric_columns_are_as_rare_as_they_say(
    kind: type[Comparison], events: int
) -> None:
    check_rare(p_values(kind, numeric(events)))


@every_of_shares
@pytest.mark.parametrize("events", [200, 5000])
def test_without_drift_small_p_values_of_categories_are_as_rare_as_they_say(
    kind: type[Comparison], events: int
) -> None:
    check_rare(p_values(kind, categories(events)))


@every_numeric
def test_p_values_are_not_rarer_than_half_of_what_they_say(kind: type[Comparison]) -> None:
    """Else the comparison would be blind: fewer would come about once in 10,000 runs."""
    p = p_values(kind, numeric(5000))
    assert int(np.sum(p < 0.1)) >= binom.ppf(1e-4, len(p), 0.05)


@pytest.mark.parametrize(
    "kind", [kind for kind in NUMERIC if kind is not VarianceShift], ids=lambda kind: str(kind.name)
)
def test_half_a_standard_deviation_is_found_and_is_worth_telling(kind: type[Comparison]) -> None:
    """In windows of 500 events, with the default floor."""
    cells = numeric(500, 0.5, 50)
    history = cells.select(slice(0, HISTORY))
    compare = kind(history.total(), history, everywhere(HISTORY))
    assert compare.judge(cells.select(slice(HISTORY, None)), 1e-4).alarm.all()


@every_of_shares
def test_categories_that_change_places_are_found(kind: type[Comparison]) -> None:
    cells = categories(500, 0.2, 50)
    history = cells.select(slice(0, HISTORY))
    compare = kind(history.total(), history, everywhere(HISTORY))
    assert compare.judge(cells.select(slice(HISTORY, None)), 1e-4).alarm.all()


@every_numeric
def test_they_run_only_when_asked_for(kind: type[Comparison]) -> None:
    assert not kind.DEFAULT


@every_of_shares
def test_missing_values_are_one_more_bin_and_the_last_part(kind: type[Comparison]) -> None:
    history = numeric(500, columns=2).select(slice(0, HISTORY))
    compare = kind(history.total(), history, everywhere(HISTORY))
    verdict = compare.judge(Cells.of([[[0] + [10] * 20 + [0]]] * 2, missing=300), 1e-4)[0]
    assert verdict.alarm
    assert verdict.contributions is not None
    assert int(np.argmax(verdict.contributions)) == 22


@pytest.mark.parametrize(
    "kind", [Wasserstein, CramerVonMises, MeanShift, VarianceShift], ids=lambda kind: str(kind.name)
)
def test_comparisons_that_need_an_order_leave_categories_alone(kind: type[Comparison]) -> None:
    both = Cells.stack([numeric(50, columns=1).total(), categories(50, columns=1).total()])
    assert kind.applies(both).tolist() == [True, False]


@every_numeric
def test_a_column_gets_the_same_verdict_whatever_stands_beside_it(kind: type[Comparison]) -> None:
    """To the last bit, also beside columns of more bins or none that vary."""
    cells = numeric(500, 0.2, 3)
    wide = Cells.of(np.tile(np.arange(40), (1, HISTORY + 1, 1)), sums=0, squares=9000)
    narrow = Cells.of(np.full((1, HISTORY + 1, 2), 60), sums=7, squares=500)
    beside = Cells.stack([wide, cells, narrow])
    history = beside.select(slice(0, HISTORY))
    together = kind(history.total(), history, everywhere(HISTORY)).judge(
        beside.select(slice(HISTORY, None)), 1e-3
    )
    for c in range(len(together)):
        own = beside.column(c)
        past = own.select(slice(0, HISTORY))
        alone = kind(past.total(), past, everywhere(HISTORY)).judge(
            own.select(slice(HISTORY, None)), 1e-3
        )
        assert together[c] == alone[0]
        parts, expected = together[c].contributions, alone[0].contributions
        assert (parts is None) == (expected is None)
        if parts is not None and expected is not None:
            assert np.array_equal(parts, expected)


@every_numeric
@pytest.mark.parametrize("fixed", [None, 0.2])
def test_nothing_at_all_one_place_and_all_missing_have_defined_answers(
    kind: type[Comparison], fixed: float | None
) -> None:
    """References and windows of these, in every pairing, with and without a history."""
    zero = Cells.of([[0, 0, 0, 0]], sums=0, squares=0)
    one = Cells.of([[0, 90, 0, 0]], sums=180, squares=360)
    lost = Cells.of([[0, 0, 0, 0]], missing=90, sums=0, squares=0)
    some = Cells.of([[0, 40, 50, 0]], sums=10, squares=4000, missing=2)
    for past in (zero, one, lost, some):
        for windows in (0, 12):
            history = Cells.concat([past] * 12).select(slice(0, windows))
            compare = kind(past, history, np.full(windows, False), fixed=fixed)
            for window in (zero, one, lost, some):
                verdict = compare.judge(window, 1e-3)[0]
                assert np.isfinite([verdict.statistic, verdict.effect]).all()
                assert not np.isnan(verdict.threshold)
                assert verdict.p_value is None or 0 <= verdict.p_value <= 1
                if fixed is None and (window is past or window is zero):
                    assert not verdict.alarm
