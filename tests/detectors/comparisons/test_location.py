"""Location: the rank score, its verdict, and the sequence it gives to cumulative sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from detectors import Cells, Location, PageHinkley
from detectors.comparisons.location import rank_scores
from tests.detectors.comparisons.streams import any_cells, everywhere, flat_windows, normal_windows

BINS = st.lists(st.integers(0, 500), min_size=2, max_size=9).filter(
    lambda counts: np.count_nonzero(counts) > 1
)


@given(BINS)
def test_scores_rise_and_have_mean_zero_and_variance_one(counts: list[int]) -> None:
    scores = rank_scores(np.array(counts))
    q = np.array(counts) / sum(counts)
    assert q @ scores == pytest.approx(0, abs=1e-9)
    assert q @ scores**2 == pytest.approx(1)
    assert (np.diff(scores) >= 0).all()


@given(BINS)
def test_scores_are_standardised_mid_ranks(counts: list[int]) -> None:
    bins = np.repeat(np.arange(len(counts)), counts)
    ranks = rankdata(bins)
    expected = (ranks - ranks.mean()) / ranks.std()
    assert rank_scores(np.array(counts))[bins] == pytest.approx(expected, abs=1e-9)


@given(any_cells(windows=1), any_cells(windows=1))
def test_the_parts_sum_to_the_statistic(window: Cells, reference: Cells) -> None:
    compare = Location(reference, window, ~everywhere(1))
    verdict = compare.judge(window, 1e-3)[0]
    assert verdict.contributions is not None
    assert float(verdict.contributions.sum()) == pytest.approx(verdict.statistic, abs=1e-9)


def test_a_small_shift_is_told_in_standard_deviations() -> None:
    history = normal_windows(0, 50)
    compare = Location(history.total(), history, everywhere(50))
    moved = normal_windows(1, 200, shift=0.25).total()
    assert compare.signal(moved)[0] == pytest.approx(0.25, abs=0.02)


def test_of_two_values_it_is_the_share_of_the_second() -> None:
    history = flat_windows(20, [800, 200, 0], discrete=True)
    compare = Location(history.total(), history, everywhere(20))
    window = Cells.of([[700, 300, 0]], discrete=True)
    assert compare.signal(window)[0] == pytest.approx((0.3 - 0.2) / np.sqrt(0.2 * 0.8))
    assert compare.judge(window, 1e-3)[0].alarm


def test_unknown_values_take_no_side() -> None:
    """`other` is neither above nor below the two known values, however many it holds."""
    history = flat_windows(20, [600, 300, 100], discrete=True)
    compare = Location(history.total(), history, everywhere(20))
    known = rank_scores(np.array([600, 300])).tolist()
    assert compare.scores.tolist() == [[*known, 0.0]]
    assert compare.signal(Cells.of([[0, 0, 50]], discrete=True))[0] == 0


def test_bins_that_do_not_exist_score_nothing_and_change_no_other_score() -> None:
    bins, where = (
        np.array([[3, 5, 2, 0], [4, 4, 9, 9]]),
        np.array([[True] * 4, [True, True, False, False]]),
    )
    scores = rank_scores(bins, where)
    assert scores[0].tolist() == rank_scores(bins[0]).tolist()
    assert scores[1].tolist() == [*rank_scores(bins[1, :2]).tolist(), 0.0, 0.0]


def test_it_applies_where_there_is_an_order_and_more_than_one_bin() -> None:
    numeric = Cells.of([[[0, 3, 2, 0]], [[0, 3, 0, 0]]])
    binary = Cells.of([[3, 2, 0]], discrete=True)
    many = Cells.of([[3, 2, 1, 0]], discrete=True)
    told = Location.applies(Cells.stack([numeric, binary, many]))
    assert told.tolist() == [True, False, True, False]


def test_cumulated_z_of_a_wandering_stream_grows_as_that_of_independent_values() -> None:
    """Sums over 50 windows have a variance of about 50, though the stream is AR(0.8)."""
    cells = Cells.stack([
        normal_windows(seed, 350, events=400, wander=0.2, phi=0.8) for seed in range(60)
    ])  # fmt: skip
    history = cells.select(slice(0, 300))
    compare = Location(history.total(), history, everywhere(300))
    sums = np.sum([compare.z(cells.select(slice(t, t + 1))) for t in range(300, 350)], axis=0)
    assert 0.5 < float(np.mean(np.square(sums))) / 50 < 1.8


def test_z_feeds_a_cumulative_sum_that_finds_a_lasting_shift_and_no_other() -> None:
    cells = normal_windows(3, 260, wander=0.05, phi=0.5, shift=0.15, shift_from=220)
    history = cells.select(slice(0, 180))
    compare = Location(history.total(), history, everywhere(180))
    chart = PageHinkley(1, delta=0.5, threshold=8, alpha=1, mean=0.0, restart=False)
    found = []
    for t in range(180, 260):
        chart.update(float(compare.z(cells.select(slice(t, t + 1)))[0]))
        found.append(chart.drift_detected)
    assert not any(found[:40])
    assert any(found[40:55])


def test_while_learning_or_with_few_values_z_is_no_evidence() -> None:
    history = normal_windows(0, 20)
    few = Location(history.total(), history.select(slice(0, 9)), everywhere(9))
    assert few.z(history.select(slice(0, 1))) == 0
    many = Location(history.total(), history, everywhere(20))
    assert many.z(Cells.of([[0] * 20 + [29, 0]])) == 0


def test_a_fixed_threshold_holds_on_both_sides() -> None:
    history = flat_windows(20, [0, 50, 50, 0])
    compare = Location(history.total(), history, everywhere(20), fixed=0.5)
    windows = [Cells.of([[0, k, 100 - k, 0]]) for k in (10, 40, 60, 90)]
    verdicts = [compare.judge(window, 1e-4)[0] for window in windows]
    assert [verdict.alarm for verdict in verdicts] == [True, False, False, True]
    assert [verdict.threshold for verdict in verdicts] == [0.5, 0.5, -0.5, -0.5]
