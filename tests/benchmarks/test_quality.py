"""The quality benchmark measures what it says: its streams, its count of incidents, and how it treats the peers."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2, ks_2samp

from benchmarks.quality.__main__ import main
from benchmarks.quality.case import Fitted, as_calm
from benchmarks.quality.cells import CELLS, SAMPLED, levels
from benchmarks.quality.deciders import alibi_detect, all_deciders
from benchmarks.quality.deciders.alibi_detect import AlibiDetect
from benchmarks.quality.deciders.driftbus import Driftbus
from benchmarks.quality.deciders.every_k import EveryK
from benchmarks.quality.deciders.kolmogorov_smirnov import KolmogorovSmirnov
from benchmarks.quality.drifts import DRIFTS, GAP, drifted, onsets
from benchmarks.quality.figures import Where
from benchmarks.quality.fleet import MEAN, MISSING, Fleet, make_fleet, observe
from benchmarks.quality.flights import HISTORY, flight_onsets, flights, watched_flights
from benchmarks.quality.metrics import begins, delays, lower_bound, upper_bound
from benchmarks.quality.plan import Case, Plan
from benchmarks.quality.streams import Stream
from benchmarks.quality.windows import Windows
from stream.evaluate.chains.parts import parts_of
from stream.state.versions import dump

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


@pytest.mark.parametrize(("found", "trials"), [(1, 20), (95, 100), (300, 300)])
def test_the_lower_bound_is_the_share_with_which_so_many_have_a_chance_of_one_in_twenty(
    found: int, trials: int
) -> None:
    assert binom.sf(found - 1, trials, lower_bound(found, trials)) == pytest.approx(0.05)


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


def test_of_a_sampled_stream_a_part_is_counted_and_its_level_wanders_alike() -> None:
    cell = SAMPLED["ar_0.9 1e5/100"]
    of = make_fleet(cell, (7,), 4, 168, 1_000)
    assert of.rows.mean() == pytest.approx(1_000, rel=0.01)
    assert of.rows.var() == pytest.approx(1_000, rel=0.15)  # a thinned Poisson stream is one
    assert (cell.wander, cell.phi) == (CELLS["ar_0.9"].wander, CELLS["ar_0.9"].phi)


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
    assert one.valid.sum() + one.missing.sum() == other.valid.sum() + other.missing.sum()
    # By day, those without weather are left out: a station's failures are not in control.
    assert rows.missing.sum() > 0 == one.missing.sum()
    assert rows.n.sum() > one.n.sum() > 0.99 * rows.n.sum()
    late = flights("flights_days", 1, minutes=15)
    apart = (late.bins != one.bins).any(axis=2)
    assert not apart[~watched_flights()].any()
    for m in np.flatnonzero(watched_flights()):
        assert apart[m].argmax() == HISTORY + flight_onsets(1)[m]


# -- deciders --------------------------------------------------------------------------------------------------------


@pytest.fixture
def _without_alibi(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its environment has been made must not matter to tests."""
    monkeypatch.setattr(AlibiDetect, "installed", staticmethod(lambda: False))


@pytest.mark.usefixtures("_without_alibi")
def test_every_decider_answers_for_every_window_and_is_calmer_at_a_larger_setting() -> None:
    history, windows = parts(fleet("ar_0.9"))
    few = np.flatnonzero(windows.numeric)[:2]
    for decider in all_deciders(budget=1):
        seen, judged = (history.of(few), windows.of(few)) if decider.FEW else (history, windows)
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


def test_the_time_and_the_memory_of_judging_are_told_for_every_window_and_monitor() -> None:
    history, windows = parts(fleet(monitors=4, windows=6))
    times = Driftbus(budget=1).timed(history, windows)
    assert len(times) == len(windows)
    assert (times > 0).all()
    stored, resident = Driftbus(budget=1).weighed(history, windows)
    assert 0 < stored < resident


def test_what_is_stored_of_a_chain_has_all_parts_that_its_head_names() -> None:
    """Else a chain whose parts were written before would seem to hold next to nothing."""
    history, windows = parts(fleet(monitors=4, windows=6))
    decider = Driftbus(budget=1)
    stored, _ = decider.weighed(history, windows)
    (chain,) = decider._chains
    named = list(parts_of(chain.head()))
    assert {part.of for part in named} >= {"fit", "track"}
    chain.unsettle()
    assert set(named) <= set(chain.changed())
    blobs = [dump(part.of, chain.changed()[part]) for part in named]
    head = dump("chain", ["", (), "features", chain.head()])
    assert 4 * stored > len(head) + sum(map(len, blobs))


FAKE = """
import numpy as np
class CVMDriftOnline:
    def __init__(self, x_ref, ert, window_sizes, n_bootstraps, verbose):
        assert ert == 168 and window_sizes == [24]
        print("what a package prints does no harm")
    def _configure_ref(self):
        self.mean = self.x_ref.mean(axis=0)
    def predict(self, x):
        return {"data": {"test_stat": abs(x - self.mean)[None, :], "threshold": 2.0}}
"""


def test_alibi_detect_is_asked_in_a_process_of_its_own_with_one_mean_a_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alibi_detect").mkdir()
    (tmp_path / "alibi_detect" / "__init__.py").touch()
    (tmp_path / "alibi_detect" / "cd.py").write_text(FAKE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(alibi_detect, "installed", lambda _: Path(sys.executable))
    alibi_detect._worker.cache_clear()
    history, windows = parts(fleet(monitors=3))
    decider = AlibiDetect()
    decider.fit(history)
    score = decider.score(windows)
    level = [of.sums / of.valid for of in (history, windows)]
    expected = np.abs(level[1] - level[0].mean(axis=1, keepdims=True)) / 2
    expected[:, :23] = 0  # its first windows are not full
    assert score == pytest.approx(expected)
    worker = alibi_detect._worker()
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.close()
    assert worker.wait(60) == 0
    worker.stdout.close()
    alibi_detect._worker.cache_clear()


def test_the_dummy_alarms_once_in_k_windows() -> None:
    _, windows = parts(fleet())
    assert (EveryK(24).alarms(windows).sum(axis=1) == len(windows) // 24).all()


# -- the whole -------------------------------------------------------------------------------------------------------


def test_peers_are_set_to_the_most_eager_setting_that_is_as_calm_as_allowed() -> None:
    _, windows = parts(fleet(windows=168))
    plan, case = Plan(), Case(Where("independent", 1, 8, 1.0), fleets=1, weeks=1)
    fitted = [Fitted(plan, case, EveryK(48), windows, windows)]
    chosen = as_calm(fitted, allowed=5.0)
    assert chosen is not None
    told = [int(begins(fitted[0].alarms(k)).sum()) for k in (chosen, 0.8 * chosen)]
    assert told[0] <= 5 < told[1]
    assert as_calm([Fitted(plan, case, EveryK(1), windows, windows)], allowed=-1.0) is None


@pytest.mark.usefixtures("_without_alibi")
def test_the_command_runs_and_fills_the_file_and_the_page(tmp_path: Path) -> None:
    out, page, again = (tmp_path / name for name in ("figures.json", "page.md", "again.json"))
    arguments = ["--quick", "--groups", "cells,scale", "--json", str(out), "--markdown", str(page)]
    ran = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    told = orjson.loads(out.read_bytes())
    ours = [c for c in told["controls"] if c["decider"] == "driftbus"]
    assert [c["where"]["cell"] for c in ours] == ["independent", "season_ar_0.9"]
    assert all(c["rate_upper_95"] > c["rate"] for c in ours)
    assert {p["drift"] for p in told["powers"]} == {"mean +0.5 sd", "missing 1 to 10 %"}
    missing = [p for p in told["powers"] if p["decider"] == "driftbus" and "missing" in p["drift"]]
    assert all(p["found_within"]["2"] == 1 for p in missing)
    seeds = told["runs"][0]["seeds"]
    assert seeds["tuning"][1] < seeds["fresh"][0]
    assert "absent" in told["absent"]["alibi-detect CVM"]
    assert told["costs"][0]["monitors"] == 12
    for text in (
        "season_ar_0.9",
        "NannyML 3 sigma",
        "Page-Hinkley",
        "at driftbus' false-alarm rate",
    ):
        assert text in ran.output
        assert text in page.read_text()
    ran = CliRunner().invoke(
        main, ["--join", str(out), "--json", str(again)], catch_exceptions=False
    )
    assert ran.exit_code == 0, ran.output
    assert again.read_bytes() == out.read_bytes()


def test_a_cell_a_group_or_a_drift_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    ran = CliRunner().invoke(main, ["--cells", "daily,hourly"])
    assert ran.exit_code == 2
    assert "hourly; there are independent" in ran.output
    ran = CliRunner().invoke(main, ["--groups", "cell"])
    assert ran.exit_code == 2
    assert "cell; there are cells" in ran.output
    ran = CliRunner().invoke(main, ["--drifts", "mean +1 sd"])
    assert ran.exit_code == 2
    assert "mean +1 sd; there are mean +0.25 sd" in ran.output
    other = tmp_path / "other.json"
    other.write_text("{}")
    ran = CliRunner().invoke(main, ["--join", str(other)])
    assert ran.exit_code == 2
    assert "other.json" in ran.output
