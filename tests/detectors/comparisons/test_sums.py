"""A row sums to the same bits however it is padded and whatever stands beside it."""

import numpy as np
import pytest

from detectors.comparisons.sums import row_sum


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 23, 127, 130, 1000])
def test_zeros_behind_a_row_and_rows_beside_it_change_no_bit(size: int) -> None:
    rows = np.random.default_rng(size).normal(size=(5, size)) * 10.0 ** np.arange(5)[:, None]
    padded = np.pad(rows, [(0, 0), (0, 77)])
    alone = [float(row_sum(row)) for row in rows]
    assert row_sum(rows).tolist() == alone
    assert row_sum(padded).tolist() == alone
    assert row_sum(np.asfortranarray(padded)).tolist() == alone
    assert row_sum(rows) == pytest.approx(rows.sum(axis=1))
