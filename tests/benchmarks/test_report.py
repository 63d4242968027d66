"""The file and the table say what was measured."""

import pytest

from benchmarks.measure import Measured
from benchmarks.report import document, rows
from benchmarks.workload import Workload


def run(mode: str, cpu_s: float, store: str | None = None) -> Measured:
    return Measured(mode, 1_000_000, 8.0, cpu_s, 120.0, 100.0, 110.0, store, {})


def test_the_whole_stands_without_a_prefix_beside_the_client_and_the_decode() -> None:
    told = document(
        [run("consume", 2.0), run("decode", 3.0), run("whole", 6.0, "redis")], Workload(), "2026"
    )
    assert told["consume_cpu_us_per_event"] == 2.0
    assert told["decode_cpu_us_per_event"] == 3.0
    assert told["cpu_us_per_event"] == 6.0
    assert told["events_per_second"] == 125_000
    assert (told["rss_mb"], told["rss_mb_early"], told["rss_mb_end"]) == (120.0, 100.0, 110.0)
    assert told["ratios"] == {"decode/consume": 1.5, "whole/decode": 2.0, "whole/consume": 3.0}
    assert told["store"] == "redis"


def test_the_median_of_several_runs_counts() -> None:
    told = document([run("whole", cpu) for cpu in (5.0, 50.0, 6.0)], Workload(), "2026")
    assert told["cpu_us_per_event"] == 6.0


def test_a_mode_that_was_not_measured_has_no_figures() -> None:
    told = document([run("consume", 2.0)], Workload(), "2026")
    assert "cpu_us_per_event" not in told
    assert told["ratios"] == {}
    assert told["store"] is None


def test_the_table_tells_what_each_mode_costs_beyond_the_one_above() -> None:
    table = rows([run("consume", 2.0), run("decode", 3.5)])
    assert [line[:3] for line in table] == [
        ["consume", "2.00", "+2.00"],
        ["decode", "3.50", "+1.50"],
    ]
    assert [line[-1] for line in table] == [10, 10]


def test_versions_and_machine_stand_beside_the_figures() -> None:
    told = document([run("consume", 2.0)], Workload(), "2026")
    versions, machine = told["versions"], told["machine"]
    assert isinstance(versions, dict)
    assert isinstance(machine, dict)
    wanted = {"python", "driftbus", "confluent-kafka", "librdkafka", "numpy", "numba", "msgspec"}
    assert wanted <= versions.keys()
    assert machine["cores"] >= 1
    assert machine["cpu"]
    with pytest.raises(KeyError):
        told["cpu_us_per_event"]
