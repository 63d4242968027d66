"""Cases, sweeps and the suites: what is measured is what was asked for."""

from dataclasses import replace

import pytest

from benchmarks.throughput.case import Case, swept
from benchmarks.throughput.suite import LATENCY, capacity, suite

BASE = Case()


def test_sweeps_go_one_after_another_each_around_the_base_and_no_case_comes_twice() -> None:
    cases = swept(BASE, ["consume_size=500,40000", "features=10,100", "commit_interval=5s"])
    assert cases == [
        replace(BASE, consume_size=500),
        BASE,
        replace(BASE, features=100),
        replace(BASE, commit_interval="5s"),
    ]


@pytest.mark.parametrize("sweep", ["speed=1,2", "features=many", "features"])
def test_a_sweep_over_nothing_that_is_there_is_refused(sweep: str) -> None:
    with pytest.raises(ValueError, match=r"there is no parameter|is no value of|is no sweep"):
        swept(BASE, [sweep])


@pytest.mark.parametrize("feed", ["embedded", "kafka", "memory"])
def test_every_case_of_the_suites_can_be_measured_and_is_another_one(feed: str) -> None:
    for cases in (suite(replace(BASE, feed=feed)), capacity(replace(BASE, feed=feed))):
        assert len(set(cases)) == len(cases)
        for case in cases:
            case.check()
            assert case.config().sample == case.sample


@pytest.mark.parametrize(
    "case",
    [
        Case(partitions=8),
        Case(feed="memory", mode="decode"),
        Case(feed="memory", workers=2),
        Case(arrow=1000),
        Case(feed="kafka", workers=5),
        Case(feed="memory", **LATENCY),
        Case(sample=2.0),
        Case(pane="3s"),
        Case(windows="soon"),
        Case(features=0),
        Case(series=0),
        Case(warm_up=10),
        Case(missing=1.5),
    ],
)
def test_what_a_feed_or_a_worker_cannot_do_is_refused_before_anything_is_measured(
    case: Case,
) -> None:
    with pytest.raises(ValueError, match=r"."):
        case.check()


def test_who_asks_for_several_workers_is_told_which_mode_to_leave_out() -> None:
    with pytest.raises(ValueError, match="leave decode out of --modes"):
        Case(mode="decode", workers=2).check()


def test_the_limits_of_the_worker_hold_all_series_of_a_case() -> None:
    limits = Case(models=3, series=10_000).config().limits
    assert limits.series_max > 10_000
    assert limits.partition_series_max >= 3 * 10_001


def test_to_measure_the_time_to_an_alert_every_other_window_drifts() -> None:
    workload = replace(BASE, **LATENCY).workload
    bodies = workload.bodies()
    drifts = [workload._drifts(i) for i in range(20_000, 20_000 + 400_000, 50_000)]
    assert drifts == [False, False, True, True, False, False, True, True]
    assert len(set(workload.values(bodies, 19_000, 1_000))) == 1_000
