"""The file and the table say what was measured."""

from dataclasses import replace

from benchmarks.throughput.case import Case
from benchmarks.throughput.figures import Measured
from benchmarks.throughput.report import document, figures_of, rows

BASE = Case(events=1_000_000)


def run(mode: str, cpu_s: float, store: str | None = None) -> Measured:
    case = replace(BASE, mode=mode)
    return Measured(case, case.events, 8.0, cpu_s, 120.0, 100.0, 110.0, store, {})


def test_the_whole_stands_without_a_prefix_beside_the_client_and_the_decode() -> None:
    told = document([run("consume", 2.0), run("decode", 3.0), run("whole", 6.0, "redis")], "2026")
    assert told["consume_cpu_us_per_event"] == 2.0
    assert told["decode_cpu_us_per_event"] == 3.0
    assert told["cpu_us_per_event"] == 6.0
    assert told["events_per_second"] == 125_000
    assert (told["rss_mb"], told["rss_mb_early"], told["rss_mb_end"]) == (120.0, 100.0, 110.0)
    assert told["ratios"] == {"decode/consume": 1.5, "whole/decode": 2.0, "whole/consume": 3.0}
    assert told["store"] == "redis"


def test_the_median_of_several_runs_counts_and_their_span_is_told() -> None:
    runs = [run("whole", cpu) for cpu in (5.0, 50.0, 6.0)]
    assert document(runs, "2026")["cpu_us_per_event"] == 6.0
    (figures,) = figures_of(runs)
    assert figures.spread["cpu_us_per_event"] == (5.0, 50.0)
    assert rows([figures], BASE)[0][2] == "5.00-50.00"


def test_a_mode_that_was_not_measured_has_no_figures() -> None:
    told = document([run("consume", 2.0)], "2026")
    assert "cpu_us_per_event" not in told
    assert told["ratios"] == {}
    assert told["store"] is None


def test_the_table_names_a_case_by_what_the_base_has_not() -> None:
    table = rows(figures_of([run("consume", 2.0), run("whole", 3.5)]), BASE)
    assert [line[:2] for line in table] == [["mode=consume", "2.00"], ["as it is", "3.50"]]
    assert [line[-1] for line in table] == [10, 10]


def test_versions_and_machine_stand_beside_the_figures() -> None:
    told = document([run("consume", 2.0)], "2026")
    versions, machine = told["versions"], told["machine"]
    assert isinstance(versions, dict)
    assert isinstance(machine, dict)
    wanted = {"python", "driftbus", "confluent-kafka", "librdkafka", "numpy", "numba", "msgspec"}
    assert wanted <= versions.keys()
    assert machine["cores"] >= 1
    assert machine["cpu"]
