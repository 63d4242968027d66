"""The capacity model finds the coefficients behind figures, tells its error, and plans with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from click.testing import CliRunner

from benchmarks.capacity.__main__ import main
from benchmarks.capacity.model import QUANTITIES, Load, fit_all, load_of
from benchmarks.capacity.plan import Prices, plan
from benchmarks.throughput.case import Case
from benchmarks.throughput.report import Figures
from benchmarks.throughput.suite import capacity
from tests.benchmarks.figures import figures

CASES = capacity(Case(feed="memory"))
TRUE = {quantity.name: np.linspace(1.0, 2.0, len(quantity.terms)) for quantity in QUANTITIES}
WORLD = Load(1.0, 10, 1_010, 10, 1, 10.0, 1.0, 1.0)


def measured(case: Case, off: float = 0.0) -> Figures:
    """Make figures that follow the model exactly, but for the processor time."""
    made = figures(case)
    load = load_of(case, made["wall_s"], case.events)
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
        load = load_of(replace(CASES[0], features=50, series=40), 1.0, 1_000_000)
        truth = sum(
            c * term(load)
            for c, (_, term) in zip(TRUE[fit.quantity.name], fit.quantity.terms, strict=True)
        )
        assert fit.at(load) == pytest.approx(truth, rel=0.02)
        assert fit.worst_error < 0.05


def test_the_error_is_that_on_runs_that_were_not_fitted() -> None:
    fits = fit_all([measured(case, 0.3 * (i % 2)) for i, case in enumerate(CASES)])
    cpu = next(fit for fit in fits if fit.quantity.name == "worker CPU")
    assert 0.05 < cpu.median_error < 0.4


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
    assert "| 1,000,000,000 |" in ran.output
    assert "100,000,000,000 a day: first breaks" in ran.output
