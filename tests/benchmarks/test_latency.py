"""The time to an alert is counted from the event that let its window be judged."""

from dataclasses import replace

import pytest

from benchmarks.broker import Produced
from benchmarks.throughput.case import Case
from benchmarks.throughput.latency import closings, delays_ms
from benchmarks.throughput.suite import LATENCY

CASE = replace(Case(), **LATENCY)
PRODUCED = [Produced(i * 250, 250, 100.0 + i * 0.005) for i in range(2_000)]
"""Ten seconds at 50,000 events a second."""
BEGAN_MS = CASE.workload.time_ms(CASE.warm_up)


def test_a_window_closes_when_the_last_partition_has_passed_its_end() -> None:
    (closed,) = closings(PRODUCED, CASE, [BEGAN_MS + 4_000])
    assert closed == pytest.approx(104.0 + 3 * 0.005, abs=1e-6)


def test_windows_that_the_pace_did_not_begin_or_did_not_close_are_not_timed() -> None:
    early, late = BEGAN_MS + 1_999, BEGAN_MS + 10_000
    assert closings(PRODUCED, CASE, [early, late]) == [-float("inf"), float("inf")]
    assert delays_ms([(early, 102.0), (late, 111.0)], PRODUCED, CASE) == {"alerts_timed": 0.0}


def test_the_delays_quantiles_are_in_milliseconds() -> None:
    arrived = [(BEGAN_MS + 4_000, 104.015 + late) for late in (0.2, 0.4, 0.6)]
    told = delays_ms(arrived, PRODUCED, CASE)
    assert told["alerts_timed"] == 3
    assert told["latency_p50_ms"] == pytest.approx(400, abs=1)
    assert told["latency_p99_ms"] == pytest.approx(596, abs=1)
