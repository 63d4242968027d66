"""The pieces of stored summaries: where each ends, and which sizes are refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.ingest.stack import SLOTS_MAX, ends_of

SIZES = st.lists(st.integers(0, 1_000), max_size=60)


@given(sizes=SIZES)
def test_pieces_end_at_the_running_sums_of_their_sizes(sizes: list[int]) -> None:
    """The first one begins at 0, whether sizes come as a list or as an array."""
    ends = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
    assert ends_of(sizes) == ends
    assert ends_of(np.array(sizes, dtype=np.uint16)) == ends


@given(sizes=SIZES, at=st.integers(0, 60), size=st.sampled_from([-1, -1_000, SLOTS_MAX + 1]))
def test_sizes_that_no_piece_has_are_refused(sizes: list[int], at: int, size: int) -> None:
    """One that is negative or beyond all values is found wherever it stands, even where the sum would do."""
    with pytest.raises(ValueError, match=r"no possible size|more than any value"):
        ends_of([*sizes[:at], size, *sizes[at:]])


def test_pieces_that_are_too_many_together_are_refused() -> None:
    """Each of them alone would be let through."""
    assert ends_of([SLOTS_MAX])[-1] == SLOTS_MAX
    with pytest.raises(ValueError, match="more than any value"):
        ends_of([SLOTS_MAX, 1])
