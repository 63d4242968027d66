"""Windows are unions of panes: those of the twin, whatever the portions in which time passes."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.summaries.column import Column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from detectors.summaries.unseen_values import UnseenValues
from stream.evaluate.panes.evidence import Evidence
from stream.evaluate.panes.windows import EMPTY_TOLD, Closed, Ring
from stream.reference.reference import WindowSize
from stream.state.codec import pack, unpack

LAYOUT = Layout([Column("x", "number", (0.0, 1.0)), Column("y", "string", values=("a",))])
SIZES = st.sampled_from([WindowSize(60, 60), WindowSize(120, 60), WindowSize(240, 60)])
PANE = 20
PANES = st.lists(st.integers(0, 80), min_size=1, max_size=25, unique=True).map(sorted)


def summary(n: int) -> Summary:
    made = Summary.empty(LAYOUT)
    made.counts[-1] = n
    made.extremes[0] = (n, n)
    made.unseen[1] = UnseenValues()
    made.unseen[1].update_many([f"new {n % 3}", f"new {n}"])
    return made


def evidence(pane: int) -> Evidence:
    return {("t", pane % 2): (pane, pane + 1)}


def told(closed: Closed) -> tuple[object, ...]:
    part = closed.summary
    kept = None if part is None else (part.n, part.extremes.tolist(), part.unseen[1].to_bytes())
    return closed.start_ms, closed.end_ms, kept, closed.evidence, closed.whole


def run(
    window: WindowSize, panes: Sequence[int], stops: Sequence[int], end: int
) -> list[tuple[object, ...]]:
    """Take the panes in order; time also passes at each stop, and the ring is packed and restored there."""
    ring = Ring(window)
    out: list[tuple[object, ...]] = []
    for at, pane in sorted([(p * PANE, p) for p in panes] + [(stop * PANE, -1) for stop in stops]):
        out += map(told, ring.close(at))
        if pane >= 0:
            ring.add(at, summary(pane + 1), evidence(pane))
        else:
            again = Ring(window)
            again.restore(unpack(pack("ring", 1, ring.payload()), "ring", 1)[1])
            ring = again
    return [*out, *map(told, ring.close(end))]


@given(window=SIZES, panes=PANES, stops=st.lists(st.integers(0, 120), max_size=8))
@settings(max_examples=150)
def test_the_portions_of_time_and_a_restart_do_not_matter(
    window: WindowSize, panes: list[int], stops: list[int]
) -> None:
    assert run(window, panes, stops, 3000) == run(window, panes, [], 3000)


@given(window=SIZES, panes=PANES)
@settings(max_examples=150)
def test_windows_hold_what_the_twin_puts_into_them(window: WindowSize, panes: list[int]) -> None:
    """The twin: every window that ends from the first pane on; of a rest only the first empty ones are told."""
    out = run(window, panes, [], 3000)
    first = panes[0] * PANE
    expected, empty = [], 0
    for end in range((first // window.every_ms + 1) * window.every_ms, 3001, window.every_ms):
        start = end - window.size_ms
        inside = [p for p in panes if start <= p * PANE < end]
        empty = 0 if inside else empty + 1
        if empty > EMPTY_TOLD:
            continue
        kept = None
        widened: Evidence = {}
        if inside:
            new = UnseenValues()
            for p in inside:
                new.update_many([f"new {(p + 1) % 3}", f"new {p + 1}"])
            extremes = [[inside[0] + 1.0, inside[-1] + 1.0]]
            kept = (sum(p + 1 for p in inside), extremes, new.to_bytes())
            for parity in {p % 2 for p in inside}:
                own = [p for p in inside if p % 2 == parity]
                widened["t", parity] = (own[0], own[-1] + 1)
        expected.append((start, end, kept, widened, first <= start + window.size_ms // 20))
    assert out == expected


def test_the_window_in_which_the_stream_begins_or_ends_is_not_whole() -> None:
    ring = Ring(WindowSize(60, 60))
    for pane in (1, 3, 6):
        ring.add(pane * PANE, summary(1), evidence(pane))
    assert [closed.whole for closed in ring.close(120)] == [False, True]
    assert ring.open_until() == 180
    assert [closed.whole for closed in ring.close(180, whole=False)] == [False]
    assert ring.open_until() is None


def test_a_closed_window_does_not_change_with_the_panes_that_follow() -> None:
    ring = Ring(WindowSize(120, 60))
    ring.add(0, summary(1), evidence(0))
    (first,) = ring.close(60)
    before = told(first)
    ring.add(60, summary(2), evidence(3))
    assert first.summary is not None
    (second,) = ring.close(120)
    assert second.summary is not None
    np.testing.assert_array_equal(second.summary.counts[-1:], [3])
    assert told(first) == before


def test_a_ring_without_data_closes_nothing() -> None:
    assert list(Ring(WindowSize(60, 60)).close(10**15)) == []
    with pytest.raises(StopIteration):
        next(Ring(WindowSize(60, 60)).close(60))
