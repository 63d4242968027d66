"""Measures all cases of a plan, in one process or in several."""

from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from benchmarks.quality.case import Tell, measure_case
from benchmarks.quality.cost import measure_cost
from benchmarks.quality.figures import Measured
from benchmarks.quality.plan import Case, Plan

__all__ = ["measure"]


def measure(plan: Plan, tell: Tell, jobs: int = 1) -> Measured:
    """Measure all there is to measure; figures are the same whatever `jobs`, but for times.

    Args:
        plan: what to measure.
        tell: is given a line of text whenever something begins; with several jobs it must be picklable, and is
            called in their processes.
        jobs: processes that measure cases at the same time. Costs of `scale` are measured after these, alone.
    """
    parts = (
        [measure_case(plan, case, tell) for case in plan.cases]
        if jobs == 1
        else _side_by_side(plan, tell, jobs)
    )
    if "scale" in plan.groups:
        parts.append(Measured(costs=[measure_cost(plan.scale, max(plan.histories), tell)]))
    return Measured.joined(parts)


def _side_by_side(plan: Plan, tell: Tell, jobs: int) -> list[Measured]:
    """Measure cases in processes of their own, the longest first, so that none is waited for alone at the end."""
    cases = plan.cases
    first = sorted(range(len(cases)), key=lambda i: -_work(plan, cases[i]))
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        waited = {pool.submit(measure_case, plan, cases[i], tell): i for i in first}
        done = {waited[future]: future.result() for future in as_completed(waited)}
    return [done[i] for i in range(len(cases))]


def _work(plan: Plan, case: Case) -> float:
    """Guess how long a case takes: by monitor-weeks."""
    weeks = case.fleets * case.weeks + len(plan.drifts_of(case)) * len(plan.drift_seeds(case))
    return case.where.monitors * weeks
