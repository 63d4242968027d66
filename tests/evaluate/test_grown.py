"""Windows that the scores took into their history are the same windows when they are read."""

import numpy as np
import pytest

from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned
from stream.evaluate.chains.grown import Grown
from stream.evaluate.panes.windows import load_summary
from stream.state.versions import dump, load
from tests.evaluate import watched

LEFT_OUT = Thinned(3, 1)


@pytest.mark.parametrize("many", [0, 1, 10])
def test_windows_are_read_as_they_came_and_go_round_as_arrays(many: int) -> None:
    """Their counts, extremes and what was left out beside them, empty ones, too; not the values unseen in them."""
    windows = [watched.window(i, lost="word" * (i == 4)) for i in range(many)]
    if many > 1:
        windows[1], windows[2].thinned = Summary.empty(watched.LAYOUT), LEFT_OUT
    grown = Grown()
    for window in windows:
        grown.append(window)
    stored = load(dump("grown", grown.payload()), "grown")
    again = Grown([load_summary(counts, extremes, more) for counts, extremes, *more in stored])
    for of in (grown, again):
        assert len(of) == many
        for one, window in zip(of.summaries, windows, strict=True):
            np.testing.assert_array_equal(one.counts, window.counts)
            np.testing.assert_array_equal(one.extremes, window.extremes)
            assert one.thinned == window.thinned
            assert not one.unseen
    assert dump("grown", again.payload()) == dump("grown", grown.payload())
