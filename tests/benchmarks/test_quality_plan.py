"""The quality benchmark's plan proves what it says: enough weeks, the budget in parts, and the same in any process."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from benchmarks.quality.cells import CELLS, SAMPLED, Cell
from benchmarks.quality.drifts import SHIFTS, WATCHED
from benchmarks.quality.figures import Where
from benchmarks.quality.fleet import MISSING
from benchmarks.quality.metrics import upper_bound
from benchmarks.quality.plan import GROUPS, SCALE, Case, Plan
from benchmarks.quality.possible import possible
from benchmarks.quality.run import measure
from benchmarks.quality.streams import ALL

EVERYTHING = Plan(groups=tuple(GROUPS))


def test_every_case_is_long_enough_for_its_budget_but_for_the_largest_fleet() -> None:
    for case in EVERYTHING.cases:
        weeks = case.fleets * case.weeks
        if case.where.monitors < SCALE:
            assert weeks >= max(40, 8 / case.where.budget)
            assert upper_bound(int(0.3 * case.limit * weeks), weeks) <= case.limit
        assert case.fleets >= EVERYTHING.peer_fleets or case.where.group != "cells"


def test_the_groups_have_the_budgets_fleets_and_samples_that_were_promised() -> None:
    of = {name: [case.where for case in Plan(groups=(name,)).cases] for name in GROUPS}
    assert {(w.cell, w.history) for w in of["cells"]} >= {
        (cell, h) for cell in CELLS for h in (4, 1)
    }
    assert {w.cell for w in of["cells"]} == set(ALL)
    assert {w.budget for w in of["budgets"]} == {0.02, 0.1, 10.0}
    assert {w.monitors for w in of["fleets"]} == {6, 1_000, 20_000}
    assert [w.cell for w in of["sampling"]] == list(SAMPLED)


def test_blocks_share_the_budget_and_the_monitors_of_their_fleet_and_differ_in_chance() -> None:
    case = Case(Where("independent", 1, 1_200, 3.0), fleets=1, weeks=1)
    assert case.blocks == 3
    assert case.blocks * case.budget == 3.0
    assert case.blocks * case.stream.monitors == 1_200
    small = replace(case.stream, monitors=4)
    one, other = (small.control(1, block)[1] for block in (0, 1))
    assert (one.missing != other.missing).mean() > 0.5


def test_drifts_are_tried_with_the_longest_history_and_where_streams_are_sampled() -> None:
    tried = {(c.where.group, c.where.history) for c in EVERYTHING.cases if EVERYTHING.drifts_of(c)}
    assert tried == {("cells", 4), ("cells", 10), ("sampling", 4)}


def test_drifts_have_trials_enough_to_tell_95_percent_from_90() -> None:
    monitors = EVERYTHING.monitors * EVERYTHING.drift_fleets // 4  # categories, the fewest
    assert monitors >= 100


def test_figures_are_the_same_in_one_process_and_in_two() -> None:
    plan = Plan(cells=("tiny", "daily"), histories=(1,), monitors=4, fleets=1, weeks=1, peers=False)
    one, two = (measure(plan, len, jobs) for jobs in (1, 2))
    for control in (*one.controls, *two.controls):
        control.seconds = 0.0
    assert one == two
    assert [c.where.cell for c in one.controls] == ["daily", "tiny"]


# -- what is possible ------------------------------------------------------------------------------------------------


def share(cell: Cell, drift: str, within: int) -> float:
    return float(np.mean(possible(cell, drift, budget=1.0, monitors=100) <= within))


def test_without_drift_the_observer_alarms_as_often_as_the_budget_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(SHIFTS, "hardly any", lambda since: 1e-6 * (since >= 0))
    found = possible(Cell(), "hardly any", budget=168.0, monitors=1_000)
    assert np.mean(found <= 1) == pytest.approx(1e-3, rel=0.5)  # one test in the first window
    assert np.mean(found <= WATCHED) < WATCHED * 1e-3


def test_one_look_at_an_independent_stream_has_the_power_of_the_normal_test() -> None:
    bound = -ndtri(1 / (168 * 100) / 2)
    signal = 0.25 * np.sqrt(230 * (1 - MISSING))
    found = share(Cell(rows=230), "mean +0.25 sd", 1)
    assert found == pytest.approx(ndtr(signal - bound), abs=0.01)


def test_wander_hides_and_time_helps() -> None:
    wild, gentle = CELLS["ar_0.9"], CELLS["ar_0.9_gentle"]
    assert share(wild, "mean +0.25 sd", 24) < 0.06
    assert share(gentle, "mean +0.25 sd", 24) == pytest.approx(0.92, abs=0.02)
    assert share(wild, "mean +0.5 sd", 2) < share(wild, "mean +0.5 sd", 96)


def test_sampling_costs_power_where_sampling_noise_counts() -> None:
    for name in ("independent", "ar_0.9"):
        cells = [SAMPLED[f"{name} 1e5/{every}"] for every in (1, 10, 100)]
        shares = [share(cell, "mean +0.25 sd", 24) for cell in cells]
        assert shares == sorted(shares, reverse=True)


def test_other_seeds_can_be_asked_for_which_move_figures_and_drifts_but_not_what_peers_are_set_on() -> (
    None
):
    plan, moved = (Plan(groups=("cells",), first_seed=first) for first in (5_001, 9_001))
    for case, other in zip(plan.cases, moved.cases, strict=True):
        assert [seed + 4_000 for seed in case.fresh] == other.fresh
        assert len(plan.drift_seeds(case)) == len(moved.drift_seeds(other))
        assert set(moved.drift_seeds(other)) <= set(range(9_001, 9_101))
    assert plan.tuning_seeds == moved.tuning_seeds
