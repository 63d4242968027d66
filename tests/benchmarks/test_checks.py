"""Promises, comparisons and advice follow from figures, and from nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks.throughput.advice import advice
from benchmarks.throughput.checks import checks
from benchmarks.throughput.compare import changes, read_figures
from benchmarks.throughput.figures import Measured
from benchmarks.throughput.report import document
from benchmarks.throughput.suite import LATENCY
from tests.benchmarks.figures import BASE, figures

DECODE = replace(BASE, mode="decode")


@pytest.mark.parametrize(
    ("changed", "limit"),
    [({"workers": 2}, 1.1), ({"features": 100}, 10.0), ({"series": 10_000}, 2.0), ({"models": 64}, 1.3),
     ({"sample": 0.1}, 0.45)],
)  # fmt: skip
def test_a_ratio_is_reached_at_its_limit_and_missed_above(
    changed: dict[str, Any], limit: float
) -> None:
    case = replace(BASE, **changed)
    for cost, reached in ((4.0 * limit, True), (4.0 * limit * 1.01, False)):
        found = [c for c in checks([figures(), figures(case, cost)]) if c.limit == limit]
        assert [check.reached for check in found] == [reached]


def test_too_few_events_keep_and_break_no_promise_of_processor_time() -> None:
    few = replace(BASE, events=20_000)
    found = checks([figures(few, 9.0), figures(replace(few, mode="decode"), 2.0)])
    told = {c.name: c.reached for c in found}
    assert told == {
        "whole / decode": None,
        "CPU us an event": None,
        "memory at the end / early": True,
    }


def test_a_promise_whose_cases_were_not_measured_is_not_told() -> None:
    assert not checks([figures(DECODE)])
    assert not checks([figures(replace(BASE, workers=2))])


def test_what_was_measured_without_a_client_keeps_and_breaks_no_promise() -> None:
    memory = replace(BASE, feed="memory")
    assert not checks([figures(memory), figures(replace(memory, sample=0.1), 0.4)])


def test_the_plain_whole_is_held_against_the_decode_the_cost_and_its_memory() -> None:
    told = {c.name: c for c in checks([figures(cpu=5.1, rss_mb_end=280.0), figures(DECODE, 4.0)])}
    assert told["whole / decode"].reached
    assert not told["CPU us an event"].reached
    assert not told["memory at the end / early"].reached


def test_the_time_to_an_alert_is_promised_at_its_pace_only() -> None:
    case = replace(BASE, **LATENCY)
    assert [c.reached for c in checks([figures(case, latency_p99_ms=1_501.0)])] == [False]
    assert not checks([figures(replace(case, rate=1_000), latency_p99_ms=1.0)])


def test_worse_is_only_what_lies_beyond_the_spread_of_several_runs() -> None:
    then = [figures(runs=3, wide=0.2)]
    near, far = ([figures(cpu=cpu, runs=3, wide=0.2)] for cpu in (4.3, 4.5))
    by_name = {c.name: c for c in changes(far, then)}
    assert by_name["cpu_us_per_event"].ratio == pytest.approx(1.125)
    assert by_name["cpu_us_per_event"].worse
    assert by_name["events_per_second"].worse
    assert not {c.name: c for c in changes(near, then)}["cpu_us_per_event"].worse
    assert not any(c.worse for c in changes([figures(cpu=9.0)], then))


def test_a_file_gives_its_figures_back_and_other_files_are_refused(tmp_path: Path) -> None:
    run = Measured(BASE, 10, 8.0, 4.0, 120.0, 100.0, 110.0, "redis", {"busy": 0.5})
    file = tmp_path / "figures.json"
    file.write_bytes(orjson.dumps(document([run], "2026")))
    (read,) = read_figures(file)
    assert read.case == BASE
    assert read["busy"] == 0.5
    file.write_text("{}")
    with pytest.raises(ValueError, match="has no figures"):
        read_figures(file)


def test_a_worker_that_is_idle_waits_for_the_feed_and_a_busy_one_is_the_limit() -> None:
    (idle,) = advice([figures(busy=0.5)])
    assert "waited for" in idle
    assert "250,000" in idle
    (busy,) = advice([figures(busy=0.97)])
    assert "the workers are the limit" in busy


def test_the_largest_part_of_the_cost_and_long_commits_are_named() -> None:
    consume = figures(replace(BASE, mode="consume"), 1.0)
    told = " ".join(advice([consume, figures(DECODE, 3.0), figures(commit_ingest_s=4.0)]))
    assert "decoding to columns 50%" in told
    assert "commits of ingest 50% of the time" in told


def test_a_sweep_within_the_spread_of_its_runs_makes_no_difference() -> None:
    other = replace(BASE, consume_size=500)
    (same,) = advice([figures(runs=3, wide=0.3), figures(other, 4.1, 3, 0.3)])
    assert "no difference" in same
    (best,) = advice([figures(runs=3, wide=0.3), figures(other, 6.0, 3, 0.3)])
    assert "40000 is best" in best
    assert "500 costs 50% more" in best
