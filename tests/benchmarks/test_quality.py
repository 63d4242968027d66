"""The quality benchmark measures what it says: its streams, its count of incidents, and how it treats the peers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, ks_2samp

from benchmarks.quality.__main__ import main
from benchmarks.quality.cells import CELLS, levels
from benchmarks.quality.deciders import all_deciders
from benchmarks.quality.deciders.driftbus import Driftbus
from benchmarks.quality.deciders.every_k import EveryK
from benchmarks.quality.deciders.kolmogorov_smirnov import KolmogorovSmirnov
from benchmarks.quality.drifts import DRIFTS, GAP, drifted, onsets
from benchmarks.quality.fleet import MEAN, MISSING, Fleet, make_fleet, observe
from benchmarks.quality.flights import HISTORY, flight_onsets, flights, watched_flights
from benchmarks.quality.metrics import begins, delays, upper_bound
from benchmarks.quality.run import Plan, _as_calm, _Fitted
from benchmarks.quality.streams import Stream
from benchmarks.quality.windows import Windows

ALARMS = st.lists(st.booleans(), min_size=1, max_size=60)


def fleet(cell: str = "independent", monitors: int = 8, windows: int = 120) -> Fleet:
    return make_fleet(CELLS[cell], seed=(7,), monitors=monitors, history=168, windows=windows)


def parts(of: Fleet) -> tuple[Windows, Windows]:
    windows = observe(of)
    return windows.part(0, of.history), windows.part(of.history, len(windows))


# -- metrics ---------------------------------------------------------------------------------------------------------


@given(ALARMS, st.integers(1, 30))
def test_an_incident_begins_with_an_alarm_after_a_gap_without_one(
    alarms: list[bool], gap: int
) -> None:
    expected = [told and not any(alarms[max(0, w - gap) : w]) for w, told in enumerate(alarms)]
    assert begins(np.array([alarms]), gap)[0].tolist() == expected


@pytest.mark.parametrize(("incidents", "weeks"), [(0, 1.0), (2, 16.0), (40, 12.0)])
def test_the_upper_bound_is_the_rate_under_which_so_few_have_a_chance_of_one_in_twenty(
    incidents: int, weeks: float
) -> None:
    expected = chi2.ppf(0.95, 2 * incidents + 2) / 2 / weeks
    assert upper_bound(incidents, weeks) == pytest.approx(expected)


def test_a_delay_counts_from_the_onset_and_an_alarm_that_goes_on_finds_nothing() -> None:
    alarms = np.zeros((4, 80), dtype=np.bool_)
    alarms[0, 30] = True  # in the first drifted window
    alarms[1, [2, 40]] = True  # a false one long before
    alarms[2] = True  # always
    onset = np.array([30, 30, 30, 30])
    assert delays(alarms, onset).tolist() == [1, 11, np.inf, np.inf]


# -- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["independent", "heavy_tailed", "season_ar_0.9", "tiny"])
def test_counts_sums_extremes_and_values_tell_of_the_same_windows(cell: str) -> None:
    of = fleet(cell)
    windows = observe(of)
    assert windows.raw is not None
    assert (windows.n == of.rows).all()
    for m in np.flatnonzero(windows.numeric):
        column = windows.columns[m]
        edges = np.array(column.edges)
        values, counts = windows.raw(int(m))
        assert counts.tolist() == windows.valid[m].tolist()
        shares = np.histogram(values, [-np.inf, *edges, np.inf])[0] / len(values)
        own = windows.bins[m].sum(axis=0)[: column.bins] / windows.valid[m].sum()
        assert shares == pytest.approx(own, abs=0.02)
        mean = column.mid + column.step * windows.sums[m].sum() / windows.valid[m].sum()
        assert mean == pytest.approx(values.mean(), abs=0.05)
        some = windows.bins[m] > 0
        at = [np.searchsorted(edges, x[m], side="right") for x in (windows.lo, windows.hi)]
        assert (at[0] == some.argmax(axis=1)).all()
        assert (at[1] == some.shape[1] - 1 - some[:, ::-1].argmax(axis=1)).all()


def test_the_spread_of_the_sums_is_that_of_the_noise() -> None:
    windows = observe(fleet())
    for m in np.flatnonzero(windows.numeric):
        n = windows.valid[m].sum()
        variance = windows.squares[m].sum() / n - (windows.sums[m].sum() / n) ** 2
        assert windows.columns[m].step * np.sqrt(variance) == pytest.approx(1, abs=0.03)


def test_nothing_of_the_history_lies_beyond_its_own_extremes() -> None:
    windows = observe(fleet("heavy_tailed"))
    for m in np.flatnonzero(windows.numeric):
        last = windows.columns[m].bins - 1
        assert not windows.bins[m, :168, [0, last]].any()


def test_the_same_seed_gives_the_same_windows_and_another_seed_others() -> None:
    one, same = observe(fleet("mixed")), observe(fleet("mixed"))
    other = observe(make_fleet(CELLS["mixed"], (8,), 8, 168, 120))
    assert (one.bins == same.bins).all()
    assert one.bins.sum() != other.bins.sum()


def test_chance_differs_from_cell_to_cell() -> None:
    one, other = (Stream(cell, 1, 4, 1).control(1)[1] for cell in ("daily", "weekly"))
    assert (one.missing != other.missing).mean() > 0.5


def test_levels_wander_and_repeat_as_their_cell_says() -> None:
    rng = np.random.default_rng(0)
    wander = levels([CELLS["ar_0.9"]] * 50, 2_000, rng)
    assert wander.std() == pytest.approx(0.3, rel=0.1)
    assert np.mean(wander[:, 1:] * wander[:, :-1]) / wander.var() == pytest.approx(0.9, abs=0.02)
    daily = levels([CELLS["daily"]] * 5, 72, rng)
    assert daily[:, :24] == pytest.approx(daily[:, 24:48])
    weekly = levels([CELLS["weekly"]] * 5, 400, rng)
    assert weekly[:, :168] == pytest.approx(weekly[:, 168:336])
    one, other = levels([CELLS["correlated"]] * 2, 5_000, rng)
    assert np.mean(one * other) / 0.3**2 == pytest.approx(0.8, abs=0.15)


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_changes_its_monitors_from_their_onset_on_and_nothing_before(name: str) -> None:
    calm = fleet()
    drifting = drifted(calm, name)
    before = np.arange(288) < (168 + onsets(calm))[:, None]
    changed = np.zeros(before.shape, dtype=np.bool_)
    for field in ("level", "scale", "missing", "factor", "swapped"):
        changed |= getattr(calm, field) != getattr(drifting, field)
    assert not (changed & before).any()
    first = 168 + onsets(calm)
    drifts = DRIFTS[name][1](calm)
    assert changed[np.arange(8), first][drifts].all()
    assert (onsets(calm) >= GAP).all()


def test_drifts_are_as_large_as_they_say() -> None:
    def mean(of: Windows, m: int) -> float:
        column = of.columns[m]
        return float(column.mid + column.step * of.sums[m].sum() / of.valid[m].sum())

    def late(name: str) -> Windows:
        windows = observe(drifted(fleet(windows=200), name))
        return windows.part(168 + 2 * GAP, len(windows))

    assert mean(late("mean +0.5 sd"), 0) == pytest.approx(MEAN + 0.5, abs=0.02)
    missing = late("missing 1 to 10 %")
    assert missing.missing.sum() / missing.n.sum() == pytest.approx(10 * MISSING, rel=0.02)
    swapped, usual = late("category swap"), observe(fleet()).part(0, 168)
    shares = [of.bins[3].sum(axis=0) / of.valid[3].sum() for of in (usual, swapped)]
    assert shares[0][[0, 1, 2]] == pytest.approx(shares[1][[2, 1, 0]], abs=0.01)
    assert late("unit x10").hi[0].min() > 10 * MEAN


def test_permuted_flights_are_the_same_flights_and_a_fault_begins_at_its_onset() -> None:
    one, other = flights("flights_days", 1), flights("flights_days", 2)
    assert sorted(one.n[0].tolist()) == sorted(other.n[0].tolist())
    assert one.n[0].tolist() != other.n[0].tolist()
    rows = flights("flights_rows", 1)
    assert rows.n[0].tolist() == flights("flights_rows", 2).n[0].tolist()
    assert rows.valid.sum() + rows.missing.sum() == one.valid.sum() + one.missing.sum()
    late = flights("flights_days", 1, minutes=15)
    apart = (late.bins != one.bins).any(axis=2)
    assert not apart[~watched_flights()].any()
    for m in np.flatnonzero(watched_flights()):
        assert apart[m].argmax() == HISTORY + flight_onsets(1)[m]


# -- deciders --------------------------------------------------------------------------------------------------------


def test_every_decider_answers_for_every_window_and_is_calmer_at_a_larger_setting() -> None:
    history, windows = parts(fleet("ar_0.9"))
    few = np.flatnonzero(windows.numeric)[:2]
    for decider in all_deciders(budget=1):
        seen, judged = (history.of(few), windows.of(few)) if decider.RAW else (history, windows)
        decider.fit(seen)
        alarms = decider.alarms(judged)
        assert alarms.shape[1] == len(judged)
        assert len(alarms) >= len(judged.columns)
        ordered = sorted(decider.settings(judged))
        if ordered:
            told = [int(decider.alarms(judged, s).sum()) for s in (ordered[0], ordered[-1])]
            assert told[0] > told[1]


def test_p_values_are_those_of_the_textbook() -> None:
    history, windows = parts(fleet(monitors=4))
    decider = KolmogorovSmirnov("KS", 0.05)
    decider.fit(history)
    score = decider.score(windows)
    edges = windows.columns[0].edges

    def binned(of: Sequence[int]) -> list[int]:
        return np.repeat(np.arange(len(edges) + 1), of).tolist()

    expected = ks_2samp(
        binned(history.bins[0].sum(axis=0)[: len(edges) + 1]),
        binned(windows.bins[0, 0][: len(edges) + 1]),
        method="asymp",
    )
    assert np.exp(-score[0, 0]) == pytest.approx(expected.pvalue, rel=0.05)
    independent = np.exp(-score[3])  # a category: p is uniform
    assert 0.3 < independent.mean() < 0.7


def test_driftbus_finds_another_unit_at_once_and_names_what_told_it() -> None:
    of = fleet(monitors=4, windows=60)
    history, windows = parts(drifted(of, "unit x10"))
    decider = Driftbus(budget=1)
    decider.fit(history)
    alarms = decider.alarms(windows)
    assert delays(alarms[:3], onsets(of)[:3]).tolist() == [1, 1, 1]
    assert sum(decider.by_detector.values()) == begins(alarms).sum() == 3
    assert decider.learning == 0


def test_driftbus_says_that_it_learns_where_the_history_is_short() -> None:
    history, windows = parts(fleet(monitors=4, windows=5))
    decider = Driftbus(budget=1)
    decider.fit(history.part(160, 168))
    assert not decider.alarms(windows).any()
    assert decider.learning >= 4


def test_the_dummy_alarms_once_in_k_windows() -> None:
    _, windows = parts(fleet())
    assert (EveryK(24).alarms(windows).sum(axis=1) == len(windows) // 24).all()


# -- the whole -------------------------------------------------------------------------------------------------------


def test_peers_are_set_to_the_most_eager_setting_that_is_as_calm_as_allowed() -> None:
    _, windows = parts(fleet(windows=168))
    plan, stream = Plan(), Stream("independent", 1, 8, 1)
    fitted = [_Fitted(plan, stream, EveryK(48), windows, windows)]
    chosen = _as_calm(fitted, allowed=5.0)
    assert chosen is not None
    told = [int(begins(fitted[0].alarms(k)).sum()) for k in (chosen, 0.8 * chosen)]
    assert told[0] <= 5 < told[1]
    assert _as_calm([_Fitted(plan, stream, EveryK(1), windows, windows)], allowed=-1.0) is None


def test_the_command_runs_and_fills_the_file(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    ran = CliRunner().invoke(main, ["--quick", "--json", str(out)], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    told = orjson.loads(out.read_bytes())
    ours = [c for c in told["in_control"] if c["decider"] == "driftbus"]
    assert [c["cell"] for c in ours] == ["independent", "season_ar_0.9"]
    assert all(c["rate_upper_95"] > c["rate"] for c in ours)
    assert {d["drift"] for d in told["drift"]} == {"mean +0.5 sd", "missing 1 to 10 %"}
    missing = [d for d in told["drift"] if d["decider"] == "driftbus" and "missing" in d["drift"]]
    assert all(d["found_within"]["2"] == 1 for d in missing)
    assert not set(told["seeds"]["tuning"]) & set(told["seeds"]["fresh"])
    assert told["absent"]["alibi-detect"]
    for text in (
        "season_ar_0.9",
        "NannyML 3 sigma",
        "Page-Hinkley",
        "at driftbus' false-alarm rate",
    ):
        assert text in ran.output


def test_a_cell_that_does_not_exist_is_a_usage_error() -> None:
    ran = CliRunner().invoke(main, ["--cells", "daily,hourly"])
    assert ran.exit_code == 2
    assert "hourly; there are independent" in ran.output
