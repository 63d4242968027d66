"""What a sample stands for adds up in any order, and fits into what is stored, however many events there were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.summaries.thinned import Thinned
from stream.state.codec import pack

parts = st.builds(
    lambda n, rate: Thinned.of(np.full(n, rate)),
    st.integers(0, 1_000), st.sampled_from([1.0, 0.3, 1e-4, 1e-7]),
)  # fmt: skip


@given(a=parts, b=parts, c=parts)
def test_parts_add_up_in_any_order(a: Thinned, b: Thinned, c: Thinned) -> None:
    assert a.plus(b) == b.plus(a)
    assert a.plus(b).plus(c) == a.plus(b.plus(c))


@pytest.mark.parametrize("rate", [1e-3 / 64, 1e-5, 1e-9, 1e-15])
def test_a_billion_events_at_a_low_rate_can_be_stored_and_are_worth_those_counted(
    rate: float,
) -> None:
    n = 70_000
    held = Thinned.of(np.full(n // 2, rate)).plus(Thinned.of(np.full(n // 2, rate)))
    assert pack("thinned", 1, list(held))
    assert held.worth(n) == n
