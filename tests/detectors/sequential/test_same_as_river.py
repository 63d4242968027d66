"""On a thousand random streams, every detector that river also has answers as river does."""

from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from river.drift import kswin
from scipy.stats import ks_2samp

from tests.detectors.sequential.same_as_river import KINDS, PAIRS, Stream, agree, streams

SIZES = (10, 20, 30)


@pytest.mark.parametrize("name", [name for name in PAIRS if name != "kswin"])
def test_it_agrees_with_river_on_a_thousand_streams(name: str) -> None:
    detections = [agree(PAIRS[name], stream) for stream in streams()]
    assert len(detections) == 1000
    assert np.count_nonzero(detections) > 100  # silence alone would prove little


def test_the_streams_are_of_every_kind_and_length() -> None:
    lengths = [len(stream.values) for stream in streams()]
    assert {number % len(KINDS) for number, n in enumerate(lengths) if n} == set(range(len(KINDS)))
    assert min(lengths) == 0
    assert lengths.count(100_000) == 5
    assert 500_000 < sum(lengths) < 1_500_000


@pytest.mark.usefixtures("quick_river")
def test_kswin_agrees_with_river_on_twenty_streams_of_5000() -> None:
    pair = PAIRS["kswin"]
    detections = 0
    for number in range(1, 21):
        rng = np.random.default_rng([2020, number])
        detections += agree(pair, Stream(3 * number + 1, KINDS[number % len(KINDS)](rng, 5000)))
    assert detections > 100


@pytest.mark.filterwarnings("ignore:ks_2samp")  # of great distances scipy has no exact p-value
@pytest.mark.parametrize("r", SIZES)
def test_the_quick_kolmogorov_smirnov_test_is_that_of_scipy_for_all_outcomes(r: int) -> None:
    """For each distance that two samples can have, and for samples with ties."""
    rng = np.random.default_rng(r)
    samples = [(np.arange(r) + h, np.arange(r)) for h in range(r + 1)]
    samples += [(rng.integers(0, 9, r), rng.integers(0, 9, r) // 2) for _ in range(100)]
    distances = set()
    for one, other in samples:
        quick, slow = _quick(one.tolist(), other.tolist()), ks_2samp(one, other)
        assert quick == (slow.statistic, slow.pvalue)
        distances.add(quick[0])
    assert len(distances) == r + 1


@pytest.fixture
def quick_river(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let river's KSWIN look p-values up, which scipy takes 200 us to compute."""
    monkeypatch.setattr(kswin, "stats", SimpleNamespace(ks_2samp=_quick))


def _quick(
    one: Sequence[float], other: Sequence[float], method: str = "auto"
) -> tuple[float, float]:
    """Give distance and p-value of two samples of one size, as `scipy.stats.ks_2samp` does."""
    assert len(one) == len(other)
    assert method == "auto"
    both = sorted([(x, 1) for x in one] + [(x, -1) for x in other])
    height = most = 0
    for k, (x, way) in enumerate(both):
        height += way
        if k + 1 == len(both) or both[k + 1][0] != x:
            most = max(most, abs(height))
    return _outcome(len(one), most)


@cache
def _outcome(r: int, h: int) -> tuple[float, float]:
    numbers = np.arange(r)
    result = ks_2samp(numbers, numbers + h)
    return float(result.statistic), float(result.pvalue)
