"""Kolmogorov-Smirnov on bins is exact on atoms and never exaggerates."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, ks_2samp, kstwobign

from detectors import Cells, KolmogorovSmirnov, kolmogorov_smirnov
from detectors.comparisons.kolmogorov_smirnov import FREEDOM, SCALE
from tests.detectors.comparisons.streams import everywhere, normal_windows

SMALL = st.lists(st.integers(0, 20), min_size=5, max_size=5).filter(any)


@given(SMALL, SMALL)
def test_on_atoms_it_is_the_distance_of_scipy(window: list[int], reference: list[int]) -> None:
    atoms = np.arange(5)
    expected = ks_2samp(np.repeat(atoms, window), np.repeat(atoms, reference), method="asymp")
    distance = kolmogorov_smirnov(np.array(window), np.array(reference))
    assert float(distance) == pytest.approx(float(expected.statistic))


@given(SMALL, SMALL)
def test_merging_bins_never_makes_it_larger(window: list[int], reference: list[int]) -> None:
    merged = [[counts[0], sum(counts[1:3]), sum(counts[3:])] for counts in (window, reference)]
    fine = kolmogorov_smirnov(np.array(window), np.array(reference))
    coarse = kolmogorov_smirnov(np.array(merged[0]), np.array(merged[1]))
    assert float(coarse) <= float(fine) + 1e-12


def test_its_bounds_are_reached() -> None:
    assert float(kolmogorov_smirnov(np.array([5, 0]), np.array([0, 9]))) == 1
    assert float(kolmogorov_smirnov(np.array([2, 4]), np.array([1, 2]))) == 0
    assert float(kolmogorov_smirnov(np.array([0, 0]), np.array([1, 2]))) == 0


@pytest.mark.parametrize("tail", [1e-2, 1e-3, 1e-4])
def test_its_chi_square_stands_for_the_law_of_kolmogorov(tail: float) -> None:
    limit = float(kstwobign.isf(tail))
    assert float(chi2.sf(SCALE * limit**2, FREEDOM)) == pytest.approx(tail, rel=0.25)


def test_it_applies_to_numbers_only() -> None:
    columns = Cells.of([[[1, 2]], [[1, 2]], [[0, 0]]], missing=9, discrete=[False, True, False])
    assert KolmogorovSmirnov.applies(columns).tolist() == [True, False, False]


def test_missing_values_play_no_part() -> None:
    history = normal_windows(2, 30)
    compare = KolmogorovSmirnov(history.total(), history, everywhere(30))
    window = history.select(slice(0, 1))
    gone = replace(window, missing=window.valid * 9)
    assert compare.judge(gone, 1e-3)[0] == compare.judge(window, 1e-3)[0]


@given(SMALL, SMALL)
def test_bins_that_do_not_exist_take_no_part(window: list[int], reference: list[int]) -> None:
    """Whatever stands in them, to the last bit."""
    padded = np.array([*window, 7, 0]), np.array([*reference, 0, 5])
    where = np.arange(len(window) + 2) < len(window)
    alone = kolmogorov_smirnov(np.array(window), np.array(reference))
    assert float(kolmogorov_smirnov(*padded, where)) == float(alone)
