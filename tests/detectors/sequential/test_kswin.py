"""KSWIN answers as river does under the same seed, and as the paper's test where it is asked to."""

# ruff: noqa: S311 - it is Python's random numbers that are compared

from collections import deque
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import drift
from scipy.stats import ks_2samp

from detectors.arrays import Floats
from detectors.binary_form import pack, unpack
from detectors.sequential.kswin import (
    KSWIN,
    STAT_SIZE_MAX,
    WINDOW_SIZE_MAX,
    _distance,
    _p_values,
    _pool_max,
    _sample,
    _word,
    _words,
)

PEER: Any = drift  # river ships no types
RNG = np.random.default_rng(11)
STREAMS: dict[str, Floats] = {
    "step": np.concatenate([RNG.normal(size=250), RNG.normal(2, 1, 350)]),
    "coin": np.concatenate([RNG.random(250) < 0.2, RNG.random(350) < 0.8]).astype(float),
    "huge": RNG.choice([-1e300, 1e300, 5e-324, 0.0, -0.0], 400),
}
SMALL: dict[str, Any] = {"alpha": 0.2, "window_size": 24, "stat_size": 8, "seed": 3}


class Twin:
    """The rule written out with Python's own sample and scipy's own test."""

    def __init__(
        self, alpha: float, window_size: int, stat_size: int, seed: int, least: float, keep: bool
    ) -> None:
        self.alpha, self.size, self.r, self.seed = alpha, window_size, stat_size, seed
        self.least, self.keep = least, keep
        self.window: deque[float] = deque(maxlen=window_size)
        self.random = Random(seed)
        self.found = False

    def update(self, x: float) -> None:
        if self.found and self.keep:
            self.window = deque(list(self.window)[-self.r :], maxlen=self.size)
        elif self.found:
            self.window.clear()
            self.random = Random(self.seed)
        self.found = False
        self.window.append(x)
        if len(self.window) == self.size:
            values = list(self.window)
            chosen = self.random.sample(range(self.size - self.r), self.r)
            test = ks_2samp([values[i] for i in chosen], values[-self.r :])
            self.found = test.pvalue <= self.alpha and test.statistic > self.least


@given(st.one_of(st.none(), st.integers(0, 2**63 - 1)))
def test_its_random_numbers_are_those_of_python(seed: int | None) -> None:
    words = _words(seed)
    python = Random()
    python.setstate((3, tuple(words.tolist()), None))
    assert [_word(words) for _ in range(1300)] == [python.getrandbits(32) for _ in range(1300)]


@pytest.mark.parametrize(
    ("n", "k"),
    [(1, 1), (5, 5), (21, 3), (22, 3), (37, 6), (70, 30), (277, 30), (278, 30), (4096, 100)],
)
def test_its_choice_is_that_of_python_from_a_list_and_by_a_set(n: int, k: int) -> None:
    words, python = _words(n), Random(n)
    for _ in range(30):
        assert _sample(words, n, k, _pool_max(k)).tolist() == python.sample(range(n), k)


@given(st.lists(st.tuples(st.integers(-4, 9), st.integers(0, 12)), min_size=1, max_size=40))
def test_its_distances_and_p_values_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    one, other = np.array(pairs, dtype=np.float64).T.copy()
    theirs = ks_2samp(one, other)
    h = _distance(one.copy(), other.copy())
    assert h / len(one) == theirs.statistic
    assert _p_values(len(one))[h] == theirs.pvalue


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize(
    "settings",
    [
        {"seed": 5},
        {"seed": 0, "alpha": 1.0, "window_size": 60, "stat_size": 30},
        {"seed": -7, "alpha": 0.05, "window_size": 300, "stat_size": 6},
    ],
)
def test_with_a_seed_it_is_river_to_the_bit(name: str, settings: dict[str, Any]) -> None:
    ours, theirs = KSWIN(**settings), PEER.KSWIN(**settings)
    for x in STREAMS[name].tolist():
        ours.update(x)
        theirs.update(x)
        assert (ours.drift_detected, ours.p_value, ours.n) == (
            theirs.drift_detected,
            theirs.p_value,
            theirs.n,
        )


def test_a_window_seen_already_counts_as_in_river() -> None:
    seen = STREAMS["step"][:150].tolist()
    ours, theirs = KSWIN(seed=1, window=seen), PEER.KSWIN(seed=1, window=seen)
    for x in STREAMS["step"][150:400].tolist():
        ours.update(x)
        theirs.update(x)
        assert (ours.drift_detected, ours.p_value, ours.n) == (
            theirs.drift_detected,
            theirs.p_value,
            theirs.n,
        )


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("least", [0.0, 0.1, 0.6])
def test_each_option_does_what_it_says(least: float, keep: bool) -> None:
    """Against the rule written out: what a drift needs, what is kept and what is drawn after it."""
    twin = Twin(**SMALL, least=least, keep=keep)
    ours = KSWIN(**SMALL, distance_min=least, keep_recent=keep)
    found = 0
    for x in STREAMS["step"].tolist():
        twin.update(x)
        ours.update(x)
        assert ours.drift_detected == twin.found
        found += twin.found
    assert found >= 3


def test_without_a_floor_a_large_sample_finds_small_distances() -> None:
    """The paper's test: the distance 0.09 is significant at 500 values, and river is silent."""
    stream = np.concatenate([np.arange(500.0), np.arange(500.0) + 45])
    settings: dict[str, Any] = {"alpha": 0.05, "window_size": 1000, "stat_size": 500, "seed": 1}
    assert KSWIN(**settings).update_many(stream).tolist() == []
    paper = KSWIN(**settings, distance_min=0.0)
    assert paper.update_many(stream).tolist() == [999]
    assert paper.distance == 0.09


def test_without_a_seed_two_draw_differently_and_each_goes_on_from_its_bytes() -> None:
    stream = RNG.normal(size=300)
    one, other = KSWIN(), KSWIN()
    p_values: list[list[float]] = []
    for kswin in (one, other):
        p_values.append([])
        for x in stream.tolist():
            kswin.update(x)
            p_values[-1].append(kswin.p_value)
    assert p_values[0] != p_values[1]
    again = KSWIN.from_bytes(one.to_bytes())
    tail = np.concatenate([stream, stream + 3, stream])
    assert again.update_many(tail).tolist() == one.update_many(tail).tolist() != []
    assert again.to_bytes() == one.to_bytes()


@pytest.mark.parametrize("cut", [0, 1, 23, 24, 250, 262, 599])
@pytest.mark.parametrize("keep", [False, True])
def test_going_on_from_bytes_changes_nothing(cut: int, keep: bool) -> None:
    stream = STREAMS["step"]
    whole = KSWIN(**SMALL, keep_recent=keep)
    first = KSWIN(**SMALL, keep_recent=keep)
    first.update_many(stream[:cut])
    second = KSWIN.from_bytes(first.to_bytes())
    assert len(first.to_bytes()) <= first.bytes_max
    after = second.update_many(stream[cut:]) + cut
    found = whole.update_many(stream).tolist()
    assert [i for i in found if i >= cut] == after.tolist()
    assert (second.p_value, second.n, second.to_bytes()) == (
        whole.p_value,
        whole.n,
        whole.to_bytes(),
    )


@pytest.mark.parametrize(
    ("array", "at", "value"),
    [
        ("_state", 2, 25),  # more values than the window has room for
        ("_state", 3, 24),  # an oldest one beyond the window
        ("_state", 4, 9),  # a distance over 1
        ("_state", 5, 9),  # other samples than the settings say
        ("_random", 624, 625),  # more random words than there are
        ("_start", 624, 2**31),
        ("_window", 0, np.nan),
    ],
)
def test_bytes_that_would_lead_astray_are_refused(array: str, at: int, value: float) -> None:
    """Compiled code checks no bounds, so whatever it is given was checked before."""
    kswin = KSWIN(**SMALL)
    kswin.update_many(STREAMS["step"][:100])
    fields = unpack(kswin.to_bytes(), "kswin", range(1, 2))
    fields[array][at] = value
    with pytest.raises(ValueError, match="kswin"):
        KSWIN.from_bytes(pack("kswin", 1, fields))


@pytest.mark.parametrize(
    ("x", "weight", "words"),
    [(np.nan, 1, "finite"), (np.inf, 1, "finite"), (1.0, 2, "single values"), (1.0, 0, "weight")],
)
def test_what_it_cannot_take_is_refused_and_leaves_no_trace(
    x: float, weight: int, words: str
) -> None:
    kswin = KSWIN(**SMALL)
    kswin.update_many(STREAMS["step"][:100])
    before = kswin.to_bytes()
    with pytest.raises(ValueError, match=words):
        kswin.update(x, weight)
    with pytest.raises(ValueError, match="finite"):
        kswin.update_many([1.0, np.nan])
    assert kswin.to_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        {"alpha": -0.1},
        {"alpha": 1.1},
        {"distance_min": 2},
        {"stat_size": 0},
        {"stat_size": STAT_SIZE_MAX + 1, "window_size": 9_000},
        {"window_size": 59},  # river refuses it with the first test only
        {"window_size": WINDOW_SIZE_MAX + 1},
        {"seed": 2**63},
        {"seed": 1.5},
        {"window": [1.0, np.nan]},
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"lie|must|need"):
        KSWIN(**arguments)
