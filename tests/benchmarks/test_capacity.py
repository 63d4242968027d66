"""The capacity model finds the coefficients behind figures, tells its error, and plans with them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from click.testing import CliRunner

from benchmarks.capacity.__main__ import main
from benchmarks.capacity.doubts import doubts
from benchmarks.capacity.load import Load, load_of
from benchmarks.capacity.markdown import section, unseen_table
from benchmarks.capacity.model import QUANTITIES, fit_all
from benchmarks.capacity.plan import Prices, plan
from benchmarks.capacity.unseen import held_against
from benchmarks.throughput.case import Case
from benchmarks.throughput.report import Figures
from benchmarks.throughput.suite import capacity
from tests.benchmarks.figures import figures

CASES = capacity(Case(feed="memory"))
TRUE = {quantity.name: np.linspace(1.0, 2.0, len(quantity.terms)) for quantity in QUANTITIES}
WORLD = Load(1.0, 10, 1_010, 10, 1, 10.0)


def measured(case: Case, off: float = 0.0) -> Figures:
    """Make figures that follow the model exactly, but for the processor time."""
    made = figures(case)
    load = load_of(made)
    values = dict(made.values)
    for quantity in QUANTITIES:
        value = sum(
            float(c) * term(load)
            for c, (_, term) in zip(TRUE[quantity.name], quantity.terms, strict=True)
        )
        values[quantity.figures[-1]] = value * (case.rate if quantity.per_event else 1.0)
    values["cpu_us_per_event"] *= 1 + off
    return replace(made, values=values)


@pytest.fixture(scope="module", name="made")
def made_once() -> list[Figures]:
    return [measured(case) for case in CASES]


def test_the_coefficients_behind_the_figures_are_found(made: list[Figures]) -> None:
    fits = fit_all(made)
    assert [fit.quantity.name for fit in fits] == [quantity.name for quantity in QUANTITIES]
    for fit in fits:
        load = load_of(figures(replace(CASES[0], features=50, series=40)))
        truth = sum(
            c * term(load)
            for c, (_, term) in zip(TRUE[fit.quantity.name], fit.quantity.terms, strict=True)
        )
        assert fit.at(load) == pytest.approx(truth, rel=0.02)
        assert fit.median_error < 0.02
        assert fit.worst_error < 0.25  # of the one run that tells two terms apart


def test_the_error_is_that_on_runs_that_were_not_fitted() -> None:
    fits = fit_all([measured(case, 0.3 * (i % 2)) for i, case in enumerate(CASES)])
    cpu = next(fit for fit in fits if fit.quantity.name == "worker CPU")
    assert 0.05 < cpu.median_error < 0.4


def test_the_run_that_is_told_worst_is_named(made: list[Figures]) -> None:
    odd = next(case for case in CASES if case.rate == 80_000)
    fits = fit_all([measured(f.case, -0.5 * (f.case == odd)) for f in made])
    cpu = next(fit for fit in fits if fit.quantity.name == "worker CPU")
    assert cpu.worst == odd
    told = section(fits, [plan(fits, 1e9, WORLD, 2.0, Prices())], 2.0, Prices())
    assert "% (rate=80000)" in told


def test_what_a_batch_costs_for_each_of_its_models_hangs_on_the_partitions_of_one_worker() -> None:
    one = replace(WORLD, rate=1e6, models=64, partitions=2)
    assert replace(one, rate=2e7, partitions=40, workers=20).grouped == pytest.approx(one.grouped)
    assert one.grouped == pytest.approx(64 / 5_000)  # all of them come
    assert replace(one, partitions=4).grouped == pytest.approx(2 * one.grouped)
    assert replace(one, models=10**6, sample=0.1).grouped == pytest.approx(0.1, rel=0.01)
    assert replace(one, rate=1e3).grouped == pytest.approx(_distinct(64, 50) / 50, rel=0.01)


def _distinct(kinds: int, drawn: int) -> float:
    """Draw so many of so many kinds, many times, and tell how many different ones there were in the mean."""
    draws = np.random.default_rng(1).integers(kinds, size=(2_000, drawn))
    return float(np.mean([len(np.unique(row)) for row in draws]))


def test_columns_that_are_written_and_closed_are_those_that_events_touch() -> None:
    load = replace(WORLD, rate=1_000.0, partitions=4, owners=500)
    assert load.merged / load.columns == pytest.approx(_distinct(500, 10_000), rel=0.02)
    assert load.parts / load.columns == pytest.approx(4 * _distinct(500, 2_500), rel=0.02)
    assert load.commits == 4
    assert replace(load, pane_s=0.5).commits == 8  # whenever a pane closes
    assert load.written / load.columns == pytest.approx(_distinct(500, 250), rel=0.02)


def test_of_a_hurried_run_panes_are_as_long_as_the_clock_has_them() -> None:
    times: dict[str, Any] = {"pane": "2s", "windows": "4s,12s", "lateness": "2s"}
    case = replace(Case(feed="kafka", events=500_000, rate=50_000), **times)
    load = load_of(figures(case, marks_s=5.0))
    assert load.rate == pytest.approx(250_000)
    assert load.pane_s == pytest.approx(0.4)
    assert load.watched == pytest.approx(2.5)
    assert load.closed * 2.0 == pytest.approx(4)  # of 10 s of event time, in 2 s of the clock
    # One of the four began before the events that count, and has what is left of the warm-up: 500 events a second.
    assert load.panes is not None
    assert load.panes.events == pytest.approx((3 * 100_000 + 1_000) / 4)
    assert load.panes.open == (100_000, 100_000)
    assert sum(load.panes.kept) == 600_000


def test_a_run_shorter_than_the_lateness_closes_panes_of_the_warm_up_only() -> None:
    load = load_of(figures(Case(feed="kafka", events=1_000_000, lateness="30s")))
    assert load.panes is not None
    assert load.panes.events == pytest.approx(5_000)
    assert load.panes.open == (5_000, 5_000, 500_000, 500_000)


def test_only_who_has_had_windows_holds_what_judging_needs() -> None:
    short, long = (
        load_of(figures(Case(feed="memory", windows=windows))) for windows in ("10s,20s", "1h,1d")
    )
    assert short.judged
    assert short.results == 23 + 11  # of 240 s, of which the last is not over
    assert not long.judged
    assert long.results == long.ends == 0


def test_models_are_held_by_their_owners_and_open_panes_by_who_has_their_partitions() -> None:
    one = replace(WORLD, rate=100_000.0, partitions=8)
    many = replace(one, workers=4)
    assert many.evaluated == one.evaluated / 4
    assert replace(one, workers=40).evaluated == one.evaluated / 10  # there are ten models


def test_a_poor_fit_is_told_with_its_error(made: list[Figures]) -> None:
    fits = fit_all(made)
    loads = [load_of(f) for f in made]
    assert not doubts(fits, loads, loads)
    poor = replace(fits[2], median_error=0.31, worst_error=0.7)
    wild = replace(fits[0], median_error=0.1, worst_error=1.64)
    first, second = doubts([wild, fits[1], poor], loads, loads)
    assert "worker CPU is poor" in first
    assert "164% at worst" in first
    assert "store operations is poor" in second
    assert "off by 31% in the median" in second


def test_a_plan_far_outside_of_what_was_measured_is_told_with_how_far(made: list[Figures]) -> None:
    fits, loads = fit_all(made), [load_of(f) for f in made]
    near = replace(WORLD, rate=50_000.0, partitions=4)
    assert not doubts(fits, loads, [near])
    far = replace(near, owners=300_100, pane_s=0.1)
    (series, pane) = doubts(fits, loads, [near, far])
    assert series.startswith("300,100 series are 100 times the most, 3,001, that was measured:")
    assert pane.startswith("0.1 seconds of a pane are 1/10 of the least, 1, that was measured:")


def test_what_is_to_be_doubted_stands_before_the_plans(tmp_path: Path, made: list[Figures]) -> None:
    file = tmp_path / "figures.json"
    told = [{"case": vars(f.case), "runs": 1, "values": f.values, "spread": f.spread} for f in made]
    file.write_bytes(orjson.dumps({"figures": told}))
    calm, wild = (
        CliRunner().invoke(main, [str(file), "--series", series], catch_exceptions=False).output
        for series in ("100", "100000")
    )
    assert "series are" not in calm
    assert "1,000,010 series are 333 times the most, 3,001, that was measured" in wild
    assert wild.index("series are 333") < wild.index("| events a day |")


def test_runs_that_no_fit_saw_are_held_against_it_and_those_that_it_saw_are_left_out(
    made: list[Figures],
) -> None:
    fits = fit_all(made)
    unseen = replace(CASES[0], models=32, events=123_456)
    again = replace(made[1], case=replace(made[1].case, events=123_456))
    drift = measured(replace(CASES[0], drift=True, pane="1s", windows="2s"))
    (held,) = held_against(fits, made, [measured(unseen, 0.25), again, drift])
    assert held.case == unseen
    ratios = dict(zip((fit.quantity.name for fit in fits), held.ratios, strict=True))
    assert ratios.pop("worker CPU") == pytest.approx(1 / 1.25, rel=0.02)
    assert list(ratios.values()) == pytest.approx([1.0] * len(ratios), rel=0.02)


def test_what_an_unseen_run_did_not_measure_is_left_open(made: list[Figures]) -> None:
    run = measured(replace(CASES[0], models=32))
    less = replace(
        run, values={k: v for k, v in run.values.items() if k != "redis_cpu_us_per_event"}
    )
    fits = fit_all(made)
    (held,) = held_against(fits, made, [less])
    told = unseen_table(fits, [held]).splitlines()
    assert told[-1].startswith("| models=32 ")
    at = [fit.quantity.name for fit in fits].index("store CPU")
    assert told[-1].split(" | ")[at + 1].strip() == ""
    assert held.ratios[at] is None


def test_unseen_runs_of_another_feed_are_refused(made: list[Figures]) -> None:
    with pytest.raises(ValueError, match="embedded are told by no model of memory"):
        held_against(fit_all(made), made, [figures()])


def test_too_few_cases_or_several_feeds_are_refused(made: list[Figures]) -> None:
    with pytest.raises(ValueError, match="too few"):
        fit_all(made[:5])
    with pytest.raises(ValueError, match="several feeds"):
        fit_all([made[0], figures()])


def test_a_hundred_times_the_events_take_more_of_everything_and_each_worker_has_partitions(
    made: list[Figures],
) -> None:
    fits = fit_all(made)
    small, large = (plan(fits, events, WORLD, 2.0, Prices()) for events in (1e9, 1e11))
    assert small.load.rate == pytest.approx(1e9 / 86_400 * 2)
    assert large.workers > small.workers
    assert large.cost > small.cost
    for fleet in (small, large):
        assert fleet.load.partitions >= fleet.workers
        assert fleet.cores / fleet.workers <= 0.6
        assert [b.used for b in fleet.bounds] == sorted(
            (b.used for b in fleet.bounds), reverse=True
        )


def test_the_command_writes_a_section_with_both_plans(tmp_path: Path, made: list[Figures]) -> None:
    file = tmp_path / "figures.json"
    told = [
        {"case": vars(f.case), "runs": f.runs, "values": f.values, "spread": f.spread} for f in made
    ]
    file.write_bytes(orjson.dumps({"figures": told}))
    ran = CliRunner().invoke(main, [str(file)], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    assert "said / measured" not in ran.output
    assert "| 1,000,000,000 |" in ran.output
    assert "100,000,000,000 a day: first breaks" in ran.output


def test_the_command_holds_the_model_against_runs_of_another_file(
    tmp_path: Path, made: list[Figures]
) -> None:
    files = tmp_path / "figures.json", tmp_path / "unseen.json"
    for file, of in zip(files, (made, [measured(replace(CASES[0], models=32))]), strict=True):
        told = [
            {"case": vars(f.case), "runs": 1, "values": f.values, "spread": f.spread} for f in of
        ]
        file.write_bytes(orjson.dumps({"figures": told}))
    ran = CliRunner().invoke(
        main, [str(files[0]), "--unseen", str(files[1])], catch_exceptions=False
    )
    assert ran.exit_code == 0, ran.output
    assert "\n| models=32 rate=40000 pane=2s windows=4s,12s lateness=2s | 1.0" in ran.output


def test_what_was_not_measured_is_said_and_a_shard_takes_no_more_than_it_can(
    made: list[Figures],
) -> None:
    names = ("redis_cpu_us_per_event", "net_kafka_in_bytes_per_s")
    less = [replace(f, values={k: v for k, v in f.values.items() if k not in names}) for f in made]
    fits = fit_all(less)
    one, many = (
        plan(fits, 1e9, WORLD, 2.0, Prices(shard_mb_s=mb, shard_gb=1e9)) for mb in (1e6, 0.001)
    )
    assert one.shards < many.shards
    told = section(fits, [one], 2.0, Prices())
    assert "Not measured, and so in no plan: store CPU, bytes from Kafka." in told
