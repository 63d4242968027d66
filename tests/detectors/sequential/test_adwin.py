"""ADWIN answers as river does, bit for bit, and takes aggregates."""

from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import drift

from detectors import ADWIN
from detectors.arrays import Counts, Floats
from detectors.binary_form import pack, unpack
from detectors.sequential.adwin_window import ROWS, take_aggregate

PEER: Any = drift  # river ships no types
RNG = np.random.default_rng(7)
STREAMS: dict[str, Floats] = {
    "noise": RNG.normal(size=3000),
    "zero": np.zeros(600),
    "constant": np.full(1500, 3.3),
    "step": np.concatenate([RNG.normal(0, 1, 1200), RNG.normal(1.5, 1, 1200)]),
    "ramp": np.linspace(0, 30, 2500) + RNG.normal(size=2500),
    "coin": RNG.integers(0, 2, 2000).astype(float),
    "spikes": np.where(RNG.random(2000) < 0.01, 1e6, 0.0),
}
SETTINGS: list[dict[str, Any]] = [
    {},
    {"delta": 0.3, "clock": 1, "max_buckets": 2, "min_window_length": 1, "grace_period": 0},
    {"delta": 0.05, "clock": 4, "max_buckets": 3, "min_window_length": 2, "grace_period": 5},
]


def answers(detector: Any) -> tuple[float, ...]:
    return (
        detector.drift_detected,
        detector.n_detections,
        detector.width,
        detector.total,
        detector.variance,
        detector.estimation,
    )


@pytest.mark.parametrize("settings_", SETTINGS)
@pytest.mark.parametrize("name", STREAMS)
def test_it_is_river_bit_for_bit(name: str, settings_: dict[str, Any]) -> None:
    ours, theirs = ADWIN(**settings_), PEER.ADWIN(**settings_)
    for x in STREAMS[name].tolist():
        ours.update(x)
        theirs.update(x)
        assert answers(ours) == answers(theirs)


def rows(adwin: ADWIN) -> tuple[Counts, Floats]:
    """The number of buckets of each row, and [size, total, squares] of each bucket."""
    fields = unpack(adwin.to_bytes(), "adwin", range(1, 2))
    return fields["counts"], fields["buckets"]


def test_rows_of_one_bucket_may_run_empty_in_the_middle() -> None:
    """Dropping the oldest must then find the next row that holds anything."""
    adwin = ADWIN(delta=0.3, clock=1, max_buckets=1, min_window_length=1, grace_period=0)
    for x in STREAMS["spikes"].tolist():
        adwin.update(x)
        counts, (sizes, _, _) = rows(adwin)
        inside = np.arange(sizes.shape[1]) < counts[:, None]
        assert adwin.width == sizes[inside].sum()


def detections(adwin: ADWIN, stream: Floats) -> list[int]:
    found = []
    for i, x in enumerate(stream.tolist()):
        adwin.update(x)
        if adwin.drift_detected:
            found.append(i)
    return found


def test_a_step_is_found_and_noise_is_not() -> None:
    assert detections(ADWIN(), STREAMS["noise"]) == []
    (first, *_) = detections(ADWIN(), STREAMS["step"])
    assert 1200 <= first < 1300


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.floats(-100, 100), st.integers(1, 5000), st.floats(0, 10)),
        min_size=1,
        max_size=60,
    )
)
def test_aggregates_keep_count_sum_and_spread(values: list[tuple[float, int, float]]) -> None:
    """Whatever is merged on the way, the window knows the moments of what entered."""
    adwin = ADWIN(clock=10**6)
    for mean, weight, variance in values:
        adwin.update(mean, weight, variance)
    mean, weight, variance = np.array(values).T
    centre = np.average(mean, weights=weight)
    squares = float(np.sum(weight * (variance + (mean - centre) ** 2)))
    assert adwin.width == int(weight.sum())
    assert adwin.total == pytest.approx(float(weight @ mean), abs=1e-6)
    assert adwin.variance == pytest.approx(squares, rel=1e-6, abs=1e-6)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(-9, 9), st.integers(1, 3000)), min_size=1, max_size=80))
def test_buckets_stay_in_order_of_time(values: list[tuple[float, int]]) -> None:
    """From the oldest bucket on, sizes add up to weights that really came one after the other."""
    adwin = ADWIN(clock=10**6)
    for mean, weight in values:
        adwin.update(mean, weight)
    arrived = np.cumsum([weight for _, weight in values])
    sums = np.cumsum([weight * mean for mean, weight in values])
    counts, buckets = rows(adwin)
    kept = [
        bucket for row in range(len(counts))[::-1] for bucket in buckets[:, row, : counts[row]].T
    ]
    borders = np.cumsum([bucket[0] for bucket in kept])
    assert np.isin(borders, arrived).all()
    totals = np.cumsum([bucket[1] for bucket in kept])
    assert totals == pytest.approx(sums[np.searchsorted(arrived, borders)], abs=1e-6)
    assert (counts <= adwin.max_buckets).all()


def test_a_shift_of_aggregates_is_found() -> None:
    rng = np.random.default_rng(1)
    adwin = ADWIN(clock=1)
    found = []
    for pane in range(60):
        values = rng.normal(0.0 if pane < 40 else 0.5, 1, int(rng.integers(20, 900)))
        adwin.update(float(values.mean()), len(values), float(values.var()))
        if adwin.drift_detected:
            found.append(pane)
    assert found
    assert 40 <= found[0] <= 42


@pytest.mark.parametrize("cut", [0, 1, 63, 1231, 1700])
def test_going_on_from_a_state_changes_nothing(cut: int) -> None:
    stream = STREAMS["step"]
    whole, first = ADWIN(), ADWIN()
    for x in stream[:cut].tolist():
        whole.update(x)
        first.update(x)
    second = ADWIN.from_bytes(first.to_bytes())
    for x in stream[cut:].tolist():
        whole.update(x)
        second.update(x)
        assert answers(second) == answers(whole)


def test_a_state_is_a_copy() -> None:
    adwin = ADWIN()
    adwin.update(1.0)
    state = adwin.to_bytes()
    adwin.update(5.0)
    assert ADWIN.from_bytes(state).total == 1


def test_memory_grows_with_the_logarithm_of_the_window() -> None:
    adwin = ADWIN(clock=10**9)
    for _ in range(20_000):
        adwin.update(0.0)
    assert len(rows(adwin)[0]) <= 13


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", STREAMS)
def test_a_whole_array_gives_what_single_updates_give(name: str, settings: dict[str, Any]) -> None:
    """At once, or in pieces between which single values and aggregates come."""
    rng, stream = np.random.default_rng(3), STREAMS[name]
    single, many = ADWIN(**settings), ADWIN(**settings)
    at = 0
    while at < len(stream):
        piece = stream[at : at + int(rng.integers(1, 700))]
        expected = [at + i for i in detections(single, piece)]
        assert (at + many.update_many(piece)).tolist() == expected
        at += len(piece)
        if rng.random() < 0.2:
            for adwin in (single, many):
                adwin.update(1.0, 5, 0.5)
        assert many.to_bytes() == single.to_bytes()


def test_without_restart_the_window_goes_on_after_a_cut() -> None:
    """As in the paper: what came after the change is kept, and the next values are added to it."""
    widths = []
    adwin = ADWIN(restart=False)
    for x in [0.0] * 500 + [1.0] * 500:
        adwin.update(x)
        widths.append(adwin.width)
    assert widths[510:513] == [511, 256, 257]
    assert 488 <= widths[-1] <= 512
    assert adwin.estimation > 0.99


def damaged(**changes: Any) -> bytes:
    adwin = ADWIN()
    adwin.update_many(STREAMS["noise"])
    fields = unpack(adwin.to_bytes(), "adwin", range(1, 2)) | changes
    return pack("adwin", 1, fields)


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": np.full(10, 6)},
        {"counts": np.full(10, -1)},
        {"counts": np.full(10, 5)},
        {"counts": np.zeros(10, np.int64)},
        {"counts": np.zeros(81, np.int64)},
        {"counts": np.zeros(0, np.int64)},
        {"window": np.zeros(3)},
        {"window": np.full(8, np.nan)},
        {"buckets": np.zeros((3, 1, 6))},
        {"buckets": 7},
        {"settings": {"clock": 0}},
        {"settings": {"tick": 3}},
    ],
)
def test_impossible_states_are_refused(changes: dict[str, Any]) -> None:
    """Compiled code trusts what it gets, so that nothing wrong may come in."""
    with pytest.raises(ValueError, match=r"adwin|must"):
        ADWIN.from_bytes(damaged(**changes))


def test_a_state_that_is_not_impossible_is_taken() -> None:
    assert ADWIN.from_bytes(damaged()).width == 3000


@pytest.mark.parametrize("x", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused_and_leaves_no_trace(x: float) -> None:
    adwin = ADWIN()
    adwin.update(2.0)
    with pytest.raises(ValueError, match="finite"):
        adwin.update(x)
    assert answers(adwin) == (False, 0, 1, 2.0, 0.0, 2.0)


@pytest.mark.parametrize(("weight", "variance"), [(0, 0.0), (-1, 0.0), (2**31 + 1, 0.0), (3, -1.0)])
def test_impossible_aggregates_are_refused(weight: int, variance: float) -> None:
    with pytest.raises(ValueError, match=r"weight|variance"):
        ADWIN().update(1.0, weight, variance)


@pytest.mark.parametrize(
    "arguments",
    [{"delta": 0.0}, {"delta": 1.0}, {"clock": 0}, {"max_buckets": 0}, {"grace_period": -1}],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        ADWIN(**arguments)


def full(rows: int) -> tuple[Floats, Counts, Floats]:
    """A window whose rows are all full of buckets of one value."""
    counts, buckets = np.full(rows, 5), np.zeros((3, rows, 6))
    buckets[0, :, :5] = 1.0
    window = np.zeros(8)
    window[[2, 5]] = 5 * rows, rows - 1
    return window, counts, buckets


def test_a_state_that_would_carry_beyond_the_last_row_is_refused() -> None:
    """Only so many values can have come as high as that."""
    window, counts, buckets = full(ROWS)
    window[7] = 1.0
    with pytest.raises(ValueError, match="adwin"):
        ADWIN.from_bytes(damaged(window=window, counts=counts, buckets=buckets))


def test_the_last_row_keeps_what_it_would_carry() -> None:
    """Its two oldest buckets become one; what lies behind the arrays stays as it was."""
    window, counts, buckets = full(ROWS)
    behind = np.concatenate([counts, np.full(1, -7)])
    settings_ = (0.002, 10**6, 5.0, 10.0, 0.0)
    for _ in range(100):
        take_aggregate(window, behind[:ROWS], buckets, *settings_, 2.0, 1.0, 0.0)
    assert behind[-1] == -7
    assert behind[:ROWS].max() <= 5
    held = np.arange(6) < behind[:ROWS, None]
    assert window[2] == buckets[0][held].sum() == 5 * ROWS + 100
    assert window[5] == ROWS - 1
    assert buckets[1][held].sum() == 200


def test_the_last_bucket_is_never_dropped() -> None:
    """However rounded the sizes of a state are that somebody made up."""
    window, counts, buckets = full(1)
    counts[0], buckets[0, 0, 0], buckets[1, 0, 0] = 1, 2.0**62, 2.0**62
    window[[2, 3, 4]] = 2.0**62 + 2**12, -(2.0**62), 1.0
    behind = np.concatenate([counts, np.full(1, -7)])
    rest = np.zeros((3, ROWS, 6))
    rest[:, :1] = buckets
    room = np.concatenate([behind[:1], np.zeros(ROWS - 1, np.int64)])
    for _ in range(10):
        take_aggregate(window, room, rest, 0.5, 1, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert room.min() >= 0
    assert room.sum() > 0


@pytest.mark.parametrize("size", [1.5, 0.0, np.nan])
def test_sizes_of_buckets_are_whole(size: float) -> None:
    window, counts, buckets = full(1)
    counts[0], buckets[0, 0, 0], window[2], window[7] = 1, size, size, 1.0
    with pytest.raises(ValueError, match="adwin"):
        ADWIN.from_bytes(damaged(window=window, counts=counts, buckets=buckets))


@pytest.mark.parametrize("restart", [True, False])
def test_aggregates_of_every_weight_can_be_read_back(restart: bool) -> None:
    """Small, old buckets in high rows are no impossible state."""
    rng = np.random.default_rng(12)
    adwin = ADWIN(max_buckets=1, clock=10**6, restart=restart)
    for weight in (2 ** rng.integers(0, 32, 3000)).tolist():
        adwin.update(float(rng.normal()), weight, 1.0)
    assert ADWIN.from_bytes(adwin.to_bytes()).to_bytes() == adwin.to_bytes()


@pytest.mark.parametrize("constant", [0.1, -3.3, 1e6 + 0.1, 1e9 + 0.1, -1e12 - 0.1])
def test_beyond_rounding_constants_never_alarm(constant: float) -> None:
    """River's answers are told by rounding, from values of a million on."""
    stream = np.full(100_000, constant)
    assert len(ADWIN(beyond_rounding=True).update_many(stream)) == 0
    if abs(constant) > 1e8:
        assert len(ADWIN().update_many(stream)) > 0


def test_beyond_rounding_steps_are_found_as_ever() -> None:
    for name in ("noise", "step", "ramp", "coin", "spikes"):
        expected = ADWIN().update_many(STREAMS[name]).tolist()
        assert ADWIN(beyond_rounding=True).update_many(STREAMS[name]).tolist() == expected
    assert len(ADWIN(beyond_rounding=True).update_many(1e9 + STREAMS["step"])) > 0


def test_beyond_rounding_outlives_the_bytes() -> None:
    assert ADWIN.from_bytes(ADWIN(beyond_rounding=True).to_bytes()).beyond_rounding is True


def test_a_value_that_comes_while_others_are_taken_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may add one at any moment, though nobody promises to bear with that."""
    adwin = ADWIN()

    def slow(code: str, values: list[float]) -> Any:
        taken = array(code, values)
        if len(taken) == 32:
            adwin.update(1.0)
        return taken

    monkeypatch.setattr("detectors.sequential.adwin.array", slow)
    for _ in range(32):
        adwin.update(0.0)
    assert (adwin.width, adwin.total) == (33, 1.0)


def test_more_waiting_values_than_room_are_taken_all_the_same() -> None:
    adwin = ADWIN()
    adwin._waiting.extend([0.0] * 40)
    adwin.update(0.0)
    assert (adwin._waiting, adwin.width) == ([], 41)


def test_a_single_value_may_bring_its_variance() -> None:
    adwin = ADWIN()
    adwin.update(1.0, 1, 0.5)
    assert adwin.variance == 0.5
